"""An invoice as a row of a list tells of it, in canonical text: the fields below, dates in ISO form, plain decimals.

Such a row has no document's bytes. What is kept of it is this form as JSON, with the SHA-256 of the list,
the sheet and the row: whoever has the list finds the row again.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import orjson

from scf.documents.parsing.cn_forms import CURRENCY, Remark, is_einvoice_number, numbered
from scf.documents.parsing.errors import (
    Contradiction,
    CurrencyUnsupported,
    DocumentVoided,
    FieldInvalid,
    FieldMissing,
)
from scf.documents.parsing.model import Flag, Invoice, InvoiceParty, Kind
from scf.documents.parsing.totals import require_equal
from scf.documents.parsing.values import date_value, excerpt, money_value, text_value
from scf.kernel.money import SCALES, Money

FORMAT: Final = "scf-listed-invoice/1"

TEXTS: Final = (
    "number", "invoice_code", "einvoice_number", "seller_name", "buyer_name", "payee_name",
    "reverses", "contract_no", "order_no", "status", "risk", "remark", "item",
)  # fmt: skip
IDS: Final = ("seller_id", "buyer_id", "payee_id", "currency")
DATES: Final = ("issued_on", "delivered_on", "due_on")
AMOUNTS: Final = ("net", "tax", "total")
ANSWERS: Final = ("positive", "assigned")
FIELDS: Final = frozenset({*TEXTS, *IDS, *DATES, *AMOUNTS, *ANSWERS})
"""What a row may say. Answers are `yes` or `no`."""

VALUE_LENGTH_MAX: Final = 2_000  # remarks
_NO_RISK: Final = frozenset({"", "正常", "无风险"})

Fields = Mapping[str, str]


def to_invoice(fields: Fields) -> Invoice:
    """Read a row. Raises an Invalid error that names the field."""
    currency = fields.get("currency") or CURRENCY
    if currency not in SCALES:
        raise CurrencyUnsupported(field="currency", currency=excerpt(currency))
    kind, number = _numbered(fields, currency)
    net, tax, total = _amounts(fields, currency)
    remark = Remark.of(fields.get("remark", ""))
    reverses = fields.get("reverses") or remark.reverses
    takes_back = total.minor < 0 or bool(fields.get("reverses"))
    if fields.get("positive") == "no" and not takes_back:
        raise Contradiction(field="positive", total=total.text)
    if "作废" in fields.get("status", ""):
        raise DocumentVoided(field="status", number=number)
    seller = _party(fields, "seller")
    payee = _payee(fields, seller)
    return Invoice(
        kind=kind,
        number=number,
        seller=seller,
        buyer=_party(fields, "buyer"),
        issued_on=date_value(_required(fields, "issued_on"), field="issued_on"),
        net=net,
        tax=tax,
        total=total,
        payable=total,
        lines=(),
        payee=payee,
        flags=_flags(fields, remark, payee, takes_back=takes_back),
        takes_back=takes_back,
        reverses=(reverses,) if takes_back and reverses else (),
        confirmation_no=remark.confirmation_no if takes_back else None,
        contract_no=fields.get("contract_no") or None,
        order_no=fields.get("order_no") or None,
        delivered_on=_date(fields, "delivered_on"),
        due_on=_date(fields, "due_on"),
    )


def to_json(fields: Fields, *, sha256: str, sheet: str | None, row: int) -> bytes:
    """Return the form that is kept: canonical bytes (RFC 8785)."""
    source = {"sha256": sha256, "sheet": sheet, "row": row}
    content = {"format": FORMAT, "source": source, "fields": dict(fields)}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def from_json(original: bytes) -> Invoice:
    """Read the form that is kept. Raises an Invalid error that names the field."""
    try:
        content = orjson.loads(original)
    except orjson.JSONDecodeError:
        raise FieldInvalid(field="format", value="not JSON") from None
    match content:
        case {"format": "scf-listed-invoice/1", "source": dict(source), "fields": dict(fields)}:
            _check_source(source)
            if to_json(_checked(fields), **source) != original:
                raise FieldInvalid(field="format", value="not canonical")
            return to_invoice(fields)
    raise FieldInvalid(field="format", format_expected=FORMAT)


def _check_source(source: dict[str, Any]) -> None:
    match source:
        case {"sha256": str(sha256), "sheet": str() | None, "row": int()} if len(source) == 3:  # noqa: PLR2004
            if len(sha256) == 64 and set(sha256) <= set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256
                return
    raise FieldInvalid(field="source")


def _checked(fields: dict[str, Any]) -> Fields:
    """Return fields that are known and text. Raises FieldInvalid."""
    for name, value in fields.items():
        if name not in FIELDS or not isinstance(value, str) or len(value) > VALUE_LENGTH_MAX:
            raise FieldInvalid(field=excerpt(name), value=excerpt(str(value)))
        if name != "remark":
            text_value(value, field=name)
    return fields


def _numbered(fields: Fields, currency: str) -> tuple[Kind, str]:
    """Return what the invoice is and its number: 数电发票号码 where there is one, else 代码 and 号码."""
    einvoice, code = fields.get("einvoice_number"), fields.get("invoice_code")
    if einvoice:
        return numbered("", einvoice, field="einvoice_number")
    number = _required(fields, "number")
    if code:
        return numbered(code, number, field="invoice_code")
    if currency == CURRENCY and is_einvoice_number(number):
        return Kind.CN_EINVOICE, number
    return Kind.LISTED, number


def _amounts(fields: Fields, currency: str) -> tuple[Money, Money, Money]:
    """Return net, tax and total, of which a list may leave one out. Raises TotalsMismatch."""
    net, tax, total = (
        money_value(fields[name], currency, field=name) if fields.get(name) else None
        for name in AMOUNTS
    )
    if net is None and tax is not None and total is not None:
        net = total - tax
    if tax is None and net is not None and total is not None:
        tax = total - net
    if total is None and net is not None and tax is not None:
        total = net + tax
    if net is None or tax is None or total is None:
        raise FieldMissing(field="total" if total is None else "tax")
    require_equal(total, net + tax, field="total")
    return net, tax, total


def _party(fields: Fields, side: str) -> InvoiceParty:
    identity, name = fields.get(f"{side}_id"), fields.get(f"{side}_name")
    if not (identity or name):
        raise FieldMissing(field=f"{side}_name")
    return InvoiceParty(identity or None, name or identity or "")


def _payee(fields: Fields, seller: InvoiceParty) -> InvoiceParty | None:
    """Return who is to be paid, where it is not the seller."""
    if not (fields.get("payee_id") or fields.get("payee_name")):
        return None
    payee = _party(fields, "payee")
    same = payee.id == seller.id if payee.id and seller.id else payee.name == seller.name
    return None if same else payee


def _flags(
    fields: Fields, remark: Remark, payee: InvoiceParty | None, *, takes_back: bool
) -> frozenset[Flag]:
    signs = {
        Flag.FACTORED: remark.assigned or fields.get("assigned") == "yes",
        Flag.PAYEE_DIFFERS: payee is not None,
        Flag.TAKEN_BACK: not takes_back and "红冲" in fields.get("status", ""),
        Flag.TAX_RISK: fields.get("risk", "") not in _NO_RISK,
    }
    return frozenset(flag for flag, shown in signs.items() if shown)


def _required(fields: Fields, name: str) -> str:
    if not fields.get(name):
        raise FieldMissing(field=name)
    return fields[name]


def _date(fields: Fields, name: str) -> date | None:
    return date_value(fields[name], field=name) if fields.get(name) else None
