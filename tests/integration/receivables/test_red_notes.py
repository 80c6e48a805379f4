"""Red-letter forms: who enters, confirms, withdraws; what encumbrancers are asked; what a red invoice ends."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from scf.db.outbox import EffectContext
from scf.documents.red_note_models import RED_TRANSITIONS, RedState
from scf.evidence.models import Event
from scf.receivables import effects
from scf.receivables.effects import HANDLERS
from tests.support.actors import Company, Stage
from tests.support.pools import Value
from tests.support.receivables import (
    NUMBERS,
    confirm,
    identity,
    invoice_number,
    money,
    register_invoice,
    submit,
)

PATH = "/v1/red-notes"
KIND = "document.takes_back"


def form(document: str, net: str = "20.00", **other: Any) -> dict[str, Any]:
    """A `RedNoteIn`."""
    return {
        "document": document,
        "form_no": f"500118{next(NUMBERS)}",
        "reason": "销售折让",
        "net": money(net),
        "tax": money("0.00"),
        "used": True,
        **other,
    }


def entered(stage: Stage, who: Company, document: str, **other: Any) -> dict[str, Any]:
    answer = stage.post(who, PATH, form(document, **other))
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def refused(stage: Stage, who: Company, path: str, body: Any) -> dict[str, Any]:
    """Send what must be refused, and hold that no event came of it."""
    before = count(stage)
    answer = stage.post(who, path, body)
    assert answer.is_client_error, answer.text
    assert count(stage) == before
    problem: dict[str, Any] = answer.json()
    return problem


def count(stage: Stage) -> int:
    with stage.database.reading() as session:
        return len(session.scalars(select(Event.id)).all())


def told(stage: Stage, note: str) -> list[str]:
    with stage.database.reading() as session:
        return list(
            session.scalars(
                select(Event.type).where(Event.subject_id == identity(note)).order_by(Event.version)
            )
        )


def encumbered(stage: Stage, number: int, confirmed: str = "80.00") -> Value:
    """100.00 claimed, 80.00 confirmed and held by the bank, 20.00 disputed."""
    receivable = submit(stage, number)
    shown = confirm(stage, receivable, confirmed, disputed="20.00", reason="质量争议").json()
    value = Value(stage, identity(shown["pool"]), stage.cast.supplier.party_id)
    value.reserve(8_000)
    return value


def document_of(stage: Stage, number: int) -> str:
    found = stage.get(stage.cast.supplier, "/v1/documents", number=invoice_number(number)).json()
    return str(found["items"][0]["id"])


def take_back(stage: Stage, number: int, amount: str) -> str:
    """Register a red invoice over a part, and let its effect happen, twice."""
    red = register_invoice(
        stage,
        stage.cast.supplier,
        total=f"-{amount}",
        blue="N",
        red=f"<OriginalInvoiceCode>{invoice_number(number)}</OriginalInvoiceCode>",
    )
    context = EffectContext(stage.database, stage.settings, stage.clock)
    for _ in range(2):
        HANDLERS[KIND](context, {"document_id": str(identity(red))})
    return red


def notices(stage: Stage) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = stage.get(stage.cast.bank, "/v1/notices", limit=500).json()[
        "items"
    ]
    return items


class TestEntering:
    @pytest.mark.parametrize(
        ("side", "used", "state", "label"),
        [
            ("supplier", False, "NOT_NEEDED", "无需确认"),
            ("supplier", True, "AWAITING_BUYER", "销方录入待购方确认"),
            ("anchor", True, "AWAITING_SELLER", "购方录入待销方确认"),
        ],
    )
    def test_who_enters_decides_who_confirms(
        self, stage: Stage, side: str, used: bool, state: str, label: str
    ):
        document = register_invoice(stage, stage.cast.supplier)

        shown = entered(stage, getattr(stage.cast, side), document, used=used)

        assert (shown["state"], shown["label"]) == (state, label)
        assert (shown["lapses_at"] is None) == (state == "NOT_NEEDED")
        assert shown["consent"] == "not_needed"
        assert shown["total"] == money("20.00")

    def test_a_buyer_that_has_not_used_the_invoice_leaves_it_to_the_seller(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier)

        problem = refused(stage, stage.cast.anchor, PATH, form(document, used=False))

        assert problem["code"] == "red_note.not_used"

    def test_forms_take_back_no_more_than_the_invoice(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier)
        entered(stage, stage.cast.supplier, document, net="60.00")

        problem = refused(stage, stage.cast.supplier, PATH, form(document, "40.01"))

        assert problem["code"] == "red_note.exceeds_invoice"
        assert problem["fields"] == {"total": money("40.01"), "left": money("40.00")}

    def test_a_form_number_is_entered_once(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier)
        first = entered(stage, stage.cast.supplier, document, form_no="1")

        problem = refused(stage, stage.cast.anchor, PATH, form(document, form_no="1"))

        assert problem["code"] == "red_note.exists"
        assert problem["fields"] == {"red_note": first["id"]}

    def test_one_number_over_two_invoices_at_one_moment_is_entered_once(self, stage: Stage):
        supplier = stage.cast.supplier
        bodies = [form(register_invoice(stage, supplier), form_no="2") for _ in range(8)]
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda body: stage.post(supplier, PATH, body), bodies))
        codes = sorted(answer.json().get("code", "entered") for answer in answers)
        assert codes == ["entered", *["red_note.exists"] * 7]

    def test_strangers_learn_nothing(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier)
        note = entered(stage, stage.cast.supplier, document)["id"]

        assert refused(stage, stage.cast.bank, PATH, form(document))["code"] == "subject.not_found"
        assert stage.get(stage.cast.bank, f"{PATH}/{note}").status_code == 404
        assert stage.get(stage.cast.bank, PATH).json()["items"] == []


class TestAnswering:
    def test_the_other_side_confirms_and_the_applicant_withdraws(self, stage: Stage):
        cast = stage.cast
        note = entered(stage, cast.supplier, register_invoice(stage, cast.supplier))["id"]

        own = refused(stage, cast.supplier, f"{PATH}/{note}/confirm", {})
        other = refused(stage, cast.anchor, f"{PATH}/{note}/withdraw", {})
        shown = stage.post(cast.anchor, f"{PATH}/{note}/confirm", {}).json()

        assert own["code"] == other["code"] == "red_note.not_allowed"
        assert (shown["state"], shown["label"]) == ("CONFIRMED", "购销双方已确认")
        assert (
            stage.post(cast.supplier, f"{PATH}/{note}/withdraw", {}).json()["state"] == "WITHDRAWN"
        )
        assert told(stage, note) == ["red_note.entered", "red_note.moved", "red_note.moved"]

    def test_what_nobody_confirms_lapses_after_72_hours(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier)
        note = entered(stage, stage.cast.supplier, document)["id"]
        context = EffectContext(stage.database, stage.settings, stage.clock)
        start = stage.clock.now()

        stage.clock.set(start + timedelta(hours=71, minutes=59))
        effects.lapse(context)
        early = stage.get(stage.cast.anchor, f"{PATH}/{note}").json()["state"]
        stage.clock.set(start + timedelta(hours=73))
        effects.lapse(context)

        assert early == "AWAITING_BUYER"
        assert stage.get(stage.cast.anchor, f"{PATH}/{note}").json()["state"] == "LAPSED"
        problem = refused(stage, stage.cast.anchor, f"{PATH}/{note}/confirm", {})
        assert problem["code"] == "red_note.state_forbids"

    def test_the_database_holds_the_table_of_moves(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier)
        note = {"id": identity(entered(stage, stage.cast.supplier, document)["id"])}
        move = text("UPDATE red_notes SET state = :state WHERE id = :id")
        allowed: dict[RedState, set[RedState]] = {before: set() for before in RedState}
        with stage.database.engine.connect() as connection:
            connection.execute(
                text("ALTER TABLE red_notes DROP CONSTRAINT ck_red_notes_issued_with_its_invoice")
            )
            for before, to in product(RedState, RedState):
                connection.execute(text("SET LOCAL session_replication_role = replica"))
                connection.execute(move, {**note, "state": before.value})
                connection.execute(text("SET LOCAL session_replication_role = DEFAULT"))
                with suppress(IntegrityError), connection.begin_nested():
                    connection.execute(move, {**note, "state": to.value})
                    allowed[before].add(to)
            connection.rollback()

        assert allowed == {before: moves | {before} for before, moves in RED_TRANSITIONS.items()}


class TestEncumbered:
    def test_the_encumbrancer_is_asked_and_its_consent_is_told(self, stage: Stage):
        cast, number = stage.cast, next(NUMBERS)
        encumbered(stage, number)

        note = entered(stage, cast.supplier, document_of(stage, number))
        consented = stage.post(cast.bank, f"{PATH}/{note['id']}/consent", {"given": True})
        shown = stage.post(cast.anchor, f"{PATH}/{note['id']}/confirm", {}).json()

        assert note["consent"] == "asked"
        assert consented.json()["consent"] == shown["consent"] == "given"
        first, second = notices(stage)
        assert first["fields"]["consent_asked"] is True
        assert (first["kind"], second["kind"]) == ("red_note.entered", "red_note.moved")
        again = refused(stage, cast.bank, f"{PATH}/{note['id']}/consent", {"given": False})
        assert again["code"] == "red_note.answered_before"

    def test_a_confirmation_without_consent_is_a_fact_and_recorded_as_such(self, stage: Stage):
        cast, number = stage.cast, next(NUMBERS)
        encumbered(stage, number)
        note = entered(stage, cast.anchor, document_of(stage, number))["id"]

        answer = stage.post(cast.supplier, f"{PATH}/{note}/confirm", {})

        assert answer.json()["state"] == "CONFIRMED"
        event = stage.get(cast.bank, f"/v1/events/{notices(stage)[-1]['event']}").json()
        assert event["record"]["encumbered"] is True
        assert event["record"]["consented"] is False

    def test_only_who_was_asked_answers(self, stage: Stage):
        note = entered(stage, stage.cast.supplier, register_invoice(stage, stage.cast.supplier))[
            "id"
        ]

        problem = refused(stage, stage.cast.anchor, f"{PATH}/{note}/consent", {"given": True})

        assert problem["code"] == "red_note.not_asked"


class TestRedInvoices:
    def test_a_red_invoice_ends_its_form(self, stage: Stage):
        cast, number = stage.cast, next(NUMBERS)
        document = register_invoice(stage, cast.supplier, number)
        other = entered(stage, cast.supplier, document, net="30.00")["id"]
        note = entered(stage, cast.supplier, document)["id"]

        red = take_back(stage, number, "20.00")

        shown = stage.get(cast.anchor, f"{PATH}/{note}").json()
        assert (shown["state"], shown["red_document"]) == ("ISSUED", red)
        assert stage.get(cast.anchor, f"{PATH}/{other}").json()["state"] == "AWAITING_BUYER"

    def test_it_is_the_form_that_the_red_invoice_names(self, stage: Stage):
        cast, number = stage.cast, next(NUMBERS)
        document = register_invoice(stage, cast.supplier, number)
        older = entered(stage, cast.supplier, document, form_no=f"50011825{next(NUMBERS):012}")
        named = entered(stage, cast.supplier, document, form_no=f"50011825{next(NUMBERS):012}")
        remark = f"被红冲蓝字数电票号码：{invoice_number(number)} 红字发票信息确认单编号：{named['form_no']}"

        red = register_invoice(stage, cast.supplier, total="-20.00", blue="N", remark=remark)
        context = EffectContext(stage.database, stage.settings, stage.clock)
        HANDLERS[KIND](context, {"document_id": str(identity(red))})

        assert stage.get(cast.anchor, f"{PATH}/{named['id']}").json()["state"] == "ISSUED"
        assert stage.get(cast.anchor, f"{PATH}/{older['id']}").json()["state"] == "AWAITING_BUYER"

    @pytest.mark.parametrize("used", [True, False])
    def test_a_form_entered_after_its_red_invoice_is_tied_to_it(self, stage: Stage, used: bool):
        cast, number = stage.cast, next(NUMBERS)
        document = register_invoice(stage, cast.supplier, number)
        red = take_back(stage, number, "20.00")

        other = entered(stage, cast.supplier, document, net="19.99", used=used)
        late = entered(stage, cast.supplier, document, used=used)
        again = entered(stage, cast.supplier, document, used=used)

        assert (late["state"], late["red_document"]) == ("ISSUED", red)
        waits = "AWAITING_BUYER" if used else "NOT_NEEDED"
        assert [(one["state"], one["red_document"]) for one in (other, again)] == [
            (waits, None),
            (waits, None),
        ]
        assert told(stage, late["id"]) == ["red_note.entered", "red_note.moved"]

    def test_a_red_invoice_that_names_another_form_is_left_to_that(self, stage: Stage):
        cast, number = stage.cast, next(NUMBERS)
        document = register_invoice(stage, cast.supplier, number)
        form_no = f"50011825{next(NUMBERS):012}"
        remark = f"被红冲蓝字数电票号码：{invoice_number(number)} 红字发票信息确认单编号：{form_no}"
        red = register_invoice(stage, cast.supplier, total="-20.00", blue="N", remark=remark)

        other = entered(stage, cast.supplier, document)
        named = entered(stage, cast.supplier, document, form_no=form_no)

        assert (other["state"], other["red_document"]) == ("AWAITING_BUYER", None)
        assert (named["state"], named["red_document"]) == ("ISSUED", red)

    def test_the_encumbrancer_is_told_of_a_late_form_and_asked_nothing(self, stage: Stage):
        number = next(NUMBERS)
        encumbered(stage, number)
        take_back(stage, number, "20.00")
        before = len(notices(stage))

        shown = entered(stage, stage.cast.supplier, document_of(stage, number))

        (notice,) = notices(stage)[before:]
        assert shown["consent"] == "not_needed"
        assert (notice["kind"], notice["fields"]["consent_asked"]) == ("red_note.moved", False)

    def test_one_without_a_form_is_a_fact_all_the_same(self, stage: Stage):
        number = next(NUMBERS)
        value = encumbered(stage, number)

        take_back(stage, number, "30.00")

        assert value.numbers == (7_000, 8_000, 0, 1_000)
        forms = stage.get(stage.cast.supplier, PATH, document=document_of(stage, number)).json()
        assert forms["items"] == []
