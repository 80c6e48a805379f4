"""Price series, the batches that they grew by, and the quotes: insert only. What was wrong gets a later revision."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, text_enum
from scf.evidence.models import Subject
from scf.kernel.money import Money


class Way(StrEnum):
    """How quotes come in."""

    FILE = "file"
    HTTP = "http"
    MANUAL = "manual"


class PriceSeries(Subject, Base):
    """Quotes of one commodity in one unit and currency, from one source, by one way.

    `owner_id` is the bank that keeps it, None for the operator's; `symbol` is what the file or the service calls it.
    """

    __tablename__ = "price_series"
    __table_args__ = (
        Index(
            "uq_price_series_source",
            "owner_id",
            "commodity",
            "unit",
            "currency",
            "source",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("(symbol IS NULL) = (way = 'manual')", name="symbol_where_read"),
        CheckConstraint("way <> 'manual' OR owner_id IS NOT NULL", name="by_hand_has_an_owner"),
    )

    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    commodity: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    way: Mapped[Way] = mapped_column(text_enum(Way))
    symbol: Mapped[str | None] = mapped_column(Text)
    registered_at: Mapped[datetime]


class PriceEntry(Base):
    """A price that one person has entered and a second has not approved yet; insert only."""

    __tablename__ = "price_entries"
    __table_args__ = (
        Index("ix_price_entries_series_id_id", "series_id", "id"),
        CheckConstraint("minor > 0", name="price_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("price_series.id"))
    quoted_at: Mapped[datetime]
    minor: Mapped[int]
    evidence: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    maker_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    maker_mandate_id: Mapped[UUID] = mapped_column(ForeignKey("mandates.id"))
    entered_at: Mapped[datetime]


class PriceBatch(Base):
    """What came in at once: from a file, a service's answer, or an approved entry; insert only.

    `origin` says which file, service or evidence; `reason` why earlier quotes were wrong; `event_hash` is that of the
    event that carries `prices_sha256`.
    """

    __tablename__ = "price_batches"
    __table_args__ = (
        Index("ix_price_batches_series_id_id", "series_id", "id"),
        CheckConstraint("checker_id <> maker_id", name="two_people"),
        CheckConstraint("(entry_id IS NULL) = (checker_id IS NULL)", name="checked_by_hand"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("price_series.id"))
    origin: Mapped[str] = mapped_column(Text)
    original_sha256: Mapped[bytes | None]
    reason: Mapped[str | None] = mapped_column(Text)
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey("price_entries.id"), unique=True)
    maker_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    checker_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    checker_mandate_id: Mapped[UUID | None] = mapped_column(ForeignKey("mandates.id"))
    event_hash: Mapped[bytes]
    recorded_at: Mapped[datetime]


class Price(Base):
    """A quote: so many minor units of the series' currency for one unit. The highest revision of an instant counts."""

    __tablename__ = "prices"
    __table_args__ = (
        CheckConstraint("minor > 0", name="price_positive"),
        CheckConstraint("revision >= 0", name="revision_counts"),
        Index("ix_prices_batch_id", "batch_id"),
    )

    series_id: Mapped[UUID] = mapped_column(ForeignKey("price_series.id"), primary_key=True)
    quoted_at: Mapped[datetime] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    quoted_on: Mapped[date] = mapped_column(Date)
    minor: Mapped[int]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("price_batches.id"))


append_only(PriceEntry, PriceBatch, Price)


def money(series: PriceSeries, minor: int) -> Money:
    """Return an amount of a series' currency."""
    return Money(minor, series.currency)
