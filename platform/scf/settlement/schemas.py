"""HTTP shapes of payment and 回款."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from scf.http.schemas import (
    AccountChangeId,
    BankEntryId,
    BankReportId,
    DateText,
    In,
    InstantText,
    Line,
    MoneyOut,
    MoneyText,
    Out,
    PartyId,
    PaymentId,
    Prose,
    ReceivableId,
    ReconciliationId,
    UsccText,
)
from scf.kernel.clock import parse_date
from scf.kernel.money import SCALES, Money
from scf.parties.schemas import SignerIn
from scf.receivables import accounts
from scf.receivables.models import Receivable, ReceivablePayment, State
from scf.receivables.schemas import AccountIn
from scf.settlement.camt import Direction
from scf.settlement.entries import Outcome
from scf.settlement.maturities import Due, Part, Total
from scf.settlement.models import (
    Agreement,
    BankEntry,
    ChangeState,
    EntryState,
    Reconciliation,
    ReconciliationObjection,
    ReconciliationState,
)
from scf.settlement.progress import Progress
from scf.settlement.reconciling import MOVEMENTS

_TAIL = "01k3e5m8q2x7v9b4c6d8f0g1h2"


class PartyRef(Out):
    """A party by name and code."""

    name: str
    uscc: UsccText


class AccountOut(Out):
    """An account, by name, number, and the bank that keeps it."""

    name: str
    account: str
    bank: str
    bank_uscc: str


class MaturityOut(Out):
    """A line of the maturity list. `ordered`: in payment orders, and no bank has told of it yet."""

    receivable: ReceivableId
    part: Part
    due_on: DateText
    supplier: PartyRef
    line_no: str
    contract_no: str | None
    state: State
    confirmed: MoneyOut
    paid: MoneyOut
    ordered: MoneyOut
    outstanding: MoneyOut
    pay_to: AccountOut

    @classmethod
    def of(cls, due: Due) -> Self:
        """Show a line."""
        one = due.receivable
        return cls(
            receivable=one.id,
            part=due.part,
            due_on=due.due_on,
            supplier=PartyRef(name=due.supplier.name, uscc=due.supplier.uscc),
            line_no=one.line_no,
            contract_no=one.contract_no,
            state=one.state,
            confirmed=due.confirmed,
            paid=due.paid,
            ordered=due.ordered,
            outstanding=due.outstanding,
            pay_to=AccountOut(**(one.pay_to or {})),
        )


class MaturitiesOut(Out):
    """A page of the maturity list; `next` is the cursor of the page after."""

    items: list[MaturityOut]
    next: str | None = Field(None, examples=[f"2025-12-19.rcv_{_TAIL}.MAIN"])


class TotalOut(Out):
    """What one supplier is owed on one day, in one currency."""

    due_on: DateText
    supplier: PartyRef
    count: int
    confirmed: MoneyOut
    paid: MoneyOut
    outstanding: MoneyOut

    @classmethod
    def of(cls, total: Total) -> Self:
        """Show the sums."""
        return cls(
            due_on=total.due_on,
            supplier=PartyRef(name=total.supplier.name, uscc=total.supplier.uscc),
            count=total.count,
            confirmed=total.confirmed,
            paid=total.paid,
            outstanding=total.outstanding,
        )


class EntryOut(Out):
    """A movement that a bank told of. `problem` says why it waits for a person."""

    id: BankEntryId
    account: str
    bank: str
    reference: str
    direction: Direction
    reversal: bool
    amount: MoneyOut
    booked_on: DateText
    end_to_end: str
    remittance: str
    other_name: str
    other_account: str
    other_bank: str
    state: EntryState
    problem: str | None
    receivable: ReceivableId | None
    assigned: bool

    @classmethod
    def of(cls, row: BankEntry) -> Self:
        """Show an entry to the bank that told of it."""
        names = ("account", "reference", "direction", "reversal", "amount", "booked_on")
        more = ("bank", "end_to_end", "remittance", "other_name", "other_account", "other_bank")
        return cls(
            id=row.id,
            receivable=row.receivable_id,
            assigned=row.assigned,
            **{name: getattr(row, name) for name in (*names, *more, "state", "problem")},
        )


class ReportOut(Out):
    """What a message came to: `repeated` entries were known, `pending` ones are not booked yet."""

    id: BankReportId
    kind: str = Field(examples=["camt.054.001.08"])
    recorded: int
    unmatched: int
    noted: int
    repeated: int
    pending: int
    entries: list[EntryOut]

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Show an outcome; entries that were known are left out."""
        return cls(
            id=outcome.report.id,
            kind=outcome.report.kind,
            recorded=outcome.recorded,
            unmatched=outcome.unmatched,
            noted=outcome.noted,
            repeated=outcome.repeated,
            pending=outcome.pending,
            entries=[EntryOut.of(row) for row in outcome.entries],
        )


class AssignIn(In):
    """What an entry pays, or takes back."""

    receivable: ReceivableId


class AstrayOut(Out):
    """Money that was paid to another account than the one named: the named one is that of now.

    `compared` are the fields of the named account that were held to what the bank told.
    """

    payment: PaymentId
    receivable: ReceivableId
    amount: MoneyOut
    left: MoneyOut
    paid_on: DateText
    account: str
    bank: str | None
    compared: list[str] = Field(examples=[["account", "bank_uscc"]])
    named_account: AccountOut

    @classmethod
    def of(cls, payment: ReceivablePayment, receivable: Receivable, left: Money) -> Self:
        """Show a payment that went astray, and what of it was not taken back."""
        return cls(
            payment=payment.id,
            receivable=receivable.id,
            amount=Money(payment.amount_minor, payment.currency),
            left=left,
            paid_on=payment.paid_on,
            account=payment.account,
            bank=payment.bank,
            compared=list(accounts.compared(payment.bank)),
            named_account=AccountOut(**(receivable.pay_to or {})),
        )


