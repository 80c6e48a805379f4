"""A notice to a debtor that its debt was pledged (应收账款质押通知书), until it is acknowledged (回执)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.parties.countersigning import Countersigned


class NoticeState(StrEnum):
    """Where a notice stands. It binds the debtor once delivered (Civil Code 546; 担保制度解释 61)."""

    PREPARED = "PREPARED"
    SIGNED = "SIGNED"
    ISSUED = "ISSUED"
    DELIVERED = "DELIVERED"
    READ = "READ"
    ACKNOWLEDGED = "ACKNOWLEDGED"


NOTICE_TRANSITIONS: Final[Mapping[NoticeState, frozenset[NoticeState]]] = MappingProxyType(
    {
        NoticeState.PREPARED: frozenset({NoticeState.SIGNED}),
        NoticeState.SIGNED: frozenset({NoticeState.ISSUED}),
        NoticeState.ISSUED: frozenset({NoticeState.DELIVERED}),
        NoticeState.DELIVERED: frozenset({NoticeState.READ}),
        NoticeState.READ: frozenset({NoticeState.ACKNOWLEDGED}),
        NoticeState.ACKNOWLEDGED: frozenset(),
    }
)
"""The one table of a notice's moves."""


class Purpose(StrEnum):
    """What a debtor is told: that its debt was pledged or assigned, or that this is over."""

    TAKEN = "taken"
    RELEASED = "released"


class NoticeMoveRefused(Conflict):
    """A notice moves only as its table says."""

    code = "debtor_notice.state_forbids"
    title = "通知书当前状态不允许此操作"
    title_en = "The notice's state does not allow this now"


class DebtorNotice(Subject, Countersigned, Base):
    """A notice over one registered pledge; what it says never changes: where it has to, another replaces it.

    `pledge_event` is the hash of the registration's event, or of the release's; `receivable_event` that of
    the confirmation, `pay_to` the account that the debtor has confirmed. Each time is that of its state. An
    assignment's is prepared and signed by both sides first, and issued on a `trigger` where it is undisclosed.
    """

    __tablename__ = "debtor_notices"
    __table_args__ = (
        Index(
            "uq_debtor_notices_current",
            "pledge_id",
            "purpose",
            unique=True,
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index("ix_debtor_notices_debtor_id_id", "debtor_id", "id"),
        Index("ix_debtor_notices_pledgee_id_id", "pledgee_id", "id"),
        Index("ix_debtor_notices_pledgor_id_id", "pledgor_id", "id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "(state IN ('PREPARED', 'SIGNED')) = (issued_at IS NULL)"
            " AND (issued_at IS NULL) = (issued_by IS NULL)"
            " AND (state IN ('DELIVERED', 'READ', 'ACKNOWLEDGED')) = (delivered_at IS NOT NULL)"
            " AND (state IN ('READ', 'ACKNOWLEDGED')) = (read_at IS NOT NULL)"
            " AND (state = 'ACKNOWLEDGED') = (acknowledged_at IS NOT NULL)",
            name="times_of_its_state",
        ),
        CheckConstraint("(purpose = 'released') = (reason IS NOT NULL)", name="reason_of_release"),
    )

    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"), index=True)
    purpose: Mapped[Purpose] = mapped_column(text_enum(Purpose), server_default=Purpose.TAKEN)
    pledge_event: Mapped[bytes]
    pledgor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    pledgee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    debtor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receivable_event: Mapped[bytes]
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    pay_to: Mapped[dict[str, str]] = mapped_column(JSONB)
    reg_no: Mapped[str] = mapped_column(Text)
    state: Mapped[NoticeState] = mapped_column(text_enum(NoticeState))
    reason: Mapped[str | None] = mapped_column(Text)
    trigger: Mapped[str | None] = mapped_column(Text)
    prepared_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    issued_by: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    issued_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]

    def require_move(self, to: NoticeState) -> None:
        """Raise NoticeMoveRefused, which names both states, where the table does not allow a move."""
        if to not in NOTICE_TRANSITIONS[self.state]:
            raise NoticeMoveRefused(state=self.state.value, asked=to.value)

    def move(self, to: NoticeState, *, now: datetime) -> None:
        """Move as the table says, and note when. Raises NoticeMoveRefused."""
        self.require_move(to)
        self.state = to
        setattr(self, f"{to.value.lower()}_at", now)

    @property
    def amount(self) -> Money:
        """What is pledged of the debt."""
        return Money(self.amount_minor, self.currency)

    @property
    def parties(self) -> list[UUID]:
        """Whom it is between."""
        return [self.pledgor_id, self.pledgee_id, self.debtor_id]

    @property
    def readers(self) -> list[UUID]:
        """Whoever sees it: the debtor once it is issued, and no sooner."""
        return self.parties if self.issued_at else [self.pledgor_id, self.pledgee_id]


guard_states(DebtorNotice, NOTICE_TRANSITIONS)
