"""HTTP shapes of receipts and of what is asked of them."""

from typing import Any, Literal, Self

from pydantic import Base64Bytes, Field

from scf.http.schemas import (
    DateText,
    DigestText,
    DivisionId,
    In,
    InstantText,
    Line,
    LotId,
    MoneyOut,
    NameText,
    Out,
    PartyId,
    PoolId,
    PositiveMoney,
    PositiveQuantity,
    QuantityOut,
    RestraintId,
    Text,
    UsccText,
    WarehouseReceiptId,
    WithdrawalId,
)
from scf.kernel.money import Money
from scf.parties.schemas import SignedIn, SignerIn
from scf.receipts.amending import Amendment
from scf.receipts.delivering import Order
from scf.receipts.dividing import PARTS_MAX, Part
from scf.receipts.issuing import Insurance, Terms
from scf.receipts.models import (
    Basis,
    Division,
    Endorsement,
    Medium,
    Restraint,
    RestraintKind,
    State,
    TitleKind,
    WarehouseReceipt,
    Withdrawal,
)
from scf_ledger.encoding import b64url

ORIGINAL_MAX = 4 * 1024 * 1024


class PartIn(In):
    """How much of which lot."""

    lot: LotId
    quantity: PositiveQuantity


class InsuranceIn(In):
    """What the goods are insured for."""

    insurer: Text
    policy: Text
    amount: PositiveMoney
    until: DateText

    def value(self) -> Insurance:
        """Return it as the service takes it."""
        return Insurance(self.insurer, self.policy, self.amount, self.until)


class ReceiptIn(In):
    """What the keeper puts on a receipt beside what the lots say (民法典第九百零九条)."""

    number: NameText = Field(examples=["GQ-2025-0001"])
    lots: list[PartIn] = Field(min_length=1, max_length=100)
    depositor_address: Line
    quality: Line
    pieces: int | None = Field(default=None, ge=1, le=1_000_000)
    stored_until: DateText
    storage_fee: Line = Field(examples=["每吨每日 0.60 元"])
    insurance: InsuranceIn | None = None
    issued_at: Line = Field(examples=["重庆市永川区"])
    kind: TitleKind = TitleKind.WAREHOUSE_RECEIPT
    medium: Medium = Medium.ELECTRONIC
    units: list[NameText] = Field(
        default_factory=list, max_length=1_000, description="逐件编号 The single things it is over"
    )
    signers: list[SignerIn] = Field(min_length=1, max_length=2)

    def value(self) -> Terms:
        """Return it as the service takes it."""
        insurance = self.insurance
        return Terms(
            number=self.number,
            lots=[(part.lot, part.quantity) for part in self.lots],
            depositor_address=self.depositor_address,
            quality=self.quality,
            pieces=self.pieces,
            stored_until=self.stored_until,
            storage_fee=self.storage_fee,
            insurance=insurance.value() if insurance else None,
            issued_at=self.issued_at,
            kind=self.kind,
            medium=self.medium,
            units=self.units,
        )


class WithdrawalIn(In):
    """提货通知书: how much is to be handed over to whom."""

    order_no: NameText = Field(examples=["TH-0001"])
    quantity: PositiveQuantity
    taker: Line
    units: list[NameText] = Field(default_factory=list, max_length=1_000)
    signers: list[SignerIn] = Field(min_length=1, max_length=2)

    def value(self) -> Order:
        """Return it as the service takes it."""
        return Order(self.order_no, self.quantity, self.taker, self.units)


class DeliveryIn(In):
    """Against which order goods leave, with the keeper's papers of it (出库单, 出门证)."""

    order_no: NameText
    papers: list[Base64Bytes] = Field(min_length=1, max_length=20, examples=[["JVBERi0xLjcK"]])
    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class OrderNoIn(In):
    """Which order."""

    order_no: NameText


class EndorsementIn(In):
    """To whom the receipt passes, by its code."""

    to: UsccText
    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class FreezeIn(In):
    """Why a receipt is kept still: the court's order or the pledgee's request, by its number."""

    basis: Literal[Basis.COURT, Basis.PLEDGEE]
    reference: Line = Field(examples=["(2025)渝0118财保1号"])


class AmendmentIn(In):
    """The items as they are to stand; what is left out stays."""

    reason: Line
    stored_until: DateText | None = None
    storage_fee: Line | None = None
    insurance: InsuranceIn | None = None
    medium: Medium | None = None
    signers: list[SignerIn] = Field(min_length=1, max_length=2)

    def value(self) -> Amendment:
        """Return it as the service takes it."""
        return Amendment(
            self.reason,
            stored_until=self.stored_until,
            storage_fee=self.storage_fee,
            insurance=self.insurance.value() if self.insurance else None,
            medium=self.medium,
        )


class LossIn(In):
    """How much of a lot is gone, or there again, and how that was seen."""

    quantity: PositiveQuantity
    reason: Line


class DivisionPartIn(In):
    """One of the new receipts."""

    number: NameText
    lots: list[PartIn] = Field(min_length=1, max_length=100)
    units: list[NameText] = Field(default_factory=list, max_length=1_000)

    def value(self) -> Part:
        """Return it as the service takes it."""
        return Part(self.number, [(one.lot, one.quantity) for one in self.lots], self.units)


class DivisionIn(In):
    """Which receipts are to become which others: one of many, or many of one."""

    of: list[WarehouseReceiptId] = Field(min_length=1, max_length=PARTS_MAX)
    into: list[DivisionPartIn] = Field(min_length=1, max_length=PARTS_MAX)


