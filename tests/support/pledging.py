"""Goods of a receipt in pledge: taken, released in part, proven to whoever knows no platform.

receipt, pledge = pledged(desk, yard, "140.000"); verified(desk, signer, pledge)
"""

import itertools
from datetime import timedelta
from typing import Any

from scf.parties import certification
from scf.parties import queries as parties
from scf_ledger import trust
from scf_ledger.note import Signer
from scf_ledger.verify import Fragment, Report, Status, verify_file
from tests.support.actors import STORY_BEGINS, Company
from tests.support.lending import Desk
from tests.support.log import sequence_all
from tests.support.receivables import money
from tests.support.warehouse import Yard, tonnes

ORIGIN = "test.example/log"
OFFLINE = set(Fragment) - {Fragment.ANCHOR, Fragment.STANDING}
HOURS = itertools.count(1)
PRINCIPAL = {
    "contract_sha256": "A" * 43,
    "amount": money("4900000.00"),
    "rate": "0.0435",
    "due_on": "2026-05-03",
}


def pledged(
    desk: Desk, yard: Yard, quantity: str = "140.000", *, bank: Company | None = None, **other: Any
) -> tuple[dict[str, Any], str]:
    """A receipt over copper, and its pledge: registered, locked, searched again."""
    receipt = yard.issued(other.pop("lot", None) or yard.stored(quantity), quantity)
    return receipt, pledge_of(desk, yard, receipt, bank=bank, **other)


def pledge_of(
    desk: Desk,
    yard: Yard,
    receipt: dict[str, Any],
    *,
    bank: Company | None = None,
    amount: str | None = None,
    principal: dict[str, Any] = PRINCIPAL,
) -> str:
    """A pledge of a receipt, or of so much of it, in tonnes."""
    bank = bank or desk.stage.cast.bank
    body: dict[str, Any] = {"pledgee": bank.id, "principal": principal}
    if amount is not None:
        body["amount"] = tonnes(amount)
    path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
    pledge: str = desk.did(yard.trader, path, body)["id"]
    path, signers = f"/v1/pledges/{pledge}", {"signers": yard.trader.signers("pledge")}
    desk.signed(yard.trader, f"{path}/sign-draft", signers, f"{path}/sign")
    desk.accept(pledge, bank=bank)
    played(desk)
    return pledge


def played(desk: Desk) -> None:
    """Let the workers and the chain do what is due, and what follows from that."""
    desk.work()
    desk.mine()
    desk.work()


def release_part(desk: Desk, pledge: str, quantity: str) -> dict[str, Any]:
    bank, path = desk.stage.cast.bank, f"/v1/pledges/{pledge}"
    body = {
        "released": tonnes(quantity),
        "reason": "补货后释放",
        "signers": bank.signers("release"),
    }
    return desk.signed(bank, f"{path}/part-release-draft", body, f"{path}/part-release")


def verified(desk: Desk, signer: Signer, pledge: str, *, bank: Company | None = None) -> Report:
    """The bank's proof holds in the verifier, which knows no platform."""
    cast, at = desk.stage.cast, STORY_BEGINS + timedelta(days=9, hours=next(HOURS))
    with desk.stage.database.transaction() as session:
        for scope, authority in cast.authorities.items():
            certification.receive_revocations(
                session, cast.authority_ids[scope], der=authority.crl(at=at), now=at
            )
    sequence_all(desk.stage.settings.database_url, signer)
    with desk.stage.database.reading() as session:
        content = trust.build(
            logs=[(ORIGIN, str(signer.verifier), None)], authorities=parties.authorities(session)
        )
    file = desk.stage.get(bank or cast.bank, f"/v1/pledges/{pledge}/proof").content
    report = verify_file(file, trust.parse(content))
    found = {name: outcome.status for name, outcome in report.fragments.items()}
    assert {found[name] for name in OFFLINE} == {Status.PASS}, report.as_json()
    return report
