"""A debtor answers: confirms whole or part, disputes, rejects; signed by two people, or by one."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import func, select

from scf.capacity.models import Pool
from scf.evidence.models import Event
from scf.receivables.models import Receivable
from scf_ledger.encoding import b64url
from scf_ledger.event import record_of
from tests.support.actors import Stage
from tests.support.receivables import (
    confirm,
    confirmation,
    confirmed_receivable,
    identity,
    invoice_number,
    line,
    money,
    register_invoice,
    submit,
)


def events(stage: Stage, subject: str) -> list[Event]:
    with stage.database.reading() as session:
        statement = select(Event).where(Event.subject_id == identity(subject))
        return list(session.scalars(statement.order_by(Event.version)))


def event_count(stage: Stage) -> int:
    with stage.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Event)) or 0


def refuse(stage: Stage, receivable: str, act: str, **body: Any):
    """Draft, sign and hand back a dispute or a rejection."""
    anchor, path = stage.cast.anchor, f"/v1/receivables/{receivable}"
    kind = {"dispute": "dispute", "reject": "rejection"}[act]
    draft = stage.post(anchor, f"{path}/{kind}-draft", {"signers": anchor.signers(act), **body})
    assert draft.status_code == 200, draft.text
    return stage.post(anchor, f"{path}/{act}", {"authorizations": anchor.sign_all(draft.json())})


class TestConfirming:
    def test_confirms_whole_and_opens_the_pool(self, stage: Stage):
        answer = confirm(stage, submit(stage))

        shown = answer.json()
        assert answer.status_code == 200, answer.text
        assert (shown["state"], shown["version"]) == ("CONFIRMED", 2)
        assert answer.headers["etag"] == '"2"'
        pool = stage.get(stage.cast.supplier, f"/v1/pools/{shown['pool']}").json()
        assert pool["free"] == pool["confirmed"] == money("100.00")
        assert pool["used"] == pool["shortfall"] == money("0.00")

    def test_confirms_a_part_for_a_reason(self, stage: Stage):
        receivable = submit(stage, total="1286400.00")

        answer = confirm(
            stage, receivable, "1245000.00", disputed="41400.00", reason="质量争议：孔径超差"
        )

        shown = answer.json()
        assert shown["state"] == "PARTIALLY_CONFIRMED"
        assert shown["disputed"] == money("41400.00")
        assert shown["reason_compliant"] is True

    def test_the_pool_is_caused_by_the_confirmation_and_bound_by_its_secret(self, stage: Stage):
        shown = confirmed_receivable(stage)

        confirmed = events(stage, shown["id"])[-1]
        (opened,) = events(stage, shown["pool"])
        record = record_of(confirmed.disclosures.split("~"))
        cause = record_of(opened.disclosures.split("~"))["cause"]
        assert confirmed.type == "receivable.confirmed"
        assert len(confirmed.authorizations) == 2
        assert cause == b64url(confirmed.body_hash)
        assert record["pool"] == shown["pool"]
        with stage.database.reading() as session:
            pool = session.get_one(Pool, identity(shown["pool"]))
            row = session.get_one(Receivable, identity(shown["id"]))
            assert row.confirmed_event_hash == confirmed.body_hash
            assert record["pool_secret_sha256"] == b64url(hashlib.sha256(pool.secret).digest())

    def test_a_reason_the_law_does_not_accept_is_recorded_as_such(self, stage: Stage):
        """G16 with DESIGN's correction: it can be said, and is marked non-compliant."""
        receivable = submit(stage)

        shown = refuse(stage, receivable, "dispute", reason="等待业主付款").json()

        assert (shown["state"], shown["reason_compliant"]) == ("DISPUTED", False)

    def test_a_dispute_may_end_in_a_confirmation(self, stage: Stage):
        receivable = submit(stage)
        refuse(stage, receivable, "dispute", reason="数量不符", amount=money("10.00"))

        answer = confirm(stage, receivable, "100.00")

        assert answer.json()["state"] == "CONFIRMED"
        assert answer.json()["disputed"] == money("0.00")
        types = [event.type for event in events(stage, receivable)]
        assert types == ["receivable.submitted", "receivable.disputed", "receivable.confirmed"]

    def test_a_rejection_frees_the_documents(self, stage: Stage):
        supplier = stage.cast.supplier
        document = register_invoice(stage, supplier)
        first = stage.post(supplier, "/v1/receivables", line(stage, [document])).json()["id"]

        rejected = refuse(stage, first, "reject", reason="非我司交易")
        again = stage.post(supplier, "/v1/receivables", line(stage, [document]))

        assert rejected.json()["state"] == "REJECTED"
        assert rejected.json()["rejected"] == money("100.00")
        assert again.status_code == 201

    def test_a_moved_version_is_not_confirmed(self, stage: Stage):
        anchor, receivable = stage.cast.anchor, submit(stage)
        path = f"/v1/receivables/{receivable}"
        draft = stage.post(anchor, f"{path}/confirmation-draft", confirmation(stage)).json()
        refuse(stage, receivable, "dispute", reason="数量不符")

        late = stage.post(anchor, f"{path}/confirm", {"authorizations": anchor.sign_all(draft)})

        assert (late.status_code, late.json()["code"]) == (409, "subject.version_moved")

    def test_if_match_holds_a_command_to_a_version(self, stage: Stage):
        anchor, receivable = stage.cast.anchor, submit(stage)
        path = f"/v1/receivables/{receivable}/confirmation-draft"

        stale = stage.post(anchor, path, confirmation(stage), headers={"If-Match": '"7"'})
        fresh = stage.post(anchor, path, confirmation(stage), headers={"If-Match": '"1"'})

        assert stale.json()["code"] == "subject.version_moved"
        assert fresh.status_code == 200

    def test_the_same_command_again_answers_again(self, stage: Stage):
        anchor, receivable = stage.cast.anchor, submit(stage)
        path = f"/v1/receivables/{receivable}"
        draft = stage.post(anchor, f"{path}/confirmation-draft", confirmation(stage)).json()
        body = {"authorizations": anchor.sign_all(draft)}

        first = stage.post(anchor, f"{path}/confirm", body, key="once")
        count = event_count(stage)
        second = stage.post(anchor, f"{path}/confirm", body, key="once")

        assert second.headers["idempotency-replayed"] == "true"
        assert second.content == first.content
        assert event_count(stage) == count

    def test_a_red_invoice_stops_the_confirmation(self, stage: Stage):
        receivable = submit(stage, 1)
        register_invoice(
            stage,
            stage.cast.supplier,
            2,
            "-100.00",
            blue="N",
            red=f"<OriginalInvoiceCode>{invoice_number(1)}</OriginalInvoiceCode>",
        )

        draft = stage.post(
            stage.cast.anchor,
            f"/v1/receivables/{receivable}/confirmation-draft",
            confirmation(stage),
        )

        assert (draft.status_code, draft.json()["code"]) == (409, "receivable.document_reversed")


