"""HTTP shapes of policies and cases. Only the bank itself ever sees one."""

from typing import Annotated, Any, Literal, Self

from pydantic import Base64Bytes, Field

from scf.approvals import aftercare, clearing, gates, service
from scf.approvals.clearing import Mode, Payee
from scf.approvals.conditions import CATALOGUE
from scf.approvals.journal import Open
from scf.approvals.models import BYTES_MAX, CasePaper, Kind, Policy, Record, State
from scf.approvals.policy import ITEMS_MAX, Code, Content
from scf.approvals.rules import Grade, Paper, Terms, Vote
from scf.http.schemas import (
    ApprovalCaseId,
    ApprovalPaperId,
    ApprovalPolicyId,
    ClientId,
    DateText,
    DigestText,
    EventId,
    FinancingId,
    In,
    InstantText,
    Line,
    MandateId,
    MoneyOut,
    Out,
    PersonId,
    PositiveMoney,
    Prose,
    RateText,
    ReceivableId,
)
from scf.kernel.money import Money
from scf.parties.schemas import SignerIn
from scf_ledger.encoding import b64url

PAPERS_MAX = 100
FileHash = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256，如 sha256sum 所示 As sha256sum prints it",
        examples=["86edbaa24831badfa0a8b04bb410141e2ee4182b6d0014493fe262a7a331c20b"],
    ),
]


class PolicyIn(In):
    """How the bank decides from a day on, recorded by two people."""

    effective_on: DateText
    content: Content
    maker: SignerIn
    checker: SignerIn


class PolicyOut(Out):
    """One version of a policy."""

    id: ApprovalPolicyId
    number: int
    effective_on: DateText
    content: Content
    sha256: DigestText
    maker: PersonId
    checker: PersonId
    recorded_at: InstantText

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Show a version."""
        return cls(
            id=policy.id,
            number=policy.number,
            effective_on=policy.effective_on,
            content=Content.model_validate(policy.content),
            sha256=b64url(policy.sha256),
            maker=policy.maker_id,
            checker=policy.checker_id,
            recorded_at=policy.recorded_at,
        )


class ConditionOut(Out):
    """A condition that a policy may ask a machine for."""

    code: str = Field(examples=["invoices_fresh"])
    title: str
    title_en: str
    takes_days: bool


def catalogue() -> list[ConditionOut]:
    """Show every condition that there is."""
    return [
        ConditionOut(
            code=code, title=known.title, title_en=known.title_en, takes_days=known.takes_days
        )
        for code, known in CATALOGUE.items()
    ]


class TermsIn(In):
    """What may be lent; `rate_min` absent: at any rate."""

    amount: PositiveMoney
    days: int = Field(ge=1, le=366)
    rate_min: RateText | None = None

    def terms(self) -> Terms:
        """Return what the service takes."""
        return Terms(self.amount, self.days, self.rate_min)


class AnswerIn(In):
    """What somebody says to an item of the policy."""

    code: Code
    ok: bool
    note: Line | None = None

    def answer(self) -> service.Answer:
        """Return what the service takes."""
        return service.Answer(self.code, self.ok, self.note)


class ActIn(In):
    """Whose act it is, and under which mandate."""

    by: SignerIn


class PaperIn(In):
    """A file by its hash; it stays with the bank, or is handed in after the record."""

    name: Line
    sha256: FileHash

    def paper(self) -> Paper:
        """Return what the service takes."""
        return Paper(self.name, self.sha256)


class ReportIn(ActIn):
    """A report: its text, an answer to each item, and the terms that it recommends."""

    report: Prose
    items: list[AnswerIn] = Field(default=[], max_length=ITEMS_MAX)
    recommends: TermsIn | None = None
    papers: list[PaperIn] = Field(default=[], max_length=PAPERS_MAX)


Conditions = Annotated[list[Line], Field(max_length=10)]
"""放款前须落实的条件: what is to be seen to before the money goes."""


class DecisionIn(ActIn):
    """Yes or no of an authorised person; `terms` absent: as recommended, else as asked."""

    approved: bool
    terms: TermsIn | None = None
    conditions: Conditions = Field(default=[])
    reason: Prose


class VoteIn(ActIn):
    """A member's vote."""

    vote: Vote
    opinion: Prose


class ConclusionIn(ActIn):
    """The chair closes the meeting; the votes decide."""

    conditions: Conditions = Field(default=[])
    reason: Prose


class ReturnIn(ActIn):
    """Back to an earlier step, or decided again."""

    to: Literal["INVESTIGATING", "REVIEWING", "DECIDING"]
    reason: Prose


class PayeeIn(In):
    """Whom a part of the loan is for."""

    name: Line
    account: Line
    bank: Line
    amount: PositiveMoney
    purpose: Line

    def payee(self) -> Payee:
        """Return what the service takes."""
        return Payee(self.name, self.account, self.bank, self.amount, self.purpose)


class PlanIn(ActIn):
    """受托支付 to these, or 自主支付 by the borrower for these."""

    mode: Mode
    payees: list[PayeeIn] = Field(min_length=1, max_length=PAPERS_MAX)


class TickIn(ActIn):
    """An item of the checklist, seen to or not."""

    code: Code
    ok: bool
    note: Line | None = None


class ReasonedIn(ActIn):
    """Whose act it is, and why."""

    reason: Prose


