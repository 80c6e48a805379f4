"""Parties, their people, and what a person may sign for them.

What ends, ends for good: `revoked_at` is set once, by command and at once. Certificates and mandates are
never edited otherwise, which the database enforces.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, before_tables, text_enum
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf_ledger.event_types import Scope


class AlreadyRevoked(Conflict):
    """What has ended cannot end again."""

    code = "revocation.already"
    title = "已失效，不能重复操作"
    title_en = "It was revoked before"


class PartyKind(StrEnum):
    """What a party is. A regulator supervises and signs nothing: no authority speaks for it."""

    ENTERPRISE = "enterprise"
    BANK = "bank"
    REGULATOR = "regulator"


class SizeClass(StrEnum):
    """Size by 工信部联企业〔2011〕300号; public bodies stand apart in 国务院令第802号."""

    LARGE = "large"
    MEDIUM = "medium"
    SMALL = "small"
    MICRO = "micro"
    PUBLIC_BODY = "public_body"


class Role(StrEnum):
    """A person's part in an act: one of two hands, or the only one."""

    MAKER = "maker"
    CHECKER = "checker"
    SIGNER = "signer"


class Revocable:
    """Mixin of what can end; it never comes back."""

    revoked_at: Mapped[datetime | None]
    revocation_reason: Mapped[str | None] = mapped_column(Text)

    def revoke(self, reason: str, *, now: datetime) -> None:
        """End it. Raises AlreadyRevoked."""
        if self.revoked_at is not None:
            raise AlreadyRevoked(revoked_at=instant_text(self.revoked_at))
        self.revoked_at = now
        self.revocation_reason = reason


class Party(Revocable, Base):
    """An organisation, known by its unified social credit code; `named_on` since when it bears another name."""

    __tablename__ = "parties"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    uscc: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    named_on: Mapped[date | None] = mapped_column(Date)
    kind: Mapped[PartyKind] = mapped_column(text_enum(PartyKind))
    size_class: Mapped[SizeClass | None] = mapped_column(text_enum(SizeClass))
    registered_at: Mapped[datetime]

    @property
    def scope(self) -> Scope | None:
        """For whom this party's certificate authority has to speak, None for a regulator."""
        return None if self.kind is PartyKind.REGULATOR else Scope(self.kind.value)


class Person(Revocable, Base):
    """Somebody who acts for a party: a random id, never a name. One at a time is its legal representative."""

    __tablename__ = "persons"
    __table_args__ = (
        Index(
            "uq_persons_legal_representative",
            "party_id",
            unique=True,
            postgresql_where="legal_representative AND revoked_at IS NULL",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    legal_representative: Mapped[bool] = mapped_column(server_default="false")
    registered_at: Mapped[datetime]


class PersonKey(Base):
    """The key of one person's name. Deleting it erases the name, in backups' ciphertext too."""

    __tablename__ = "person_keys"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    key: Mapped[bytes]


class PersonName(Base):
    """A name under AES-256-GCM, bound to its person."""

    __tablename__ = "person_names"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    nonce: Mapped[bytes]
    ciphertext: Mapped[bytes]


class PersonErasure(Base):
    """The fact that a name was erased: by whom, when, why. Insert only."""

    __tablename__ = "person_erasures"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    erased_by: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    erased_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class CertificateAuthority(Revocable, Base):
    """An authority whose certificates are believed, for one kind of party."""

    __tablename__ = "certificate_authorities"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[Scope] = mapped_column(text_enum(Scope))
    pem: Mapped[str] = mapped_column(Text)
    thumbprint: Mapped[str] = mapped_column(Text, unique=True)
    registered_at: Mapped[datetime]


class RevocationList(Base):
    """A CRL as the authority signed it. Insert only; the newest speaks."""

    __tablename__ = "revocation_lists"
    __table_args__ = (UniqueConstraint("authority_id", "issued_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    authority_id: Mapped[UUID] = mapped_column(ForeignKey("certificate_authorities.id"))
    issued_at: Mapped[datetime]
    der: Mapped[bytes]
    received_at: Mapped[datetime]


class Certificate(Revocable, Base):
    """A person's certified key.

    `thumbprint` is `x5t#S256`, `serial` hexadecimal, `key_sha256` that of the SubjectPublicKeyInfo.
    """

    __tablename__ = "certificates"
    __table_args__ = (UniqueConstraint("authority_id", "serial"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    authority_id: Mapped[UUID] = mapped_column(ForeignKey("certificate_authorities.id"))
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), index=True)
    serial: Mapped[str] = mapped_column(Text)
    thumbprint: Mapped[str] = mapped_column(Text, unique=True)
    key_sha256: Mapped[bytes] = mapped_column(index=True)
    pem: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    registered_at: Mapped[datetime]


class Mandate(Revocable, Base):
    """What a person may sign for a party (授权委托书), up to `limit_minor` an act, half-open in time.

    A substitute (代理人) stands in for the holder of another mandate, within it, and ends with it.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        CheckConstraint("limit_minor >= 0", name="limit_not_negative"),
        CheckConstraint("valid_from < valid_to", name="valid_in_order"),
        CheckConstraint("cardinality(acts) > 0", name="acts_not_empty"),
        Index("ix_mandates_substitutes_id", "substitutes_id"),
        Index("ix_mandates_person_id_party_id", "person_id", "party_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    role: Mapped[Role] = mapped_column(text_enum(Role))
    acts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    limit_minor: Mapped[int]
    limit_currency: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    substitutes_id: Mapped[UUID | None] = mapped_column(ForeignKey("mandates.id"))
    registered_at: Mapped[datetime]

    @property
    def limit(self) -> Money:
        """The most that one act may be about."""
        return Money(self.limit_minor, self.limit_currency)


def serial_text(number: int) -> str:
    """Return a serial number as it is stored: hexadecimal, 20 bytes (RFC 5280, 4.1.2.2)."""
    return f"{number:040x}"


before_tables("""
CREATE OR REPLACE FUNCTION only_revoke() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL
    OR to_jsonb(NEW) - ARRAY['revoked_at', 'revocation_reason']
      <> to_jsonb(OLD) - ARRAY['revoked_at', 'revocation_reason']
  THEN
    RAISE EXCEPTION '% is revoked once and never edited', TG_TABLE_NAME
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
""")
for _revocable in (CertificateAuthority, Certificate, Mandate):
    _table = _revocable.__tablename__
    after_table(
        _revocable,
        f"CREATE TRIGGER {_table}_only_revoke BEFORE UPDATE OR DELETE ON {_table}"
        " FOR EACH ROW EXECUTE FUNCTION only_revoke()",
    )
append_only(PersonErasure, RevocationList)
