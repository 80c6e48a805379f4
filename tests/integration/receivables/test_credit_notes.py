"""A red invoice over what is encumbered: recorded, diluting, told; never refused."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

from sqlalchemy import select

from scf.db.outbox import Effect, EffectContext
from scf.documents import service as documents
from scf.kernel.errors import LimitExceeded
from scf.kernel.ids import public_id
from scf.receivables import credit_notes
from scf.receivables.effects import HANDLERS
from scf.receivables.models import ReceivableCreditNote
from tests.support.actors import Stage
from tests.support.invoices import ubl
from tests.support.pools import Value
from tests.support.receivables import (
    NUMBERS,
    confirm,
    confirmation,
    identity,
    invoice_number,
    line,
    register_invoice,
    submit,
)

KIND = "document.takes_back"


def partly_confirmed(stage: Stage, number: int) -> Value:
    """100.00 claimed, 80.00 confirmed, 20.00 disputed."""
    receivable = submit(stage, number)
    shown = confirm(stage, receivable, "80.00", disputed="20.00", reason="质量争议").json()
    return Value(stage, identity(shown["pool"]), stage.cast.supplier.party_id)


def take_back(stage: Stage, number: int, amount: str) -> None:
    """Register a red invoice over a part, and let its effect happen, twice."""
    red = register_invoice(
        stage,
        stage.cast.supplier,
        total=f"-{amount}",
        blue="N",
        red=f"<OriginalInvoiceCode>{invoice_number(number)}</OriginalInvoiceCode>",
    )
    with stage.database.reading() as session:
        effects = session.scalars(select(Effect).where(Effect.kind == KIND))
        (payload,) = [e.payload for e in effects if UUID(e.payload["document_id"]) == identity(red)]
    context = EffectContext(stage.database, stage.settings, stage.clock)
    for _ in range(2):
        HANDLERS[KIND](context, payload)


def record(stage: Stage, note: str) -> None:
    HANDLERS[KIND](
        EffectContext(stage.database, stage.settings, stage.clock),
        {"document_id": str(identity(note))},
    )


def red(stage: Stage, amount: str, *numbers: int) -> str:
    """Register a credit note over some invoices, without its effect."""
    supplier = stage.cast.supplier
    references = "".join(
        "<cac:BillingReference><cac:InvoiceDocumentReference>"
        f"<cbc:ID>{invoice_number(number)}</cbc:ID></cac:InvoiceDocumentReference></cac:BillingReference>"
        for number in numbers
    )
    original = ubl(
        kind="CreditNote",
        number=f"CN-{next(NUMBERS)}",
        seller=supplier.uscc,
        buyer=stage.cast.anchor.uscc,
        lines=[amount],
        tax="0.00",
        extra=references,
    )
    with stage.database.transaction() as session:
        registered = documents.register(
            session, supplier.actor, original=original, filename=None, now=stage.clock.now()
        )
        return public_id("doc", registered.document.id)


class TestWhatIsLeft:
    def test_is_confirmed_at_most(self, stage: Stage):
        receivable = submit(stage, number := next(NUMBERS))
        take_back(stage, number, "41.40")
        path = f"/v1/receivables/{receivable}/confirmation-draft"
        parts = {"disputed": "41.39", "reason": "金额不符"}

        over = stage.post(stage.cast.anchor, path, confirmation(stage, "58.61", **parts))
        within = confirm(stage, receivable, "58.60", disputed="41.40", reason="金额不符")

        assert over.json()["code"] == "receivable.confirmed_exceeds_documents"
        assert within.status_code == 200

    def test_of_an_invoice_can_still_be_claimed(self, stage: Stage):
        number = next(NUMBERS)
        document = register_invoice(stage, stage.cast.supplier, number)
        note = red(stage, "30.00", number)
        record(stage, note)

        over = stage.post(
            stage.cast.supplier,
            "/v1/receivables",
            line(stage, [document], claimed={"amount": "70.01", "currency": "CNY"}),
        )
        submitted = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, [document]))
        receivable = submitted.json()["id"]
        record(stage, note)

        assert over.json()["code"] == "receivable.claim_exceeds_documents"
        assert submitted.json()["claimed"]["amount"] == "70.00"
        shown = confirm(stage, receivable, "70.00").json()
        value = Value(stage, identity(shown["pool"]), stage.cast.supplier.party_id)
        assert value.numbers == (7_000, 0, 7_000, 0)

    def test_of_a_note_takes_from_a_later_claim(self, stage: Stage):
        first, second = next(NUMBERS), next(NUMBERS)
        early = confirm(stage, submit(stage, first), "100.00").json()
        late = register_invoice(stage, stage.cast.supplier, second)
        note = red(stage, "130.00", first, second)
        record(stage, note)

        submitted = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, [late]))
        record(stage, note)
        record(stage, note)

        value = Value(stage, identity(early["pool"]), stage.cast.supplier.party_id)
        assert value.numbers == (0, 0, 0, 0)
        assert submitted.json()["claimed"]["amount"] == "70.00"
        assert confirm(stage, submitted.json()["id"], "70.00").status_code == 200

    def test_a_note_that_met_a_claim_late_is_woken(self, stage: Stage):
        number = next(NUMBERS)
        note = red(stage, "30.00", number)
        record(stage, note)
        receivable = submit(stage, number)
        with stage.database.transaction() as session:
            assert credit_notes.resume(session, now=stage.clock.now()) >= 1
        record(stage, note)

        with stage.database.transaction() as session:
            asked = select(Effect).where(Effect.kind == KIND).order_by(Effect.id.desc())
            payloads = [effect.payload["document_id"] for effect in session.scalars(asked)]
            assert payloads.count(str(identity(note))) >= 2
        assert confirm(stage, receivable, "70.00").is_success


class TestGolden:
    """N4 and its like: 1,286,400.00 claimed, 41,400.00 disputed, the rest confirmed and pledged."""

    CLAIMED, CONFIRMED = "1286400.00", "1245000.00"

    def pledged(self, stage: Stage, number: int) -> Value:
        receivable = submit(stage, number, self.CLAIMED)
        shown = confirm(
            stage, receivable, self.CONFIRMED, disputed="41400.00", reason="数量不符"
        ).json()
        value = Value(stage, identity(shown["pool"]), stage.cast.supplier.party_id)
        value.reserve(124_500_000)
        return value

    def test_a_red_note_over_the_disputed_part_dilutes_nothing(self, stage: Stage):
        value = self.pledged(stage, number := next(NUMBERS))

        take_back(stage, number, "41400.00")

        assert value.numbers == (124_500_000, 124_500_000, 0, 0)

    def test_one_of_100000_leaves_short_what_exceeds(self, stage: Stage):
        value = self.pledged(stage, number := next(NUMBERS))

        take_back(stage, number, "100000.00")

        assert value.numbers == (118_640_000, 124_500_000, 0, 5_860_000)


class TestAtTheSameMoment:
    def test_a_note_and_an_encumbrance_come_in_some_order(self, stage: Stage):
        """Whoever comes first, the value and what is held of it stay what they are."""
        for _ in range(3):
            shown = confirm(stage, submit(stage, number := next(NUMBERS)), "100.00").json()
            value = Value(stage, identity(shown["pool"]), stage.cast.supplier.party_id)
            note = red(stage, "40.00", number)

            def take(value: Value = value) -> bool:
                try:
                    value.reserve(8_000)
                except LimitExceeded:
                    return False
                return True

            with ThreadPoolExecutor(2) as pool:
                recorded = pool.submit(record, stage, note)
                held = pool.submit(take).result()
                recorded.result()

            assert value.numbers == ((6_000, 8_000, 0, 2_000) if held else (6_000, 0, 6_000, 0))

    def test_a_burst_of_notes_crosses_no_locks(self, stage: Stage):
        """Notes over two claims each, in both orders, beside takings of those claims."""
        numbers = [next(NUMBERS) for _ in range(4)]
        values = []
        for number in numbers:
            shown = confirm(stage, submit(stage, number), "100.00").json()
            values.append(Value(stage, identity(shown["pool"]), stage.cast.supplier.party_id))
        notes = [
            red(stage, "101.00", numbers[place], numbers[(place + 1) % 4]) for place in range(4)
        ] + [red(stage, "1.00", number) for number in numbers for _ in range(4)]

        def take(value: Value, name: str) -> None:
            with suppress(LimitExceeded):
                value.reserve(1_000, name)

        with ThreadPoolExecutor(8) as pool:
            done = [pool.submit(record, stage, note) for note in [*notes, *reversed(notes)]]
            done += [pool.submit(take, value, name) for value in values for name in "ab"]
            for one in done:
                one.result()

        ids = [identity(note) for note in notes]
        with stage.database.reading() as session:
            rows = session.scalars(
                select(ReceivableCreditNote).where(ReceivableCreditNote.note_id.in_(ids))
            ).all()
        spent = Counter[UUID]()
        for row in rows:
            spent[row.note_id] += row.amount_minor
        assert spent == {**dict.fromkeys(ids[:4], 10_100), **dict.fromkeys(ids[4:], 100)}
        lost = sum(10_000 - value.row.confirmed_minor for value in values)
        assert lost == 4 * 10_100 + 16 * 100


class TestRedInvoices:
    def test_over_what_was_never_confirmed_dilute_nothing(self, stage: Stage):
        value = partly_confirmed(stage, number := next(NUMBERS))

        take_back(stage, number, "20.00")

        assert value.numbers == (8_000, 0, 8_000, 0)

    def test_beyond_that_dilute_even_what_is_encumbered(self, stage: Stage):
        value = partly_confirmed(stage, number := next(NUMBERS))
        value.reserve(8_000)

        take_back(stage, number, "15.00")
        take_back(stage, number, "30.00")

        assert value.numbers == (5_500, 8_000, 0, 2_500)
        notice = stage.get(stage.cast.bank, "/v1/notices", limit=500).json()["items"][-1]
        assert notice["fields"]["diluted"]["amount"] == "25.00"

    def test_before_the_confirmation_there_is_nothing_to_dilute(self, stage: Stage):
        number = next(NUMBERS)
        receivable = submit(stage, number)

        take_back(stage, number, "100.00")

        draft = stage.post(
            stage.cast.anchor,
            f"/v1/receivables/{receivable}/confirmation-draft",
            confirmation(stage),
        )
        assert draft.json()["code"] == "receivable.document_reversed"
