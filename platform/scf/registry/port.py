"""What the platform asks of the register, whoever runs it.

Source: 《动产和权利担保统一登记办法》(中国人民银行令〔2021〕第7号): the secured party registers, changes, extends and
cancels, anyone searches by the grantor, the register examines nothing. A filing carries our own reference, so
that a lost answer is asked for again instead of registered twice.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from scf.kernel.errors import Conflict, Unavailable
from scf.kernel.money import Money
from scf_ledger.receipt import Receipt


class RegistryUnavailable(Unavailable):
    """The register did not answer; whether it acted is asked by our own reference."""

    code = "registry.unavailable"
    title = "登记系统暂时不可用，请稍后重试"
    title_en = "The register is not available, try again"


class RegistryGarbled(RegistryUnavailable):
    """The register's answer is not one, or not to what was asked: nothing is concluded from it."""

    code = "registry.garbled"
    title = "登记系统的应答无法识别或与所报不符，请稍后重试"
    title_en = "The register's answer makes no sense or is about something else"


class RegistryRefused(Conflict):
    """The register takes a filing only in its form, and a reference only once."""

    code = "registry.refused"
    title = "登记系统不予受理"
    title_en = "The register refused the filing"


class Business(StrEnum):
    """What is registered, in the register's words (办法 art. 2)."""

    RECEIVABLE_PLEDGE = "应收账款质押"
    RECEIVABLE_ASSIGNMENT = "应收账款转让"
    FACTORING = "保理"
    WAREHOUSE_RECEIPT_PLEDGE = "仓单质押"

    @property
    def items_label(self) -> str:
        """What the form calls the numbers that tell the collateral from any other."""
        return "仓单编号" if self is Business.WAREHOUSE_RECEIPT_PLEDGE else "发票号码"

    @property
    def list_title(self) -> str:
        """What the list of them is called where it does not fit into the form."""
        return "仓单清单" if self is Business.WAREHOUSE_RECEIPT_PLEDGE else "发票清单"


class EntryKind(StrEnum):
    """Which entry a certificate is about."""

    INITIAL = "初始登记"
    AMENDED = "变更登记"
    EXTENDED = "展期登记"
    CANCELLED = "注销登记"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A party as the register names it."""

    name: str
    uscc: str


@dataclass(frozen=True, slots=True)
class Filing:
    """What is put on the register. `items` are the numbers that the description is about.

    Of invoices, or of warehouse receipts (仓单).
    """

    reference: str
    secured_party: Enrolled
    grantor: Enrolled
    description: str
    items: tuple[str, ...]
    amount: Money
    contract_no: str
    term_months: int
    business: Business = Business.RECEIVABLE_PLEDGE


@dataclass(frozen=True, slots=True)
class Certificate:
    """A 登记证明: what stands, and which entry put it there; `reason` is that of a change or cancellation.

    `initial_no` is the number of the initial registration, that of the certificate itself for one.
    """

    kind: EntryKind
    number: str
    initial_no: str
    registered_at: datetime
    expires_on: date
    business: Business
    secured_party: Enrolled
    grantor: Enrolled
    contract_no: str
    amount: Money
    description: str
    items: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """An entry on the register; `certificate` is the 登记证明 as issued, `content` what it says."""

    reg_no: str
    reference: str
    registered_at: datetime
    expires_on: date
    cancelled_at: datetime | None
    certificate: bytes
    content: Certificate
    receipt: Receipt | None = None
    """What the register signed over the entry itself, where it does."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A live entry against a grantor, as anyone may read it."""

    reg_no: str
    registered_at: datetime
    secured_party: Enrolled
    description: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A 查询证明: what stood against a grantor at an instant."""

    cert_no: str
    grantor: Enrolled
    searched_at: datetime
    findings: tuple[Finding, ...]
    results_hash: bytes  # SHA-256 of the canonical list of findings
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Objection:
    """A 异议登记 against an entry: whoever objects has to go to court, or it is struck out."""

    number: str
    objected_at: datetime
    objector: Enrolled
    text: str


class Register(Protocol):
    """The register, over whatever link: every call may raise RegistryUnavailable.

    `sent_before`: the same may have been asked already, so it is looked for by our reference first.
    """

    def search(self, grantor: Enrolled) -> SearchResult:
        """Return every live entry against a grantor, under a numbered certificate."""
        ...

    def register(self, filing: Filing, *, sent_before: bool) -> Registration:
        """Register, once per reference. Raises RegistryRefused."""
        ...

    def amend(self, reg_no: str, filing: Filing, *, reason: str, sent_before: bool) -> Registration:
        """Change what stands under a number to what a filing says. Raises RegistryRefused."""
        ...

    def extend(
        self, reg_no: str, *, reference: str, months: int, sent_before: bool
    ) -> Registration:
        """Let an entry stand some months longer. Raises RegistryRefused."""
        ...

    def cancel(self, reg_no: str, *, reason: str) -> Registration:
        """Cancel an entry; a cancelled one stays as it is. Raises RegistryRefused."""
        ...

    def find(self, reference: str) -> Registration | None:
        """Return what stands under our own reference, cancelled or not."""
        ...

    def objections(self, reg_no: str) -> tuple[Objection, ...]:
        """Return the objections against an entry, in their order."""
        ...
