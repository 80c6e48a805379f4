"""HTTP shapes of receivables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field

from scf.http import problems
from scf.http.schemas import (
    DateText,
    DocumentId,
    EventId,
    In,
    InstantText,
    Line,
    MoneyIn,
    MoneyOut,
    Out,
    PartyId,
    PoolId,
    PositiveMoney,
    ProgrammeId,
    Prose,
    ReceivableId,
    UsccText,
)
from scf.kernel.errors import Refused
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties.models import Party
from scf.parties.schemas import SignerIn
from scf.receivables import accounts
from scf.receivables.findings import Finding
from scf.receivables.models import GIVEN_UP, Receivable, ReceivablePayment, State
from scf.receivables.payments import Receipt, Reported
from scf.receivables.rules import (
    COUNTERCLAIMS_MAX,
    DOCUMENTS_MAX,
    Counterclaim,
    Retention,
)
from scf.receivables.service import Account, Confirmation
from scf.receivables.submission import BULK_MAX, Mode, Outcome, Submission
from scf.receivables.writing import Line as WrittenLine

Consent = Literal["pledge", "assignment", "pay_only_named_account", "no_red_invoice"]


def _distinct(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) != len(ids):
        raise ValueError("every document once")
    return ids


class SubmissionIn(In):
    """A line of payables, as its creditor claims it. `claimed` absent: the sum of the documents."""

    programme: ProgrammeId
    line_no: Line = Field(examples=["DZ-2025-10-01"])
    documents: Annotated[list[DocumentId], AfterValidator(_distinct)] = Field(
        min_length=1, max_length=DOCUMENTS_MAX
    )
    claimed: PositiveMoney | None = None
    contract_no: Line | None = Field(None, examples=["HT-2025-018"])
    receipt_no: Line | None = Field(None, examples=["RK-20251020-03"])
    delivered_on: DateText | None = None
    due_on: DateText

    def submission(self) -> Submission:
        """Return what the service takes."""
        return Submission(
            self.programme,
            self.line_no,
            self.documents,
            self.claimed,
            self.contract_no,
            self.receipt_no,
            self.delivered_on,
            self.due_on,
        )


class BulkIn(In):
    """Many lines at once."""

    items: list[SubmissionIn] = Field(min_length=1, max_length=BULK_MAX)


class SubmittedOut(Out):
    """A line that now waits for its debtor."""

    id: ReceivableId
    version: int = Field(examples=[1])
    state: State
    line_no: str = Field(examples=["DZ-2025-10-01"])
    claimed: MoneyOut
    due_on: DateText

    @classmethod
    def of(cls, line: WrittenLine) -> Self:
        """Show what was written."""
        return cls(
            id=line.id,
            version=1,
            state=State.SUBMITTED,
            line_no=line.line_no,
            claimed=line.claimed,
            due_on=line.due_on,
        )


class ProblemOut(Out):
    """Why one item was refused; the same words as a problem document."""

    code: str = Field(examples=["receivable.document_in_use"])
    title: str = Field(examples=["发票已用于另一笔应收账款"])
    detail: str
    field: str | None = Field(examples=["documents"])
    fields: dict[str, Any]

    @classmethod
    def of(cls, error: Refused) -> Self:
        """Show a refusal."""
        return cls(
            code=error.code,
            title=error.title,
            detail=error.title_en,
            field=error.field,
            fields=problems.plain(error.fields),
        )


class BulkItemOut(Out):
    """What became of one item: an id, or a problem."""

    item: int = Field(examples=[0])
    receivable: ReceivableId | None = None
    problem: ProblemOut | None = None


class BulkOut(Out):
    """What became of every item, in the order sent."""

    mode: Mode
    submitted: int = Field(examples=[9_998])
    refused: int = Field(examples=[2])
    items: list[BulkItemOut]

    @classmethod
    def of(cls, mode: Mode, outcomes: Sequence[Outcome]) -> Self:
        """Show outcomes."""
        items = [
            BulkItemOut(item=place, problem=ProblemOut.of(outcome))
            if isinstance(outcome, Refused)
            else BulkItemOut(item=place, receivable=outcome.id)
            for place, outcome in enumerate(outcomes)
        ]
        refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
        return cls(mode=mode, submitted=len(items) - refused, refused=refused, items=items)


class AccountIn(In):
    """The account to pay to (回款账户), by name, number, and the bank that keeps it."""

    name: Line = Field(examples=["永川兴锐冲压件(示例)"])
    account: Line = Field(examples=["6222 0000 0000 0001"])
    bank: Line = Field(examples=["示例农商行永川支行"])
    bank_uscc: UsccText

    def value(self) -> Account:
        """Return what the service takes."""
        return Account(self.name, self.account, self.bank, self.bank_uscc)


class RetentionIn(In):
    """A part of what is confirmed that falls due on its own date (质保金)."""

    amount: PositiveMoney
    due_on: DateText = Field(examples=["2026-12-19"])

    def value(self) -> Retention:
        """Return what the service takes."""
        return Retention(self.amount, self.due_on)


class CounterclaimIn(In):
    """What the debtor may set off."""

    reason: Prose = Field(examples=["质量扣款 2025-09"])
    amount: PositiveMoney

    def value(self) -> Counterclaim:
        """Return what the service takes."""
        return Counterclaim(self.reason, self.amount)


class ReservationsIn(In):
    """What a debtor reserves beside amounts; a ban on assignment is recorded, and binds no third party."""

    retention: RetentionIn | None = None
    counterclaims: list[CounterclaimIn] = Field([], max_length=COUNTERCLAIMS_MAX)
    assignment_banned: bool = False

    def reserved(self, confirmation: Confirmation) -> Confirmation:
        """Return the confirmation with what is reserved."""
        return replace(
            confirmation,
            retention=self.retention.value() if self.retention else None,
            counterclaims=[one.value() for one in self.counterclaims],
            assignment_banned=self.assignment_banned,
        )


class ConfirmationTermsIn(In):
    """What a confirmation promises beside amounts. Signers: maker, then checker."""

    no_setoff: bool = Field(examples=[True])
    consents: list[Consent] = Field(max_length=4, examples=[["assignment", "pledge"]])
    signers: list[SignerIn] = Field(min_length=2, max_length=2)


class ConfirmationIn(ConfirmationTermsIn, ReservationsIn):
    """A confirmation, whole or part: confirmed, disputed and rejected add up to the claim."""

    confirmed: PositiveMoney
    disputed: MoneyIn | None = None
    rejected: MoneyIn | None = None
    reason: Prose | None = Field(None, examples=["质量争议：第三批孔径超差"])
    due_on: DateText | None = None
    pay_to: AccountIn

    def confirmation(self) -> Confirmation:
        """Return what the service takes."""
        return self.reserved(
            Confirmation(
                self.confirmed,
                self.disputed,
                self.rejected,
                self.reason,
                self.due_on,
                self.pay_to.value(),
                self.no_setoff,
                self.consents,
            )
        )


class DisputeIn(In):
    """A dispute over a claim; `amount` absent: over all of it."""

    reason: Prose = Field(examples=["数量不符：少收两箱"])
    amount: PositiveMoney | None = None
    signers: list[SignerIn] = Field(min_length=1, max_length=1)


class FindingOut(Out):
    """Something to look at before one confirms; it blocks nothing."""

    code: str = Field(examples=["invoice.before_delivery"])
    title: str = Field(examples=["发票日期早于收货日期超过 30 天"])
    title_en: str
    figures: dict[str, Any]

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """Show a finding."""
        return cls(
            code=finding.code,
            title=finding.title,
            title_en=finding.title_en,
            figures=dict(finding.figures),
        )


class WithdrawalIn(In):
    """A submitted line taken back."""

    reason: Prose = Field(examples=["金额有误，重新提交"])


class RejectionIn(In):
    """A claim rejected whole."""

    reason: Prose = Field(examples=["非我司交易"])
    signers: list[SignerIn] = Field(min_length=1, max_length=1)


class RetentionOut(Out):
    """A part of what is confirmed that falls due on its own date."""

    amount: MoneyOut
    due_on: DateText

    @classmethod
    def of(cls, receivable: Receivable) -> Self | None:
        """Show a receivable's, if it has one."""
        if receivable.retention_minor is None or receivable.retention_due_on is None:
            return None
        amount = receivable.money(receivable.retention_minor)
        return cls(amount=amount, due_on=receivable.retention_due_on)


