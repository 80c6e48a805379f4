"""Look-ups, which are kept for good, and consents, which end once."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, text_enum
from scf.parties.models import Revocable


class Looked(StrEnum):
    """At what somebody looked."""

    REQUESTS = "confirmation_requests"  # a regulator, at single requests
    ON_TIME_RATE = "on_time_rate"  # a bank, at a debtor's figures
    PLEDGE_RECORD = "pledge_record"  # a pledge's proof, with what it rests on
    DOSSIER = "dossier"
    REGISTER = "register"  # what the movable-property register says of a grantor
    BLIND_REGISTRY = "blind_registry"  # what is free of a paper


class Purpose(StrEnum):
    """What for (个人信息保护法 art. 6, 征信业务管理办法 art. 12: a definite purpose)."""

    SUPERVISION = "supervision"
    CREDIT_REVIEW = "credit_review"  # before lending
    SECURITY = "security"  # taking and keeping a pledge
    LOAN_FILE = "loan_file"  # 尽职免责: the file of a loan
    DOUBLE_FINANCING = "double_financing"  # whether a paper is financed elsewhere


class Basis(StrEnum):
    """On what ground."""

    LAW = "law"  # a regulator's office
    RELATION = "relation"  # a financing or pledge between the two, or the debt under it
    CONSENT = "consent"
    PAPER = "paper"  # whoever holds the paper may ask what is free of it


class Consent(Revocable, Base):
    """That a party lets another look, for one purpose, until a day; withdrawn at once, and for good."""

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_to_id_by_id", "to_id", "by_id"),
        Index("ix_consents_by_id_id", "by_id", "id"),
        CheckConstraint("until > granted_at", name="ends_after_it_begins"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    by_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    to_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    purpose: Mapped[Purpose] = mapped_column(text_enum(Purpose))
    until: Mapped[datetime]
    granted_at: Mapped[datetime]


class LookUp(Base):
    """That a party looked at another's affairs. Insert only; shown to the one looked at.

    One look at the affairs of two makes two rows with one `look_id`. `subject` says at which affairs;
    `person_id`, who looked, is there where a person acted. Not `named`: who it was is not told, as with banks
    outside; the row is not shown to the one who looked either, which does not know whose the paper is.

    A question about a paper has its `token`, and in `asked_at` the real time that limits are about; while the
    paper is not registered here nobody was looked at, and `party_id` is null. Where a file was taken away, its
    SHA-256 and size in bytes are kept.
    """

    __tablename__ = "look_ups"
    __table_args__ = (
        Index("ix_look_ups_party_id_id", "party_id", "id"),
        Index("ix_look_ups_by_id_id", "by_id", "id"),
        Index("ix_look_ups_subject_id", "subject", "id"),
        Index(
            "ix_look_ups_token_by_id",
            "token",
            "by_id",
            "asked_at",
            postgresql_where=text("token IS NOT NULL"),
        ),
        CheckConstraint("(basis = 'consent') = (consent_id IS NOT NULL)", name="consent_named"),
        CheckConstraint("basis <> 'law' OR reason IS NOT NULL", name="reason_given"),
        CheckConstraint("party_id IS NOT NULL OR token IS NOT NULL", name="party_or_paper"),
        CheckConstraint("(token IS NULL) = (asked_at IS NULL)", name="asked_at_of_token"),
        CheckConstraint("(taken_sha256 IS NULL) = (taken_size IS NULL)", name="taken_whole"),
        CheckConstraint("taken_size > 0", name="taken_not_empty"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    look_id: Mapped[UUID]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    client_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    named: Mapped[bool]
    party_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    kind: Mapped[Looked] = mapped_column(text_enum(Looked))
    subject: Mapped[str] = mapped_column(Text)
    purpose: Mapped[Purpose] = mapped_column(text_enum(Purpose))
    basis: Mapped[Basis] = mapped_column(text_enum(Basis))
    consent_id: Mapped[UUID | None] = mapped_column(ForeignKey("consents.id"))
    reason: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[datetime]
    token: Mapped[bytes | None]
    asked_at: Mapped[datetime | None]
    taken_sha256: Mapped[bytes | None]
    taken_size: Mapped[int | None]


append_only(LookUp)
after_table(
    Consent,
    "CREATE TRIGGER consents_only_revoke BEFORE UPDATE OR DELETE ON consents"
    " FOR EACH ROW EXECUTE FUNCTION only_revoke()",
)
