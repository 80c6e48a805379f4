"""One signature over many lines: drafted, signed by two, confirmed together, provable one by one."""

import itertools
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from scf.capacity.models import Pool, PoolEntry
from scf.documents.models import Document
from scf.evidence.models import Event, StatementLine
from scf.evidence.sequencing import open_log
from scf.kernel.ids import public_id
from scf.parties import certification, client
from scf.parties import queries as parties
from scf.receivables import credit_notes
from scf_ledger import trust
from scf_ledger.note import Signer
from scf_ledger.statement import split_authorization
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.actors import STORY_BEGINS, Stage
from tests.support.log import sequence_all
from tests.support.receivables import (
    confirm,
    confirmation,
    identity,
    invoice_number,
    line,
    money,
    pay_to,
    register_abroad,
    register_invoice,
    submit,
)

DRAFTS = "/v1/receivables/confirmation-drafts"
CONFIRMATIONS = "/v1/receivables/confirmations"
HOURS = itertools.count(1)


def basket(stage: Stage, items: list[dict[str, Any]], **other: Any) -> dict[str, Any]:
    """A `BasketIn`."""
    terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
    return {"items": items, "pay_to": pay_to(stage.cast.bank), **terms, **other}


def item(receivable: str, confirmed: str = "100.00", **other: Any) -> dict[str, Any]:
    return {"receivable": receivable, "confirmed": money(confirmed), **other}


def draft(stage: Stage, items: list[dict[str, Any]], mode: str = "continue") -> Any:
    return stage.post(stage.cast.anchor, f"{DRAFTS}?mode={mode}", basket(stage, items)).json()


def hand_back(stage: Stage, drafted: dict[str, Any], mode: str = "continue"):
    body = {"authorizations": stage.cast.anchor.sign_all(drafted["draft"])}
    return stage.post(stage.cast.anchor, f"{CONFIRMATIONS}?mode={mode}", body)


def counted(stage: Stage) -> list[int]:
    with stage.database.reading() as session:
        kinds = (Event, Pool, PoolEntry)
        return [session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds]


def state(stage: Stage, receivable: str) -> tuple[str, int]:
    shown = stage.get(stage.cast.anchor, f"/v1/receivables/{receivable}").json()
    return shown["state"], shown["version"]


