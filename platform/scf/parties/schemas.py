"""HTTP shapes of parties, their people and what they sign."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from scf.evidence.models import Statement
from scf.http.auth import OAuthClient
from scf.http.schemas import (
    AuthorityId,
    CertificateId,
    ClientId,
    DateText,
    DigestText,
    DraftId,
    In,
    InstantText,
    Line,
    MandateId,
    MoneyIn,
    Out,
    PartyId,
    PersonId,
    StatementId,
    UsccText,
)
from scf.kernel.errors import ValueInvalid
from scf.parties import rendering
from scf.parties.models import (
    Certificate,
    CertificateAuthority,
    Mandate,
    Party,
    PartyKind,
    Person,
    PersonErasure,
    Role,
    SizeClass,
)
from scf.parties.rules import DESK
from scf_ledger.certificates import CRL_BYTES_MAX, PEM_BYTES_MAX
from scf_ledger.encoding import b64url, from_b64
from scf_ledger.errors import Malformed
from scf_ledger.event_types import ACTS, Scope
from scf_ledger.jws import JWS_BYTES_MAX

Pem = Annotated[
    str,
    Field(
        max_length=PEM_BYTES_MAX,
        examples=["-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"],
    ),
]

Jws = Annotated[str, Field(max_length=JWS_BYTES_MAX)]


class PartyIn(In):
    """An organisation to register."""

    uscc: UsccText
    name: Line = Field(examples=["永川兴锐冲压件(示例)"])
    kind: PartyKind
    size_class: SizeClass | None = Field(None, description="企业必填 required of enterprises")


class RenamingIn(In):
    """A party's new name, and the day since which it bears it."""

    name: Line = Field(examples=["永川兴锐精密冲压(示例)"])
    named_on: DateText


class PartyOut(Out):
    """A party."""

    id: PartyId
    uscc: UsccText
    name: str = Field(examples=["永川兴锐冲压件(示例)"])
    kind: PartyKind
    size_class: SizeClass | None
    named_on: DateText | None = Field(description="现名启用日 Since when it bears this name")
    registered_at: InstantText
    revoked_at: InstantText | None

    @classmethod
    def of(cls, party: Party) -> Self:
        """Show a party."""
        return cls(
            id=party.id,
            uscc=party.uscc,
            name=party.name,
            named_on=party.named_on,
            kind=party.kind,
            size_class=party.size_class,
            registered_at=party.registered_at,
            revoked_at=party.revoked_at,
        )


FORMER_SECONDS = 7 * 86_400
FORMER_SECONDS_MAX = 30 * 86_400


class ClientIn(In):
    """A system to admit: the SHA-256 (base64url) of a secret of at least 32 random bytes.

    `scope` admits it for one purpose alone: `blind` for a bank that only asks the blind registry.
    """

    name: Line = Field(examples=["ERP"])
    secret_sha256: DigestText
    scope: Literal["blind"] | None = None


class SecretIn(In):
    """A system's next secret, by its SHA-256 (base64url); the one before opens so much longer.

    0 ends the one before at once, and every live token: the way out where a secret has leaked.
    """

    secret_sha256: DigestText
    keep_former_seconds: int = Field(FORMER_SECONDS, ge=0, le=FORMER_SECONDS_MAX)


class ClientOut(Out):
    """A system that calls for a party; `id` is its OAuth client id."""

    id: ClientId
    party: PartyId | None
    name: str
    scope: str | None
    created_at: InstantText
    former_secret_ends_at: InstantText | None
    revoked_at: InstantText | None

    @classmethod
    def of(cls, client: OAuthClient) -> Self:
        """Show a client."""
        return cls(
            scope=client.scope,
            id=client.id,
            party=client.party_id,
            name=client.name,
            created_at=client.created_at,
            former_secret_ends_at=client.former_ends_at,
            revoked_at=client.revoked_at,
        )


class PersonIn(In):
    """Somebody to register."""

    name: Line = Field(examples=["张三(示例)"])
    legal_representative: bool = Field(
        False,
        description="法定代表人，同一时间一人 The party's legal representative, one at a time",
    )


class PersonOut(Out):
    """A person, without the name: what is answered to a command is kept for a while."""

    id: PersonId
    party: PartyId
    legal_representative: bool
    registered_at: InstantText
    revoked_at: InstantText | None

    @classmethod
    def of(cls, person: Person) -> Self:
        """Show a person."""
        return cls(
            id=person.id,
            party=person.party_id,
            legal_representative=person.legal_representative,
            registered_at=person.registered_at,
            revoked_at=person.revoked_at,
        )


class PersonNameOut(PersonOut):
    """A person with the name, which is null once erased."""

    name: str | None = Field(examples=["张三(示例)"])

    @classmethod
    def named(cls, person: Person, name: str | None) -> Self:
        """Show a person with the name."""
        return cls(**dict(PersonOut.of(person)), name=name)


class ErasureOut(Out):
    """The fact that a name was erased."""

    person: PersonId
    erased_by: ClientId
    erased_at: InstantText
    reason: str

    @classmethod
    def of(cls, erasure: PersonErasure) -> Self:
        """Show an erasure."""
        return cls(
            person=erasure.person_id,
            erased_by=erasure.erased_by,
            erased_at=erasure.erased_at,
            reason=erasure.reason,
        )


class CertificateIn(In):
    """A certificate to put on file."""

    pem: Pem


