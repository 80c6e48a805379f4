"""HTTP shapes of tariffs, bills and settlements."""

from typing import Literal, Self

from pydantic import Field

from scf.http.schemas import (
    ConsignmentId,
    DateText,
    FreightBillId,
    FreightSettlementId,
    In,
    InstantText,
    Line,
    MoneyIn,
    MoneyOut,
    Out,
    PartyId,
    PaymentOrderId,
    PositiveMoney,
    PositiveQuantity,
    QuantityOut,
    StorageTariffId,
    UsccText,
    WarehouseReceiptId,
)
from scf.kernel.money import Money
from scf.parties.schemas import SignerIn
from scf.receivables.schemas import AccountIn
from scf.settlement.models import OrderState, PaymentOrder
from scf.settlement.schemas import AccountOut
from scf.transit.answering import Answer
from scf.transit.bill_matching import Bill, Days, Item, Journey
from scf.transit.bill_models import (
    BillKind,
    BillState,
    FreightBill,
    FreightBillItem,
    FreightSettlement,
    SettlementState,
    StorageTariff,
)
from scf.transit.billing import ITEMS_MAX
from scf.transit.netting import BILLS_MAX, Wanted
from scf.transit.schemas import SignersIn
from scf.transit.tariffs import Terms

Unit = Literal["TNE", "KGM", "MTQ", "C62"]


class TariffIn(In):
    """仓储费率协议 What a keeper proposes to its client: for a whole unit and a day."""

    client: UsccText
    unit: Unit
    rate: PositiveMoney = Field(description="每计量单位每日 For a whole unit and day")
    payment_days: int = Field(ge=0, le=180, description="付款期限（日）")
    first_on: DateText
    last_on: DateText | None = None

    def value(self) -> Terms:
        """Return it as the service takes it."""
        return Terms(
            self.client, self.unit, self.rate, self.payment_days, self.first_on, self.last_on
        )


class TariffOut(Out):
    """A tariff, and who has signed it."""

    id: StorageTariffId
    version: int
    keeper: PartyId
    client: PartyId
    unit: Unit
    rate: MoneyOut
    payment_days: int
    first_on: DateText
    last_on: DateText | None
    signed: list[PartyId]
    proposed_at: InstantText
    agreed_at: InstantText | None

    @classmethod
    def of(cls, tariff: StorageTariff) -> Self:
        """Show one."""
        same = ("id", "version", "unit", "payment_days", "first_on", "last_on", "signed")
        return cls(
            **{name: getattr(tariff, name) for name in (*same, "proposed_at", "agreed_at")},
            keeper=tariff.keeper_id,
            client=tariff.client_id,
            rate=Money(tariff.rate_minor),
        )


class JourneyIn(In):
    """一次运输 A consignment that has come to its end: for freight, and for a claim."""

    consignment: ConsignmentId

    def value(self) -> Journey:
        """Return it as the service takes it."""
        return Journey(self.consignment)


class DaysIn(In):
    """一张仓单的若干日仓储 Days of storing a receipt's goods, both ends included."""

    receipt: WarehouseReceiptId
    first_on: DateText
    last_on: DateText

    def value(self) -> Days:
        """Return it as the service takes it."""
        return Days(self.receipt, self.first_on, self.last_on)


class BillItemIn(In):
    """What is billed, how much of it, at which rate."""

    about: JourneyIn | DaysIn
    quantity: PositiveQuantity = Field(
        description="到货数量；短少数量；仓储为计量单位×日 Units arrived or lost, or units times days"
    )
    rate: MoneyIn
    amount: PositiveMoney

    def value(self) -> Item:
        """Return it as the service takes it."""
        return Item(self.about.value(), self.quantity, self.rate, self.amount)


class BillIn(In):
    """物流费用账单 A carrier's, a keeper's, or a holder's for goods lost on the way."""

    kind: BillKind
    number: Line = Field(examples=["YF-2025-0001"])
    due_on: DateText
    pay_to: AccountIn
    items: list[BillItemIn] = Field(min_length=1, max_length=ITEMS_MAX)

    def value(self) -> Bill:
        """Return it as the service takes it."""
        items = [item.value() for item in self.items]
        return Bill(self.kind, self.number, self.due_on, self.pay_to.value(), items)


class AnswerItemIn(In):
    """How much of an item is accepted; why not the whole, or why beyond the tolerance."""

    item: int = Field(ge=1, le=ITEMS_MAX)
    accepted: MoneyIn
    reason: Line | None = None

    def value(self) -> Answer:
        """Return it as the service takes it."""
        return Answer(self.item, self.accepted, self.reason)