class TestDrafting:
    def test_many_lines_are_one_draft_of_two_statements(self, stage: Stage):
        lines = [submit(stage, total=total) for total in ("100.00", "250.50", "40.00")]
        items = [
            item(lines[0]),
            item(lines[1], "200.00", disputed=money("50.50"), reason="数量不符"),
            item(lines[2], "40.00", due_on="2025-12-31"),
        ]

        drafted = draft(stage, items)

        assert drafted["errors"] == []
        assert [one["step"] for one in drafted["draft"]["statements"]] == ["make", "check"]
        assert len(drafted["draft"]["lines"]) == 3
        totals = drafted["totals"]
        assert (totals["count"], totals["claimed"]) == (3, money("390.50"))
        assert (totals["confirmed"], totals["disputed"]) == (money("340.00"), money("50.50"))
        assert [(one["supplier"], one["count"]) for one in totals["by_supplier"]] == [
            (stage.cast.supplier.uscc, 3)
        ]
        assert [(one["due_on"], one["confirmed"]) for one in totals["by_due_on"]] == [
            ("2025-12-19", money("300.00")),
            ("2025-12-31", money("40.00")),
        ]

    def test_the_checker_sees_the_same_draft_at_another_desk(self, stage: Stage):
        drafted = draft(stage, [item(submit(stage)), item(submit(stage))])["draft"]

        again = stage.get(stage.cast.anchor, f"/v1/drafts/{drafted['draft']}").json()

        assert sorted(again.pop("lines")) == sorted(drafted.pop("lines"))
        assert again == drafted

    def test_a_signer_is_shown_every_line_and_no_other(self, stage: Stage):
        mine = [submit(stage, total="100.00"), submit(stage, total="250.50")]
        drafted = draft(stage, [item(mine[0]), item(mine[1], "250.50")])["draft"]
        others = draft(stage, [item(submit(stage))])["draft"]

        maker, _ = client.read_draft(drafted)

        assert "共 2 笔，合计 人民币 350.50 元" in maker.text
        assert all(one in maker.text for one in mine)
        assert "其他内容" not in maker.text
        for lines in (others["lines"], drafted["lines"][:1], []):
            with pytest.raises(client.DraftMalformed):
                client.read_draft({**drafted, "lines": lines})

    def test_a_bad_line_is_left_out_and_named(self, stage: Stage):
        good, bad = submit(stage), submit(stage)

        drafted = draft(stage, [item(bad, "90.00"), item(good), item(good)])

        assert len(drafted["draft"]["lines"]) == 1
        assert [(e["item"], e["receivable"], e["code"]) for e in drafted["errors"]] == [
            (0, bad, "receivable.answer_does_not_add_up"),
            (2, good, "receivable.line_repeated"),
        ]

    def test_a_line_of_another_currency_is_left_out_and_named(self, stage: Stage):
        body = line(stage, [register_abroad(stage, "INV-USD-1")])
        abroad = stage.post(stage.cast.supplier, "/v1/receivables", body).json()["id"]
        amount = {"amount": "100.00", "currency": "USD"}

        drafted = draft(stage, [item(submit(stage)), {"receivable": abroad, "confirmed": amount}])

        assert drafted["totals"]["confirmed"] == money("100.00")
        assert [(e["item"], e["receivable"], e["code"]) for e in drafted["errors"]] == [
            (1, abroad, "money.currency_mismatch")
        ]

    def test_or_the_whole_is_refused(self, stage: Stage):
        items = [item(submit(stage)), item(submit(stage), "90.00")]

        refused = draft(stage, items, mode="atomic")

        assert refused["code"] == "receivable.answer_does_not_add_up"
        assert refused["field"] == "items.1.confirmed"

    def test_with_no_good_line_there_is_nothing_to_sign(self, stage: Stage):
        drafted = draft(stage, [item(submit(stage), "90.00")])

        assert (drafted["draft"], drafted["totals"]) == (None, None)
        assert len(drafted["errors"]) == 1

    def test_the_limit_of_a_mandate_holds_for_the_sum(self, stage: Stage):
        items = [item(submit(stage, total="3000000.00"), "3000000.00") for _ in range(2)]

        refused = draft(stage, items)

        assert refused["code"] == "mandate.limit_exceeded"
        assert refused["fields"] == {"limit": money("5000000.00"), "asked": money("6000000.00")}