class IssuesIn(In):
    """The keeper's signed receipts, one set for each, in the order of the drafts."""

    issues: list[SignedIn] = Field(min_length=1, max_length=PARTS_MAX)


class DivisionOut(Out):
    """A split or a merger that was asked for; `signed` by whom so far."""

    id: DivisionId
    holder: PartyId
    keeper: PartyId
    of: list[WarehouseReceiptId]
    into: list[dict[str, Any]]
    signed: list[PartyId]
    asked_at: InstantText
    done_at: InstantText | None
    ended_at: InstantText | None

    @classmethod
    def of_row(cls, division: Division) -> Self:
        """Show one."""
        return cls(
            id=division.id,
            holder=division.holder_id,
            keeper=division.keeper_id,
            of=division.of,
            into=division.into,
            signed=division.signed,
            asked_at=division.asked_at,
            done_at=division.done_at,
            ended_at=division.ended_at,
        )


class RestraintOut(Out):
    """What stands or stood against a receipt; `missing` of the goods where any are."""

    id: RestraintId
    kind: RestraintKind
    basis: Basis
    reference: str
    lot: LotId | None
    missing: QuantityOut
    placed_by: PartyId | None
    placed_at: InstantText
    cleared_by_keeper_at: InstantText | None
    cleared_by_supervisor_at: InstantText | None
    lifted_at: InstantText | None

    @classmethod
    def of(cls, restraint: Restraint, receipt: WarehouseReceipt) -> Self:
        """Show one."""
        return cls(
            id=restraint.id,
            kind=restraint.kind,
            basis=restraint.basis,
            reference=restraint.reference,
            lot=restraint.lot_id,
            missing=receipt.measure(restraint.quantity_minor),
            placed_by=restraint.party_id,
            placed_at=restraint.placed_at,
            cleared_by_keeper_at=restraint.cleared_by_keeper_at,
            cleared_by_supervisor_at=restraint.cleared_by_supervisor_at,
            lifted_at=restraint.lifted_at,
        )


class EndorsementOut(Out):
    """A receipt passed on, or handed in where it is to nobody; in force once the keeper attested it."""

    holder: PartyId
    to: PartyId | None
    title_event: DigestText
    signed_at: InstantText
    attested_at: InstantText | None
    ended_at: InstantText | None

    @classmethod
    def of(cls, endorsement: Endorsement) -> Self:
        """Show one."""
        return cls(
            holder=endorsement.from_id,
            to=endorsement.to_id,
            title_event=b64url(endorsement.title_event_hash),
            signed_at=endorsement.signed_at,
            attested_at=endorsement.attested_at,
            ended_at=endorsement.ended_at,
        )


class TitleOut(Out):
    """A kind of title: who hands over against what, and where no statute makes it one."""

    kind: TitleKind
    name: str
    bailee: str
    surrender: str
    source: str
    contractual: bool


class PartOut(Out):
    """How much of the receipt still lies in a lot."""

    lot: LotId
    quantity: QuantityOut


class WithdrawalOut(Out):
    """What was asked for; scales that weigh it out name its `id`."""

    id: WithdrawalId
    order_no: str
    quantity: QuantityOut
    taker: str
    units: list[str]
    ordered_at: InstantText
    delivered_at: InstantText | None
    ended_at: InstantText | None

    @classmethod
    def of(cls, withdrawal: Withdrawal, receipt: WarehouseReceipt) -> Self:
        """Show one."""
        return cls(
            id=withdrawal.id,
            order_no=withdrawal.order_no,
            quantity=receipt.measure(withdrawal.quantity_minor),
            taker=withdrawal.taker,
            units=withdrawal.units or [],
            ordered_at=withdrawal.ordered_at,
            delivered_at=withdrawal.delivered_at,
            ended_at=withdrawal.ended_at,
        )


class ReceiptOut(Out):
    """A receipt as its keeper, holder and depositor see it; `items` are the rest of article 909."""

    id: WarehouseReceiptId
    version: int = Field(examples=[1])
    kind: TitleKind
    medium: Medium
    number: str
    state: State
    state_reason: str | None
    fee_owed: MoneyOut
    keeper: PartyId
    depositor: PartyId
    holder: PartyId
    goods: str
    grade: str | None
    quantity: QuantityOut
    stored_until: DateText
    items: dict[str, Any]
    lots: list[PartOut]
    pool: PoolId
    title_event: DigestText
    issued_at: InstantText

    @classmethod
    def of(cls, receipt: WarehouseReceipt) -> Self:
        """Show a receipt."""
        return cls(
            id=receipt.id,
            version=receipt.version,
            kind=receipt.kind,
            medium=receipt.medium,
            number=receipt.number,
            state=receipt.state,
            state_reason=receipt.state_reason,
            fee_owed=Money(receipt.fee_owed_minor),
            keeper=receipt.keeper_id,
            depositor=receipt.depositor_id,
            holder=receipt.holder_id,
            goods=receipt.goods,
            grade=receipt.grade,
            quantity=receipt.quantity,
            stored_until=receipt.stored_until,
            items=receipt.items,
            lots=[
                PartOut(lot=part.lot_id, quantity=receipt.measure(part.quantity_minor))
                for part in receipt.lots
            ],
            pool=receipt.pool_id,
            title_event=b64url(receipt.title_event_hash),
            issued_at=receipt.issued_at,
        )
