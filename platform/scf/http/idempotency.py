"""The same command sent twice happens once.

The key belongs to the client; the fingerprint is method, route with its query, and body. The stored
answer is written in the business transaction, so either both are there or neither is.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from scf.db.base import Base
from scf.kernel.errors import Conflict, Invalid

KEPT = timedelta(days=7)
KEY_LENGTH_MAX = 200


class KeyMissing(Invalid):
    """Every command carries an Idempotency-Key."""

    code = "idempotency.key_missing"
    title = "缺少幂等键 Idempotency-Key"
    title_en = "The Idempotency-Key header is missing or too long"


class KeyReused(Invalid):
    """A key names one command; another body needs another key."""

    code = "idempotency.key_reused"
    title = "幂等键已用于另一请求"
    title_en = "The Idempotency-Key was used for another request"


class InFlight(Conflict):
    """The same command is being carried out at this moment."""

    code = "idempotency.in_flight"
    title = "相同请求正在处理中"
    title_en = "The same request is being processed"


class StoredAnswer(Base):
    """The first answer to a command, success or refusal."""

    __tablename__ = "idempotency_keys"

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int]
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(index=True)


_TABLE = Base.metadata.tables[StoredAnswer.__tablename__]
_TAKE = text("SELECT pg_try_advisory_xact_lock(:lock)")
_FIRST_ANSWER = _TABLE.select().where(
    _TABLE.c.client_id == bindparam("of_client"), _TABLE.c.key == bindparam("under")
)
_KEEP = _TABLE.insert()
# Built once and sent without the mapper: every command sends all three.


@dataclass(frozen=True, slots=True)
class CommandKey:
    """What makes two requests the same command."""

    client_id: UUID
    key: str
    fingerprint: bytes

    @classmethod
    def of(
        cls, client_id: UUID, key: str | None, *, method: str, target: str, body: bytes
    ) -> "CommandKey":
        """Return what names this command. Raises KeyMissing."""
        if not key or len(key) > KEY_LENGTH_MAX:
            raise KeyMissing(field="Idempotency-Key", length_max=KEY_LENGTH_MAX)
        material = hashlib.sha256(f"{method} {target}\n".encode() + hashlib.sha256(body).digest())
        return cls(client_id, key, material.digest())

    @property
    def lock(self) -> int:
        """The advisory lock's number."""
        material = self.client_id.bytes + self.key.encode()
        return int.from_bytes(hashlib.sha256(material).digest()[:8], signed=True)


def begin(session: Session, command: CommandKey) -> StoredAnswer | None:
    """Take the command for this transaction, or return its first answer.

    The lock comes first, so that the look-up's snapshot is newer than whoever held it. Raises InFlight
    while another transaction carries the command out, KeyReused for another body.
    """
    connection = session.connection()
    if not connection.scalar(_TAKE, {"lock": command.lock}):
        raise InFlight
    values = {"of_client": command.client_id, "under": command.key}
    stored = connection.execute(_FIRST_ANSWER, values).mappings().one_or_none()
    if stored is None:
        return None
    if stored["fingerprint"] != command.fingerprint:
        raise KeyReused(field="Idempotency-Key")
    return StoredAnswer(**stored)


def finish(
    session: Session,
    command: CommandKey,
    *,
    status: int,
    headers: dict[str, str],
    body: bytes,
    now: datetime,
) -> None:
    """Keep the answer, in the transaction that made it true."""
    session.connection().execute(
        _KEEP,
        {
            "client_id": command.client_id,
            "key": command.key,
            "fingerprint": command.fingerprint,
            "status": status,
            "headers": headers,
            "body": body,
            "created_at": now,
        },
    )


def forget(session: Session, *, now: datetime) -> int:
    """Delete answers older than seven days; return how many."""
    result = session.execute(
        text("DELETE FROM idempotency_keys WHERE created_at < :before"), {"before": now - KEPT}
    )
    return int(result.rowcount)  # type: ignore[attr-defined] # a cursor result, for DELETE
