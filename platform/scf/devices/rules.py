"""What is taken of a batch and what is refused, item by item: pure.

A reading's number orders it, its instant dates it. Above the furthest number, instants do not run back by more
than a clock's correction; below it, a reading either fills a hole, is known already, or is refused.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from scf.devices.models import DeviceKind
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf_ledger import readings, shapes

AHEAD_MAX: Final = timedelta(minutes=2)  # of a device's clock before ours
BACK_MAX: Final = timedelta(minutes=2)  # a correction of a device's clock between two readings
LATE_MAX: Final = timedelta(days=31)  # a device that was cut off for a month still tells
HOLES_MAX: Final = 1_000
"""Stretches of missing numbers that one device may leave open."""
DEGREES: Final = {"lat": 90, "lon": 180}
_DEGREE: Final = re.compile(r"-?(0|[1-9][0-9]{0,2})\.[0-9]{6}", re.ASCII)

Holes = Sequence[tuple[int, int]]
"""Half-open stretches of numbers, in order."""


class BatchMalformed(Invalid):
    """A batch is a compact JWS of canonical JSON, of one device, bounded in readings and bytes."""

    code = "readings.malformed"
    title = "读数批次格式不正确"
    title_en = "The batch of readings is not well-formed"


class BatchSignatureInvalid(Invalid):
    """A batch is signed with the key of the device that it names."""

    code = "readings.signature_invalid"
    title = "读数批次签名验证不通过"
    title_en = "The batch's signature does not verify under the device's key"


class BatchOfAnother(Invalid):
    """A batch is handed in for the device that it names."""

    code = "readings.other_device"
    title = "读数批次属于另一设备"
    title_en = "The batch names another device"


class DeviceRevoked(Conflict):
    """What a device says counts until it is revoked."""

    code = "device.revoked"
    title = "设备已停用"
    title_en = "The device is revoked"


class TooManyHoles(LimitExceeded):
    """A device leaves so many stretches of numbers open at most."""

    code = "readings.too_many_holes"
    title = "缺失读数的区段过多"
    title_en = "Too many stretches of numbers are missing"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one reading of a batch was not taken: its place in the batch, its number if it has one."""

    position: int
    seq: int | None
    code: str
    fields: Mapping[str, Any] = field(default_factory=dict)


REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "reading.malformed": ("读数格式不正确", "The reading is not of its device's form"),
    "reading.out_of_order": ("批次内序号未递增", "Its number does not rise within the batch"),
    "reading.in_future": ("测量时间晚于当前时间", "It was measured in the future"),
    "reading.number_behind": (
        "序号早于已收读数，测量时间却更晚",
        "Its number is of before, its time of after the newest",
    ),
    "reading.too_late": ("读数迟到过久", "It comes too late"),
    "reading.clock_back": (
        "测量时间早于前一读数",
        "Its instant runs back behind the reading before",
    ),
    "reading.seq_reused": ("序号已用于另一读数", "Its number names another reading"),
}
"""Code of an item's refusal -> its words."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reading as it is stored."""

    position: int
    seq: int
    at: datetime
    value: int | None
    latitude: int | None
    longitude: int | None
    body: bytes

    @property
    def hour(self) -> datetime:
        """The hour that it belongs to."""
        return hour_of(self.at)


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a device has come: the furthest number and its instant, the holes below."""

    last_seq: int
    last_at: datetime | None
    holes: Holes


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch taken apart: what is new, what has to be compared with what is stored, what is refused."""

    fresh: Sequence[Said]
    """Above the furthest number, or filling a hole; in the batch's order."""
    repeated: Sequence[Said]
    refused: Sequence[Refusal]


def judge(
    items: Sequence[Any], kind: DeviceKind, unit: str | None, heard: Heard, *, now: datetime
) -> Judged:
    """Judge the readings of a batch whose signature holds; `now` is business time."""
    new: list[Said] = []
    repeated: list[Said] = []
    refused: list[Refusal] = []
    before, newest = 0, heard.last_at
    for position, item in enumerate(items):
        said = read(position, item, kind, unit)
        wrong = said if isinstance(said, Refusal) else _untimely(said, before, heard, newest, now)
        if wrong is not None:
            refused.append(wrong)
            continue
        assert isinstance(said, Said)
        before = said.seq
        if said.seq > heard.last_seq:
            newest = said.at
            new.append(said)
        elif is_hole(heard.holes, said.seq):
            new.append(said)
        else:
            repeated.append(said)
    return Judged(new, repeated, refused)


