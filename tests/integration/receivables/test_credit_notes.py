"""A red invoice over what is encumbered: recorded, diluting, told; never refused."""

from uuid import UUID

from sqlalchemy import select

from scf.db.outbox import Effect, EffectContext
from scf.receivables.effects import HANDLERS
from tests.support.actors import Stage
from tests.support.pools import Value
from tests.support.receivables import (
    NUMBERS,
    confirm,
    confirmation,
    identity,
    invoice_number,
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
