"""Reading the log: tiles, bundles of entries and heads, as C2SP tlog-tiles lays them out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Select, and_, bindparam, func, select, tuple_
from sqlalchemy.orm import Session

from scf.evidence.models import (
    Anchor,
    ChainTransaction,
    Checkpoint,
    Event,
    LogEntry,
    LogTile,
)
from scf.evidence.models import TransactionState as State
from scf.kernel.errors import NotFound, Unavailable
from scf_ledger import tiles
from scf_ledger.errors import Malformed
from scf_ledger.merkle import HASH_BYTES


class TileNotFound(NotFound):
    """A tile is served once every hash in it is published."""

    code = "log.tile_not_found"
    title = "该日志分块不存在或尚未写满"
    title_en = "No such tile, or not that wide yet"


class LogClosed(Unavailable):
    """The log must have been opened."""

    code = "log.closed"
    title = "日志尚未启用"
    title_en = "The log has not been opened yet"


@dataclass(frozen=True, slots=True)
class Covering:
    """The head that proofs are made to, and the transaction that anchored it, once final."""

    checkpoint: Checkpoint
    transaction: ChainTransaction | None


_anchored: Final = (
    select(Checkpoint, ChainTransaction)
    .select_from(Anchor)
    .join(Checkpoint, Checkpoint.size == Anchor.size)
    .join(ChainTransaction, ChainTransaction.id == Anchor.transaction_id)
    .where(ChainTransaction.state == State.FINAL)
)


def _covering() -> Select[Checkpoint, ChainTransaction]:
    least = bindparam("size", type_=BigInteger)
    final = (
        select(Anchor.size)
        .join(ChainTransaction, ChainTransaction.id == Anchor.transaction_id)
        .where(ChainTransaction.state == State.FINAL, Anchor.size >= least)
        .order_by(Anchor.size.desc())
        .limit(1)
    )
    published = select(func.max(Checkpoint.size)).where(Checkpoint.size >= least)
    return (
        select(Checkpoint, ChainTransaction)
        .outerjoin(Anchor, Anchor.size == Checkpoint.size)
        .outerjoin(
            ChainTransaction,
            and_(
                ChainTransaction.id == Anchor.transaction_id,
                ChainTransaction.state == State.FINAL,
            ),
        )
        .where(
            Checkpoint.size == func.coalesce(final.scalar_subquery(), published.scalar_subquery())
        )
    )


_COVERING: Final = _covering()
# Built once: every proof asks it, and putting it together takes longer than its answer.


def newest(session: Session) -> Checkpoint:
    """Return the newest head. Raises LogClosed."""
    found = session.scalar(select(Checkpoint).order_by(Checkpoint.size.desc()).limit(1))
    if found is None:
        raise LogClosed
    return found


def newest_anchored(session: Session) -> Covering | None:
    """Return the newest head whose anchoring is final."""
    row = session.execute(_anchored.order_by(Anchor.size.desc()).limit(1)).one_or_none()
    return None if row is None else Covering(row[0], row[1])


def covering(session: Session, size: int) -> Covering | None:
    """Return a head of at least `size` entries, the newest anchored one where there is one."""
    row = session.execute(_COVERING, {"size": size}).one_or_none()
    return None if row is None else Covering(row[0], row[1])


def first_covering(session: Session, size: int) -> Covering | None:
    """Return the first head of at least `size` entries that is anchored for good, else the first of all.

    As the log grows it stays the same, and with it what is built on it. Each is found by walking its own
    index: to sort all heads of that size would cost more with every second that the log is old.
    """
    row = session.execute(
        _anchored.where(Anchor.size >= size).order_by(Anchor.size).limit(1)
    ).one_or_none()
    if row is not None:
        return Covering(row[0], row[1])
    query = select(Checkpoint).where(Checkpoint.size >= size).order_by(Checkpoint.size).limit(1)
    head = session.scalar(query)
    return None if head is None else Covering(head, None)


def tile_reader(
    session: Session, ahead: Collection[tuple[int, int]] = frozenset()
) -> tiles.ReadTile:
    """Return what proofs read stored tiles with; each is fetched once, those named `ahead` together."""
    seen: dict[tuple[int, int], bytes] = {}
    if ahead:
        query = select(LogTile.level, LogTile.index, LogTile.hashes)
        rows = session.execute(query.where(tuple_(LogTile.level, LogTile.index).in_(ahead)))
        seen = {(level, index): hashes for level, index, hashes in rows}

    def read_tile(level: int, index: int) -> bytes:
        if (level, index) not in seen:
            seen[level, index] = _hashes(session, level, index)
        return seen[level, index]

    return read_tile


def tile(session: Session, path: str) -> bytes:
    """Return the bytes behind `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`. Raises TileNotFound."""
    try:
        name = tiles.parse_path(path)
    except Malformed:
        raise TileNotFound from None
    if name.level is None:
        return _bundle(session, name)
    hashes = _hashes(session, name.level, name.index)[: name.width * HASH_BYTES]
    if len(hashes) != name.width * HASH_BYTES:
        raise TileNotFound
    return hashes


def entries(session: Session, start: int, count: int) -> list[bytes]:
    """Return the entries `[start, start + count)`, as far as there are any."""
    query = (
        select(LogEntry.entry)
        .where(LogEntry.index >= start, LogEntry.index < start + count)
        .order_by(LogEntry.index)
    )
    return list(session.scalars(query))


def indexes(session: Session, body_hashes: Collection[bytes]) -> dict[bytes, int]:
    """Return where events stand in the log, by the hash of their bodies; missing: not yet there."""
    rows = session.execute(
        select(Event.body_hash, LogEntry.index)
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(Event.body_hash.in_(body_hashes))
    )
    return {row[0]: row[1] for row in rows}


def _hashes(session: Session, level: int, index: int) -> bytes:
    query = select(LogTile.hashes).where(LogTile.level == level, LogTile.index == index)
    return session.scalar(query) or b""


def _bundle(session: Session, name: tiles.TilePath) -> bytes:
    found = entries(session, name.index * tiles.WIDTH, name.width)
    if len(found) != name.width:
        raise TileNotFound
    return tiles.bundle(found)
