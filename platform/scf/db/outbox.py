"""Effects on the outside world leave through a row written in the business transaction.

A worker hands each row to its handler at least once; handlers are idempotent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Identity, Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from scf.db.base import Base
from scf.db.session import Database
from scf.kernel.clock import Clock
from scf.settings import Settings


@dataclass(frozen=True, slots=True)
class EffectContext:
    """What a handler works with. It opens its own short transactions, remote calls between them.

    A handler is safe to run twice and beside itself. It raises Unavailable to be tried again; Refused
    stops the effect for good.
    """

    database: Database
    settings: Settings
    clock: Clock


Handler = Callable[[EffectContext, Mapping[str, Any]], None]
"""Brings an effect about, given its payload."""


class Effect(Base):
    """One effect to bring about: `kind` names the handler, `payload` what it needs."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "next_attempt_at", postgresql_where="done_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    attempts: Mapped[int] = mapped_column(server_default="0")
    done_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


def enqueue(session: Session, kind: str, **payload: Any) -> None:
    """Ask for an effect when this transaction commits. UUIDs become text."""
    plain = {k: str(v) if isinstance(v, UUID) else v for k, v in payload.items()}
    session.add(Effect(kind=kind, payload=plain))
