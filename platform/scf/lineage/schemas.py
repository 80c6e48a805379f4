"""HTTP shapes of orders, goods and the forms of a value."""

from typing import Self
from uuid import UUID

from pydantic import Field

from scf.http.schemas import (
    DateText,
    In,
    InstantText,
    MeasureOut,
    MoneyIn,
    MoneyOut,
    Out,
    PartyId,
    PoolId,
    StageId,
    Text,
    TradeDocumentId,
)
from scf.lineage.models import StageKind, State, TradeStage
from scf.lineage.queries import Family, Form
from scf.lineage.service import Undertaking
from scf.parties.schemas import SignerIn


class StageIn(In):
    """A registered paper of the trade that is to be confirmed."""

    document: TradeDocumentId


class UndertakingIn(In):
    """What the buyer confirms: all that the paper says unless `amount` says less."""

    amount: MoneyIn | None = None
    due_on: DateText
    signers: list[SignerIn] = Field(min_length=1, max_length=2)

    def value(self) -> Undertaking:
        """Return it as the service takes it."""
        return Undertaking(self.amount, self.due_on)


class ReductionIn(In):
    """How much is gone (all that is left unless said), and why."""

    amount: MoneyIn | None = None
    reason: Text


class ConversionIn(In):
    """An encumbrance of the caller's that is to be taken along: all of it unless `amount` says less."""

    holder: str = Field(min_length=1, max_length=40, examples=["plg_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    amount: MoneyIn | None = None


class StageOut(Out):
    """An order, or goods, as its sides see it."""

    id: StageId
    version: int
    kind: StageKind
    state: State
    document: TradeDocumentId
    seller: PartyId
    buyer: PartyId
    confirmed: MoneyOut | None
    due_on: DateText | None
    pool: PoolId | None
    registered_at: InstantText

    @classmethod
    def of(cls, stage: TradeStage) -> Self:
        """Show a stage."""
        return cls(
            id=stage.id,
            version=stage.version,
            kind=stage.kind,
            state=stage.state,
            document=stage.document_id,
            seller=stage.seller_id,
            buyer=stage.buyer_id,
            confirmed=stage.confirmed,
            due_on=stage.due_on,
            pool=stage.pool_id,
            registered_at=stage.registered_at,
        )


class FormOut(Out):
    """A form of the value; its numbers to its owner, to anybody what it holds itself."""

    pool: PoolId
    asset: str = Field(examples=["stg_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    confirmed: MeasureOut | None
    used: MeasureOut | None
    free: MeasureOut | None
    held: MeasureOut

    @classmethod
    def of(cls, form: Form, *, reader: UUID) -> Self:
        """Show a form."""
        pool, owner = form.pool, reader == form.pool.owner_id
        return cls(
            pool=pool.id,
            asset=pool.asset,
            confirmed=pool.confirmed if owner else None,
            used=pool.measure(pool.used_minor) if owner else None,
            free=pool.free if owner else None,
            held=form.held,
        )


class EdgeOut(Out):
    """How much of one form is another; `carried` holds the later one down until it is converted."""

    earlier: PoolId
    later: PoolId
    amount: MoneyOut | None
    carried: MoneyOut | None


class FamilyOut(Out):
    """The forms of one value."""

    forms: list[FormOut]
    edges: list[EdgeOut]

    @classmethod
    def of(cls, family: Family) -> Self:
        """Show a family to its reader."""
        pools = {form.pool.id: form.pool for form in family.forms}
        edges = []
        for edge in family.edges:
            later = pools[edge.to_pool_id]
            owner = family.reader == later.owner_id
            edges.append(
                EdgeOut(
                    earlier=edge.from_pool_id,
                    later=edge.to_pool_id,
                    amount=later.money(edge.amount_minor) if owner else None,
                    carried=later.money(edge.carried_minor) if owner else None,
                )
            )
        return cls(
            forms=[FormOut.of(form, reader=family.reader) for form in family.forms], edges=edges
        )
