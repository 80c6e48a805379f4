"""Pools and their entries. The database keeps the rule, whatever the code does.

A pool's amounts change only through an inserted entry: its trigger applies the deltas to the pool's row and
refuses to take more than is free. A fact (OPEN, PAY, DILUTE, RELEASE, REVERSE) is never refused for being bad news.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, text_enum
from scf.evidence.models import Subject
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity, measure


class PoolState(StrEnum):
    """DILUTED: more is encumbered than there is; whoever holds an encumbrance has been told."""

    OPEN = "OPEN"
    DILUTED = "DILUTED"


class EntryKind(StrEnum):
    """Why a pool's amounts changed. DELIVER: goods left, of what is free or with the one that holds them."""

    OPEN = "OPEN"
    RESERVE = "RESERVE"
    PAY = "PAY"
    DILUTE = "DILUTE"
    RELEASE = "RELEASE"
    REVERSE = "REVERSE"
    CARRY = "CARRY"
    CONVERT = "CONVERT"
    DELIVER = "DELIVER"


class Pool(Subject, Base):
    """One economic value: what is confirmed of it and how much of that is encumbered.

    A claim is counted in fen, goods in the smallest part of their unit; `unit` says in what.

    Never written directly: insert a `PoolEntry`. `confirmed_minor` may fall below zero, since a credit
    note over the whole of a partly paid invoice is a fact too. The value of a paper that nobody registered
    here has no owner: nobody sees its numbers.
    """

    __tablename__ = "pools"

    asset: Mapped[str] = mapped_column(Text)
    asset_id: Mapped[UUID] = mapped_column(index=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"), index=True)
    parties: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    unit: Mapped[str] = mapped_column(Text)
    confirmed_minor: Mapped[int] = mapped_column(default=0)
    used_minor: Mapped[int] = mapped_column(default=0)
    free_minor: Mapped[int] = mapped_column(
        Computed("greatest(confirmed_minor - used_minor, 0)", persisted=True)
    )
    shortfall_minor: Mapped[int] = mapped_column(
        Computed("greatest(used_minor - confirmed_minor, 0)", persisted=True)
    )
    state: Mapped[PoolState] = mapped_column(
        text_enum(PoolState),
        Computed(
            "CASE WHEN used_minor > confirmed_minor THEN 'DILUTED' ELSE 'OPEN' END", persisted=True
        ),
    )
    opened_at: Mapped[datetime]

    def measure(self, minor: int) -> Money | Quantity:
        """Return an amount in the pool's currency or unit."""
        return measure(minor, self.unit)

    def money(self, minor: int) -> Money:
        """Return an amount of a claim. Raises AmountInvalid for goods."""
        return Money(minor, self.unit)

    @property
    def free(self) -> Money | Quantity:
        """What may still be taken."""
        return self.measure(self.free_minor)

    @property
    def confirmed(self) -> Money | Quantity:
        """What the value amounts to by now."""
        return self.measure(self.confirmed_minor)


class PoolEntry(Base):
    """One change of a pool, insert only; `version` is that of the pool's event that tells it.

    `holder_id` is the pledge (or other encumbrance) it is about, `party_id` the party behind it. What is
    carried is held by the pool that it stands in, and has no party; CARRY and CONVERT name their edge.
    """

    __tablename__ = "pool_entries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["pool_id", "version"],
            ["events.subject_id", "events.version"],
            name="fk_pool_entries_event",
            deferrable=True,
            initially="DEFERRED",
        ),
        CheckConstraint(
            "CASE kind"
            " WHEN 'OPEN' THEN holder_id IS NULL AND confirmed_delta_minor > 0"
            " AND used_delta_minor = 0 AND version = 1"
            " WHEN 'RESERVE' THEN holder_id IS NOT NULL AND party_id IS NOT NULL"
            " AND confirmed_delta_minor = 0 AND used_delta_minor > 0"
            " WHEN 'PAY' THEN confirmed_delta_minor < 0 AND used_delta_minor ="
            " CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END"
            " WHEN 'DILUTE' THEN holder_id IS NULL AND confirmed_delta_minor < 0"
            " AND used_delta_minor = 0"
            " WHEN 'RELEASE' THEN holder_id IS NOT NULL AND confirmed_delta_minor = 0"
            " AND used_delta_minor < 0"
            " WHEN 'REVERSE' THEN confirmed_delta_minor > 0 AND used_delta_minor ="
            " CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END"
            " WHEN 'DELIVER' THEN confirmed_delta_minor < 0 AND used_delta_minor ="
            " CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END"
            " WHEN 'CARRY' THEN holder_id IS NOT NULL AND party_id IS NULL"
            " AND confirmed_delta_minor = 0 AND used_delta_minor <> 0"
            " WHEN 'CONVERT' THEN confirmed_delta_minor < 0 AND used_delta_minor ="
            " CASE WHEN holder_id IS NULL THEN 0 ELSE confirmed_delta_minor END"
            " OR confirmed_delta_minor = 0 AND used_delta_minor > 0 AND holder_id IS NOT NULL"
            " END",
            name="kind_and_deltas",
        ),
        CheckConstraint(
            "(edge_id IS NOT NULL) = (kind IN ('CARRY', 'CONVERT'))", name="edge_of_conversion"
        ),
        Index("ix_pool_entries_edge_id", "edge_id", postgresql_where=text("edge_id IS NOT NULL")),
        Index("ix_pool_entries_holder_id", "holder_id"),
        Index("ix_pool_entries_party_id", "party_id"),
    )

    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pools.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[EntryKind] = mapped_column(text_enum(EntryKind))
    confirmed_delta_minor: Mapped[int]
    used_delta_minor: Mapped[int]
    holder_id: Mapped[UUID | None]
    holder: Mapped[str | None] = mapped_column(Text)
    party_id: Mapped[UUID | None]
    edge_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversion_edges.id"))
    entered_at: Mapped[datetime]


