"""Invitations of suppliers into a programme, and how those that were new came on board."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.kernel.errors import Conflict
from scf.parties.models import SizeClass


class State(StrEnum):
    """Where an invitation stands."""

    INVITED = "INVITED"
    OPENED = "OPENED"
    ACCEPTED = "ACCEPTED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


_ENDS = frozenset({State.ACCEPTED, State.EXPIRED, State.REVOKED})
LIVE: Final = (State.INVITED, State.OPENED)
TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.INVITED: _ENDS | {State.OPENED},
        State.OPENED: _ENDS,
        State.ACCEPTED: frozenset(),
        State.EXPIRED: frozenset(),
        State.REVOKED: frozenset(),
    }
)
"""The one table of moves."""


class InvitationMoveRefused(Conflict):
    """An invitation is taken up once, while it is neither revoked nor expired."""

    code = "invitation.state_forbids"
    title = "邀请当前状态不允许此操作"
    title_en = "The invitation's state does not allow this now"


class Invitation(Base):
    """An enterprise asked into a programme, by its USCC. Times are real.

    The link's token is known by its hash; `attempts` counts who came with another, and acceptances that
    failed. `person_id` and `challenge` wait for whoever is new: its certificate names the one, its key signs
    the other. `contact` is let go of when the invitation ends.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "uq_invitations_live",
            "programme_id",
            "uscc",
            unique=True,
            postgresql_where=text("state IN ('INVITED', 'OPENED')"),
        ),
        Index("ix_invitations_uscc", "uscc"),
        CheckConstraint("octet_length(token_sha256) = 32", name="token_sha256_length"),
        CheckConstraint("(state = 'ACCEPTED') = (party_id IS NOT NULL)", name="party_if_accepted"),
        CheckConstraint(
            "(state IN ('INVITED', 'OPENED')) = (contact IS NOT NULL)", name="contact_while_live"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.id"))
    uscc: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    contact: Mapped[str | None] = mapped_column(Text)
    token_sha256: Mapped[bytes]
    state: Mapped[State] = mapped_column(text_enum(State))
    attempts: Mapped[int] = mapped_column(server_default="0")
    person_id: Mapped[UUID]
    challenge: Mapped[bytes]
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    invited_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    party_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))

    def move(self, to: State) -> None:
        """Move as the table says. Raises InvitationMoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise InvitationMoveRefused(state=self.state.value, asked=to.value)
        self.state = to

    def end(self, to: State, now: datetime) -> None:
        """End it, and let the contact go. Raises InvitationMoveRefused."""
        self.move(to)
        self.ended_at, self.contact = now, None


class Onboarding(Base):
    """How a new party came in: what it declared, signed with the key that proves its USCC; insert only."""

    __tablename__ = "onboardings"

    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), primary_key=True)
    invitation_id: Mapped[UUID] = mapped_column(ForeignKey("invitations.id"), unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificates.id"))
    client_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    size_class: Mapped[SizeClass] = mapped_column(text_enum(SizeClass))
    size_declared_on: Mapped[date] = mapped_column(Date)
    jws: Mapped[str] = mapped_column(Text)
    admitted_at: Mapped[datetime]


guard_states(Invitation, TRANSITIONS)
append_only(Onboarding)
