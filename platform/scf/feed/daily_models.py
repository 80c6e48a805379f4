"""The file that a bank is given of every day; insert only."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only


class DailyFile(Base):
    """One bank's file of one date in Shanghai: its bytes, and the detached JWS over them.

    It covers the entries of the log behind the file before, up to `last_index`: none twice, none left out.
    """

    __tablename__ = "daily_files"
    __table_args__ = (CheckConstraint("last_index >= first_index - 1", name="range"),)

    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    first_index: Mapped[int]
    last_index: Mapped[int]
    content: Mapped[bytes]
    signature: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


append_only(DailyFile)
