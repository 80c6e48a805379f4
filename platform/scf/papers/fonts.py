"""The typeface of papers: Noto Serif SC (SIL Open Font License), as `package-lock.json` pins it."""

import struct
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from scf.kernel.errors import Unavailable

FAMILY: Final = "Noto Serif SC"
_PACKAGE: Final = Path("node_modules", "@expo-google-fonts", "noto-serif-sc")
_WEIGHTS: Final = ("400Regular", "700Bold")
_REGULAR: Final = "NotoSerifSC_400Regular.ttf"
_UCS4: Final = (3, 10)
"""Platform and encoding of a map of all Unicode (OpenType specification, `cmap`)."""
_SEGMENTED_COVERAGE: Final = 12


class FontMissing(Unavailable):
    """Papers are set in the typeface that the installation brings along."""

    code = "papers.font_missing"
    title = "文书字体未安装，暂不能出具 PDF"
    title_en = "The typeface of papers is not installed"


@cache
def folders() -> list[Path]:
    """Return where the weights in use are: beside the environment, or where the process runs.

    Raises FontMissing.
    """
    for place in (Path(sys.prefix).parent, Path.cwd()):
        if (place / _PACKAGE / _WEIGHTS[0] / _REGULAR).is_file():
            return [place / _PACKAGE / weight for weight in _WEIGHTS]
    raise FontMissing(package=_PACKAGE.name, hint="make setup")


@cache
def glyphs() -> frozenset[int]:
    """Return the code points that the typeface draws each with a glyph of its own. Raises FontMissing.

    Of several with one glyph it is the one that texts are written with, rather than a symbol (民, not the
    radical U+2EA0; …, not U+22EF) or a compatibility form, else the lowest: what looks alike is copied out
    of a PDF as one text, and must be one.
    """
    font = (folders()[0] / _REGULAR).read_bytes()
    sharing: dict[int, list[int]] = {}
    for point, glyph in _character_map(font):
        sharing.setdefault(glyph, []).append(point)
    return frozenset(min(points, key=_oddity) for points in sharing.values())


def _oddity(point: int) -> tuple[bool, bool, int]:
    character = chr(point)
    is_form = unicodedata.normalize("NFKC", character) != character
    return unicodedata.category(character).startswith("S"), is_form, point


def _character_map(font: bytes) -> Iterator[tuple[int, int]]:
    """Read code points, in order, with their glyphs from the groups of a TrueType file's `cmap`."""
    start = _table(font, b"cmap")
    (count,) = struct.unpack_from(">2xH", font, start)
    records = [struct.unpack_from(">HHI", font, start + 4 + 8 * n) for n in range(count)]
    at = start + next(offset for *kind, offset in records if tuple(kind) == _UCS4)
    form, groups = struct.unpack_from(">H10xI", font, at)
    assert form == _SEGMENTED_COVERAGE, "the pinned typeface has no other"
    for n in range(groups):
        first, last, glyph = struct.unpack_from(">III", font, at + 16 + 12 * n)
        yield from zip(range(first, last + 1), range(glyph, glyph + last - first + 1), strict=True)


def _table(font: bytes, name: bytes) -> int:
    (count,) = struct.unpack_from(">4xH", font)
    tables = [struct.unpack_from(">4s4xI", font, 12 + 16 * n) for n in range(count)]
    return int(dict(tables)[name])
