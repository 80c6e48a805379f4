"""Goods of a receipt as security: nothing leaves without the bank's signed release, and the bank can prove it."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import select

from scf.capacity.models import Notice
from scf.evidence.sequencing import open_log
from scf.kernel.ids import parse_id
from scf.parties import certification
from scf.parties import queries as parties
from scf.receipts.models import WithdrawalRefusal
from scf_ledger import trust
from scf_ledger.note import Signer
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.actors import STORY_BEGINS
from tests.support.lending import Desk
from tests.support.log import sequence_all
from tests.support.receivables import money
from tests.support.warehouse import Yard, open_yard, tonnes

ORIGIN = "test.example/log"
OFFLINE = set(Fragment) - {Fragment.ANCHOR, Fragment.STANDING}
HOURS = itertools.count(1)
PRINCIPAL = {
    "contract_sha256": "A" * 43,
    "amount": money("4900000.00"),
    "rate": "0.0435",
    "due_on": "2026-05-03",
}


@pytest.fixture(scope="module")
def signer(open_desk: Desk) -> Signer:
    """The key of the log, which is opened with it."""
    made = Signer.generate(ORIGIN)
    with open_desk.stage.database.transaction() as session:
        open_log(session, made, now=open_desk.stage.clock.real())
    return made


@pytest.fixture(scope="module")
def yard(open_desk: Desk) -> Yard:
    return open_yard(open_desk.stage)


def pledged(desk: Desk, yard: Yard, quantity: str = "140.000") -> tuple[dict, str]:
    """A receipt over copper, and its pledge: registered, locked, searched again."""
    receipt = yard.issued(yard.stored(quantity), quantity)
    body = {"pledgee": desk.stage.cast.bank.id, "principal": PRINCIPAL}
    path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
    pledge = desk.did(yard.trader, path, body)["id"]
    path, signers = f"/v1/pledges/{pledge}", {"signers": yard.trader.signers("pledge")}
    desk.signed(yard.trader, f"{path}/sign-draft", signers, f"{path}/sign")
    desk.accept(pledge)
    desk.work()
    desk.mine()
    desk.work()
    return receipt, pledge


def release_part(desk: Desk, pledge: str, quantity: str) -> dict:
    bank, path = desk.stage.cast.bank, f"/v1/pledges/{pledge}"
    body = {
        "released": tonnes(quantity),
        "reason": "补货后释放",
        "signers": bank.signers("release"),
    }
    return desk.signed(bank, f"{path}/part-release-draft", body, f"{path}/part-release")


def verified(desk: Desk, signer: Signer, pledge: str) -> None:
    """The bank's proof holds in the verifier, which knows no platform."""
    cast, at = desk.stage.cast, STORY_BEGINS + timedelta(hours=next(HOURS))
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
    file = desk.stage.get(desk.stage.cast.bank, f"/v1/pledges/{pledge}/proof").content
    report = verify_file(file, trust.parse(content))
    found = {name: outcome.status for name, outcome in report.fragments.items()}
    assert {found[name] for name in OFFLINE} == {Status.PASS}, report.as_json()


def test_it_is_in_force_and_proven(desk: Desk, yard: Yard, signer: Signer):
    receipt, pledge = pledged(desk, yard)

    seen = desk.pledge(pledge)

    assert (seen["state"], seen["receipt"]) == ("EFFECTIVE", receipt["id"])
    assert seen["amount"] == tonnes("140.000")
    assert seen["ready_to_disburse_at"] is not None, seen["missing"]
    pool = yard.pool(yard.trader, receipt["pool"])
    assert (pool["used"], pool["free"]) == (tonnes("140.000"), tonnes("0.000"))
    verified(desk, signer, pledge)


def test_g22_pledged_goods_do_not_leave_and_the_bank_is_told(desk: Desk, yard: Yard):
    receipt, pledge = pledged(desk, yard, "10.000")

    refused = yard.withdraw(receipt, tonnes("1.000"), "TH-1")

    assert (refused.status_code, refused.json()["code"]) == (409, "receipt.goods_pledged")
    assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("10.000")
    with desk.stage.database.reading() as session:
        told = session.scalars(select(Notice).where(Notice.subject == pledge)).all()
        kept = session.scalars(
            select(WithdrawalRefusal).where(
                WithdrawalRefusal.receipt_id == parse_id("whr", receipt["id"])
            )
        ).all()
    assert [one.kind for one in told] == ["receipt.withdrawal_refused"]
    assert told[0].party_id == desk.stage.cast.bank.party_id
    assert [one.quantity_minor for one in kept] == [1_000]


def test_what_the_bank_releases_may_leave_and_no_more(desk: Desk, yard: Yard, signer: Signer):
    receipt, pledge = pledged(desk, yard, "50.000")
    release_part(desk, pledge, "20.000")

    assert yard.withdraw(receipt, tonnes("20.001"), "TH-1").status_code == 409
    assert yard.withdraw(receipt, tonnes("20.000"), "TH-2").status_code == 201
    assert yard.deliver(receipt, "TH-2").status_code == 200

    pool = yard.pool(yard.trader, receipt["pool"])
    assert (pool["confirmed"], pool["used"]) == (tonnes("30.000"), tonnes("30.000"))
    verified(desk, signer, pledge)


def test_the_whole_is_not_released_as_a_part(desk: Desk, yard: Yard):
    _, pledge = pledged(desk, yard, "5.000")
    bank = desk.stage.cast.bank
    body = {"released": tonnes("5.000"), "reason": "结清", "signers": bank.signers("release")}

    refused = desk.refused(bank, f"/v1/pledges/{pledge}/part-release-draft", body)

    assert refused["code"] == "pledge.part_too_large"


def test_goods_are_pledged_once(desk: Desk, yard: Yard):
    receipt, _ = pledged(desk, yard, "5.000")
    body = {"pledgee": desk.stage.cast.second_bank.id, "principal": PRINCIPAL}

    path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
    refused = desk.refused(yard.trader, path, body)

    assert refused["code"] == "capacity.insufficient"