class CounterclaimOut(Out):
    """What the debtor may set off."""

    reason: str
    amount: MoneyOut

    @classmethod
    def of(cls, receivable: Receivable) -> list[Self] | None:
        """Show a receivable's; None before it is confirmed."""
        if receivable.counterclaims is None:
            return None
        return [
            cls(reason=one["reason"], amount=Money.from_json(one["amount"]))
            for one in receivable.counterclaims
        ]


class SideOut(Out):
    """One side of a receivable."""

    id: PartyId
    uscc: UsccText
    name: str = Field(examples=["渝川汽车(示例)"])

    @classmethod
    def of(cls, party: Party) -> Self:
        """Show a party."""
        return cls(id=party.id, uscc=party.uscc, name=party.name)


class DocumentRefOut(Out):
    """A document behind a receivable."""

    id: str = Field(examples=["doc_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    number: str = Field(examples=["25502000000000000101"])


class ReceivableOut(Out):
    """A receivable as it stands: in which state, since when, waiting for whom."""

    id: ReceivableId
    version: int = Field(examples=[2])
    state: State
    since: InstantText
    waiting_for: PartyId | None
    programme: ProgrammeId
    creditor: SideOut
    debtor: SideOut
    line_no: str = Field(examples=["DZ-2025-10-01"])
    documents: list[DocumentRefOut]
    contract_no: str | None
    receipt_no: str | None
    delivered_on: DateText | None
    due_on: DateText
    claimed: MoneyOut
    confirmed: MoneyOut
    disputed: MoneyOut
    rejected: MoneyOut
    paid: MoneyOut
    reason: str | None
    reason_compliant: bool | None = Field(
        description="条例是否认可该原因 Whether the law accepts the reason"
    )
    pay_to: dict[str, str] | None
    no_setoff: bool | None
    consents: list[str] | None
    retention: RetentionOut | None = Field(description="质保金，另行到期 due on its own date")
    counterclaims: list[CounterclaimOut] | None = Field(description="债务人列明的可抵销债权")
    assignment_banned: bool | None = Field(
        description="合同约定不得转让；金钱债权不得对抗第三人（民法典第五百四十五条）"
    )
    free_of_defence: MoneyOut = Field(
        description="确认金额减去可抵销债权 What is confirmed, less counterclaims"
    )
    pool: PoolId | None
    submitted_at: InstantText

    @classmethod
    def of(
        cls,
        receivable: Receivable,
        parties: Mapping[UUID, Party],
        documents: Sequence[Mapping[str, str]],
    ) -> Self:
        """Show a receivable to one of its parties."""
        settled = receivable.state in (*GIVEN_UP, State.PAID)
        return cls(
            id=receivable.id,
            version=receivable.version,
            state=receivable.state,
            since=receivable.changed_at,
            waiting_for=None if settled else receivable.debtor_id,
            programme=receivable.programme_id,
            creditor=SideOut.of(parties[receivable.creditor_id]),
            debtor=SideOut.of(parties[receivable.debtor_id]),
            line_no=receivable.line_no,
            documents=[DocumentRefOut(id=d["id"], number=d["number"]) for d in documents],
            contract_no=receivable.contract_no,
            receipt_no=receivable.receipt_no,
            delivered_on=receivable.delivered_on,
            due_on=receivable.due_on,
            claimed=receivable.claimed,
            confirmed=receivable.confirmed,
            disputed=receivable.money(receivable.disputed_minor),
            rejected=receivable.money(receivable.rejected_minor),
            paid=receivable.money(receivable.paid_minor),
            reason=receivable.reason,
            reason_compliant=receivable.reason_compliant,
            pay_to=receivable.pay_to,
            no_setoff=receivable.no_setoff,
            consents=receivable.consents,
            retention=RetentionOut.of(receivable),
            counterclaims=CounterclaimOut.of(receivable),
            assignment_banned=receivable.assignment_banned,
            free_of_defence=receivable.free_of_defence,
            pool=receivable.pool_id,
            submitted_at=receivable.submitted_at,
        )


class PaymentIn(In):
    """A bank's receipt over money that came in; without `bank_uscc` into an account that it keeps itself."""

    receipt_no: Line = Field(examples=["HD-20251219-0001"])
    amount: PositiveMoney
    paid_on: DateText
    account: Line = Field(examples=["6222 0000 0000 0001"])
    bank_uscc: UsccText | None = None

    def receipt(self) -> Receipt:
        """Return what the service takes."""
        return Receipt(self.receipt_no, self.amount, self.paid_on, self.account, self.bank_uscc)


class PaymentOut(Out):
    """A payment as recorded. Not to the named account: the value is diluted by it.

    `compared` are the fields of the named account that were held to what the bank told.
    """

    id: str = Field(examples=["pay_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    receipt_no: str
    amount: MoneyOut
    paid_on: DateText
    account: str
    bank: str | None
    to_named_account: bool
    compared: list[str] = Field(examples=[["account", "bank_uscc"]])
    event: EventId
    reported_at: InstantText

    @classmethod
    def of(cls, payment: ReceivablePayment) -> Self:
        """Show a payment."""
        return cls(
            id=public_id("pay", payment.id),
            receipt_no=payment.receipt_no,
            amount=Money(payment.amount_minor, payment.currency),
            paid_on=payment.paid_on,
            account=payment.account,
            bank=payment.bank,
            to_named_account=payment.to_named_account,
            compared=list(accounts.compared(payment.bank)),
            event=payment.event_id,
            reported_at=payment.reported_at,
        )


class ReportedOut(Out):
    """What a receipt was recorded as; `repeated` when it was known before and changed nothing."""

    version: int
    repeated: bool
    state: State
    paid: MoneyOut
    payment: PaymentOut

    @classmethod
    def of(cls, reported: Reported) -> Self:
        """Show a report."""
        receivable = reported.receivable
        return cls(
            version=receivable.version,
            repeated=reported.repeated,
            state=receivable.state,
            paid=receivable.money(receivable.paid_minor),
            payment=PaymentOut.of(reported.payment),
        )
