"""Shapes of look-ups and consents."""

from typing import Self

from pydantic import Field

from scf.access.models import Basis, Consent, Looked, LookUp, Purpose
from scf.http.schemas import (
    ClientId,
    ConsentId,
    In,
    InstantText,
    LookUpId,
    Out,
    PartyId,
    PersonId,
    UsccText,
)
from scf.parties.models import Party


class LookUpOut(Out):
    """That a party looked at another's affairs, what for, on what ground.

    `by` and `person` are empty where who asked is not told: a bank outside; `person`, a number without a name,
    also where a system looked by itself. `client`, which of its systems, only the one who looked is shown.
    """

    id: LookUpId
    caller: str = Field(examples=["bank"], description="bank · regulator · outside_bank")
    by: PartyId | None
    by_uscc: UsccText | None
    by_name: str | None
    client: ClientId | None
    person: PersonId | None
    party: PartyId
    kind: Looked
    subject: str = Field(examples=["plg_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    purpose: Purpose
    basis: Basis
    consent: ConsentId | None
    reason: str | None
    made_at: InstantText

    @classmethod
    def of(cls, made: LookUp, by: Party, *, own: bool) -> Self:
        """Show a look-up, to its maker if `own`."""
        assert made.party_id is not None, "nobody is shown a look at nobody"
        return cls(
            id=made.id,
            caller=by.kind.value if made.named else f"outside_{by.kind.value}",
            by=by.id if made.named else None,
            by_uscc=by.uscc if made.named else None,
            by_name=by.name if made.named else None,
            client=made.client_id if own else None,
            person=made.person_id if made.named else None,
            party=made.party_id,
            kind=made.kind,
            subject=made.subject,
            purpose=made.purpose,
            basis=made.basis,
            consent=made.consent_id,
            reason=made.reason,
            made_at=made.made_at,
        )


class ConsentIn(In):
    """Whom to let look, what for, until when."""

    to: PartyId
    purpose: Purpose = Purpose.CREDIT_REVIEW
    until: InstantText


class ConsentOut(Out):
    """A consent; it holds until `until` where it was not withdrawn."""

    id: ConsentId
    by: PartyId
    by_name: str
    to: PartyId
    to_name: str
    purpose: Purpose
    until: InstantText
    granted_at: InstantText
    withdrawn_at: InstantText | None
    reason: str | None

    @classmethod
    def of(cls, found: Consent, by: Party, to: Party) -> Self:
        """Show a consent to one of its sides."""
        return cls(
            id=found.id,
            by=found.by_id,
            by_name=by.name,
            to=found.to_id,
            to_name=to.name,
            purpose=found.purpose,
            until=found.until,
            granted_at=found.granted_at,
            withdrawn_at=found.revoked_at,
            reason=found.revocation_reason,
        )
