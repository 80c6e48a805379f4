"""Where one form of a value passes into the next: order to goods, goods to claim, a stranger's paper to a claim.

A pool's marks name the papers behind it, or those that it came from; pools that share a mark are one value in
two forms, and an edge says how much. What of the earlier form is encumbered holds the later one down
(`carried`) until it is converted; what is free passes at once. So no fen is free in two places.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scf.capacity.models import PoolEntry
from scf.db.base import Base
from scf.db.ddl import after_table, append_only, text_enum


class Side(StrEnum):
    """A pool *is* the value of a paper, or came *of* it."""

    IS = "is"
    OF = "of"


class PoolMark(Base):
    """A paper that a pool is, or is of; `amount_minor` is the most that comes of it. Insert only."""

    __tablename__ = "pool_marks"
    __table_args__ = (
        Index("ix_pool_marks_mark", "mark", "side"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pools.id"), primary_key=True)
    side: Mapped[Side] = mapped_column(text_enum(Side), primary_key=True)
    mark: Mapped[str] = mapped_column(Text, primary_key=True)
    amount_minor: Mapped[int]


class ConversionEdge(Base):
    """So much of one pool is so much of another; all in fen, changed only by entries that name the edge.

    `passed` has left the earlier pool's `confirmed`, `carried` still stands there and holds the later pool
    down; together they are `amount` whenever a transaction ends. `moving` is what holders left in the earlier
    pool and have not taken over in the later one: zero whenever a transaction ends.
    """

    __tablename__ = "conversion_edges"
    __table_args__ = (
        UniqueConstraint("from_pool_id", "to_pool_id"),
        Index("ix_conversion_edges_to_pool_id", "to_pool_id"),
        CheckConstraint("from_pool_id <> to_pool_id", name="ends_differ"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "least(carried_minor, passed_minor, moving_minor) >= 0"
            " AND carried_minor + passed_minor <= amount_minor",
            name="within_amount",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    from_pool_id: Mapped[UUID] = mapped_column(ForeignKey("pools.id"))
    to_pool_id: Mapped[UUID] = mapped_column(ForeignKey("pools.id"))
    family: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    carried_minor: Mapped[int] = mapped_column(default=0)
    passed_minor: Mapped[int] = mapped_column(default=0)
    moving_minor: Mapped[int] = mapped_column(default=0)
    drawn_at: Mapped[datetime]


after_table(
    ConversionEdge,
    """
CREATE FUNCTION guard_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF pg_trigger_depth() > 1 THEN RETURN NEW; END IF; -- an entry's own trigger
    RAISE EXCEPTION 'an edge''s amounts change only through pool_entries'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.carried_minor + NEW.passed_minor + NEW.moving_minor <> 0 OR NOT EXISTS (
    SELECT FROM pools a JOIN pools b ON b.id = NEW.to_pool_id AND b.unit = a.unit
    WHERE a.id = NEW.from_pool_id AND NEW.amount_minor <= a.confirmed_minor - (
      SELECT coalesce(sum(carried_minor), 0) FROM conversion_edges WHERE from_pool_id = a.id))
  THEN
    RAISE EXCEPTION 'pool %: more is to become of it than is there', NEW.from_pool_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER conversion_edges_guard BEFORE INSERT OR UPDATE ON conversion_edges
  FOR EACH ROW EXECUTE FUNCTION guard_edge()
""",
    """
CREATE FUNCTION balance_edge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  edge conversion_edges%ROWTYPE;
BEGIN
  SELECT * INTO edge FROM conversion_edges WHERE id = NEW.id;
  IF edge.carried_minor + edge.passed_minor <> edge.amount_minor OR edge.moving_minor <> 0 THEN
    RAISE EXCEPTION 'edge %: % of % carried, % passed, % on its way', edge.id, edge.carried_minor,
      edge.amount_minor, edge.passed_minor, edge.moving_minor USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
""",
    """
CREATE CONSTRAINT TRIGGER conversion_edges_balance AFTER INSERT OR UPDATE ON conversion_edges
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance_edge()
""",
    """
CREATE TRIGGER conversion_edges_kept BEFORE DELETE OR TRUNCATE ON conversion_edges
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()
""",
)
after_table(
    PoolEntry,
    """
CREATE FUNCTION apply_edge_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind = 'CARRY' THEN
    UPDATE conversion_edges SET carried_minor = carried_minor + NEW.used_delta_minor
      WHERE id = NEW.edge_id AND to_pool_id = NEW.pool_id AND from_pool_id = NEW.holder_id;
  ELSIF NEW.confirmed_delta_minor < 0 THEN
    UPDATE conversion_edges SET passed_minor = passed_minor - NEW.confirmed_delta_minor,
        moving_minor = moving_minor - NEW.used_delta_minor
      WHERE id = NEW.edge_id AND from_pool_id = NEW.pool_id;
  ELSE
    UPDATE conversion_edges SET moving_minor = moving_minor - NEW.used_delta_minor
      WHERE id = NEW.edge_id AND to_pool_id = NEW.pool_id AND (
        SELECT sum(used_delta_minor) FROM pool_entries
          WHERE edge_id = NEW.edge_id AND holder_id = NEW.holder_id AND kind = 'CONVERT') <= 0;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pool %: % is not of edge %, or takes over more than its holder left',
      NEW.pool_id, NEW.kind, NEW.edge_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
""",
    """
CREATE TRIGGER pool_entries_edge AFTER INSERT ON pool_entries
  FOR EACH ROW WHEN (NEW.edge_id IS NOT NULL) EXECUTE FUNCTION apply_edge_entry()
""",
)
append_only(PoolMark)