class CertificateOut(Out):
    """A certificate on file."""

    id: CertificateId
    party: PartyId
    person: PersonId
    authority: AuthorityId
    serial: str = Field(examples=["5b2c0f6e9a7d4c31b8e2f0a1c3d5e7f901234567"])
    thumbprint: str = Field(examples=["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"])
    valid_from: InstantText
    valid_to: InstantText
    revoked_at: InstantText | None
    revocation_reason: str | None

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """Show a certificate."""
        return cls(
            id=certificate.id,
            party=certificate.party_id,
            person=certificate.person_id,
            authority=certificate.authority_id,
            serial=certificate.serial,
            thumbprint=certificate.thumbprint,
            valid_from=certificate.valid_from,
            valid_to=certificate.valid_to,
            revoked_at=certificate.revoked_at,
            revocation_reason=certificate.revocation_reason,
        )


class MandateIn(In):
    """What somebody may sign: `valid_to` is the first instant at which they may no longer."""

    role: Role
    acts: list[Line] = Field(min_length=1, max_length=len(ACTS) + len(DESK), examples=[["confirm"]])
    limit: MoneyIn
    valid_from: InstantText
    valid_to: InstantText
    substitutes: MandateId | None = Field(
        None, description="被代理的授权 The mandate whose holder this person stands in for"
    )


class MandateOut(Out):
    """A mandate."""

    id: MandateId
    party: PartyId
    person: PersonId
    role: Role
    acts: list[str] = Field(examples=[["confirm"]])
    limit: MoneyIn
    valid_from: InstantText
    valid_to: InstantText
    substitutes: MandateId | None
    revoked_at: InstantText | None
    revocation_reason: str | None

    @classmethod
    def of(cls, mandate: Mandate) -> Self:
        """Show a mandate."""
        return cls(
            id=mandate.id,
            party=mandate.party_id,
            person=mandate.person_id,
            role=mandate.role,
            acts=mandate.acts,
            limit=mandate.limit,
            valid_from=mandate.valid_from,
            valid_to=mandate.valid_to,
            substitutes=mandate.substitutes_id,
            revoked_at=mandate.revoked_at,
            revocation_reason=mandate.revocation_reason,
        )


class AuthorityIn(In):
    """A certificate authority to list, and for whom it may speak."""

    pem: Pem
    scope: Scope


class AuthorityOut(Out):
    """A certificate authority."""

    id: AuthorityId
    scope: Scope
    pem: Pem
    registered_at: InstantText
    revoked_at: InstantText | None

    @classmethod
    def of(cls, authority: CertificateAuthority) -> Self:
        """Show an authority."""
        return cls(
            id=authority.id,
            scope=authority.scope,
            pem=authority.pem,
            registered_at=authority.registered_at,
            revoked_at=authority.revoked_at,
        )


class RevocationListIn(In):
    """A CRL (RFC 5280): DER in base64."""

    crl: str = Field(
        max_length=CRL_BYTES_MAX * 4 // 3 + 4, examples=["MIIBIjCByQIBATAKBggqhkjOPQQD…"]
    )

    @property
    def der(self) -> bytes:
        """The list's bytes. Raises ValueInvalid."""
        try:
            return from_b64(self.crl)
        except Malformed:
            raise ValueInvalid(field="crl", value=self.crl[:40]) from None


class RevocationListOut(Out):
    """A CRL taken in, and how many certificates it ended."""

    authority: AuthorityId
    issued_at: InstantText
    revoked_count: int


class SignerIn(In):
    """Who is going to sign, and under which mandate. In the order make, check."""

    person: PersonId
    mandate: MandateId


class SignedIn(In):
    """Drafted statements, handed back signed: one compact JWS, or the maker's and the checker's."""

    authorizations: list[Jws] = Field(
        min_length=1,
        max_length=2,
        examples=[["eyJhbGciOiJFUzI1NiIs….eyJhY3QiOiJjb25maXJtIiw….MEUCIQ…"]],
    )

    @property
    def jws(self) -> list[str]:
        """The compact JWS texts."""
        return self.authorizations


class DraftedStatementOut(Out):
    """One statement to sign: the bytes (base64url), and what they say in Chinese."""

    id: StatementId
    step: str | None = Field(examples=["make"])
    person: PersonId
    payload: str = Field(examples=["eyJhY3QiOiJjb25maXJtIiwi…"])
    text: str = Field(examples=["应收账款确权函\n…"])


class DraftOut(Out):
    """What is to be signed, and until when. Only these bytes are accepted back."""

    draft: DraftId
    act: str = Field(examples=["confirm"])
    expires_at: InstantText
    statements: list[DraftedStatementOut]
    lines: list[str] = Field(
        [],
        description="清单逐笔明细 The disclosures of a basket's lines, which every statement signs",
    )

    @classmethod
    def of(cls, statements: list[Statement], lines: Sequence[str] = ()) -> Self:
        """Show a draft's statements, in the order make, check; of a basket, its lines."""
        first = statements[0]
        return cls(
            draft=first.draft_id,
            act=first.act,
            expires_at=first.expires_at,
            lines=list(lines),
            statements=[
                DraftedStatementOut(
                    id=statement.id,
                    step=statement.step,
                    person=statement.person_id,
                    payload=b64url(statement.payload),
                    text=rendering.render(statement.payload),
                )
                for statement in statements
            ],
        )