class Notice(Base):
    """What a party was told about a value that it encumbers; written with the change itself."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_party_id_id", "party_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    told_at: Mapped[datetime]


after_table(
    Pool,
    """
CREATE FUNCTION guard_pool() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.confirmed_minor = 0 AND NEW.used_minor = 0 THEN RETURN NEW; END IF;
  ELSIF pg_trigger_depth() > 1 THEN
    RETURN NEW; -- the entry's own trigger
  END IF;
  RAISE EXCEPTION 'a pool''s amounts change only through pool_entries'
    USING ERRCODE = 'restrict_violation';
END $$
""",
    """
CREATE TRIGGER pools_guard
  BEFORE INSERT OR UPDATE OF id, unit, confirmed_minor, used_minor ON pools
  FOR EACH ROW EXECUTE FUNCTION guard_pool()
""",
    """
CREATE TRIGGER pools_kept BEFORE DELETE OR TRUNCATE ON pools
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()
""",
)
after_table(
    PoolEntry,
    """
CREATE FUNCTION apply_pool_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  held bigint;
BEGIN
  UPDATE pools
    SET confirmed_minor = confirmed_minor + NEW.confirmed_delta_minor,
        used_minor = used_minor + NEW.used_delta_minor
    WHERE id = NEW.pool_id AND version + 1 = NEW.version
      AND CASE WHEN NEW.kind IN ('RESERVE', 'CARRY') AND NEW.used_delta_minor > 0
                 THEN free_minor >= NEW.used_delta_minor
               WHEN NEW.kind IN ('PAY', 'CONVERT', 'DELIVER') AND NEW.holder_id IS NULL
                 THEN free_minor >= -NEW.confirmed_delta_minor
               WHEN NEW.kind = 'CONVERT' AND NEW.used_delta_minor > 0 THEN EXISTS ( -- what was carried
                 SELECT FROM pool_entries
                 WHERE pool_id = NEW.pool_id AND version = NEW.version - 1 AND kind = 'CARRY'
                   AND edge_id = NEW.edge_id AND used_delta_minor = -NEW.used_delta_minor)
               ELSE true END;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pool %: % refused, more than is free or not its next version',
      NEW.pool_id, NEW.kind USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.used_delta_minor < 0 THEN
    SELECT coalesce(sum(used_delta_minor), 0) INTO held FROM pool_entries
      WHERE pool_id = NEW.pool_id AND holder_id = NEW.holder_id;
    IF held < 0 THEN
      RAISE EXCEPTION 'pool %: more given back than % holds', NEW.pool_id, NEW.holder_id
        USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NULL;
END $$
""",
    """
CREATE TRIGGER pool_entries_apply AFTER INSERT ON pool_entries
  FOR EACH ROW EXECUTE FUNCTION apply_pool_entry()
""",
)
append_only(PoolEntry)
