"""Time: instants in UTC, business dates in Asia/Shanghai, the clock passed in.

The business clock may stand beside real time (a story of another year): `occurred_at`, due dates and
statements follow it; log, chain, tokens and TLS are real time.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from scf.kernel.errors import ValueInvalid

SHANGHAI = ZoneInfo("Asia/Shanghai")
INSTANT_FORM = "2025-12-19T02:00:00Z"
YEARS = range(2000, 2100)
"""What records can carry: a date outside could be stored, and never proven."""


def business_date(instant: datetime) -> date:
    """Return the date on the wall in Shanghai."""
    return instant.astimezone(SHANGHAI).date()


def start_of(day: date) -> datetime:
    """Return the midnight in Shanghai with which a day begins."""
    return datetime.combine(day, time(), SHANGHAI)


def wall_text(instant: datetime) -> str:
    """Return what clocks in Shanghai show, to the second: for papers that people read."""
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def instant_text(instant: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds only where there are any."""
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds" if utc.microsecond else "seconds") + "Z"


def parse_instant(text: str, *, field: str | None = None) -> datetime:
    """Read an RFC 3339 instant of these years, as UTC. Raises ValueInvalid."""
    try:
        value = datetime.fromisoformat(text)
        at = value.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise ValueInvalid(field=field, value=str(text)[:40], form=INSTANT_FORM) from None
    if value.tzinfo is None or at.year not in YEARS:
        raise ValueInvalid(field=field, value=text[:40], form=INSTANT_FORM)
    return at


def parse_date(text: str, *, field: str | None = None) -> date:
    """Read `2025-12-19`, in that form only, of these years. Raises ValueInvalid."""
    try:
        value = date.fromisoformat(text)
    except (ValueError, TypeError):
        raise ValueInvalid(field=field, value=str(text)[:40]) from None
    if value.isoformat() != text or value.year not in YEARS:
        raise ValueInvalid(field=field, value=text[:40])
    return value


@dataclass(frozen=True, slots=True)
class Clock:
    """The one reader of the wall clock. `offset_file` holds seconds to add for business time."""

    offset_file: Path | None = None

    def real(self) -> datetime:
        """Return real time, for log, chain and tokens."""
        return datetime.now(UTC)

    def offset(self) -> timedelta:
        """Return business time minus real time."""
        if self.offset_file is None:
            return timedelta()
        try:
            return timedelta(seconds=int(self.offset_file.read_text()))
        except FileNotFoundError:
            return timedelta()

    def now(self) -> datetime:
        """Return business time."""
        return self.real() + self.offset()

    def today(self) -> date:
        """Return the business date in Shanghai."""
        return business_date(self.now())

    def set(self, business_now: datetime) -> None:
        """Move business time (installations with a business clock only)."""
        if self.offset_file is None:
            raise ValueInvalid(field="business_clock", value="none")
        seconds = int((business_now - self.real()).total_seconds())
        partial = self.offset_file.with_suffix(".part")
        partial.write_text(str(seconds))
        partial.replace(self.offset_file)
