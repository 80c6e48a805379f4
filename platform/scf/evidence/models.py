"""Events, the log they are sequenced into, and what is signed and sent to the chain."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, text_enum


class Subject:
    """Mixin of everything that events are about. Lock the row before changing it.

    `secret` makes the tags of its log entries; `head_hash` is the SHA-256 of its latest event's body.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    secret: Mapped[bytes]
    head_hash: Mapped[bytes | None]


class Event(Base):
    """One business fact: `body` is RFC 8785 bytes, stored as hashed, handed out as they are.

    `disclosures` are the salted fields of the record as made, joined by `~` (RFC 9901). `parties` may see
    the event.
    """

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("subject_id", "version"),)

    seq: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID]
    version: Mapped[int]
    occurred_at: Mapped[datetime]
    body: Mapped[bytes]
    body_hash: Mapped[bytes] = mapped_column(unique=True)
    tag: Mapped[bytes]
    disclosures: Mapped[str] = mapped_column(Text)
    authorizations: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    parties: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))


class QueuedEvent(Base):
    """An event waiting to be sequenced; filled by trigger, emptied by the sequencer.

    What the sequencer copies stands here, so that it never looks an event up.
    """

    __tablename__ = "event_queue"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[UUID]
    entry: Mapped[bytes]
    type: Mapped[str] = mapped_column(Text)
    parties: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))


class LogEntry(Base):
    """An event's place in the log; insert only. `entry` is body hash and tag, 64 bytes.

    No foreign key: checking one costs as much as all the rest of sequencing, the ids come from the
    trigger on `events`, which are append-only too, and the audit compares both sides.
    """

    __tablename__ = "log_entries"
    __table_args__ = (CheckConstraint("octet_length(entry) = 64", name="entry_length"),)

    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    entry: Mapped[bytes]


class PartyEvent(Base):
    """One event in one party's feed, written with its place in the log; insert only.

    A projection of `log_entries` and `events.parties`: a party's feed costs what it holds, however long
    the log is. Like these it has no foreign keys.
    """

    __tablename__ = "party_events"

    party_id: Mapped[UUID] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(Text)


class LogTile(Base):
    """A tile of hashes (C2SP tlog-tiles), full or the right-most partial one."""

    __tablename__ = "log_tiles"

    level: Mapped[int] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    hashes: Mapped[bytes]


class LogHead(Base):
    """The one row of the log that is written here; the sequencer locks it. `vkey` verifies its notes."""

    __tablename__ = "log_head"

    origin: Mapped[str] = mapped_column(Text, primary_key=True)
    vkey: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    root: Mapped[bytes]


class Checkpoint(Base):
    """A signed head (C2SP tlog-checkpoint), kept for every size ever published."""

    __tablename__ = "checkpoints"

    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    note: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime]


class TransactionState(StrEnum):
    """A chain transaction's life; each step is stored before it is tried."""

    PREPARED = "prepared"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"
    FINAL = "final"
    FAILED = "failed"


class ChainTransaction(Base):
    """What is to be sent to the chain; see `evidence.chain` for its life.

    `purpose` and `arguments` say what, `raw` how it was signed. `gas_used` and the block are those of
    the receipt; `error` is the contract's, or the node's, with its numbers.
    """

    __tablename__ = "chain_transactions"
    __table_args__ = (
        UniqueConstraint("sender", "nonce"),
        Index("ix_chain_transactions_sender_block_number", "sender", "block_number"),
        Index(
            "ix_chain_transactions_open", "id", postgresql_where="state NOT IN ('final','failed')"
        ),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[TransactionState] = mapped_column(text_enum(TransactionState))
    sender: Mapped[str | None] = mapped_column(Text)
    nonce: Mapped[int | None]
    raw: Mapped[bytes | None]
    tx_hash: Mapped[bytes | None] = mapped_column(unique=True)
    block_number: Mapped[int | None]
    block_hash: Mapped[bytes | None]
    gas_used: Mapped[int | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ChainHome(Base):
    """The one row that says where on which chain the log is anchored and assets are locked.

    `sender` is the platform's address, `origin_key` the log's in the contract. Addresses are EIP-55 text.
    """

    __tablename__ = "chain_home"

    chain_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    anchor_address: Mapped[str] = mapped_column(Text)
    registry_address: Mapped[str] = mapped_column(Text)
    origin_key: Mapped[bytes]
    sender: Mapped[str] = mapped_column(Text)


class Anchor(Base):
    """A checkpoint sent to the contract; proofs carry it once its transaction is final."""

    __tablename__ = "anchors"

    size: Mapped[int] = mapped_column(ForeignKey("checkpoints.size"), primary_key=True)
    root: Mapped[bytes]
    transaction_id: Mapped[int] = mapped_column(ForeignKey("chain_transactions.id"), unique=True)


class Statement(Base):
    """Bytes drafted for a party to sign; with `jws` once signed. Both steps share a `draft_id`.

    A basket has no subject of its own: its lines have theirs.
    """

    __tablename__ = "statements"
    __table_args__ = (
        CheckConstraint(
            "(subject_id IS NULL) = (subject_version IS NULL)", name="subject_with_version"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    draft_id: Mapped[UUID] = mapped_column(index=True)
    act: Mapped[str] = mapped_column(Text)
    step: Mapped[str | None] = mapped_column(Text)
    party_id: Mapped[UUID]
    person_id: Mapped[UUID]
    mandate_id: Mapped[UUID]
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    subject_version: Mapped[int | None]
    payload: Mapped[bytes]
    reserved: Mapped[dict[str, Any]] = mapped_column(JSONB)
    expires_at: Mapped[datetime]
    jws: Mapped[str | None] = mapped_column(Text)
    authorization_hash: Mapped[bytes | None] = mapped_column(unique=True)
    certificate_id: Mapped[UUID | None]


class StatementLine(Base):
    """One line of a basket, which both of its statements sign; insert only.

    `disclosure` is its RFC 9901 text, `reserved` what was set aside for it and never shown.
    """

    __tablename__ = "statement_lines"

    draft_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_version: Mapped[int]
    disclosure: Mapped[str] = mapped_column(Text)
    reserved: Mapped[dict[str, Any]] = mapped_column(JSONB)


class EventReceipt(Base):
    """What somebody outside signed over the fact that an event tells: a register's receipt; insert only.

    It vouches for itself, so the event does not name it: see `scf_ledger.receipt`.
    """

    __tablename__ = "event_receipts"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), primary_key=True)
    receipt: Mapped[dict[str, Any]] = mapped_column(JSONB)


after_table(
    Event,
    """
CREATE OR REPLACE FUNCTION queue_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_queue (seq, event_id, entry, type, parties)
    SELECT seq, id, body_hash || tag, type, parties FROM added;
  RETURN NULL;
END $$
""",
    """
CREATE TRIGGER events_queue AFTER INSERT ON events
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION queue_event()
""",
)
append_only(Event, LogEntry, PartyEvent, Checkpoint, StatementLine, EventReceipt)