class UsedIn(In):
    """A file that shows what a part of the loan was paid for."""

    name: Line
    sha256: FileHash
    amount: PositiveMoney
    payee: Line | None = None

    def paper(self) -> Paper:
        """Return what the service takes."""
        return Paper(self.name, self.sha256, self.amount, self.payee)


class UseIn(ActIn):
    """Evidence of use."""

    papers: list[UsedIn] = Field(min_length=1, max_length=PAPERS_MAX)


class CheckIn(ActIn):
    """A check after paying."""

    report: Prose
    items: list[AnswerIn] = Field(default=[], max_length=ITEMS_MAX)
    papers: list[PaperIn] = Field(default=[], max_length=PAPERS_MAX)


class GradeIn(ActIn):
    """A grade and its reasons."""

    grade: Grade
    reasons: list[Line] = Field(min_length=1, max_length=20)


class ExtensionDecisionIn(ActIn):
    """Whether the loan may be extended, and up to which day."""

    approved: bool
    due_on: DateText
    reason: Prose


class RecordOut(Out):
    """An act of the case. `sha256` is that of the record's canonical JSON, which its event carries."""

    seq: int
    kind: Kind
    state: State
    person: PersonId | None
    mandate: MandateId | None
    at: InstantText
    inputs: dict[str, Any]
    sha256: DigestText
    event: EventId

    @classmethod
    def of(cls, row: Record) -> Self:
        """Show a record."""
        return cls(
            seq=row.seq,
            kind=row.kind,
            state=row.state,
            person=row.person_id,
            mandate=row.mandate_id,
            at=row.recorded_at,
            inputs=row.inputs,
            sha256=b64url(row.sha256),
            event=row.event_id,
        )


class KeptIn(ActIn):
    """The bytes of a file whose hash a record of the case names: PDF, PNG, JPEG, XML or OFD."""

    sha256: FileHash
    content: Base64Bytes = Field(
        min_length=1, max_length=BYTES_MAX * 4 // 3 + 4, examples=["JVBERi0xLjc="]
    )


class KeptOut(Out):
    """A file that is kept: what a record calls it, and who handed it in when."""

    id: ApprovalPaperId
    name: str
    media_type: str
    sha256: str
    person: PersonId
    mandate: MandateId
    client: ClientId
    kept_at: InstantText

    @classmethod
    def of(cls, row: CasePaper) -> Self:
        """Show a file, without its bytes."""
        return cls(
            id=row.id,
            name=row.name,
            media_type=row.media_type,
            sha256=row.sha256.hex(),
            person=row.person_id,
            mandate=row.mandate_id,
            client=row.client_id,
            kept_at=row.kept_at,
        )


class ListedOut(Out):
    """An item of the checklist; `ticked` null while nobody has said anything."""

    code: str
    title: str
    ticked: bool | None
    note: str | None
    record: int | None


class ProposalOut(Out):
    """The terms before the deciders, and how an amount of this size is decided."""

    amount: MoneyOut
    days: int
    rate_min: RateText | None


class CaseOut(Out):
    """A case: where it stands, what it came to, and every record of it."""

    id: ApprovalCaseId
    version: int
    financing: FinancingId
    receivable: ReceivableId
    policy: ApprovalPolicyId
    state: State
    state_since: InstantText
    asked: MoneyOut
    asked_days: int
    proposal: ProposalOut
    decision: dict[str, Any] | None
    checklist: list[ListedOut]
    payment: dict[str, Any] | None
    used: MoneyOut | None = Field(description="已证明用途的金额 Shown to be used so far")
    due_on: DateText | None
    grade: Grade | None
    grades: list[RecordOut] = Field(description="分类历史 Its grades, oldest first")
    records: list[RecordOut]

    @classmethod
    def of(cls, found: Open) -> Self:
        """Show a case to its bank."""
        case, proposal = found.case, service.proposal(found)
        decided, plan = found.last(Kind.DECIDED), found.last(Kind.PAYMENT_PLANNED)
        graded, offered = aftercare.graded(found), found.last(Kind.OFFERED)
        return cls(
            id=case.id,
            version=case.version,
            financing=case.financing_id,
            receivable=case.receivable_id,
            policy=case.policy_id,
            state=case.state,
            state_since=case.state_since,
            asked=case.asked,
            asked_days=case.asked_days,
            proposal=ProposalOut(
                amount=proposal.amount, days=proposal.days, rate_min=proposal.rate_min
            ),
            decision=_inputs(decided),
            checklist=[
                ListedOut(
                    code=item.code,
                    title=item.title,
                    ticked=item.ticked,
                    note=item.note,
                    record=item.record,
                )
                for item in clearing.checklist(found)
            ],
            payment=_inputs(plan),
            used=_used(found),
            due_on=gates.due_on(found) if offered else None,
            grade=Grade(graded.inputs["grade"]) if graded else None,
            grades=[RecordOut.of(row) for row in found.of(Kind.GRADED)],
            records=[RecordOut.of(row) for row in found.records],
        )


def _inputs(row: Record | None) -> dict[str, Any] | None:
    return row.inputs if row else None


def _used(found: Open) -> Money | None:
    shown = found.last(Kind.USE_SHOWN)
    return Money.from_json(shown.inputs["shown"]) if shown else None


class AnsweredOut(Out):
    """A condition, whether it holds now (null: it does not apply), and what was seen."""

    code: str
    title: str
    holds: bool | None
    seen: dict[str, Any]
