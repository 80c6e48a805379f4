"""Keeping prices: a series is registered, quotes come in batches, what was wrong gets a revision with a reason."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.bulk import copy_in
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import SHANGHAI, YEARS, business_date, instant_text
from scf.kernel.errors import Conflict, Invalid, ValueInvalid
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import SCALES, CurrencyMismatch, Money
from scf.parties import queries as parties
from scf.parties import rules as party_rules
from scf.parties.service import insert
from scf.parties.signing import Signer
from scf.prices import imf, permissions
from scf.prices.models import Price, PriceBatch, PriceEntry, PriceSeries, Way
from scf_ledger import canonical

ACT: Final = "price"
"""What mandates allow to enter prices by hand."""
PREFIX: Final = "prs"
CLOSE: Final = time(15, 0, tzinfo=SHANGHAI)
"""When a price that names only its day was quoted: the market's close."""
ENTRY_LIVES: Final = timedelta(hours=24)  # as drafts: entered today, approved before the next noon


class SeriesExists(Conflict):
    """A source's prices of a commodity are one series of whoever keeps them."""

    code = "prices.series_exists"
    title = "该来源的价格序列已存在"
    title_en = "There is such a series already"


class WayOther(Conflict):
    """A series grows by the way that it was registered for."""

    code = "prices.way_other"
    title = "该价格序列不以此方式录入"
    title_en = "This series does not grow in this way"


class PriceUntimely(Invalid):
    """A quote is of the past: of years that records can carry, and not of what is still to come."""

    code = "prices.untimely"
    title = "报价时间不在允许范围内"
    title_en = "The time of the quote is in the future, or too far back"


class PriceDiffers(Conflict):
    """A quote that is there is corrected with a reason, never silently replaced."""

    code = "prices.differs"
    title = "该时点已有不同报价；更正须说明理由"
    title_en = "There is another price for that instant; a correction needs its reason"


class PriceKnown(Conflict):
    """An entry or a file says something new."""

    code = "prices.nothing_new"
    title = "没有新的报价"
    title_en = "Every quote is known already"


class EntryOver(Conflict):
    """An entry is approved once, within a day."""

    code = "prices.entry_over"
    title = "该录入已复核或已过期"
    title_en = "The entry was approved before, or has lapsed"


@dataclass(frozen=True, slots=True)
class Quote:
    """A price for one unit at an instant."""

    at: datetime
    price: Money


@dataclass(frozen=True, slots=True)
class Origin:
    """Where quotes came from: file, service or evidence, with the hash of what was read; why, where they correct.

    An approved entry names itself and its two people.
    """

    text: str
    sha256: bytes | None = None
    reason: str | None = None
    entry: PriceEntry | None = None
    checker: Signer | None = None


def register(
    session: Session,
    actor: Actor,
    *,
    commodity: str,
    unit: str,
    currency: str,
    source: str,
    way: Way,
    symbol: str | None,
    now: datetime,
) -> PriceSeries:
    """Begin a series, as the operator or a bank.

    Raises SeriesForBanks, SeriesExists, and ValueInvalid where the currency is unknown, or a symbol is missing or
    stands where nothing is read.
    """
    if not actor.operator:
        permissions.require_bank(parties.active_party(session, actor.party))
    elif way is Way.MANUAL:
        raise permissions.SeriesForBanks
    if currency not in SCALES:
        raise ValueInvalid(field="currency", value=currency[:16])
    if (symbol is None) is not (way is Way.MANUAL):
        raise ValueInvalid(field="symbol", value=symbol, way=way.value)
    row = PriceSeries(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        owner_id=None if actor.operator else actor.party,
        commodity=commodity,
        unit=unit,
        currency=currency,
        source=source,
        way=way,
        symbol=symbol,
        registered_at=now,
    )
    insert(session, row, else_=SeriesExists())
    return row


