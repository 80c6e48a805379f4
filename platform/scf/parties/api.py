"""Endpoints of parties, their people, keys and systems."""

from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from fastapi import APIRouter

from scf.evidence.service import SubjectNotFound
from scf.http.auth import OAuthClient
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    AuthorityId,
    CertificateId,
    ClientId,
    DraftId,
    MandateId,
    PageSize,
    PartyId,
    PersonId,
    RevokeIn,
)
from scf.parties import certification, names, queries, service, supervision
from scf.parties.models import Certificate, Mandate, Person
from scf.parties.permissions import Action, permit
from scf.parties.schemas import (
    AuthorityIn,
    AuthorityOut,
    CertificateIn,
    CertificateOut,
    ClientIn,
    ClientOut,
    DraftOut,
    ErasureOut,
    MandateIn,
    MandateOut,
    PartyIn,
    PartyOut,
    PersonIn,
    PersonNameOut,
    PersonOut,
    RenamingIn,
    RevocationListIn,
    RevocationListOut,
    SecretIn,
)
from scf.parties.supervision import Sight
from scf_ledger.encoding import from_b64url

Owned = TypeVar("Owned", Person, Certificate, Mandate, OAuthClient)

router = APIRouter(tags=["参与方 Parties"])


@command(router, "/v1/parties", status=201)
def register_party(call: Call, body: PartyIn) -> PartyOut:
    """Register an organisation. The operator has seen its papers."""
    permit(call.actor, Action.REGISTER)
    party = service.register_party(
        call.session,
        uscc=body.uscc,
        name=body.name,
        kind=body.kind,
        size_class=body.size_class,
        now=call.now,
    )
    return PartyOut.of(party)


@command(router, "/v1/parties/{party_id}/rename")
def rename_party(call: Call, party_id: PartyId, body: RenamingIn) -> PartyOut:
    """企业更名 Give an organisation its new name. The operator has seen its papers."""
    permit(call.actor, Action.REGISTER)
    party = service.rename_party(
        call.session, party_id, name=body.name, named_on=body.named_on, now=call.now
    )
    return PartyOut.of(party)


