"""Documents: invoices and the notes that take them back, each registered once, kept as they came."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, text_enum
from scf.documents.parsing import Kind
from scf.documents.rules import Content
from scf.evidence.models import Subject
from scf.kernel.money import Money


class Document(Subject, Base):
    """An invoice or a note, known by (seller, number).

    The 20 digits of a 数电票 are one invoice's in the whole country, yet a second seller who writes them is let
    in: a refusal would tell it that the first is here, and whoever guessed the digits first would keep the true
    seller out. The debtor is shown both (`invoice.number_elsewhere`), the tax bureau's answer tells which is true.

    `seller_uscc` is the registering party's; `buyer` is the buyer's id as written, else its name;
    `confirmation_no` the number of a red invoice's 红字发票信息确认单.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("seller_uscc", "number"),
        Index("ix_documents_number", "number"),
        Index("ix_documents_notes", "seller_id", postgresql_where="takes_back"),
        CheckConstraint("octet_length(original_sha256) = 32", name="original_sha256_length"),
    )

    kind: Mapped[Kind] = mapped_column(text_enum(Kind))
    number: Mapped[str] = mapped_column(Text)
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    seller_uscc: Mapped[str] = mapped_column(Text)
    seller_name: Mapped[str] = mapped_column(Text)
    buyer: Mapped[str] = mapped_column(Text, index=True)
    buyer_name: Mapped[str] = mapped_column(Text)
    issued_on: Mapped[date]
    currency: Mapped[str] = mapped_column(Text)
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    total_minor: Mapped[int]
    payable_minor: Mapped[int]
    takes_back: Mapped[bool]
    reverses: Mapped[list[str]] = mapped_column(ARRAY(Text))
    confirmation_no: Mapped[str | None] = mapped_column(Text)
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    payee: Mapped[str | None] = mapped_column(Text)
    contract_no: Mapped[str | None] = mapped_column(Text)
    order_no: Mapped[str | None] = mapped_column(Text)
    delivered_on: Mapped[date | None]
    due_on: Mapped[date | None]
    original_sha256: Mapped[bytes]
    registered_at: Mapped[datetime]

    @property
    def net(self) -> Money:
        """The amount without tax."""
        return Money(self.net_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax."""
        return Money(self.tax_minor, self.currency)

    @property
    def total(self) -> Money:
        """The amount with tax."""
        return Money(self.total_minor, self.currency)

    @property
    def payable(self) -> Money:
        """What is still asked for, prepayments deducted."""
        return Money(self.payable_minor, self.currency)

    @property
    def content(self) -> Content:
        """What it says, to be compared with another of its number."""
        return Content(
            seller=self.seller_uscc,
            number=self.number,
            takes_back=self.takes_back,
            buyer=self.buyer,
            payee=self.payee,
            issued_on=self.issued_on,
            net=self.net,
            tax=self.tax,
            total=self.total,
            payable=self.payable,
            reverses=tuple(sorted(self.reverses)),
            seller_name=self.seller_name,
            buyer_name=self.buyer_name,
        )


class DocumentOriginal(Base):
    """The bytes as they came, never changed. `filename` is what the sender called them."""

    __tablename__ = "document_originals"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    original: Mapped[bytes]
    filename: Mapped[str | None] = mapped_column(Text)


append_only(DocumentOriginal)
