"""A programme and who takes part in it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import text_enum
from scf.parties.models import Revocable


class MemberRole(StrEnum):
    """What a member is in a programme."""

    ANCHOR = "anchor"
    SUPPLIER = "supplier"
    FUNDER = "funder"


class Product(StrEnum):
    """A kind of security that banks of a programme may take over its claims."""

    PLEDGE = "pledge"
    ASSIGNMENT = "assignment"
    FACTORING = "factoring"


class Programme(Revocable, Base):
    """An anchor party's programme (融资项目). `securities` are the products that it allows, null for all."""

    __tablename__ = "programmes"
    __table_args__ = (CheckConstraint("cardinality(securities) > 0", name="securities_some"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    anchor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    securities: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    opened_at: Mapped[datetime]


class Member(Revocable, Base):
    """A party's place in a programme; it has at most one live place there."""

    __tablename__ = "programme_members"
    __table_args__ = (
        Index(
            "uq_programme_members_live",
            "programme_id",
            "party_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.id"))
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    role: Mapped[MemberRole] = mapped_column(text_enum(MemberRole))
    joined_at: Mapped[datetime]
