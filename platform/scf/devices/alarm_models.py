"""Goods that are not as the book says: what was compared, and the alarms that stand until they are lifted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.quantity import Quantity
from scf.parties.countersigning import Countersigned


class AlarmLifted(Conflict):
    """An alarm is lifted once."""

    code = "alarm.lifted"
    title = "该预警已解除"
    title_en = "The alarm was lifted"


class StockAlarm(Subject, Countersigned, Base):
    """A difference beyond the tolerance, of one lot as one source saw it.

    Quantities are in the lot's smallest part; of goods that share a place, those of the place. `receipts`
    stay disputed while it stands, `parties` are told. `owners` or `holders` are to lift it, once one of them asked to.
    """

    __tablename__ = "stock_alarms"
    __table_args__ = (
        Index(
            "uq_stock_alarms_standing",
            "lot_id",
            "source",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index("ix_stock_alarms_parties", "parties", postgresql_using="gin"),
        CheckConstraint(
            "least(book_minor, counted_minor, tolerance_minor) >= 0", name="not_negative"
        ),
        CheckConstraint("abs(counted_minor - book_minor) > tolerance_minor", name="beyond"),
        CheckConstraint("lifted_at IS NULL OR lift_reason IS NOT NULL", name="lifted_with_reason"),
    )

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), index=True)
    source: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    book_minor: Mapped[int]
    counted_minor: Mapped[int]
    tolerance_minor: Mapped[int]
    receipts: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    parties: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    raised_at: Mapped[datetime]
    owners: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    holders: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    lift_reason: Mapped[str | None] = mapped_column(Text)
    lifted_at: Mapped[datetime | None]

    def quantity(self, minor: int) -> Quantity:
        """Return a quantity in the lot's unit."""
        return Quantity(minor, self.unit)

    def require_standing(self) -> None:
        """Raise AlarmLifted."""
        if self.lifted_at is not None:
            raise AlarmLifted


class StockCheck(Base):
    """A daily stock report held to the book; insert only."""

    __tablename__ = "stock_checks"

    paper_event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), index=True)
    book_minor: Mapped[int]
    counted_minor: Mapped[int]
    tolerance_minor: Mapped[int]
    checked_at: Mapped[datetime]


append_only(StockCheck)
