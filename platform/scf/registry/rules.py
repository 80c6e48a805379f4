"""What a search says about a claim, and how long an entry stands."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from scf.registry.port import Finding

TERM_MONTHS_MAX = 360
"""令〔2021〕第7号: a registration runs for 1 to 360 months."""
MARGIN = timedelta(days=180)
"""A registration, like a lock, outlives the loan's due date by this."""

_SWEEPING = re.compile(r"(全部|所有|一切)[^，。；;,]{0,12}(应收账款|债权)")
"""A description that takes every claim takes ours, too."""
_SWEEPING_GOODS = re.compile(
    r"(全部|所有|一切)[^，。；;,]{0,12}(仓单|提单|动产|存货|库存|货物|原材料|半成品|产品)"
)
"""And one that takes every thing (浮动抵押, Civil Code 396; 动态质押), or every receipt, takes the goods of ours."""


def described_parts(*, contract_no: str | None, invoices: Sequence[str]) -> list[str]:
    """Name what such a description tells a claim by; 财产信息描述 has a contract and invoices apart."""
    given = [("contract_no", contract_no), ("invoices", invoices)]
    return ["creditor", "debtor", "amount", "due_on", *(name for name, value in given if value)]


def covers(description: str, numbers: Iterable[str], *, goods: bool = False) -> bool:
    """Say whether an entry's text takes one of these papers, by number or by taking all.

    Of invoices and orders, or with `goods` of warehouse receipts.
    """
    text = "".join(unicodedata.normalize("NFKC", description).upper().split())
    if (_SWEEPING_GOODS if goods else _SWEEPING).search(text):
        return True
    return any(_names(text, number) for number in numbers)


def _names(text: str, number: str) -> bool:
    """Say whether a number stands in a text, and not as a part of a longer one."""
    wanted = re.escape("".join(unicodedata.normalize("NFKC", number).upper().split()))
    return re.search(rf"(?<![0-9A-Z]){wanted}(?![0-9A-Z])", text) is not None


def is_clean(
    findings: Iterable[Finding],
    numbers: Sequence[str],
    *,
    own: Iterable[str] = (),
    before: datetime | None = None,
    goods: bool = False,
) -> bool:
    """Say whether no other's entry ranks before ours (Civil Code 768: earlier registration first).

    `own` are our registration numbers; `before` is when ours was registered, None while it is not yet, so
    that any overlapping entry stands before it. An entry of the same instant is taken as earlier.
    """
    mine = set(own)
    return not any(
        finding.reg_no not in mine
        and (before is None or finding.registered_at <= before)
        and overlaps(finding, numbers, goods=goods)
        for finding in findings
    )


def overlaps(finding: Finding, numbers: Sequence[str], *, goods: bool = False) -> bool:
    """Say whether an entry takes one of these papers, in its text or by its list of them."""
    return covers("、".join((finding.description, *finding.items)), numbers, goods=goods)


def term_months(today: date, due_on: date) -> int:
    """Return the shortest term that reaches the margin after the due date."""
    end = due_on + MARGIN
    months = (end.year - today.year) * 12 + end.month - today.month + (end.day > today.day)
    return min(max(months, 1), TERM_MONTHS_MAX)
