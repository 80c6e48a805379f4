"""HTTP shapes of prices."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from scf.http.schemas import (
    In,
    InstantText,
    Line,
    MoneyOut,
    Out,
    PartyId,
    PositiveMoney,
    PriceBatchId,
    PriceEntryId,
    PriceSeriesId,
)
from scf.kernel.money import SCALES
from scf.parties.schemas import SignerIn
from scf.prices.models import Price, PriceBatch, PriceEntry, PriceSeries, Way, money

CurrencyCode = Annotated[str, Field(json_schema_extra={"enum": sorted(SCALES)}, examples=["CNY"])]


class SeriesIn(In):
    """What is priced, by whom, in what: per unit of UN/ECE Recommendation 20, in one currency.

    `symbol` is the file's column, or what the price service calls it; none where prices are entered by hand.
    """

    commodity: Line = Field(examples=["阴极铜"])
    unit: Literal["TNE", "KGM", "MTQ", "C62"]
    currency: CurrencyCode
    source: Line = Field(examples=["上海期货交易所 当月结算价"])
    way: Way
    symbol: Line | None = Field(None, examples=["Copper"])


class SeriesOut(Out):
    """A series; `owner` keeps it, null for the operator's."""

    id: PriceSeriesId
    version: int
    owner: PartyId | None
    commodity: str
    unit: str
    currency: str
    source: str
    way: Way
    symbol: str | None
    registered_at: InstantText

    @classmethod
    def of(cls, row: PriceSeries) -> Self:
        """Show a series."""
        return cls(
            id=row.id,
            version=row.version,
            owner=row.owner_id,
            commodity=row.commodity,
            unit=row.unit,
            currency=row.currency,
            source=row.source,
            way=row.way,
            symbol=row.symbol,
            registered_at=row.registered_at,
        )


class EntryIn(In):
    """A price seen at a source, by the first of two people; `reason` where it corrects another."""

    quoted_at: InstantText
    price: PositiveMoney
    evidence: Line = Field(examples=["长江有色现货报价单 2025-11-03"])
    reason: Line | None = None
    maker: SignerIn


class ApprovalIn(In):
    """Who approves an entry: another person than who entered it."""

    checker: SignerIn


class EntryOut(Out):
    """A price entered by hand; it counts once it is approved."""

    id: PriceEntryId
    series: PriceSeriesId
    quoted_at: InstantText
    price: MoneyOut
    evidence: str
    reason: str | None
    entered_at: InstantText
    approved: bool

    @classmethod
    def of(cls, row: PriceEntry, series: PriceSeries, approved: UUID | None) -> Self:
        """Show an entry."""
        return cls(
            id=row.id,
            series=row.series_id,
            quoted_at=row.quoted_at,
            price=money(series, row.minor),
            evidence=row.evidence,
            reason=row.reason,
            entered_at=row.entered_at,
            approved=approved is not None,
        )


class BatchOut(Out):
    """What came in at once."""

    id: PriceBatchId
    series: PriceSeriesId
    origin: str
    reason: str | None
    count: int
    first_at: InstantText
    last_at: InstantText
    recorded_at: InstantText

    @classmethod
    def of(cls, row: PriceBatch, quoted: list[datetime]) -> Self:
        """Show a batch with when its quotes are of, oldest first."""
        return cls(
            id=row.id,
            series=row.series_id,
            origin=row.origin,
            reason=row.reason,
            count=len(quoted),
            first_at=quoted[0],
            last_at=quoted[-1],
            recorded_at=row.recorded_at,
        )


class QuoteOut(Out):
    """A price per unit that counts, with where it came from; `revision` counts its corrections."""

    quoted_at: InstantText
    price: MoneyOut
    revision: int
    origin: str
    reason: str | None
    recorded_at: InstantText

    @classmethod
    def of(cls, row: Price, batch: PriceBatch, series: PriceSeries) -> Self:
        """Show a quote."""
        return cls(
            quoted_at=row.quoted_at,
            price=money(series, row.minor),
            revision=row.revision,
            origin=batch.origin,
            reason=batch.reason,
            recorded_at=batch.recorded_at,
        )


class QuotesOut(Out):
    """Quotes of a series, newest first; ask for those before the last one for more."""

    series: SeriesOut
    items: list[QuoteOut]