class AnswerIn(SignersIn):
    """逐项确认 The payer's answer, item by item."""

    answers: list[AnswerItemIn] = Field(min_length=1, max_length=ITEMS_MAX)


class MatchOut(Out):
    """What book and agreement say of an item, and what the differences come of; they add up to what is billed."""

    quantity: QuantityOut
    rate: MoneyOut
    expected: MoneyOut
    by_quantity: MoneyOut
    by_rate: MoneyOut
    by_sum: MoneyOut
    within: bool = Field(description="差异在容差之内")


class BillItemOut(Out):
    """An item as billed, matched, answered and paid."""

    item: int
    consignment: ConsignmentId | None
    receipt: WarehouseReceiptId
    first_on: DateText | None
    last_on: DateText | None
    quantity: QuantityOut
    rate: MoneyOut
    amount: MoneyOut
    match: MatchOut
    accepted: MoneyOut
    reason: str | None
    conceded: MoneyOut
    paid: MoneyOut

    @classmethod
    def of(cls, item: FreightBillItem) -> Self:
        """Show one."""
        match = item.match
        named = ("quantity", "rate", "expected", "by_quantity", "by_rate", "by_sum")
        return cls(
            item=item.position,
            consignment=item.consignment_id,
            receipt=item.receipt_id,
            first_on=item.first_on,
            last_on=item.last_on,
            quantity=item.measure(item.quantity_minor),
            rate=Money(item.rate_minor),
            amount=Money(item.amount_minor),
            match=MatchOut(**{name: getattr(match, name) for name in named}, within=item.within),
            accepted=Money(item.accepted_minor),
            reason=item.reason,
            conceded=Money(item.conceded_minor),
            paid=Money(item.paid_minor),
        )


class BillOut(Out):
    """A bill with its items and their sums."""

    id: FreightBillId
    version: int
    kind: BillKind
    state: BillState
    state_since: InstantText
    payee: PartyId
    payer: PartyId
    number: str
    due_on: DateText
    pay_to: AccountOut
    items: list[BillItemOut]
    total: MoneyOut
    accepted: MoneyOut
    disputed: MoneyOut
    paid: MoneyOut

    @classmethod
    def of(cls, bill: FreightBill) -> Self:
        """Show one."""
        same = ("id", "version", "kind", "state", "state_since", "number", "due_on")
        sums = ("total", "accepted", "disputed", "paid")
        return cls(
            **{name: getattr(bill, name) for name in (*same, *sums)},
            payee=bill.payee_id,
            payer=bill.payer_id,
            pay_to=AccountOut(**bill.pay_to),
            items=[BillItemOut.of(item) for item in bill.items],
        )


class SettlementIn(In):
    """物流结算 Whom one settles with; from which account of one's own, on which day; `maker` prepares it (经办)."""

    counterparty: UsccText
    bills: list[FreightBillId] | None = Field(
        None, min_length=1, max_length=BILLS_MAX, description="不填为双方全部未结账单"
    )
    account: AccountIn
    execute_on: DateText
    maker: SignerIn

    def value(self) -> Wanted:
        """Return it as the service takes it."""
        return Wanted(
            self.counterparty, self.bills, self.account.value(), self.execute_on, self.maker
        )


class SettlementPartOut(Out):
    """What a settlement pays, or sets off, of one item of a bill."""

    bill: FreightBillId
    item: int
    amount: MoneyOut


class SettlementOut(Out):
    """A settlement; `order` is approved and followed as any payment order, null where nothing is left to pay."""

    id: FreightSettlementId
    state: SettlementState
    state_since: InstantText
    payer: PartyId
    payee: PartyId
    owed: MoneyOut
    set_off: MoneyOut
    net: MoneyOut
    order: PaymentOrderId | None
    order_state: OrderState | None
    parts: list[SettlementPartOut]
    made_at: InstantText

    @classmethod
    def of(cls, one: FreightSettlement, order: PaymentOrder | None) -> Self:
        """Show one, with where its order stands."""
        return cls(
            id=one.id,
            state=one.state,
            state_since=one.state_since,
            payer=one.payer_id,
            payee=one.payee_id,
            owed=Money(one.owed_minor),
            set_off=Money(one.set_off_minor),
            net=one.net,
            order=one.order_id,
            order_state=order.state if order else None,
            parts=[
                SettlementPartOut(
                    bill=part.bill_id, item=part.position, amount=Money(part.amount_minor)
                )
                for part in one.parts
            ],
            made_at=one.made_at,
        )
