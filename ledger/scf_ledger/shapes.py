"""What a field of a record may hold: one predicate for each shape, shared by events and statements."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from scf_ledger import uscc

Shape = Callable[[Any], bool]

TEXT_MAX = 2_000
"""Characters of a text in a record; a reason is a sentence, a contract is a hash."""
ITEMS_MAX = 1_000
"""Documents, tokens or consents in one record."""

PUBLIC_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")
"""A prefix and 26 lower-case Crockford base32 characters; opaque here."""
DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""SHA-256 in base64url without padding: 43 characters, the last one with two zero bits."""
SALT = re.compile(r"[A-Za-z0-9_-]{22,86}")
"""At least 128 random bits in base64url; a reader digests the text and never decodes it."""
INSTANT = re.compile(
    r"20[0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{6})?Z"
)
"""RFC 3339 in UTC, seconds or microseconds."""
DATE = re.compile(r"20[0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,12})\.[0-9][0-9]")
"""Yuan and fen; below 2^53 fen, so that any program can hold it."""
QUANTITIES = {
    "TNE": re.compile(r"-?(0|[1-9][0-9]{0,11})\.[0-9]{3}"),
    "KGM": re.compile(r"-?(0|[1-9][0-9]{0,11})\.[0-9]{3}"),
    "MTQ": re.compile(r"-?(0|[1-9][0-9]{0,11})\.[0-9]{3}"),
    "C62": re.compile(r"-?(0|[1-9][0-9]{0,14})"),
}
"""Goods by UN/ECE Recommendation 20 code: tonnes, kilograms and cubic metres in thousandths, pieces whole."""
FOREIGN_AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{2,3})?")
CURRENCY = re.compile(r"[A-Z]{3}")
"""ISO 4217."""
RATE = re.compile(r"(0|[1-9][0-9]?)(\.[0-9]{1,8})?")
"""A yearly rate as an exact decimal fraction: 3.85 % is 0.0385."""
BYTES32 = re.compile(r"0x[0-9a-f]{64}")


def _matching(pattern: re.Pattern[str]) -> Shape:
    match = pattern.fullmatch
    return lambda value: type(value) is str and match(value) is not None


def is_text(value: Any) -> bool:
    """Tell whether it is a text of bounded length, not empty."""
    return type(value) is str and 0 < len(value) <= TEXT_MAX


def is_flag(value: Any) -> bool:
    """Tell whether it is true or false, never a number."""
    return type(value) is bool


def is_count(value: Any) -> bool:
    """Tell whether it is a whole number, zero included."""
    return type(value) is int and value >= 0


def is_money(value: Any) -> bool:
    """Tell whether it is ``{"amount": "12.34", "currency": "CNY"}``; below zero allowed."""
    return (
        type(value) is dict
        and value.keys() == {"amount", "currency"}
        and value["currency"] == "CNY"
        and type(value["amount"]) is str
        and AMOUNT.fullmatch(value["amount"]) is not None
        and value["amount"] != "-0.00"
    )


def is_foreign_money(value: Any) -> bool:
    """Tell whether it is money of any currency, with the decimals that its document gave it."""
    return (
        type(value) is dict
        and value.keys() == {"amount", "currency"}
        and type(value["currency"]) is str
        and CURRENCY.fullmatch(value["currency"]) is not None
        and type(value["amount"]) is str
        and FOREIGN_AMOUNT.fullmatch(value["amount"]) is not None
    )


def is_quantity(value: Any) -> bool:
    """Tell whether it is ``{"quantity": "140.000", "unit": "TNE"}``; below zero allowed."""
    return (
        type(value) is dict
        and value.keys() == {"quantity", "unit"}
        and type(value["unit"]) is str
        and value["unit"] in QUANTITIES
        and type(value["quantity"]) is str
        and QUANTITIES[value["unit"]].fullmatch(value["quantity"]) is not None
        and (value["quantity"][0] != "-" or minor(value) != 0)
    )


def is_measure(value: Any) -> bool:
    """Tell whether it is money or a quantity of goods."""
    return is_money(value) or is_quantity(value)


is_public_id = _matching(PUBLIC_ID)
is_digest = _matching(DIGEST)
is_rate = _matching(RATE)
is_bytes32 = _matching(BYTES32)


def is_instant(value: Any) -> bool:
    """Tell whether it is an instant in UTC, on a day that exists."""
    try:
        return type(value) is str and instant(value) is not None
    except ValueError:
        return False


def is_date(value: Any) -> bool:
    """Tell whether it is a day that exists, as YYYY-MM-DD."""
    if type(value) is not str or not DATE.fullmatch(value):
        return False
    try:
        return date.fromisoformat(value) is not None
    except ValueError:
        return False


def is_uscc(value: Any) -> bool:
    """Tell whether it is a unified social credit code with its check digit."""
    return type(value) is str and uscc.is_valid(value)


def nullable(shape: Shape) -> Shape:
    """Allow null where the thing is not known or does not apply."""
    return lambda value: value is None or shape(value)


def array_of(shape: Shape, *, least: int = 0) -> Shape:
    """Allow an array of between ``least`` and ``ITEMS_MAX`` such items."""
    return lambda value: (
        type(value) is list and least <= len(value) <= ITEMS_MAX and all(map(shape, value))
    )


def object_of(**members: Shape) -> Shape:
    """Allow an object with exactly these members."""
    return lambda value: (
        type(value) is dict
        and value.keys() == members.keys()
        and all(shape(value[name]) for name, shape in members.items())
    )


def map_of(shape: Shape) -> Shape:
    """Allow an object whose member names are free and whose values have one shape."""
    return lambda value: (
        type(value) is dict and len(value) <= ITEMS_MAX and all(map(shape, value.values()))
    )


def one_of(*names: str) -> Shape:
    """Allow one of the named texts."""
    return lambda value: type(value) is str and value in names


def minor(measure: dict[str, str]) -> int:
    """Read money as integer fen, a quantity as an integer of its unit's smallest part; of valid shape."""
    text = measure["amount"] if "amount" in measure else measure["quantity"]
    return int(text.replace(".", ""))


def unit(measure: dict[str, str]) -> str:
    """Return the currency, or the unit of goods."""
    return measure["currency"] if "currency" in measure else measure["unit"]


def instant(text: str) -> datetime:
    """Read an instant.

    :raises ValueError: another form than ``INSTANT``, or a day that does not exist
    """
    if not INSTANT.fullmatch(text):
        raise ValueError("not an instant in UTC")
    return datetime.fromisoformat(text)
