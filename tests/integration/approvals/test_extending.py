"""展期: asked, decided, signed by both; loan, pledge, register and lock follow, and the proof says so."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from scf.evidence.models import Event
from scf.evidence.sequencing import open_log
from scf.kernel.ids import public_id
from scf.parties import certification
from scf.parties import queries as parties
from scf.parties.models import Role
from scf_ledger import trust
from scf_ledger.note import Signer
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.actors import STORY_BEGINS
from tests.support.approving import (
    adopt,
    approver,
    by,
    case_of,
    decide,
    investigate,
    path_of,
    small,
)
from tests.support.lending import DUE_ON
from tests.support.log import sequence_all
from tests.support.receivables import money

LATER = "2026-01-30"


@pytest.fixture
def lent(desk, receivable):
    """Pay a loan out; with a policy through the bank's own desk."""

    def pay(**parts):
        content = small(**parts) if parts else {}
        assert adopt(desk.stage, content).is_success
        financing = desk.request(receivable)
        if parts:
            case = path_of(desk, financing)
            investigate(desk, case)
            decide(desk, case)
        desk.approve(financing)
        pledge = desk.propose(financing)
        desk.contract(financing)
        desk.accept(pledge)
        desk.work()
        desk.mine()
        desk.work()
        body = {
            "receipt_no": f"FK-{financing[-6:]}",
            "amount": money("996000.00"),
            "disbursed_on": "2025-11-03",
        }
        path = f"/v1/financings/{financing}/disbursement"
        desk.did(desk.stage.cast.bank, path, body)
        return financing, pledge

    return pay


def ask(desk, financing, due_on=LATER):
    body = {"due_on": due_on, "reason": "下游回款延迟"}
    return desk.did(desk.stage.cast.supplier, f"/v1/financings/{financing}/extension", body)


def sign(desk, financing, who, act):
    path = f"/v1/financings/{financing}/extension"
    body = {"signers": who.signers(act)}
    return desk.signed(who, f"{path}-draft", body, f"{path}-sign")


def published(desk):
    """Publish everything; return what a bank would trust."""
    signer = Signer.generate("test.example/log")
    at = STORY_BEGINS + timedelta(hours=9)
    with desk.stage.database.transaction() as session:
        open_log(session, signer, now=desk.stage.clock.real())
        for scope, authority in desk.stage.cast.authorities.items():
            certification.receive_revocations(
                session, desk.stage.cast.authority_ids[scope], der=authority.crl(at=at), now=at
            )
    sequence_all(desk.stage.settings.database_url, signer)
    with desk.stage.database.reading() as session:
        believed = parties.authorities(session)
    logs = [("test.example/log", str(signer.verifier), None)]
    return trust.parse(trust.build(logs=logs, authorities=believed))


def verified(desk, path, trusted):
    """Verify a proof offline; every fragment that can be is a tick."""
    report = verify_file(desk.stage.get(desk.stage.cast.bank, path).content, trusted)
    offline = set(Fragment) - {Fragment.ANCHOR, Fragment.STANDING}
    statuses = {name: report.fragments[name].status for name in offline}
    assert statuses == dict.fromkeys(offline, Status.PASS), report.as_json()
    return report.as_json()["facts"]


def event_of(desk, type_):
    with desk.stage.database.reading() as session:
        newest = select(Event.id).where(Event.type == type_).order_by(Event.seq.desc())
        return public_id("evt", session.scalars(newest.limit(1)).one())


def test_both_sign_and_everything_follows(desk, lent):
    cast = desk.stage.cast
    financing, pledge = lent()
    before = desk.pledge(pledge)
    assert ask(desk, financing)["state"] == "OPEN"
    assert sign(desk, financing, cast.supplier, "prolong")["state"] == "OPEN"
    assert desk.financing(financing)["terms"]["due_on"] == DUE_ON

    assert sign(desk, financing, cast.bank, "extend")["state"] == "DONE"

    assert desk.financing(financing)["terms"]["due_on"] == LATER
    shown = desk.pledge(pledge)
    assert shown["principal"]["due_on"] == LATER
    assert shown["legally_effective_at"] == before["legally_effective_at"]
    desk.work()
    (call,) = desk.mine()
    assert call["purpose"] == "asset_lock"
    desk.work()
    assert desk.pledge(pledge)["lock"]["state"] == "final"
    assert desk.failures() == []
    trusted = published(desk)
    facts = verified(desk, f"/v1/pledges/{pledge}/proof", trusted)
    assert facts["pledge"]["principal"]["due_on"] == LATER
    assert facts["pledge"]["due_on_before"] == DUE_ON
    verified(desk, f"/v1/events/{event_of(desk, 'financing.extended')}/proof", trusted)


