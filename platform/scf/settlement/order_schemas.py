"""HTTP shapes of payment orders."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from scf.http.schemas import (
    DateText,
    In,
    InstantText,
    MoneyOut,
    Out,
    PartyId,
    PaymentOrderId,
    PositiveMoney,
    ReceivableId,
)
from scf.kernel.money import Money
from scf.parties.schemas import SignerIn
from scf.receivables.schemas import AccountIn
from scf.settlement.models import (
    OrderState,
    PaymentOrder,
    PaymentOrderLine,
    PaymentOrderTransfer,
)
from scf.settlement.orders import LINES_MAX, Wanted
from scf.settlement.schemas import AccountOut

_TAIL = "01k3e5m8q2x7v9b4c6d8f0g1h2"


class OrderLineIn(In):
    """What to pay; without an amount all that is still due.

    To the creditor, or to whose part of a split payment is named; where neither is, to everybody who has a part.
    """

    receivable: ReceivableId
    payee: PartyId | None = None
    amount: PositiveMoney | None = None


class OrderIn(In):
    """Lines to pay from one account on one day; `maker` has the mandate to prepare it (经办)."""

    account: AccountIn
    execute_on: DateText
    lines: list[OrderLineIn] = Field(min_length=1, max_length=LINES_MAX)
    maker: SignerIn

    def wanted(self) -> list[Wanted]:
        """Return what the service takes."""
        return [Wanted(line.receivable, line.amount, line.payee) for line in self.lines]


class ApprovalIn(In):
    """Who approves (复核): another person than the maker."""

    checker: SignerIn


class OrderLineOut(Out):
    """A transfer of an order: to the creditor, or to whose part of a split payment it is."""

    receivable: ReceivableId
    payee: PartyId
    amount: MoneyOut
    pay_to: AccountOut


class TransferOut(Out):
    """What an order pays that is no receivable."""

    payee: PartyId
    amount: MoneyOut
    pay_to: AccountOut


class OrderOut(Out):
    """A payment order, of receivables or of one transfer. `problem` is the bank's reason, where it rejected."""

    id: PaymentOrderId
    message_id: str = Field(examples=[f"PMO{_TAIL.upper()}"])
    state: OrderState
    state_since: InstantText
    problem: str | None
    account: AccountOut
    execute_on: DateText
    total: MoneyOut
    lines: list[OrderLineOut]
    transfer: TransferOut | None

    @classmethod
    def of(
        cls,
        order: PaymentOrder,
        lines: Sequence[PaymentOrderLine],
        transfer: PaymentOrderTransfer | None,
    ) -> Self:
        """Show an order with what it pays."""
        return cls(
            id=order.id,
            message_id=order.message_id,
            state=order.state,
            state_since=order.state_since,
            problem=order.problem,
            account=AccountOut(**order.account),
            execute_on=order.execute_on,
            total=order.total,
            lines=[
                OrderLineOut(
                    receivable=line.receivable_id,
                    payee=line.payee_id,
                    amount=Money(line.amount_minor, order.currency),
                    pay_to=AccountOut(**line.pay_to),
                )
                for line in lines
            ],
            transfer=None
            if transfer is None
            else TransferOut(
                payee=transfer.payee_id,
                amount=Money(transfer.amount_minor, order.currency),
                pay_to=AccountOut(**transfer.pay_to),
            ),
        )
