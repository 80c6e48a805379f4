"""Base64url without padding (RFC 4648 section 5, as RFC 7515 uses it) and plain base64, both strict.

A strict decoder accepts exactly one text for each byte string, so a text can be compared instead
of what it stands for.
"""

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from scf_ledger.errors import Malformed

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = str.maketrans("-_+/", "+/!!")


def b64url(data: bytes) -> str:
    """Encode to base64url without padding."""
    return b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def from_b64url(text: str) -> bytes:
    """Decode base64url without padding.

    :raises Malformed: another alphabet, padding, or unused bits that are not zero
    """
    try:
        standard = text.translate(_FROM_URL).encode("ascii")
        data = a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)
    except (Base64Error, UnicodeEncodeError) as error:
        raise Malformed("not base64url without padding") from error
    if b64url(data) != text:
        raise Malformed("not base64url without padding")
    return data


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
