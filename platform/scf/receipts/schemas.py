"""HTTP shapes of receipts and of what is asked of them."""

from typing import Any, Self

from pydantic import Base64Bytes, Field

from scf.http.schemas import (
    DateText,
    DigestText,
    In,
    InstantText,
    Line,
    LotId,
    Out,
    PartyId,
    PoolId,
    PositiveMoney,
    PositiveQuantity,
    QuantityOut,
    Text,
    WarehouseReceiptId,
)
from scf.parties.schemas import SignerIn
from scf.receipts.delivering import Order
from scf.receipts.issuing import Insurance, Terms
from scf.receipts.models import Medium, State, TitleKind, WarehouseReceipt, Withdrawal
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


class ReceiptIn(In):
    """What the keeper puts on a receipt beside what the lots say (民法典第九百零九条)."""

    number: Text = Field(examples=["GQ-2025-0001"])
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
            insurance=None
            if insurance is None
            else Insurance(insurance.insurer, insurance.policy, insurance.amount, insurance.until),
            issued_at=self.issued_at,
            kind=self.kind,
            medium=self.medium,
        )


class WithdrawalIn(In):
    """提货通知书: how much is to be handed over to whom."""

    order_no: Text = Field(examples=["TH-0001"])
    quantity: PositiveQuantity
    taker: Line
    units: list[Text] = Field(default_factory=list, max_length=1_000)
    signers: list[SignerIn] = Field(min_length=1, max_length=2)

    def value(self) -> Order:
        """Return it as the service takes it."""
        return Order(self.order_no, self.quantity, self.taker, self.units)


class DeliveryIn(In):
    """Against which order goods leave, with the keeper's papers of it (磅单, 出门证)."""

    order_no: Text
    papers: list[Base64Bytes] = Field(min_length=1, max_length=20)
    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class PartOut(Out):
    """How much of the receipt still lies in a lot."""

    lot: LotId
    quantity: QuantityOut


class WithdrawalOut(Out):
    """What was asked for."""

    order_no: str
    quantity: QuantityOut
    taker: str
    units: list[str]
    ordered_at: InstantText
    delivered_at: InstantText | None

    @classmethod
    def of(cls, withdrawal: Withdrawal, receipt: WarehouseReceipt) -> Self:
        """Show one."""
        return cls(
            order_no=withdrawal.order_no,
            quantity=receipt.measure(withdrawal.quantity_minor),
            taker=withdrawal.taker,
            units=withdrawal.units or [],
            ordered_at=withdrawal.ordered_at,
            delivered_at=withdrawal.delivered_at,
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