class TestConfirming:
    def test_every_line_is_confirmed_under_the_same_two_signatures(self, stage: Stage):
        lines = [submit(stage, total=f"{n}00.00") for n in (1, 2, 3)]
        drafted = draft(stage, [item(one, f"{n}00.00") for n, one in enumerate(lines, 1)])

        answer = hand_back(stage, drafted)

        assert answer.status_code == 200, answer.text
        assert answer.json()["left_out"] == []
        confirmed = {one["receivable"]: one for one in answer.json()["confirmed"]}
        assert confirmed.keys() == set(lines)
        with stage.database.reading() as session:
            events = [
                session.scalars(
                    select(Event).where(Event.subject_id == identity(one), Event.version == 2)
                ).one()
                for one in lines
            ]
        assert {event.type for event in events} == {"receivable.confirmed"}
        assert len({tuple(event.authorizations) for event in events}) == 1
        for n, one in enumerate(lines, 1):
            pool = stage.get(stage.cast.supplier, f"/v1/pools/{confirmed[one]['pool']}").json()
            assert pool["free"] == pool["confirmed"] == money(f"{n}00.00")
            assert state(stage, one) == ("CONFIRMED", 2)

    def test_a_line_that_has_moved_is_left_out_and_named(self, stage: Stage):
        moved, stays = submit(stage), submit(stage)
        drafted = draft(stage, [item(moved), item(stays)])
        assert confirm(stage, moved).is_success

        answer = hand_back(stage, drafted).json()

        assert [one["receivable"] for one in answer["confirmed"]] == [stays]
        assert [(left["receivable"], left["code"]) for left in answer["left_out"]] == [
            (moved, "subject.version_moved")
        ]

    def test_or_refuses_the_whole_and_changes_nothing(self, stage: Stage):
        moved, stays = submit(stage), submit(stage)
        drafted = draft(stage, [item(moved), item(stays)])
        assert confirm(stage, moved).is_success
        before = counted(stage)

        answer = hand_back(stage, drafted, mode="atomic")

        assert (answer.status_code, answer.json()["code"]) == (409, "subject.version_moved")
        assert counted(stage) == before
        assert state(stage, stays) == ("SUBMITTED", 1)

    def test_with_no_line_left_nothing_is_signed_for(self, stage: Stage):
        only = submit(stage)
        drafted = draft(stage, [item(only)])
        assert confirm(stage, only).is_success
        before = counted(stage)

        answer = hand_back(stage, drafted)

        assert (answer.status_code, answer.json()["code"]) == (409, "receivable.basket_empty")
        assert counted(stage) == before

    def test_a_basket_is_used_once(self, stage: Stage):
        drafted = draft(stage, [item(submit(stage))])
        assert hand_back(stage, drafted).is_success

        again = hand_back(stage, drafted)

        assert (again.status_code, again.json()["code"]) == (409, "statement.already_used")

    def test_it_is_the_debtors_own(self, stage: Stage):
        drafted = draft(stage, [item(submit(stage))])
        body = {"authorizations": stage.cast.anchor.sign_all(drafted["draft"])}

        answer = stage.post(stage.cast.supplier, CONFIRMATIONS, body)

        assert (answer.status_code, answer.json()["code"]) == (404, "statement.unknown")

    def test_it_is_not_taken_where_one_line_is_confirmed(self, stage: Stage):
        one = submit(stage)
        drafted = draft(stage, [item(one)])
        body = {"authorizations": stage.cast.anchor.sign_all(drafted["draft"])}

        answer = stage.post(stage.cast.anchor, f"/v1/receivables/{one}/confirm", body)

        assert (answer.status_code, answer.json()["code"]) == (404, "statement.unknown")

    def test_a_mandate_revoked_meanwhile_refuses_the_whole(self, stage: Stage):
        anchor, lines = stage.cast.anchor, [submit(stage), submit(stage)]
        hand = anchor.people["approver"]
        granted = stage.post(
            None,
            f"/v1/persons/{hand.person}/mandates",
            {
                "role": "checker",
                "acts": ["confirm"],
                "limit": money("1000.00"),
                "valid_from": "2025-11-01T00:00:00Z",
                "valid_to": "2026-11-01T00:00:00Z",
            },
        ).json()
        signers = [anchor.signers("confirm")[0], {"person": hand.person, "mandate": granted["id"]}]
        body = basket(stage, [item(one) for one in lines], signers=signers)
        drafted = stage.post(anchor, DRAFTS, body).json()
        revoked = stage.post(None, f"/v1/mandates/{granted['id']}/revoke", {"reason": "离岗"})
        assert revoked.is_success, revoked.text
        before = counted(stage)

        answer = hand_back(stage, drafted)

        assert (answer.status_code, answer.json()["code"]) == (403, "mandate.revoked")
        assert counted(stage) == before
        assert [state(stage, one) for one in lines] == [("SUBMITTED", 1)] * 2


