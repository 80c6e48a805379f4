"""What stands at the register beside a pledge's first entry: filings, papers read, what was found, objections."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, text_enum
from scf.pledges.models import SearchStep


class Change(StrEnum):
    """What is filed under a reference of ours; the first of a pledge is its registration."""

    REGISTERED = "registered"
    AMENDED = "amended"
    EXTENDED = "extended"


class RegistryFiling(Base):
    """A filing: what is asked of the register, stored before it is sent, and what the register made of it.

    `content` is the filing as JSON, of an extension its months too. `sent_at` is real time. `problem` is the
    register's own code where it refused; a filing has a number or a problem, or still waits.
    """

    __tablename__ = "registry_filings"
    __table_args__ = (
        Index(
            "uq_registry_filings_waiting",
            "pledge_id",
            unique=True,
            postgresql_where=text("number IS NULL AND problem IS NULL"),
        ),
        Index("ix_registry_filings_pledge_id_id", "pledge_id", "id"),
        CheckConstraint("number IS NULL OR problem IS NULL", name="taken_or_refused"),
        CheckConstraint(
            "(number IS NULL) = (registered_at IS NULL) AND (number IS NULL) = (certificate IS NULL)",
            name="whole_when_taken",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"))
    change: Mapped[Change] = mapped_column(text_enum(Change))
    reference: Mapped[str] = mapped_column(Text, unique=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("oauth_clients.id"))
    sent_at: Mapped[datetime | None]
    number: Mapped[str | None] = mapped_column(Text, unique=True)
    registered_at: Mapped[datetime | None]
    expires_on: Mapped[date | None] = mapped_column(Date)
    certificate: Mapped[bytes | None]
    problem: Mapped[str | None] = mapped_column(Text)

    @property
    def is_open(self) -> bool:
        """Whether the register has not said yet what became of it."""
        return self.number is None and self.problem is None


class RegistryPaper(Base):
    """A certificate of the register as PDF, handed in by the pledgee, as it was read and compared; insert only.

    `taken`: it stands for the register's own answer, where there is no link to the register.
    """

    __tablename__ = "registry_papers"
    __table_args__ = (UniqueConstraint("pledge_id", "sha256"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"))
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    sha256: Mapped[bytes]
    content: Mapped[bytes]
    read: Mapped[dict[str, Any]] = mapped_column(JSONB)
    differences: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    taken: Mapped[bool]
    handed_in_at: Mapped[datetime]
    handed_in_by: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))


class RegistryFinding(Base):
    """Somebody else's entry over the same claim, kept the first time that a search showed it; insert only."""

    __tablename__ = "registry_findings"

    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    reg_no: Mapped[str] = mapped_column(Text, primary_key=True)
    registered_at: Mapped[datetime]
    ranks_before: Mapped[bool]
    cert_no: Mapped[str] = mapped_column(Text)
    step: Mapped[SearchStep] = mapped_column(text_enum(SearchStep))
    found_at: Mapped[datetime]


class RegistryObjection(Base):
    """An objection (异议登记) against a pledge's registration, and what the pledgee answered."""

    __tablename__ = "registry_objections"

    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    number: Mapped[str] = mapped_column(Text, primary_key=True)
    objected_at: Mapped[datetime]
    objector: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    found_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("oauth_clients.id"))


class FinancingSearch(Base):
    """A search of the register that a bank asked for before it decides on a financing; insert only."""

    __tablename__ = "financing_searches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    financing_id: Mapped[UUID] = mapped_column(ForeignKey("financings.id"), index=True)
    cert_no: Mapped[str] = mapped_column(Text, unique=True)
    searched_at: Mapped[datetime]
    results_hash: Mapped[bytes]
    certificate: Mapped[bytes]


append_only(FinancingSearch, RegistryPaper, RegistryFinding)
