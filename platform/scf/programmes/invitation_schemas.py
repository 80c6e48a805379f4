"""HTTP shapes of invitations."""

from datetime import timedelta
from typing import Self

from pydantic import Field

from scf.http.schemas import (
    ClientId,
    DigestText,
    In,
    InstantText,
    InvitationId,
    Line,
    Out,
    PartyId,
    PersonId,
    ProgrammeId,
    UsccText,
)
from scf.parties.schemas import Jws, Pem
from scf.programmes.invitation_models import Invitation, Onboarding, State
from scf.programmes.invitations import Acceptance, Guest, Letter
from scf_ledger.encoding import b64url, from_b64url

DAYS_MAX = 90
TOKEN_LENGTH_MAX = 200


class InvitationIn(In):
    """Whom to invite: the link carries a token of 32 random bytes, of which only the SHA-256 comes here."""

    programme: ProgrammeId
    uscc: UsccText
    name: Line = Field(examples=["永川恒兴模具(示例)"])
    contact: Line = Field(examples=["王五(示例) 138****0000"])
    token_sha256: DigestText
    valid_days: int = Field(30, ge=1, le=DAYS_MAX)

    def guest(self) -> Guest:
        """Return what the service takes."""
        return Guest(
            self.programme,
            self.uscc,
            self.name,
            self.contact,
            from_b64url(self.token_sha256),
            timedelta(days=self.valid_days),
        )


class InvitationOut(Out):
    """An invitation; the contact is shown to who invited, until it ends."""

    id: InvitationId
    programme: ProgrammeId
    uscc: UsccText
    name: str
    contact: str | None
    state: State
    attempts: int = Field(examples=[0])
    invited_at: InstantText
    expires_at: InstantText
    opened_at: InstantText | None
    ended_at: InstantText | None
    party: PartyId | None

    @classmethod
    def of(cls, invitation: Invitation, *, host: bool) -> Self:
        """Show an invitation to who invited, or to who is invited."""
        same = ("id", "uscc", "name", "state", "attempts", "invited_at", "expires_at", "opened_at")
        return cls(
            programme=invitation.programme_id,
            contact=invitation.contact if host else None,
            ended_at=invitation.ended_at,
            party=invitation.party_id,
            **{name: getattr(invitation, name) for name in same},
        )


class LetterOut(Out):
    """What an invitation says without an account, and what an acceptance has to be built on."""

    id: InvitationId
    state: State
    programme: str = Field(examples=["渝川汽车(示例)供应商融资项目"])
    anchor: str = Field(examples=["渝川汽车(示例)"])
    uscc: UsccText
    name: str = Field(examples=["永川恒兴模具(示例)"])
    expires_at: InstantText
    origin: str = Field(examples=["scf.example/log"])
    person: PersonId = Field(description="法定代表人证书的 CN the common name of the certificate")
    challenge: str = Field(description="须在入驻声明中签回 to be signed")

    @classmethod
    def of(cls, letter: Letter, origin: str) -> Self:
        """Show a letter."""
        invitation = letter.invitation
        return cls(
            id=invitation.id,
            state=invitation.state,
            programme=letter.programme,
            anchor=letter.anchor,
            uscc=invitation.uscc,
            name=invitation.name,
            expires_at=invitation.expires_at,
            origin=origin,
            person=invitation.person_id,
            challenge=b64url(invitation.challenge),
        )


class AcceptanceIn(In):
    """A new supplier's acceptance: its signed declaration, the certificate, and who represents it by law."""

    token: str = Field(min_length=1, max_length=TOKEN_LENGTH_MAX)
    jws: Jws
    certificate: Pem
    legal_representative: Line = Field(examples=["赵六(示例)"])

    def acceptance(self) -> Acceptance:
        """Return what the service takes."""
        return Acceptance(self.jws, self.certificate, self.legal_representative)


class OnboardedOut(Out):
    """A party that has come on board; `client` is the OAuth client id of its system."""

    invitation: InvitationId
    party: PartyId
    person: PersonId
    client: ClientId
    admitted_at: InstantText

    @classmethod
    def of(cls, onboarding: Onboarding) -> Self:
        """Show who came in."""
        return cls(
            invitation=onboarding.invitation_id,
            party=onboarding.party_id,
            person=onboarding.person_id,
            client=onboarding.client_id,
            admitted_at=onboarding.admitted_at,
        )
