"""HTTP shapes of lots and of the warehouse's papers."""

from typing import Self

from pydantic import Base64Bytes, Field

from scf.http.schemas import (
    DateText,
    DigestText,
    EventId,
    In,
    InstantText,
    Line,
    LotId,
    NameText,
    Out,
    PartyId,
    PoolId,
    PositiveQuantity,
    QuantityOut,
    RateText,
    Text,
    UsccText,
    WithdrawalId,
)
from scf.kernel.quantity import Quantity, QuantityInvalid
from scf.parties.schemas import SignerIn
from scf.stock.models import Lot, LotPaper, LotUnit, PaperKind, State
from scf.stock.service import Goods, Paper, Unit
from scf_ledger.encoding import b64url

UNITS_MAX = 1_000
ORIGINAL_MAX = 4 * 1024 * 1024


class UnitIn(In):
    """A thing with a name of its own: a vehicle by VIN, a coil, a roll."""

    name: NameText = Field(examples=["LSVAA4182E2123453"])
    certificate_no: Text | None = Field(default=None, description="合格证编号 Its certificate")
    quantity: PositiveQuantity


class LotIn(In):
    """What a depositor brings: of which kind, where it will lie, and how much is declared."""

    depositor: UsccText = Field(description="存货人统一社会信用代码 Whose goods they are")
    supervisor: UsccText | None = Field(default=None, description="监管方统一社会信用代码")
    goods: Text = Field(examples=["电解铜"])
    grade: Text | None = Field(default=None, examples=["Cu-CATH-1"])
    packing: Text | None = None
    marks: Text | None = None
    warehouse: Line
    location: Line = Field(examples=["3 号库 A-12"])
    loss_standard: RateText = Field(default="0", description="损耗标准 0.001 is 0.1 %")
    declared: PositiveQuantity
    units: list[UnitIn] = Field(default_factory=list, max_length=UNITS_MAX)

    def value(self) -> Goods:
        """Return it as the service takes it."""
        units = [Unit(unit.name, unit.certificate_no, unit.quantity) for unit in self.units]
        own = self.model_dump(exclude={"units"})
        return Goods(**{name: getattr(self, name) for name in own}, units=units)


class PaperIn(In):
    """A paper of the warehouse with its original (a scan or file, base64)."""

    kind: PaperKind
    number: Line
    made_on: DateText
    quantity: QuantityOut | None = Field(
        default=None,
        description="数量，仅库存日报可为零 How much; a daily stock report may say none",
    )
    passed: bool | None = Field(default=None, description="质检结论 Of an assay: whether it passed")
    order: WithdrawalId | None = Field(
        default=None,
        description="出库磅单、码单所对应的提货通知书 The order that goods are weighed out for",
    )
    original: Base64Bytes = Field(min_length=1, max_length=ORIGINAL_MAX, examples=["JVBERi0xLjcK"])

    def value(self) -> Paper:
        """Return it as the service takes it. Raises QuantityInvalid; an empty place is reported, nothing else is."""
        least = 0 if self.kind is PaperKind.DAILY_STOCK else 1
        if self.quantity is not None and self.quantity.minor < least:
            raise QuantityInvalid(field="quantity", quantity=self.quantity.text)
        return Paper(
            self.kind,
            self.number,
            self.made_on,
            self.quantity,
            self.passed,
            self.original,
            self.order,
        )


class StoringIn(In):
    """Who signs for the keeper."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class TurnAwayIn(In):
    """Why goods are not taken in."""

    reason: Line


class UnitOut(Out):
    """A single thing; `left_at` since when it is gone."""

    name: str
    certificate_no: str | None
    quantity: QuantityOut
    left_at: InstantText | None

    @classmethod
    def of(cls, unit: LotUnit, lot: Lot) -> Self:
        """Show one."""
        return cls(
            name=unit.name,
            certificate_no=unit.certificate_no,
            quantity=lot.quantity(unit.quantity_minor),
            left_at=unit.left_at,
        )


class PaperOut(Out):
    """A paper as its source wrote it."""

    event: EventId
    kind: PaperKind
    source: str
    number: str
    made_on: DateText
    quantity: QuantityOut | None
    passed: bool | None
    original_sha256: DigestText
    order: WithdrawalId | None

    @classmethod
    def of(cls, paper: LotPaper, lot: Lot) -> Self:
        """Show one."""
        minor = paper.quantity_minor
        return cls(
            event=paper.event_id,
            kind=paper.kind,
            source=paper.source,
            number=paper.number,
            made_on=paper.made_on,
            quantity=None if minor is None else lot.quantity(minor),
            passed=paper.passed,
            original_sha256=b64url(paper.original_sha256),
            order=paper.order_id,
        )


class LotOut(Out):
    """A lot as its keeper, supervisor and depositor see it."""

    id: LotId
    version: int = Field(examples=[5])
    state: State
    keeper: PartyId
    depositor: PartyId
    supervisor: PartyId | None
    goods: str
    grade: str | None
    packing: str | None
    marks: str | None
    warehouse: str
    location: str
    loss_standard: RateText
    declared: QuantityOut
    stored: QuantityOut | None
    stored_on: DateText | None
    pool: PoolId | None
    entered_at: InstantText

    @classmethod
    def of(cls, lot: Lot) -> Self:
        """Show a lot."""
        stored = lot.stored_minor
        return cls(
            id=lot.id,
            version=lot.version,
            state=lot.state,
            keeper=lot.keeper_id,
            depositor=lot.depositor_id,
            supervisor=lot.supervisor_id,
            goods=lot.goods,
            grade=lot.grade,
            packing=lot.packing,
            marks=lot.marks,
            warehouse=lot.warehouse,
            location=lot.location,
            loss_standard=lot.loss_standard,
            declared=Quantity(lot.declared_minor, lot.unit),
            stored=None if stored is None else lot.quantity(stored),
            stored_on=lot.stored_on,
            pool=lot.pool_id,
            entered_at=lot.entered_at,
        )


class LotDetailOut(LotOut):
    """A lot with its papers and its single things."""

    papers: list[PaperOut]
    units: list[UnitOut]
