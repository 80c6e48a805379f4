"""Lines of payables that a core enterprise uploaded, until each is a receivable."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, guard_states, text_enum
from scf.kernel.errors import Conflict
from scf.kernel.money import Money


class LineState(StrEnum):
    """Where an uploaded line stands."""

    WAITING = "WAITING"
    SUBMITTED = "SUBMITTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


TRANSITIONS: Final[Mapping[LineState, frozenset[LineState]]] = MappingProxyType(
    {
        LineState.WAITING: frozenset({LineState.SUBMITTED, LineState.REFUSED, LineState.WITHDRAWN}),
        LineState.SUBMITTED: frozenset(),
        LineState.REFUSED: frozenset(),
        LineState.WITHDRAWN: frozenset(),
    }
)
"""The one table of moves."""


class LineMoveRefused(Conflict):
    """An uploaded line moves only as its table says."""

    code = "payable.state_forbids"
    title = "应付明细当前状态不允许此操作"
    title_en = "The uploaded line's state does not allow this now"


class PayableLine(Base):
    """A line of an upload (a job of the debtor's), as its row says. It confirms nothing and holds no value.

    It waits for its supplier and for the supplier's own invoices; `code` says for what, or why it was
    refused. `document_ids` are not kept: a receivable has them.
    """

    __tablename__ = "payable_lines"
    __table_args__ = (
        ForeignKeyConstraint(["job_id", "place"], ["job_items.job_id", "job_items.place"]),
        Index("uq_payable_lines_job_id_place", "job_id", "place", unique=True),
        Index(
            "uq_payable_lines_waiting",
            "debtor_id",
            "programme_id",
            "supplier",
            "line_no",
            unique=True,
            postgresql_where=text("state = 'WAITING'"),
        ),
        Index(
            "ix_payable_lines_supplier",
            "supplier",
            postgresql_where=text("state = 'WAITING'"),
        ),
        Index("ix_payable_lines_debtor_id_id", "debtor_id", "id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "(state = 'SUBMITTED') = (receivable_id IS NOT NULL)", name="receivable_if_submitted"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID]
    place: Mapped[int]
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.id"))
    debtor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    supplier: Mapped[str] = mapped_column(Text)
    supplier_name: Mapped[str] = mapped_column(Text)
    line_no: Mapped[str] = mapped_column(Text)
    invoices: Mapped[list[str]] = mapped_column(ARRAY(Text))
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    contract_no: Mapped[str | None] = mapped_column(Text)
    receipt_no: Mapped[str | None] = mapped_column(Text)
    delivered_on: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    pay_to: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    state: Mapped[LineState] = mapped_column(text_enum(LineState))
    receivable_id: Mapped[UUID | None] = mapped_column(ForeignKey("receivables.id"), unique=True)
    code: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    uploaded_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    def move(self, to: LineState) -> None:
        """Move as the table says. Raises LineMoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise LineMoveRefused(state=self.state.value, asked=to.value)
        self.state = to

    @property
    def amount(self) -> Money:
        """What the debtor says that it owes."""
        return Money(self.amount_minor, self.currency)


guard_states(PayableLine, TRANSITIONS)
after_table(
    PayableLine,
    """
CREATE FUNCTION only_settle_payable_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE settled text[] := ARRAY['state', 'receivable_id', 'code', 'message', 'changed_at'];
BEGIN
  IF TG_OP = 'DELETE' OR to_jsonb(NEW) - settled <> to_jsonb(OLD) - settled THEN
    RAISE EXCEPTION 'payable_lines: what was uploaded is never edited'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER payable_lines_only_settle BEFORE UPDATE OR DELETE ON payable_lines
  FOR EACH ROW EXECUTE FUNCTION only_settle_payable_line()
""",
)