def _untimely(
    said: Said, before: int, heard: Heard, newest: datetime | None, now: datetime
) -> Refusal | None:
    """Say what is wrong with where a reading stands in number and time."""
    if said.seq <= before:
        return Refusal(said.position, said.seq, "reading.out_of_order", {"after": before})
    if said.at > now + AHEAD_MAX:
        most = int(AHEAD_MAX.total_seconds())
        return Refusal(said.position, said.seq, "reading.in_future", {"seconds_max": most})
    if said.at < now - LATE_MAX:
        return Refusal(said.position, said.seq, "reading.too_late", {"days_max": LATE_MAX.days})
    ahead = said.seq > heard.last_seq and newest is not None
    if ahead and newest is not None and said.at < newest - BACK_MAX:
        most = int(BACK_MAX.total_seconds())
        return Refusal(said.position, said.seq, "reading.clock_back", {"seconds_max": most})
    if not ahead and newest is not None and said.at > newest and is_hole(heard.holes, said.seq):
        return Refusal(said.position, said.seq, "reading.number_behind", {"after": heard.last_seq})
    return None


_NAMES: Final = {False: {"at", "seq", "value"}, True: {"at", "lat", "lon", "seq"}}


def read(position: int, item: Any, kind: DeviceKind, unit: str | None) -> Said | Refusal:
    """Read one item of the form that its device's kind has."""
    placed = kind is DeviceKind.GPS
    if type(item) is not dict or item.keys() != _NAMES[placed]:
        return Refusal(position, None, "reading.malformed", {"keys": sorted(_NAMES[placed])})
    seq = item["seq"]
    if type(seq) is not int or seq < 1:
        return Refusal(position, None, "reading.malformed", {"key": "seq"})
    at = _instant(item["at"])
    if at is None:
        return Refusal(position, seq, "reading.malformed", {"key": "at"})
    value = latitude = longitude = None
    if placed:
        latitude, longitude = (_degrees(name, item[name]) for name in DEGREES)
        fits = latitude is not None and longitude is not None
    else:
        fits = type(item["value"]) is str and _is_quantity(unit, item["value"])
        value = int(item["value"].replace(".", "")) if fits else None
    if not fits:
        return Refusal(
            position, seq, "reading.malformed", {"key": "lat, lon" if placed else "value"}
        )
    return Said(position, seq, at, value, latitude, longitude, readings.body(item))


def _instant(text: Any) -> datetime | None:
    try:
        return shapes.instant(text).astimezone(UTC) if type(text) is str else None
    except ValueError:
        return None


def _is_quantity(unit: str | None, text: str) -> bool:
    assert unit is not None, "what measures has a unit"
    return shapes.is_quantity({"quantity": text, "unit": unit})


def _degrees(name: str, text: Any) -> int | None:
    """Read degrees with six decimals as millionths, within the globe."""
    if type(text) is not str or not _DEGREE.fullmatch(text):
        return None
    millionths = int(text.replace(".", ""))
    return millionths if abs(millionths) <= DEGREES[name] * 1_000_000 else None


# Holes


def is_hole(holes: Holes, seq: int) -> bool:
    """Say whether a number has never come."""
    at = bisect_left(holes, (seq + 1, 0)) - 1
    return at >= 0 and holes[at][0] <= seq < holes[at][1]


def holes_after(heard: Heard, taken: Iterable[int]) -> Holes:
    """Return the holes once these numbers have come; they are distinct. Raises TooManyHoles."""
    numbers = sorted(taken)
    cut = bisect_left(numbers, heard.last_seq + 1)
    left = [*_without(heard.holes, numbers[:cut]), *_between(heard.last_seq, numbers[cut:])]
    if len(left) > max(HOLES_MAX, len(heard.holes)):
        raise TooManyHoles(holes=len(left), limit=HOLES_MAX)
    return left


def _without(holes: Holes, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    for start, end in holes:
        begins = start
        for number in numbers[bisect_left(numbers, start) : bisect_left(numbers, end)]:
            if begins < number:
                yield begins, number
            begins = number + 1
        if begins < end:
            yield begins, end


def _between(last: int, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    for number in numbers:
        if number > last + 1:
            yield last + 1, number
        last = number


def hour_of(at: datetime) -> datetime:
    """Return the hour that an instant lies in."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
