"""Text from strangers, made fit to be shown."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """Return text without control characters, white space joined."""
    return " ".join(_CONTROL.sub(" ", text).split())
