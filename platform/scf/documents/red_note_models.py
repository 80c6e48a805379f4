"""A 红字发票信息确认单: the form by which seller and buyer agree to take an invoice back, whole or in part.

Source: 国家税务总局公告2024年第11号: where the buyer has neither used nor booked the invoice, the seller fills
the form in and issues the red invoice; otherwise either fills it in, the other confirms within 72 hours,
and the seller issues the red invoice after that.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money


class RedState(StrEnum):
    """Where a form stands."""

    NOT_NEEDED = "NOT_NEEDED"
    AWAITING_BUYER = "AWAITING_BUYER"
    AWAITING_SELLER = "AWAITING_SELLER"
    CONFIRMED = "CONFIRMED"
    DENIED = "DENIED"
    LAPSED = "LAPSED"
    WITHDRAWN = "WITHDRAWN"
    ISSUED = "ISSUED"


LABELS: Final[Mapping[RedState, str]] = MappingProxyType(
    {
        RedState.NOT_NEEDED: "无需确认",
        RedState.AWAITING_BUYER: "销方录入待购方确认",
        RedState.AWAITING_SELLER: "购方录入待销方确认",
        RedState.CONFIRMED: "购销双方已确认",
        RedState.DENIED: "作废（对方否认）",
        RedState.LAPSED: "作废（超72小时未确认）",
        RedState.WITHDRAWN: "作废（发起方撤销）",
        RedState.ISSUED: "已开具红字发票",
    }
)
"""How the tax bureau's platform names the states."""

AWAITING: Final = frozenset({RedState.AWAITING_BUYER, RedState.AWAITING_SELLER})
OPEN: Final = AWAITING | {RedState.NOT_NEEDED, RedState.CONFIRMED}
"""Forms that may still lead to a red invoice."""

_ANSWERED: Final = frozenset(
    {
        *(RedState.CONFIRMED, RedState.DENIED, RedState.LAPSED),
        *(RedState.WITHDRAWN, RedState.ISSUED),
    }
)
_LEFT_OPEN: Final = frozenset({RedState.WITHDRAWN, RedState.ISSUED})

RED_TRANSITIONS: Final[Mapping[RedState, frozenset[RedState]]] = MappingProxyType(
    {
        RedState.NOT_NEEDED: _LEFT_OPEN,
        RedState.AWAITING_BUYER: _ANSWERED,
        RedState.AWAITING_SELLER: _ANSWERED,
        RedState.CONFIRMED: _LEFT_OPEN,
        RedState.DENIED: frozenset(),
        RedState.LAPSED: frozenset(),
        RedState.WITHDRAWN: frozenset(),
        RedState.ISSUED: frozenset(),
    }
)
"""The one table of a form's moves. A red invoice that is there proves that its form was confirmed where forms
are kept, whatever was said here."""


class RedReason(StrEnum):
    """Why an invoice is taken back, as the form has it."""

    WRONG = "开票有误"
    RETURNED = "销货退回"
    SERVICE_ENDED = "服务中止"
    ALLOWANCE = "销售折让"


class Applicant(StrEnum):
    """Who filled the form in."""

    SELLER = "seller"
    BUYER = "buyer"


class RedMoveRefused(Conflict):
    """A form moves only as its table says."""

    code = "red_note.state_forbids"
    title = "红字确认单当前状态不允许此操作"
    title_en = "The red-letter form's state does not allow this now"


class RedNote(Subject, Base):
    """A form over one registered invoice; amounts are what it takes back, above zero.

    `form_no` is the tax bureau's number, `red_document_id` the red invoice once it is registered.
    `buyer_id` is null where the buyer is no party here; `lapses_at` where nobody has to confirm.
    """

    __tablename__ = "red_notes"
    __table_args__ = (
        UniqueConstraint("seller_id", "form_no"),
        Index("ix_red_notes_document_id", "document_id"),
        Index("ix_red_notes_buyer_id_id", "buyer_id", "id"),
        Index("ix_red_notes_seller_id_id", "seller_id", "id"),
        Index(
            "ix_red_notes_lapses_at",
            "lapses_at",
            postgresql_where="state IN ('AWAITING_BUYER', 'AWAITING_SELLER')",
        ),
        CheckConstraint(
            "net_minor >= 0 AND tax_minor >= 0 AND net_minor + tax_minor > 0",
            name="amounts_positive",
        ),
        CheckConstraint(
            "(state = 'ISSUED') = (red_document_id IS NOT NULL)", name="issued_with_its_invoice"
        ),
    )

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    buyer_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    form_no: Mapped[str] = mapped_column(Text)
    applicant: Mapped[Applicant] = mapped_column(text_enum(Applicant))
    used: Mapped[bool]
    reason: Mapped[RedReason] = mapped_column(text_enum(RedReason))
    currency: Mapped[str] = mapped_column(Text)
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    state: Mapped[RedState] = mapped_column(text_enum(RedState))
    state_since: Mapped[datetime]
    entered_at: Mapped[datetime]
    lapses_at: Mapped[datetime | None]
    red_document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"), unique=True)

    def require_move(self, to: RedState) -> None:
        """Raise RedMoveRefused, which names both states, where the table does not allow a move."""
        if to not in RED_TRANSITIONS[self.state]:
            raise RedMoveRefused(state=self.state.value, asked=to.value)

    def move(self, to: RedState, *, now: datetime) -> None:
        """Move as the table says. Raises RedMoveRefused."""
        self.require_move(to)
        self.state, self.state_since = to, now

    @property
    def net(self) -> Money:
        """What it takes back without tax."""
        return Money(self.net_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax that it takes back."""
        return Money(self.tax_minor, self.currency)

    @property
    def total(self) -> Money:
        """What it takes back with tax."""
        return self.net + self.tax

    @property
    def sides(self) -> list[UUID]:
        """Seller, and buyer where it is a party here."""
        return [self.seller_id, *([self.buyer_id] if self.buyer_id else [])]


class RedNoteConsent(Base):
    """What an encumbrancer of the invoice was asked, and its answer; null while it is silent."""

    __tablename__ = "red_note_consents"
    __table_args__ = (
        Index("ix_red_note_consents_party_id", "party_id", "red_note_id"),
        CheckConstraint("(given IS NULL) = (answered_at IS NULL)", name="answered_once"),
    )

    red_note_id: Mapped[UUID] = mapped_column(ForeignKey("red_notes.id"), primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), primary_key=True)
    asked_at: Mapped[datetime]
    given: Mapped[bool | None]
    answered_at: Mapped[datetime | None]


guard_states(RedNote, RED_TRANSITIONS)
