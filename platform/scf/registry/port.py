"""What the platform asks of the register, whoever runs it.

Source: 《动产和权利担保统一登记办法》(中国人民银行令〔2021〕第7号): the secured party registers and cancels,
anyone searches by the grantor, the register examines nothing. A filing carries our own reference, so
that a lost answer is asked for again instead of registered twice.
"""

from dataclasses import dataclass
from datetime import date, datetime

from scf.kernel.errors import Conflict, Unavailable
from scf.kernel.money import Money


class RegistryUnavailable(Unavailable):
    """The register did not answer; whether it acted is asked by our own reference."""

    code = "registry.unavailable"
    title = "登记系统暂时不可用，请稍后重试"
    title_en = "The register is not available, try again"


class RegistryRefused(Conflict):
    """The register takes a filing only in its form, and a reference only once."""

    code = "registry.refused"
    title = "登记系统不予受理"
    title_en = "The register refused the filing"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A party as the register names it."""

    name: str
    uscc: str


@dataclass(frozen=True, slots=True)
class Filing:
    """What is put on the register. `items` are the invoice numbers within the description."""

    reference: str
    secured_party: Enrolled
    grantor: Enrolled
    description: str
    items: tuple[str, ...]
    amount: Money
    contract_no: str
    term_months: int


@dataclass(frozen=True, slots=True)
class Registration:
    """An entry on the register; `certificate` is the 登记证明 as issued."""

    reg_no: str
    reference: str
    registered_at: datetime
    expires_on: date
    cancelled_at: datetime | None
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """A live entry against a grantor, as anyone may read it."""

    reg_no: str
    registered_at: datetime
    secured_party: Enrolled
    description: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A 查询证明: what stood against a grantor at an instant."""

    cert_no: str
    searched_at: datetime
    findings: tuple[Finding, ...]
    results_hash: bytes  # SHA-256 of the canonical list of findings
    certificate: bytes
