"""Orders, despatch advices and receipt notes, as their issuers registered them; insert only."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, text_enum
from scf.documents.parsing.trade import TradeKind


class TradeOriginal(Base):
    """The bytes as they came; a CSV holds many papers."""

    __tablename__ = "trade_originals"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    original: Mapped[bytes]


class TradeDocument(Base):
    """A paper of the trade, known by its issuer and number: the buyer orders and receives, the seller sends.

    `buyer` and `seller` are ids as written, else names.
    """

    __tablename__ = "trade_documents"
    __table_args__ = (
        UniqueConstraint("issuer_id", "kind", "number"),
        Index("ix_trade_documents_buyer", "buyer", "id"),
        Index("ix_trade_documents_seller", "seller", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[TradeKind] = mapped_column(text_enum(TradeKind))
    number: Mapped[str] = mapped_column(Text)
    issuer_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    buyer: Mapped[str] = mapped_column(Text)
    seller: Mapped[str] = mapped_column(Text)
    issued_on: Mapped[date]
    original_sha256: Mapped[bytes] = mapped_column(ForeignKey("trade_originals.sha256"))
    registered_at: Mapped[datetime]


class TradeDocumentLine(Base):
    """A line of a paper; the amount is with tax, null where the paper does not say it."""

    __tablename__ = "trade_document_lines"
    __table_args__ = (
        Index("ix_trade_document_lines_order_no", "order_no", "document_id"),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint(
            "amount_minor >= 0 AND currency IS NOT NULL OR amount_minor IS NULL",
            name="amount_not_negative",
        ),
    )

    document_id: Mapped[UUID] = mapped_column(ForeignKey("trade_documents.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_no: Mapped[str | None] = mapped_column(Text)
    order_line: Mapped[str | None] = mapped_column(Text)
    item: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric(25, 9))
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(Text)


append_only(TradeOriginal, TradeDocument, TradeDocumentLine)
