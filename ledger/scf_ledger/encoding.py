"""Base64url without padding (RFC 4648 section 5, as RFC 7515 uses it) and plain base64, both strict.

A strict decoder accepts exactly one text for each byte string, so a text can be compared instead
of what it stands for.
"""

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from scf_ledger.errors import Malformed

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
_LAST: dict[int, frozenset[str]] = {
    0: frozenset(),
    2: frozenset("AQgw"),
    3: frozenset("AEIMQUYcgkosw048"),
}
"""Length modulo 4 -> the symbols whose unused bits are zero."""


def b64url(data: bytes) -> str:
    """Encode to base64url without padding."""
    return b64url_bytes(data).decode("ascii")


def b64url_bytes(data: bytes) -> bytes:
    """Encode to base64url without padding, as ASCII bytes that are hashed next."""
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=")


def b64url_split(data: bytes, size: int) -> list[str]:
    """Encode each ``size`` bytes of ``data`` in turn; whole groups of three need no padding."""
    text, step = b64url(data), size // 3 * 4
    return [text[at : at + step] for at in range(0, len(text), step)]


def from_b64url(text: str) -> bytes:
    """Decode base64url without padding.

    :raises Malformed: another alphabet, padding, or unused bits that are not zero
    """
    rest = len(text) & 3
    if rest not in _LAST or (rest and text[-1] not in _LAST[rest]):
        raise Malformed("not base64url without padding")
    try:
        standard = text.encode("ascii").translate(_FROM_URL)
        return a2b_base64(standard + b"=" * (-rest & 3), strict_mode=True)
    except (Base64Error, UnicodeEncodeError) as error:
        raise Malformed("not base64url without padding") from error


def b64(data: bytes) -> str:
    """Encode to standard base64 with padding (RFC 4648 section 4)."""
    return b2a_base64(data, newline=False).decode("ascii")


def from_b64(text: str) -> bytes:
    """Decode standard base64 with padding.

    :raises Malformed: anything but the one text that encodes these bytes
    """
    try:
        data = a2b_base64(text.encode("ascii"), strict_mode=True)
    except (Base64Error, UnicodeEncodeError) as error:
        raise Malformed("not base64") from error
    if b64(data) != text:
        raise Malformed("not base64")
    return data
