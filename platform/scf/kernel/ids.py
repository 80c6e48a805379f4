"""Identifiers: UUIDv7 inside; outside a typed prefix and 26 letters of Crockford base32."""

import os
import re
import time
from typing import Final
from uuid import UUID

from scf.kernel.errors import Invalid

PREFIXES: Final = {
    "alarm": "alm",
    "account_change": "acg",
    "approval_case": "apc",
    "approval_paper": "apf",
    "approval_policy": "app",
    "authority": "aut",
    "bank_entry": "bke",
    "bank_report": "brp",
    "capacity_pool": "cap",
    "certificate": "crt",
    "client": "cli",
    "confirmation_request": "cfr",
    "consent": "cns",
    "consignment": "csg",
    "control": "ctl",
    "control_notice": "cnt",
    "debtor_notice": "dnt",
    "device": "dev",
    "device_hour": "dvh",
    "division": "dvn",
    "document": "doc",
    "draft": "dft",
    "event": "evt",
    "financing": "fin",
    "freight_bill": "frb",
    "freight_settlement": "fst",
    "hold": "hld",
    "invitation": "inv",
    "invoice_check": "ivc",
    "job": "job",
    "look_up": "lkp",
    "lot": "lot",
    "mandate": "mnd",
    "margin_call": "mgc",
    "notice": "ntc",
    "party": "pty",
    "payable_line": "pyl",
    "payment": "pay",
    "payment_order": "pmo",
    "person": "psn",
    "pledge": "plg",
    "price_batch": "prb",
    "price_entry": "pen",
    "price_series": "prs",
    "programme": "prg",
    "receivable": "rcv",
    "reconciliation": "rcn",
    "red_note": "red",
    "registry_filing": "rgf",
    "registry_paper": "rgp",
    "restraint": "rst",
    "rule_evaluation": "rul",
    "stage": "stg",
    "statement": "stm",
    "stocktake": "stk",
    "storage_tariff": "trf",
    "task": "tsk",
    "trade_document": "trd",
    "warehouse_receipt": "whr",
    "webhook": "whk",
    "webhook_delivery": "msg",
    "withdrawal": "wdr",
}
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TAIL: Final = re.compile(f"[0-7][{_ALPHABET}]{{25}}")
"""26 letters hold 130 bits, an id 128: the first letter is below 8."""
_TO_BASE_32: Final = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_PAIRS: Final = [a + b for a in _ALPHABET for b in _ALPHABET]


class IdInvalid(Invalid):
    """An identifier is a known prefix, `_`, and 26 letters."""

    code = "id.invalid"
    title = "编号格式不正确"
    title_en = "The identifier is not valid"


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562, 5.7): milliseconds, then randomness."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)


def public_id(prefix: str, value: UUID) -> str:
    """Return the text that outsiders see, such as `rcv_01k3…`."""
    number = value.int
    pairs = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


def parse_id(prefix: str, text: str, *, field: str | None = None) -> UUID:
    """Read an outsider's text. Raises IdInvalid that names the prefix expected."""
    head, _, tail = text.partition("_")
    if head != prefix or not _TAIL.fullmatch(tail):
        raise IdInvalid(field=field, value=text[:40], expected=f"{prefix}_…")
    return UUID(int=int(tail.translate(_TO_BASE_32), 32))