class TestAfterACreditNote:
    def red(self, stage: Stage, number: int, amount: str) -> None:
        red = f"<OriginalInvoiceCode>{invoice_number(number)}</OriginalInvoiceCode>"
        register_invoice(stage, stage.cast.supplier, number + 1, f"-{amount}", blue="N", red=red)

    def work(self, stage: Stage, number: int) -> None:
        """Record the note, as the worker does."""
        with stage.database.transaction() as session:
            note = session.scalars(
                select(Document.id).where(Document.number == invoice_number(number + 1))
            ).one()
            credit_notes.record(session, note, now=stage.clock.now())

    def test_what_is_left_of_the_invoice_is_confirmed(self, stage: Stage):
        partly = submit(stage, 70_001)
        self.red(stage, 70_001, "30.00")
        self.work(stage, 70_001)

        whole = draft(stage, [item(partly)])
        rest = {"rejected": money("30.00"), "reason": "金额不符"}
        left = draft(stage, [item(partly, "70.00", **rest)])

        (error,) = whole["errors"]
        assert error["code"] == "receivable.confirmed_exceeds_documents"
        assert error["fields"] == {"confirmed": money("100.00"), "rest": money("70.00")}
        assert hand_back(stage, left).json()["confirmed"][0]["confirmed"] == money("70.00")

    def test_a_note_between_draft_and_signature_leaves_its_line_out(self, stage: Stage):
        hit, other = submit(stage, 70_011), submit(stage)
        drafted = draft(stage, [item(hit), item(other)])
        self.red(stage, 70_011, "1.00")

        waiting = hand_back(stage, drafted, mode="atomic").json()
        self.work(stage, 70_011)
        answer = hand_back(stage, drafted).json()

        assert waiting["code"] == "receivable.document_reversed"
        assert [one["receivable"] for one in answer["confirmed"]] == [other]
        assert answer["left_out"][0]["code"] == "receivable.confirmed_exceeds_documents"


@pytest.fixture(scope="module")
def signer(stage: Stage) -> Signer:
    """The key of the log, which is opened with it."""
    made = Signer.generate("test.example/log")
    with stage.database.transaction() as session:
        open_log(session, made, now=stage.clock.real())
    return made


@pytest.fixture(scope="module")
def proofs(stage: Stage, signer: Signer) -> list[dict[str, Any]]:
    lines = [submit(stage) for _ in range(3)]
    assert hand_back(stage, draft(stage, [item(one) for one in lines])).is_success
    at = STORY_BEGINS + timedelta(hours=next(HOURS))
    with stage.database.transaction() as session:
        for scope, authority in stage.cast.authorities.items():
            certification.receive_revocations(
                session, stage.cast.authority_ids[scope], der=authority.crl(at=at), now=at
            )
    sequence_all(stage.settings.database_url, signer)
    found = []
    for one in lines:
        with stage.database.reading() as session:
            event = session.scalars(
                select(Event).where(Event.subject_id == identity(one), Event.version == 2)
            ).one()
        path = f"/v1/events/{public_id('evt', event.id)}/proof"
        answer = stage.get(stage.cast.supplier, path)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
    return found


class TestProving:
    """Each line is proven by the two signatures and its own line, and no other line is shown."""

    def verify(self, stage: Stage, signer: Signer, proof: dict[str, Any]):
        with stage.database.reading() as session:
            content = trust.build(
                logs=[("test.example/log", str(signer.verifier), None)],
                authorities=parties.authorities(session),
            )
        return verify_file(orjson.dumps(proof), trust.parse(content)).fragments

    def test_its_own_line_verifies(self, stage: Stage, signer: Signer, proofs):
        for proof in proofs:
            found = self.verify(stage, signer, proof)
            assert found[Fragment.AUTHORIZATION].status is Status.PASS, found

    def test_no_other_line_is_in_the_file(self, stage: Stage, proofs):
        with stage.database.reading() as session:
            every = set(session.scalars(select(StatementLine.disclosure)))
        shown = [lines_of(proof) for proof in proofs]
        assert all(len(lines) == 1 and lines <= every for lines in shown)
        assert len(set.union(*shown)) == 3

    def test_another_line_of_the_same_basket_fails(self, stage: Stage, signer: Signer, proofs):
        (own,), (other,) = lines_of(proofs[0]), lines_of(proofs[1])
        forged = orjson.loads(orjson.dumps(proofs[0]).replace(own.encode(), other.encode()))

        outcome = self.verify(stage, signer, forged)[Fragment.AUTHORIZATION]

        assert outcome.status is Status.FAIL
        assert outcome.code == "authorization.wrong_version"


def lines_of(proof: dict[str, Any]) -> set[str]:
    """The lines that a proof's authorizations show."""
    return {
        line
        for entry in proof["entries"]
        for text in entry["authorizations"]
        for line in split_authorization(text)[1]
    }