def import_file(
    session: Session,
    actor: Actor,
    series_id: UUID,
    content: bytes,
    *,
    filename: str,
    rate: str | None,
    reason: str | None,
    now: datetime,
) -> PriceBatch:
    """Take a monthly file's column into a series that is kept by file.

    `rate` is how much of the series' currency a US dollar is, needed where that is another one. Raises
    SubjectNotFound, WayOther, CurrencyMismatch, PriceDiffers, PriceKnown and what reading the file raises.
    """
    series = lock_own(session, actor, series_id, Way.FILE)
    if series.currency != imf.CURRENCY and rate is None:
        raise CurrencyMismatch(field="rate", left=imf.CURRENCY, right=series.currency)
    if series.unit != imf.UNIT:
        raise WayOther(field="unit", unit=series.unit, expected=imf.UNIT)
    assert series.symbol is not None, "a series kept by file names its column"
    exact = Fraction(rate) if rate is not None and series.currency != imf.CURRENCY else Fraction(1)
    read = imf.read(content, series.symbol, currency=series.currency, rate=exact)
    quotes = [
        Quote(at_close(one.on), one.price)
        for one in read
        if one.on.year in YEARS and at_close(one.on) <= now
    ]
    origin = filename if exact == 1 else f"{filename} × {rate} {series.currency}/{imf.CURRENCY}"
    digest = hashlib.sha256(content).digest()
    return record(
        session, series, quotes, Origin(origin, digest, reason), now=now, actor=actor.party_id
    )


def enter(
    session: Session,
    actor: Actor,
    series_id: UUID,
    quote: Quote,
    *,
    evidence_text: str,
    reason: str | None,
    maker: Signer,
    now: datetime,
) -> PriceEntry:
    """Enter a price by hand; it counts when a second person has approved it.

    Raises SubjectNotFound, WayOther, PriceUntimely, CurrencyMismatch and what mandates raise.
    """
    series = lock_own(session, actor, series_id, Way.MANUAL)
    _require_fit(series, [quote], now=now)
    _require_mandate(session, actor.party, maker, "make", now=now)
    entry = PriceEntry(
        id=new_id(),
        series_id=series.id,
        quoted_at=quote.at,
        minor=quote.price.minor,
        evidence=evidence_text,
        reason=reason,
        maker_id=maker.person,
        maker_mandate_id=maker.mandate,
        entered_at=now,
    )
    session.add(entry)
    session.flush()
    return entry


def approve(
    session: Session, actor: Actor, entry_id: UUID, *, checker: Signer, now: datetime
) -> PriceBatch:
    """Approve an entry as a second person; from now on it counts.

    Raises SubjectNotFound, SamePerson, EntryOver, PriceDiffers, PriceKnown and what mandates raise.
    """
    entry = session.scalar(
        select(PriceEntry)
        .join(PriceSeries, PriceSeries.id == PriceEntry.series_id)
        .where(PriceEntry.id == entry_id, PriceSeries.owner_id == actor.party_id)
    )
    if entry is None:
        raise evidence.SubjectNotFound
    series = lock_own(session, actor, entry.series_id, Way.MANUAL)
    if checker.person == entry.maker_id:
        raise party_rules.SamePerson(field="checker", act=ACT)
    _require_mandate(session, actor.party, checker, "check", now=now)
    approved = session.scalar(select(PriceBatch.id).where(PriceBatch.entry_id == entry.id))
    if approved is not None or now > entry.entered_at + ENTRY_LIVES:
        raise EntryOver(entry=public_id("pen", entry.id))
    quote = Quote(entry.quoted_at, Money(entry.minor, series.currency))
    origin = Origin(entry.evidence, None, entry.reason, entry, checker)
    return record(session, series, [quote], origin, now=now, actor=actor.party)


