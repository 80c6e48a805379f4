"""HTTP shapes of what a pledge has at the register."""

from typing import Any, Literal, Self

from pydantic import Field

from scf.http.schemas import (
    ClientId,
    DateText,
    DigestText,
    In,
    InstantText,
    Line,
    Out,
    PledgeId,
    Prose,
    RegistryFilingId,
    RegistryPaperId,
    UsccText,
)
from scf.pledges.models import PledgeSearch, SearchStep
from scf.registrations.models import (
    Change,
    RegistryFiling,
    RegistryFinding,
    RegistryObjection,
    RegistryPaper,
)
from scf.registry.form import Field as FormField
from scf_ledger.encoding import b64url


class AmendmentIn(In):
    """Why what stands at the register is changed."""

    reason: Line = Field(examples=["担保人名称变更"])


class ExtensionIn(In):
    """By how many months a registration is extended."""

    months: int = Field(ge=1, le=360, examples=[6])


class ObjectionIn(In):
    """An objection of which the register told the pledgee."""

    number: Line = Field(examples=["Y20251201000000000001"])
    objected_at: InstantText
    objector: Line
    objector_uscc: UsccText
    text: Prose


class AnswerIn(In):
    """What the pledgee answers."""

    answer: Prose = Field(examples=["登记内容与质押合同一致，不予变更"])


class FormFieldOut(Out):
    """A field of the register's form."""

    section: str = Field(examples=["担保财产信息"])
    label: str = Field(examples=["主合同金额"])
    value: str = Field(examples=["996000.00"])

    @classmethod
    def of(cls, field: FormField) -> Self:
        """Show a field."""
        return cls(section=field.section, label=field.label, value=field.value)


class FormOut(Out):
    """The register's form, to be copied field by field."""

    pledge: PledgeId
    fields: list[FormFieldOut]


class DifferenceOut(Out):
    """A field in which a certificate differs; one that stops means that it is not taken."""

    field: str = Field(examples=["items"])
    label: str = Field(examples=["发票号码"])
    expected: str
    found: str
    weight: Literal["stops", "noted"]


class PaperOut(Out):
    """A certificate as it was handed in and read."""

    id: RegistryPaperId
    kind: str = Field(examples=["初始登记"])
    number: str = Field(examples=["20251103000000000001"])
    at: InstantText
    sha256: DigestText
    taken: bool = Field(description="据以推进办理 It stands for the register's own answer")
    differences: list[DifferenceOut]
    read: dict[str, Any] = Field(description="读取到的内容 What was read in it")
    handed_in_at: InstantText
    handed_in_by: ClientId

    @classmethod
    def of(cls, paper: RegistryPaper) -> Self:
        """Show a certificate."""
        return cls(
            id=paper.id,
            kind=paper.kind,
            number=paper.number,
            at=paper.at,
            sha256=b64url(paper.sha256),
            taken=paper.taken,
            differences=[DifferenceOut.model_validate(one) for one in paper.differences],
            read=paper.read,
            handed_in_at=paper.handed_in_at,
            handed_in_by=paper.handed_in_by,
        )


class FilingOut(Out):
    """Something filed with the register, and what became of it."""

    id: RegistryFilingId
    change: Change
    reference: str
    reason: str
    asked_at: InstantText
    number: str | None
    registered_at: InstantText | None
    expires_on: DateText | None
    problem: str | None = Field(
        description="登记系统不予受理的代码 The register's word for refusing"
    )

    @classmethod
    def of(cls, filing: RegistryFiling) -> Self:
        """Show a filing."""
        return cls(
            id=filing.id,
            change=filing.change,
            reference=filing.reference,
            reason=filing.reason,
            asked_at=filing.asked_at,
            number=filing.number,
            registered_at=filing.registered_at,
            expires_on=filing.expires_on,
            problem=filing.problem,
        )


class SearchOut(Out):
    """A search, with the number of its certificate."""

    cert_no: str = Field(examples=["C20251103000000000001"])
    step: SearchStep
    searched_at: InstantText
    clean: bool
    results_hash: DigestText

    @classmethod
    def of(cls, search: PledgeSearch) -> Self:
        """Show a search."""
        return cls(
            cert_no=search.cert_no,
            step=search.step,
            searched_at=search.searched_at,
            clean=search.clean,
            results_hash=b64url(search.results_hash),
        )


class FindingOut(Out):
    """Somebody else's entry over the same claim."""

    reg_no: str
    registered_at: InstantText
    ranks: Literal["before", "behind"]
    cert_no: str
    found_at: InstantText

    @classmethod
    def of(cls, finding: RegistryFinding) -> Self:
        """Show a finding."""
        return cls(
            reg_no=finding.reg_no,
            registered_at=finding.registered_at,
            ranks="before" if finding.ranks_before else "behind",
            cert_no=finding.cert_no,
            found_at=finding.found_at,
        )


class ObjectionOut(Out):
    """An objection against the registration, and the answer to it."""

    number: str
    objected_at: InstantText
    objector: str
    text: str
    answer: str | None
    answered_at: InstantText | None

    @classmethod
    def of(cls, objection: RegistryObjection) -> Self:
        """Show an objection."""
        return cls(
            number=objection.number,
            objected_at=objection.objected_at,
            objector=objection.objector,
            text=objection.body,
            answer=objection.answer,
            answered_at=objection.answered_at,
        )


class RegistryRecordOut(Out):
    """Everything that a pledge has at the register, oldest first."""

    pledge: PledgeId
    filings: list[FilingOut]
    searches: list[SearchOut]
    findings: list[FindingOut]
    objections: list[ObjectionOut]
    papers: list[PaperOut]
