"""A bank's desk for tests: its policy as data, more people of its own, and the steps of a case."""

from collections.abc import Sequence
from typing import Any

from scf.parties.models import Party, Role
from tests.support.actors import Company, Hand, Stage, engage
from tests.support.lending import Desk
from tests.support.receivables import money

TOP = "5000000.00"


def officer(bank: Company) -> Hand:
    return bank.people["officer"]


def approver(bank: Company) -> Hand:
    return bank.people["approver"]


def by(hand: Hand, role: Role) -> dict[str, Any]:
    """A body's `by`."""
    return {"by": hand.signer(role)}


def small(**parts: Any) -> dict[str, Any]:
    """Investigation and one decider; `parts` are added, None takes one away."""
    whole = {
        "investigation": {"within": 3},
        "decision": {"within": 5, "ladder": [{"up_to": money(TOP)}]},
        **parts,
    }
    return {name: part for name, part in whole.items() if part is not None}


def adopt(
    stage: Stage, content: dict[str, Any], *, bank: Company | None = None, on: str = "2025-11-03"
) -> Any:
    """Have a bank's two people record its policy; return the answer."""
    bank = bank or stage.cast.bank
    body = {
        "effective_on": on,
        "content": content,
        "maker": officer(bank).signer(Role.MAKER),
        "checker": approver(bank).signer(Role.CHECKER),
    }
    return stage.post(bank, "/v1/approval-policies", body)


def hire(stage: Stage, name: str, roles: Sequence[Role], **other: Any) -> Hand:
    """One more person of the bank."""
    bank, now = stage.cast.bank, stage.clock.now()
    with stage.database.transaction() as session:
        party = session.get_one(Party, bank.party_id)
        return engage(
            session,
            party,
            authority=stage.cast.authorities[party.scope],
            keys=stage.cast.keys,
            key_name=name,
            roles=list(roles),
            now=now,
            **other,
        )


def case_of(desk: Desk, financing: str, bank: Company | None = None) -> dict[str, Any]:
    """The bank's case for a financing."""
    who = bank or desk.stage.cast.bank
    (found,) = desk.seen(who, "/v1/approval-cases", financing=financing)["items"]
    return dict(found)


def path_of(desk: Desk, financing: str) -> str:
    return f"/v1/approval-cases/{case_of(desk, financing)['id']}"


def investigate(desk: Desk, case: str, **other: Any) -> dict[str, Any]:
    body = {**by(officer(desk.stage.cast.bank), Role.MAKER), "report": "贸易背景真实", **other}
    return desk.did(desk.stage.cast.bank, f"{case}/investigate", body)


def decide(desk: Desk, case: str, **other: Any) -> dict[str, Any]:
    body = {
        **by(approver(desk.stage.cast.bank), Role.CHECKER),
        "approved": True,
        "reason": "同意",
        **other,
    }
    return desk.did(desk.stage.cast.bank, f"{case}/decide", body)


def cleared(desk: Desk, case: str, items: Sequence[str] = ()) -> dict[str, Any]:
    """Tick these items, and clear the loan for payment."""
    bank, hand = desk.stage.cast.bank, by(approver(desk.stage.cast.bank), Role.CHECKER)
    for code in items:
        desk.did(bank, f"{case}/tick", {**hand, "code": code, "ok": True})
    return desk.did(bank, f"{case}/clear", hand)