def record(
    session: Session,
    series: PriceSeries,
    quotes: Sequence[Quote],
    origin: Origin,
    *,
    now: datetime,
    actor: UUID | None,
) -> PriceBatch:
    """Add what is new of some quotes to a locked series, and tell it.

    What is known already is left out; where a quote differs from what is known the whole is refused, or with a reason
    becomes its next revision. Raises PriceUntimely, CurrencyMismatch, PriceDiffers, PriceKnown.
    """
    _require_fit(series, quotes, now=now)
    fresh = _fresh(session, series, quotes, may_correct=origin.reason is not None)
    if not fresh:
        raise PriceKnown(count=len(quotes))
    told = evidence.append(
        session,
        series,
        "price.recorded",
        {
            "commodity": series.commodity,
            "unit": series.unit,
            "currency": series.currency,
            "source": series.source,
            "way": series.way.value,
            "count": len(fresh),
            "first_at": instant_text(fresh[0][0].at),
            "last_at": instant_text(fresh[-1][0].at),
            "prices_sha256": evidence.hash_text(digest((q.at, n, q.price.minor) for q, n in fresh)),
            "reason": origin.reason,
        },
        now=now,
        actor=actor,
        parties=[series.owner_id] if series.owner_id else [],
    )
    entry, checker = origin.entry, origin.checker
    batch = PriceBatch(
        id=new_id(),
        series_id=series.id,
        origin=origin.text,
        original_sha256=origin.sha256,
        reason=origin.reason,
        entry_id=entry.id if entry else None,
        maker_id=entry.maker_id if entry else None,
        checker_id=checker.person if checker else None,
        checker_mandate_id=checker.mandate if checker else None,
        event_hash=told.body_hash,
        recorded_at=now,
    )
    session.add(batch)
    session.flush()
    copy_in(session, Price, [_row(batch, quote, revision) for quote, revision in fresh])
    return batch


def digest(prices: Any) -> bytes:
    """Return the hash that a batch's event carries: of (instant, revision, minor units), oldest first."""
    listed = [[instant_text(at), revision, str(minor)] for at, revision, minor in prices]
    return hashlib.sha256(canonical.encode(listed)).digest()


def at_close(day: date) -> datetime:
    """Return when a price of a day was quoted."""
    return datetime.combine(day, CLOSE)


def lock_own(session: Session, actor: Actor, series_id: UUID, way: Way) -> PriceSeries:
    """Return a series, locked, to whoever keeps it. Raises SubjectNotFound, WayOther."""
    found = session.get(PriceSeries, series_id)
    if found is None:
        raise evidence.SubjectNotFound
    permissions.require_owner(actor, found)
    series = evidence.lock(session, PriceSeries, series_id)
    if series.way is not way:
        raise WayOther(way=series.way.value, asked=way.value)
    return series


def _row(batch: PriceBatch, quote: Quote, revision: int) -> dict[str, Any]:
    return {
        "series_id": batch.series_id,
        "quoted_at": quote.at,
        "revision": revision,
        "quoted_on": business_date(quote.at),
        "minor": quote.price.minor,
        "batch_id": batch.id,
    }


def _fresh(
    session: Session, series: PriceSeries, quotes: Sequence[Quote], *, may_correct: bool
) -> list[tuple[Quote, int]]:
    """Return what is new with its revision, oldest first. Raises PriceDiffers, also for two of one instant."""
    instants = [quote.at for quote in quotes]
    known: dict[datetime, tuple[int, int]] = {}
    rows = session.execute(
        select(Price.quoted_at, Price.revision, Price.minor)
        .where(Price.series_id == series.id, Price.quoted_at.in_(instants))
        .order_by(Price.revision)
    )
    for at, revision, minor in rows:
        known[at] = (revision, minor)
    fresh: list[tuple[Quote, int]] = []
    for quote in sorted(quotes, key=lambda one: one.at):
        revision, minor = known.get(quote.at, (-1, 0))
        if minor == quote.price.minor:
            continue
        if revision >= 0 and not may_correct:
            raise PriceDiffers(
                field="price",
                quoted_at=instant_text(quote.at),
                known=Money(minor, series.currency).text,
                given=quote.price.text,
            )
        fresh.append((quote, revision + 1))
        known[quote.at] = (revision + 1, quote.price.minor)
    return fresh


def _require_fit(series: PriceSeries, quotes: Sequence[Quote], *, now: datetime) -> None:
    for quote in quotes:
        if quote.at > now or quote.at.year not in YEARS:
            raise PriceUntimely(field="quoted_at", quoted_at=instant_text(quote.at))
        if quote.price.currency != series.currency:
            raise CurrencyMismatch(field="price", left=series.currency, right=quote.price.currency)


def _require_mandate(
    session: Session, party_id: UUID, hand: Signer, step: str, *, now: datetime
) -> None:
    parties.active_party(session, party_id)
    mandate = parties.mandate(session, hand.mandate, lock=True)
    party_rules.check_mandate(
        mandate, party=party_id, person=hand.person, act=ACT, step=step, now=now
    )
