"""The typeface of papers: Noto Serif SC (SIL Open Font License), as `package-lock.json` pins it."""

import struct
import sys
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
def folders() -> list[str]:
    """Return where the weights in use are: beside the environment, or where the process runs.

    Raises FontMissing.
    """
    for place in (Path(sys.prefix).parent, Path.cwd()):
        if (place / _PACKAGE / _WEIGHTS[0] / _REGULAR).is_file():
            return [str(place / _PACKAGE / weight) for weight in _WEIGHTS]
    raise FontMissing(package=_PACKAGE.name, hint="make setup")


@cache
def glyphs() -> frozenset[int]:
    """Return the code points that the typeface can draw. Raises FontMissing."""
    return _code_points(Path(folders()[0], _REGULAR).read_bytes())


def _code_points(font: bytes) -> frozenset[int]:
    """Read the character map of a TrueType file: its groups of first, last code point, glyph."""
    start = _table(font, b"cmap")
    (count,) = struct.unpack_from(">2xH", font, start)
    records = [struct.unpack_from(">HHI", font, start + 4 + 8 * n) for n in range(count)]
    at = start + next(offset for *kind, offset in records if tuple(kind) == _UCS4)
    form, groups = struct.unpack_from(">H10xI", font, at)
    assert form == _SEGMENTED_COVERAGE, "the pinned typeface has no other"
    return frozenset(
        point
        for n in range(groups)
        for first, last in [struct.unpack_from(">II", font, at + 16 + 12 * n)]
        for point in range(first, last + 1)
    )


def _table(font: bytes, name: bytes) -> int:
    (count,) = struct.unpack_from(">4xH", font)
    tables = [struct.unpack_from(">4s4xI", font, 12 + 16 * n) for n in range(count)]
    return int(dict(tables)[name])