REFUSED = {
    "not adding up": ({"confirmed": money("90.00")}, 422, "receivable.answer_does_not_add_up"),
    "above the claim": ({"confirmed": money("100.01")}, 422, "receivable.answer_does_not_add_up"),
    "no reason": (
        {"confirmed": money("90.00"), "disputed": money("10.00")},
        422,
        "receivable.reason_missing",
    ),
    "other, without words": (
        {"confirmed": money("90.00"), "rejected": money("10.00"), "reason": "其他："},
        422,
        "receivable.reason_missing",
    ),
    "due before delivery": ({"due_on": "2025-10-19"}, 422, "receivable.due_before_delivery"),
    "nothing": ({"confirmed": money("0.00")}, 422, "money.invalid"),
    "another currency": (
        {"confirmed": {"amount": "100.00", "currency": "USD"}},
        422,
        "money.currency_mismatch",
    ),
    "an unknown consent": ({"consents": ["sell"]}, 422, "request.invalid"),
    "an unknown key": ({"bribe": 1}, 422, "request.invalid"),
}


class TestRefusals:
    @pytest.mark.parametrize("case", REFUSED)
    def test_a_wrong_confirmation_is_refused_and_changes_nothing(self, stage: Stage, case: str):
        change, status, code = REFUSED[case]
        receivable = submit(stage)
        count = event_count(stage)

        draft = stage.post(
            stage.cast.anchor,
            f"/v1/receivables/{receivable}/confirmation-draft",
            {**confirmation(stage), **change},
        )

        assert (draft.status_code, draft.json()["code"]) == (status, code)
        assert event_count(stage) == count

    def test_only_the_debtor_answers(self, stage: Stage):
        receivable = submit(stage)
        path = f"/v1/receivables/{receivable}/confirmation-draft"

        own = stage.post(stage.cast.supplier, path, confirmation(stage))
        stranger = stage.post(stage.cast.second_supplier, path, confirmation(stage))

        assert (own.status_code, own.json()["code"]) == (403, "receivable.not_allowed")
        assert (stranger.status_code, stranger.json()["code"]) == (404, "subject.not_found")

    def test_a_confirmed_one_is_not_answered_again(self, stage: Stage):
        shown = confirmed_receivable(stage)
        path = f"/v1/receivables/{shown['id']}"

        again = stage.post(stage.cast.anchor, f"{path}/confirmation-draft", confirmation(stage))

        assert (again.status_code, again.json()["code"]) == (409, "receivable.state_forbids")
        assert again.json()["fields"] == {"state": "CONFIRMED", "asked": "CONFIRMED"}

    def test_one_signature_does_not_confirm(self, stage: Stage):
        anchor, receivable = stage.cast.anchor, submit(stage)
        path = f"/v1/receivables/{receivable}"
        draft = stage.post(anchor, f"{path}/confirmation-draft", confirmation(stage)).json()

        half = stage.post(anchor, f"{path}/confirm", {"authorizations": anchor.sign_all(draft)[:1]})

        assert half.json()["code"] == "statement.hands_wrong"
        assert stage.get(anchor, path).json()["state"] == "SUBMITTED"