def test_the_bank_s_desk_decides_first_where_its_policy_says_so(desk, lent):
    cast = desk.stage.cast
    financing, _ = lent(extension={"days_max": 40})
    case, hand = path_of(desk, financing), by(approver(cast.bank), Role.CHECKER)
    ask(desk, financing)
    path = f"/v1/financings/{financing}/extension-draft"
    signers = {"signers": cast.bank.signers("extend")}
    found = desk.refused(cast.bank, path, signers)
    assert (found["code"], found["fields"]["step"]) == ("approval.gate_closed", "extend")

    decision = {**hand, "approved": True, "reason": "同意"}
    too_long = {**decision, "due_on": "2026-02-02"}
    found = desk.refused(cast.bank, f"{case}/decide-extension", too_long)
    assert found["code"] == "approval.extension_beyond"
    assert found["fields"]["latest"] == "2026-02-01"
    desk.did(cast.bank, f"{case}/decide-extension", {**decision, "due_on": "2026-01-29"})
    assert desk.refused(cast.bank, path, signers)["code"] == "approval.beyond_decision"
    desk.did(cast.bank, f"{case}/decide-extension", {**decision, "due_on": LATER})
    sign(desk, financing, cast.bank, "extend")
    sign(desk, financing, cast.supplier, "prolong")

    assert case_of(desk, financing)["due_on"] == LATER
    again = {**decision, "due_on": LATER}
    found = desk.refused(cast.bank, f"{case}/decide-extension", again)
    assert found["code"] == "approval.extension_beyond"
    assert found["fields"]["times"] == 1


def test_what_does_not_fit_is_refused(desk, lent):
    cast = desk.stage.cast
    financing, _ = lent()
    path = f"/v1/financings/{financing}/extension"

    for due_on in (DUE_ON, "2026-02-12"):  # no later; longer than fifty days more
        body = {"due_on": due_on, "reason": "x"}
        found = desk.refused(cast.supplier, path, body)
        assert found["code"] == "extension.unfit"
        assert found["fields"]["latest"] == "2026-02-11"
    body = {"due_on": LATER, "reason": "x"}
    assert desk.refused(cast.bank, path, body)["code"] == "financing.not_allowed"
    assert desk.refused(cast.anchor, path, body)["code"] == "subject.not_found"
    ask(desk, financing)
    assert desk.refused(cast.supplier, path, body)["code"] == "extension.open"
    sign(desk, financing, cast.supplier, "prolong")
    twice = {"signers": cast.supplier.signers("prolong")}
    assert desk.refused(cast.supplier, f"{path}-draft", twice)["code"] == "extension.closed"
    desk.did(cast.bank, f"{path}-end", {"reason": "不同意"})
    assert desk.refused(cast.bank, f"{path}-end", {"reason": "x"})["code"] == "extension.closed"
    (shown,) = desk.stage.get(cast.bank, f"{path}s").json()
    assert (shown["state"], shown["ended_reason"]) == ("ENDED", "不同意")

    desk.stage.clock.set(datetime(2025, 12, 24, 2, tzinfo=UTC))
    assert desk.refused(cast.supplier, path, body)["code"] == "extension.unfit"


def test_both_sign_about_one_version_of_the_pledge(desk, lent):
    """What moved the pledge between two signatures makes both sign again."""
    cast = desk.stage.cast
    financing, pledge = lent()
    ask(desk, financing)
    sign(desk, financing, cast.supplier, "prolong")
    desk.lose()
    desk.work()
    desk.mine()
    desk.work()
    assert desk.pledge(pledge)["lock"]["state"] == "final"

    assert sign(desk, financing, cast.bank, "extend")["signed"] == [cast.bank.id]

    assert desk.financing(financing)["terms"]["due_on"] == DUE_ON
    assert sign(desk, financing, cast.supplier, "prolong")["state"] == "DONE"