@query(router, "/v1/parties")
def list_parties(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[PartyOut]:
    """List the parties that the caller may see: the operator all, a party itself."""
    after = read_cursor("pty", cursor)
    only = None if call.actor.operator else call.actor.party
    found = queries.parties(call.session, after=after, only=only, size=limit)
    return Page(
        items=[PartyOut.of(party) for party in found],
        next=next_cursor("pty", [party.id for party in found], limit),
    )


@query(router, "/v1/parties/{party_id}")
def read_party(call: Call, party_id: PartyId) -> PartyOut:
    """Show a party."""
    if not supervision.sees(call.session, call.actor, party_id, Sight.REGISTER):
        permit(call.actor, Action.READ, party_id)
    return PartyOut.of(queries.party(call.session, party_id))


@command(router, "/v1/parties/{party_id}/revoke")
def revoke_party(call: Call, party_id: PartyId, body: RevokeIn) -> PartyOut:
    """End a membership: its systems, people, certificates and mandates stop at once."""
    permit(call.actor, Action.EXPEL)
    return PartyOut.of(
        service.revoke_party(call.session, party_id, reason=body.reason, now=call.now)
    )


@command(router, "/v1/parties/{party_id}/clients", status=201)
def register_client(call: Call, party_id: PartyId, body: ClientIn) -> ClientOut:
    """Admit a system that calls for a party. It keeps its secret; only the SHA-256 comes here."""
    permit(call.actor, Action.REGISTER)
    return ClientOut.of(
        service.register_client(
            call.session,
            party_id,
            name=body.name,
            secret_sha256=from_b64url(body.secret_sha256),
            scope=body.scope,
            now=call.clock.real(),
        )
    )


@query(router, "/v1/parties/{party_id}/clients")
def list_clients(call: Call, party_id: PartyId) -> list[ClientOut]:
    """List a party's systems."""
    permit(call.actor, Action.READ, party_id)
    return [ClientOut.of(client) for client in queries.clients(call.session, party_id)]


@command(router, "/v1/clients/{client_id}/secrets", status=201)
def rotate_secret(call: Call, client_id: ClientId, body: SecretIn) -> ClientOut:
    """更换密钥 Give a system its next secret; the former opens for a while, two at most at a time."""
    _owned(call, Action.ROTATE, call.session.get(OAuthClient, client_id))
    return ClientOut.of(
        service.rotate_secret(
            call.session,
            client_id,
            secret_sha256=from_b64url(body.secret_sha256),
            keep=timedelta(seconds=body.keep_former_seconds),
            now=call.clock.real(),
        )
    )


@command(router, "/v1/clients/{client_id}/revoke")
def revoke_client(call: Call, client_id: ClientId) -> ClientOut:
    """Shut a system out at once, its live tokens included."""
    _owned(call, Action.REVOKE, call.session.get(OAuthClient, client_id))
    return ClientOut.of(service.revoke_client(call.session, client_id, now=call.clock.real()))


@command(router, "/v1/parties/{party_id}/persons", status=201)
def register_person(call: Call, party_id: PartyId, body: PersonIn) -> PersonOut:
    """Register somebody who acts for a party; everywhere else they are a random id."""
    permit(call.actor, Action.REGISTER)
    return PersonOut.of(
        service.register_person(
            call.session,
            party_id,
            name=body.name,
            now=call.now,
            legal_representative=body.legal_representative,
        )
    )


@query(router, "/v1/parties/{party_id}/persons")
def list_persons(call: Call, party_id: PartyId) -> list[PersonOut]:
    """List a party's people, by id."""
    permit(call.actor, Action.READ, party_id)
    return [PersonOut.of(person) for person in queries.persons(call.session, party_id)]


@query(router, "/v1/persons/{person_id}")
def read_person(call: Call, person_id: PersonId) -> PersonNameOut:
    """Show a person with their name, to their party and the operator; no name once it is erased."""
    person = _person(call, Action.READ, person_id)
    return PersonNameOut.named(person, names.name_of(call.session, person.id))


@command(router, "/v1/persons/{person_id}/revoke")
def revoke_person(call: Call, person_id: PersonId, body: RevokeIn) -> PersonOut:
    """Record that somebody has left: their certificates and mandates stop at once."""
    _person(call, Action.REVOKE, person_id)
    return PersonOut.of(
        service.revoke_person(call.session, person_id, reason=body.reason, now=call.now)
    )


@command(router, "/v1/persons/{person_id}/erase")
def erase_person(call: Call, person_id: PersonId, body: RevokeIn) -> ErasureOut:
    """Erase a name for good. What the person signed stays, under the random id."""
    _person(call, Action.ERASE, person_id)
    return ErasureOut.of(
        service.erase_person(
            call.session, person_id, by=call.actor.client_id, reason=body.reason, now=call.now
        )
    )


@command(router, "/v1/persons/{person_id}/certificates", status=201)
def register_certificate(call: Call, person_id: PersonId, body: CertificateIn) -> CertificateOut:
    """Put a certificate on file, once a listed authority vouches for party and person."""
    permit(call.actor, Action.REGISTER)
    return CertificateOut.of(
        certification.register_certificate(call.session, person_id, pem=body.pem, now=call.now)
    )


@query(router, "/v1/persons/{person_id}/certificates")
def list_certificates(call: Call, person_id: PersonId) -> list[CertificateOut]:
    """List a person's certificates."""
    _person(call, Action.READ, person_id)
    return [CertificateOut.of(one) for one in queries.certificates(call.session, person_id)]


@command(router, "/v1/certificates/{certificate_id}/revoke")
def revoke_certificate(call: Call, certificate_id: CertificateId, body: RevokeIn) -> CertificateOut:
    """End a certificate at once (电子签名法 art. 15), ahead of its authority's list."""
    _owned(call, Action.REVOKE, call.session.get(Certificate, certificate_id))
    return CertificateOut.of(
        certification.revoke_certificate(
            call.session, certificate_id, reason=body.reason, now=call.now
        )
    )


@command(router, "/v1/persons/{person_id}/mandates", status=201)
def grant_mandate(call: Call, person_id: PersonId, body: MandateIn) -> MandateOut:
    """Register what somebody may sign for their party (授权委托书): role, acts, limit, time."""
    permit(call.actor, Action.REGISTER)
    return MandateOut.of(
        service.grant_mandate(
            call.session,
            person_id,
            role=body.role,
            acts=body.acts,
            limit=body.limit,
            valid_from=body.valid_from,
            valid_to=body.valid_to,
            now=call.now,
            substitutes_id=body.substitutes,
        )
    )


@query(router, "/v1/persons/{person_id}/mandates")
def list_mandates(call: Call, person_id: PersonId) -> list[MandateOut]:
    """List a person's mandates."""
    _person(call, Action.READ, person_id)
    return [MandateOut.of(one) for one in queries.mandates(call.session, person_id)]


@command(router, "/v1/mandates/{mandate_id}/revoke")
def revoke_mandate(call: Call, mandate_id: MandateId, body: RevokeIn) -> MandateOut:
    """End a mandate at once."""
    _owned(call, Action.REVOKE, call.session.get(Mandate, mandate_id))
    return MandateOut.of(
        service.revoke_mandate(call.session, mandate_id, reason=body.reason, now=call.now)
    )


@command(router, "/v1/authorities", status=201)
def register_authority(call: Call, body: AuthorityIn) -> AuthorityOut:
    """List a certificate authority, for enterprises, banks or registries."""
    permit(call.actor, Action.REGISTER)
    return AuthorityOut.of(
        certification.register_authority(call.session, pem=body.pem, scope=body.scope, now=call.now)
    )


@query(router, "/v1/authorities")
def list_authorities(call: Call) -> list[AuthorityOut]:
    """List the certificate authorities; everybody may know whom the platform believes."""
    return [AuthorityOut.of(row) for row in queries.listed_authorities(call.session)]


@command(router, "/v1/authorities/{authority_id}/revocation-lists", status=201)
def receive_revocations(
    call: Call, authority_id: AuthorityId, body: RevocationListIn
) -> RevocationListOut:
    """Take in an authority's revocation list (CRL); what it names stops at once."""
    permit(call.actor, Action.REGISTER)
    row, ended = certification.receive_revocations(
        call.session, authority_id, der=body.der, now=call.now
    )
    return RevocationListOut(authority=authority_id, issued_at=row.issued_at, revoked_count=ended)


@command(router, "/v1/authorities/{authority_id}/revoke")
def revoke_authority(call: Call, authority_id: AuthorityId, body: RevokeIn) -> AuthorityOut:
    """Stop believing an authority: every certificate that it issued stops at once."""
    permit(call.actor, Action.EXPEL)
    return AuthorityOut.of(
        certification.revoke_authority(call.session, authority_id, reason=body.reason, now=call.now)
    )


@query(router, "/v1/drafts/{draft_id}")
def read_draft(call: Call, draft_id: DraftId) -> DraftOut:
    """Show a draft again, to the party that is to sign it: the checker sits at another desk."""
    statements = queries.draft(call.session, draft_id, party_id=call.actor.party)
    return DraftOut.of(statements, queries.draft_lines(call.session, draft_id))


def _person(call: Call, action: Action, person_id: UUID) -> Person:
    return _owned(call, action, call.session.get(Person, person_id))


def _owned(call: Call, action: Action, found: Owned | None) -> Owned:
    if found is None:
        raise SubjectNotFound
    permit(call.actor, action, found.party_id)
    return found
