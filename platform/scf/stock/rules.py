"""Pure rules of goods coming in: independent sources, what they agree on, names of things."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from scf.kernel.errors import Conflict, Invalid
from scf.kernel.quantity import Quantity
from scf.stock.models import PaperKind
from scf_ledger.encoding import b64url

SOURCES: Final = 2
"""So many independent sources weigh and assay what comes in, and see what goes out."""
AGREEMENT: Final = Fraction(3, 1000)
"""Two scales agree within 0.3 % of the heavier reading, the tolerance of road weighbridges in trade."""
LOSS_STANDARD_MAX: Final = Fraction(5, 100)
"""Grain and timber lose the most of what is stored, and no more than this."""
_LETTERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **{digit: int(digit) for digit in "0123456789"},
        **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
        **dict(zip("JKLMN", range(1, 6), strict=True)),
        "P": 7,
        "R": 9,
        **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
    }
)
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_LENGTH: Final = len(_WEIGHTS)


class SourcesDisagree(Conflict):
    """Two independent sources see the same goods."""

    code = "lot.sources_disagree"
    title = "两方称重结果相差超过允许误差"
    title_en = "The weighings of two sources differ by more than is tolerated"


class AssayFailed(Conflict):
    """What an assay turned down is not stored for a receipt."""

    code = "lot.assay_failed"
    title = "质检不合格，不能入库制单"
    title_en = "An assay turned the goods down"


class LossStandardTooWide(Invalid):
    """What may be lost unnoticed is little: beyond it nobody would watch the goods."""

    code = "lot.loss_standard_too_wide"
    title = "损耗标准超出允许范围"
    title_en = "The loss standard is too wide"


class UnitNamesInvalid(Invalid):
    """Things with names of their own are named once each, and add up to the lot."""

    code = "lot.unit_names_invalid"
    title = "逐件编号清单不正确（重复、校验位错误，或与数量不符）"
    title_en = (
        "The names of the single things are wrong: twice, misspelt, or not the lot's quantity"
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What one source saw of a lot, by one paper."""

    kind: PaperKind
    source: str
    made_on: date
    minor: int | None
    passed: bool | None


def weighed(papers: Sequence[Seen]) -> int | None:
    """Return what a lot's independent sources agree on, in the smallest part of the unit: the least of what they saw.

    The newest paper of each source counts. None while fewer than `SOURCES` have weighed or tallied. Raises
    SourcesDisagree.
    """
    newest = {
        paper.source: paper.minor
        for paper in papers
        if paper.kind in (PaperKind.WEIGHING, PaperKind.TALLY) and paper.minor
    }
    if len(newest) < SOURCES:
        return None
    least, most = min(newest.values()), max(newest.values())
    if disagree(least, most):
        raise SourcesDisagree(least=str(least), most=str(most), tolerance=str(AGREEMENT))
    return least


def disagree(one: int, other: int) -> bool:
    """Say whether two quantities of the same goods differ by more than two scales may."""
    return abs(one - other) > AGREEMENT * max(one, other)


def assayed(papers: Sequence[Seen]) -> bool:
    """Say whether independent sources found the goods to be what they are said to be. Raises AssayFailed."""
    newest = {paper.source: paper.passed for paper in papers if paper.kind is PaperKind.ASSAY}
    if False in newest.values():
        raise AssayFailed(source=next(one for one, passed in newest.items() if not passed))
    return len(newest) >= SOURCES


def is_vin(name: str) -> bool:
    """Say whether a text is a vehicle identification number with its check digit (GB 16735, ISO 3779)."""
    if len(name) != _VIN_LENGTH or any(symbol not in _LETTERS for symbol in name):
        return False
    total = sum(_LETTERS[symbol] * weight for symbol, weight in zip(name, _WEIGHTS, strict=True))
    return name[8] == "0123456789X"[total % 11]


def check_loss_standard(standard: str) -> None:
    """Hold the share that may be lost to what the trade knows. Raises LossStandardTooWide."""
    if Fraction(standard) > LOSS_STANDARD_MAX:
        raise LossStandardTooWide(field="loss_standard", given=standard, most="0.05")


def check_names(names: Sequence[str], quantities: Sequence[Quantity], declared: Quantity) -> None:
    """Hold a list of single things to the lot's quantity. Raises UnitNamesInvalid."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnitNamesInvalid(field="units", twice=twice[:20])
    strange = sorted({one.code for one in quantities} - {declared.code})
    if strange:
        raise UnitNamesInvalid(field="units", unit=declared.code, given=strange)
    misspelt = [name for name in names if len(name) == _VIN_LENGTH and not is_vin(name)]
    if misspelt and declared.code == "C62":
        raise UnitNamesInvalid(field="units", misspelt=misspelt[:20])
    listed = sum(one.minor for one in quantities)
    if listed != declared.minor:
        raise UnitNamesInvalid(field="units", declared=declared, listed=listed)


def names_sha256(names: Sequence[str]) -> str | None:
    """Return the digest of the sorted names, one a line, as records show it; None without names."""
    if not names:
        return None
    return b64url(hashlib.sha256("\n".join(sorted(names)).encode()).digest())