class ChangeIn(In):
    """Another account to pay to, and why."""

    pay_to: AccountIn
    reason: Line = Field(examples=["基本户变更"])


class EndIn(In):
    """Why a change is taken back, or refused."""

    reason: Line = Field(examples=["账号有误"])


class SignersIn(In):
    """Who is going to sign, in the order make, check; or one signer."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class SplitPartOut(Out):
    """A part of a split payment."""

    payee: UsccText
    amount: MoneyOut
    pay_to: AccountOut

    @classmethod
    def of(cls, part: dict[str, Any]) -> Self:
        """Show a part."""
        amount, account = Money.from_json(part["amount"]), AccountOut(**part["pay_to"])
        return cls(payee=part["payee"], amount=amount, pay_to=account)


class ChangeOut(Out):
    """A change of account: whoever has to sign it, and has; or who ended it, and why."""

    id: AccountChangeId
    receivable: ReceivableId
    state: ChangeState
    pay_to: AccountOut
    pay_to_before: AccountOut | None = Field(description="付款分割时为空 None where it is a split")
    parts: list[SplitPartOut] | None = Field(
        description="付款分割的份额 The parts, where it is a split"
    )
    rest: MoneyOut | None = Field(description="债权人的份额 What is in no part")
    reason: str
    signers: list[PartyId]
    signed: list[PartyId]
    proposed_by: PartyId
    proposed_at: InstantText
    ended_by: PartyId | None
    ended_because: str | None

    @classmethod
    def of(cls, change: Agreement, reader: UUID, receivable: Receivable) -> Self:
        """Show a change; a creditor sees every holder, others creditor, debtor and themselves."""
        shown = {receivable.creditor_id, receivable.debtor_id, reader}
        if reader == receivable.creditor_id:
            shown |= set(change.signers)
        split = change.content.get("parts")
        return cls(
            id=change.id,
            receivable=change.receivable_id,
            state=change.state,
            pay_to=AccountOut(**change.content["pay_to"]),
            pay_to_before=None
            if split is not None
            else AccountOut(**change.content["pay_to_before"]),
            parts=None if split is None else [SplitPartOut.of(part) for part in split],
            rest=None if split is None else Money.from_json(change.content["rest"]),
            reason=change.content["reason"],
            signers=[party for party in change.signers if party in shown],
            signed=[party for party in change.signed if party in shown],
            proposed_by=change.proposed_by,
            proposed_at=change.proposed_at,
            ended_by=change.ended_by if change.ended_by in shown else None,
            ended_because=change.ended_because,
        )


Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


def first_of(month: str) -> date:
    """Return the first day of a month."""
    return parse_date(f"{month}-01", field="month")


class ReconciliationIn(In):
    """Which month, between whom. The caller is one of the two."""

    creditor: PartyId
    debtor: PartyId
    month: Month = Field(examples=["2025-11"])
    currency: Annotated[str, StringConstraints(pattern=f"^({'|'.join(SCALES)})$")] = "CNY"

    @property
    def first_on(self) -> date:
        """The first day of the month."""
        return first_of(self.month)


class ObjectionIn(In):
    """What the balance is by one's own books, and why."""

    closing: MoneyText
    reason: Prose = Field(examples=["11 月 28 日付款未入账"])


class ObjectionOut(Out):
    """An objection as made."""

    party: PartyId
    closing: MoneyOut
    reason: str
    objected_at: InstantText


class ReconciliationOut(Out):
    """A month's balance: closing = opening + confirmed - paid + reversed - credited."""

    id: ReconciliationId
    version: int
    state: ReconciliationState
    creditor: PartyId
    debtor: PartyId
    first_on: DateText
    last_on: DateText
    number: int = Field(description="第几次编制 how often this month was drawn up")
    opening: MoneyOut
    confirmed: MoneyOut
    paid: MoneyOut
    reversed: MoneyOut
    credited: MoneyOut
    closing: MoneyOut
    signed: list[PartyId]
    objections: list[ObjectionOut]

    @classmethod
    def of(
        cls,
        found: Reconciliation,
        objections: Mapping[UUID, Sequence[ReconciliationObjection]],
    ) -> Self:
        """Show a reconciliation."""
        names = ("version", "state", "first_on", "last_on", "number", "signed")
        values: dict[str, Any] = {name: getattr(found, name) for name in names}
        for name in MOVEMENTS:
            values[name] = Money(getattr(found, f"{name}_minor"), found.currency)
        return cls(
            id=found.id,
            creditor=found.creditor_id,
            debtor=found.debtor_id,
            objections=[
                ObjectionOut(
                    party=one.party_id,
                    closing=Money(one.closing_minor, found.currency),
                    reason=one.reason,
                    objected_at=one.objected_at,
                )
                for one in objections.get(found.id, ())
            ],
            **values,
        )


class ProgressOut(Out):
    """How far a month's balance with a counterparty is; without an id it is yet to be drawn."""

    creditor: PartyId
    debtor: PartyId
    counterparty: PartyRef
    currency: str
    reconciliation: ReconciliationId | None
    state: ReconciliationState | None
    signed: list[PartyId]

    @classmethod
    def of(cls, one: Progress) -> Self:
        """Show a counterparty."""
        found = one.found
        return cls(
            creditor=one.creditor_id,
            debtor=one.debtor_id,
            counterparty=PartyRef(name=one.counterparty.name, uscc=one.counterparty.uscc),
            currency=one.currency,
            reconciliation=found.id if found else None,
            state=found.state if found else None,
            signed=found.signed if found else [],
        )
