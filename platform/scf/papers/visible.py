"""What cannot be seen, or could disguise what can, is written out."""

import unicodedata
from collections.abc import Container
from typing import Any


def visible(text: str) -> str:
    r"""Return text with every control, format and separator character but a line feed as `\u{…}`."""
    return "".join(
        c if c in "\n " or unicodedata.category(c)[0] not in "CZ" else escaped(c) for c in text
    )


def escaped(character: str) -> str:
    r"""Return a character as `\u{1f600}`."""
    return f"\\u{{{ord(character):x}}}"


def drawable(value: Any, glyphs: Container[int]) -> Any:
    """Return a JSON value whose texts are visible and written with `glyphs`, each standing alone."""
    if isinstance(value, str):
        return "".join(
            c
            if c == "\n" or (ord(c) in glyphs and unicodedata.category(c)[0] != "M")
            else escaped(c)
            for c in visible(value)
        )
    if isinstance(value, dict):
        return {key: drawable(item, glyphs) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [drawable(item, glyphs) for item in value]
    return value
