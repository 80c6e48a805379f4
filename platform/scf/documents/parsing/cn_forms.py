"""What Chinese invoices have in common in any file: how they are numbered, and what remarks say.

A 数电票 has 20 digits. A 增值税发票 of the system before has a 发票代码 of 10 or 12 digits and a 发票号码 of 8;
here it is numbered `code-number`.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from scf.documents.parsing.errors import FieldInvalid
from scf.documents.parsing.model import Kind
from scf.documents.parsing.values import excerpt

CURRENCY: Final = "CNY"

_EINVOICE = re.compile(r"[0-9]{20}", re.ASCII)
_CODE = re.compile(r"[0-9]{10}|[0-9]{12}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{8}", re.ASCII)

_REVERSED = re.compile(r"蓝字(?:数电)?(?:发票|票)号码?\s*[:：]?\s*([0-9]{20})", re.ASCII)
_REVERSED_VAT = re.compile(
    r"正数发票代码\s*[:：]?\s*([0-9]{10}|[0-9]{12})\s*号码\s*[:：]?\s*([0-9]{8})", re.ASCII
)
_CONFIRMATION = re.compile(r"红字发票信息确认单编号\s*[:：]?\s*([0-9A-Za-z-]{1,40})", re.ASCII)
_ASSIGNED = re.compile(
    r"保理|(?:应收账款|债权)[^。；;]{0,20}(?:转让|质押)|(?:转让|质押)[^。；;]{0,20}(?:应收账款|债权)"
)


def is_einvoice_number(text: str) -> bool:
    """Say whether a text is the number of a 数电票."""
    return _EINVOICE.fullmatch(text) is not None


def numbered(code: str, number: str, *, field: str) -> tuple[Kind, str]:
    """Return what an invoice is and its number here, from 发票代码 (empty for a 数电票) and 发票号码.

    Raises FieldInvalid.
    """
    if not code and is_einvoice_number(number):
        return Kind.CN_EINVOICE, number
    if _CODE.fullmatch(code) and _NUMBER.fullmatch(number):
        return Kind.CN_VAT, f"{code}-{number}"
    raise FieldInvalid(field=field, invoice_code=excerpt(code), invoice_number=excerpt(number))


@dataclass(frozen=True, slots=True)
class Remark:
    """What a remark says in its fixed words."""

    assigned: bool  # it mentions factoring, or that the claim is assigned or pledged
    reverses: str | None
    confirmation_no: str | None  # 红字发票信息确认单编号

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a remark."""
        confirmation = _CONFIRMATION.search(text)
        return cls(
            assigned=_ASSIGNED.search(text) is not None,
            reverses=_reversed(text),
            confirmation_no=confirmation.group(1) if confirmation else None,
        )


def _reversed(text: str) -> str | None:
    if match := _REVERSED.search(text):
        return match.group(1)
    match = _REVERSED_VAT.search(text)
    return "-".join(match.groups()) if match else None
