"""How parties came on board: what each declared, under the signature that proves its USCC."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.http.auth import OAuthClient
from scf.kernel.ids import parse_id, public_id
from scf.parties.models import Certificate, Party, Person
from scf.programmes.declaration import verified
from scf.programmes.invitation_models import Invitation, Onboarding
from scf_ledger.encoding import from_b64url

NAME = Onboarding.__tablename__
_LOST: Final = (
    select(Invitation.id)
    .join(Person, Person.id == Invitation.person_id)
    .where(~exists().where(Onboarding.invitation_id == Invitation.id))
    .limit(1)
)
"""An invitation whose person came in, and of which there is nothing more."""


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every onboarding to its signed declaration and to what came of it. Raises Different."""
    for row in session.scalars(select(Onboarding).order_by(Onboarding.party_id)):
        report.rows[NAME] += 1
        _check(session, row, codes)
    lost = session.scalar(_LOST)
    if lost is not None:
        expect(NAME, public_id("inv", lost), "party_id", None, "入驻记录 how its party came in")


def _check(session: Session, row: Onboarding, codes: Mapping[UUID, str]) -> None:
    key = public_id("pty", row.party_id)
    certificate = session.get(Certificate, row.certificate_id)
    client = session.get(OAuthClient, row.client_id)
    party = session.get(Party, row.party_id)
    with readable(NAME, key, "jws"):
        signed, declared = verified(row.jws, certificate.pem if certificate else "")
        invitation_id = parse_id("inv", declared.invitation)
    expect_row(
        NAME,
        key,
        {
            "jws": row.jws,
            "party_id": codes.get(row.party_id),
            "invitation_id": row.invitation_id,
            "person_id": row.person_id,
            "client_id": client and client.secret_sha256,
            "size_class": row.size_class,
            "size_declared_on": row.size_declared_on,
            "admitted_at": row.admitted_at,
        },
        {
            "jws": signed,
            "party_id": declared.uscc,
            "invitation_id": invitation_id,
            "person_id": certificate and certificate.person_id,
            "client_id": from_b64url(declared.client_secret_sha256),
            "size_class": declared.size_class,
            "size_declared_on": declared.size_declared_on,
            "admitted_at": party and party.registered_at,
        },
    )
