"""统一社会信用代码, the unified social credit code of an organisation (GB 32100-2015)."""

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 symbols: digits and capitals without I, O, S, V, Z."""
LENGTH: Final = 18

_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, position, 31) for position in range(LENGTH - 1))


def check_digit(first_17: str) -> str:
    """Return the eighteenth symbol: ``(31 - sum of value x weight mod 31) mod 31``.

    :raises KeyError: a symbol outside the alphabet
    """
    total = sum(_VALUES[symbol] * weight for symbol, weight in zip(first_17, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def is_valid(code: str) -> bool:
    """Tell whether ``code`` has 18 symbols of the alphabet and the right check digit."""
    return (
        len(code) == LENGTH
        and all(symbol in _VALUES for symbol in code)
        and check_digit(code[:-1]) == code[-1]
    )
