"""Text from strangers, made fit to be shown, and names that nobody can take for one another."""

import re
import unicodedata
from typing import Final

from scf.kernel.errors import ValueInvalid

NAME_FORM: Final = r"^[0-9A-Z\u3400-\u4dbf\u4e00-\u9fff()\[\]〔〕./#:_+-]{1,64}$"
"""What a name is written with: no space, nothing invisible, one case."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """Return text without control characters, white space joined."""
    return " ".join(_CONTROL.sub(" ", text).split())


def distinct_name(text: object, *, field: str | None = None) -> str:
    """Return a number or name by which things are told apart, in the one way of writing it. Raises ValueInvalid.

    Compatibility forms, case and kinds of dashes make no other name (NFKC, Unicode Standard Annex #15).
    """
    folded = unicodedata.normalize("NFKC", text).strip().upper() if isinstance(text, str) else ""
    name = "".join("-" if unicodedata.category(one) == "Pd" else one for one in folded)
    if re.fullmatch(NAME_FORM, name) is None:
        raise ValueInvalid(field=field, value=str(text)[:40], form=NAME_FORM)
    return name
