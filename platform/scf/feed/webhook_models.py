"""Webhooks: where a party wants its events sent, what is to be sent, and every attempt.

The queue is the table of deliveries. A sender that takes one moves its next attempt a lease ahead, so what
a killed sender left undone is sent again, under the same id.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

import scf.parties.models  # noqa: F401 - the tables that foreign keys name here, and in what a sender changes
from scf.db.base import Base
from scf.db.ddl import guard_states, text_enum
from scf.kernel.errors import Conflict


class State(StrEnum):
    """Where an endpoint stands. It is DISABLED by the platform: it failed too long, or said it is gone."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    DELETED = "deleted"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.ACTIVE: frozenset({State.PAUSED, State.DISABLED, State.DELETED}),
        State.PAUSED: frozenset({State.ACTIVE, State.DELETED}),
        State.DISABLED: frozenset({State.ACTIVE, State.DELETED}),
        State.DELETED: frozenset(),
    }
)
"""The one table of an endpoint's moves."""


class DeliveryState(StrEnum):
    """Where a delivery stands; FAILED: its schedule is over."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookMoveRefused(Conflict):
    """An endpoint moves only as its table says."""

    code = "webhook.state_forbids"
    title = "推送地址当前状态不允许此操作"
    title_en = "The webhook's state does not allow this now"


class Webhook(Base):
    """An endpoint of one party. `types` are event types: `pledge.released`, `pledge.*`, `*`.

    Its keys are derived from the installation's secret by `key_number`; the one before signs too until
    `previous_key_until`. `stopped_at_index` is up to where events were queued when it was disabled.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("ix_webhooks_party_id_id", "party_id", "id"),
        CheckConstraint(
            "(state = 'disabled') = (reason IS NOT NULL)"
            " AND (state = 'disabled') = (stopped_at_index IS NOT NULL)",
            name="disabled_for_a_reason",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    url: Mapped[str] = mapped_column(Text)
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(Text)
    stopped_at_index: Mapped[int | None]
    failing_since: Mapped[datetime | None]
    key_number: Mapped[int]
    previous_key_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    def move(self, to: State, *, now: datetime) -> None:
        """Move as the table says. Raises WebhookMoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise WebhookMoveRefused(state=self.state.value, asked=to.value)
        self.state, self.state_since = to, now
        if to is not State.DISABLED:
            self.reason, self.stopped_at_index, self.failing_since = None, None, None


class WebhookDelivery(Base):
    """One event for one endpoint. `id` is its `webhook-id`, the same at every attempt and replay.

    `attempts` counts those of its present schedule; without `next_attempt_at` it is held back while its
    endpoint is not active.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(
            "ix_webhook_deliveries_waiting",
            "webhook_id",
            "next_attempt_at",
            postgresql_where=text("state = 'waiting'"),
        ),
        CheckConstraint("(state = 'waiting') = (done_at IS NULL)", name="done_when_not_waiting"),
    )

    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(Text)
    state: Mapped[DeliveryState] = mapped_column(text_enum(DeliveryState))
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """One attempt: what was answered, or what went wrong. `excerpt` is the beginning of the answer."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (Index("ix_webhook_attempts_delivery_id_id", "delivery_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    delivery_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(index=True)
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    problem: Mapped[str | None] = mapped_column(Text)
    excerpt: Mapped[str | None] = mapped_column(Text)


class FeedCursor(Base):
    """Up to which log index a reader of all feeds has come; its row is locked by whoever moves it."""

    __tablename__ = "feed_cursors"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    index: Mapped[int]


guard_states(Webhook, TRANSITIONS)
