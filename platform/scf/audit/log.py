"""The log: entries are those of the events, tiles and heads those of the entries."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import count, rows
from scf.evidence import log, queries
from scf.evidence.models import Event, LogEntry, LogHead, LogTile, QueuedEvent
from scf.feed import rebuilding
from scf.kernel.ids import public_id
from scf_ledger import checkpoint, tiles
from scf_ledger.note import Verifier
from scf_ledger.tiles import Edge, Tile

PARTITION = tiles.WIDTH * tiles.WIDTH  # entries taken at a time: whole tiles on two levels


def check(session: Session, report: Report) -> None:
    """Hold the log to the events and to itself. Raises Different."""
    edge = _check_entries(session, report)
    _check_edge(session, edge)
    _check_queue(session, report)
    _check_feeds(session, report)
    head = queries.head(session)
    report.rows["log_head"] = 1
    expect("log_head", head.origin, "size", head.size, edge.size)
    expect("log_head", head.origin, "root", head.root, tiles.root(edge))
    _check_checkpoints(session, head, report)


def _check_entries(session: Session, report: Report) -> Edge:
    """Rebuild the tree from the events; return its right edge."""
    found = session.execute(
        select(LogEntry.index, LogEntry.event_id, LogEntry.entry, Event.body_hash, Event.tag)
        .outerjoin(Event, Event.id == LogEntry.event_id)
        .order_by(LogEntry.index)
        .execution_options(yield_per=PARTITION)
    )
    edge = tiles.EMPTY
    for part in found.partitions(PARTITION):
        entries = []
        for number, (index, _, entry, body_hash, tag) in enumerate(part, edge.size):
            expect("log_entries", number, "index", index, number)
            expect("log_entries", number, "event_id", body_hash is not None, True)
            expect("log_entries", number, "entry", entry, body_hash + tag)
            entries.append(entry)
        appended = tiles.append(edge, entries)
        edge = appended.edge
        _check_tiles(session, [tile for tile in appended.tiles if tile.width == tiles.WIDTH])
    report.rows["log_entries"] = edge.size
    report.rows["log_tiles"] = count(session, "log_tiles")
    return edge


def _check_tiles(session: Session, expected: list[Tile]) -> None:
    for tile in expected:
        stored = session.scalar(
            select(LogTile.hashes).where(LogTile.level == tile.level, LogTile.index == tile.index)
        )
        expect("log_tiles", f"{tile.level}/{tile.index}", "hashes", stored, tile.hashes)


def _check_edge(session: Session, edge: Edge) -> None:
    """Hold the tiles that are not full yet, and the number of all, to the tree."""
    full = [edge.size >> (tiles.HEIGHT * (level + 1)) for level in range(len(edge.partials))]
    partials = [
        Tile(level, full[level], hashes) for level, hashes in enumerate(edge.partials) if hashes
    ]
    _check_tiles(session, partials)
    expect("log_tiles", "*", "count", count(session, "log_tiles"), sum(full) + len(partials))


def _check_queue(session: Session, report: Report) -> None:
    """Hold what waits to its events; every event waits or has its place, never both."""
    waiting = session.execute(
        select(
            *(QueuedEvent.seq, QueuedEvent.entry, QueuedEvent.type, QueuedEvent.parties),
            *(Event.seq, Event.body_hash.op("||")(Event.tag), Event.type, Event.parties),
        )
        .outerjoin(Event, Event.id == QueuedEvent.event_id)
        .order_by(QueuedEvent.seq)
    )
    for seq, entry, type_, parties, own, *said in waiting:
        report.rows["event_queue"] += 1
        expect("event_queue", seq, "event_id", seq, own)
        for name, *values in zip(
            ("entry", "type", "parties"), (entry, type_, parties), said, strict=True
        ):
            expect("event_queue", seq, name, *values)
    lost = session.scalar(
        select(Event.id)
        .where(
            ~select(LogEntry.index).where(LogEntry.event_id == Event.id).exists(),
            ~select(QueuedEvent.seq).where(QueuedEvent.event_id == Event.id).exists(),
        )
        .limit(1)
    )
    expect("event_queue", "*", "event_id", None, lost and public_id("evt", lost))
    twice = session.scalar(
        select(QueuedEvent.seq).join(LogEntry, LogEntry.event_id == QueuedEvent.event_id).limit(1)
    )
    expect("event_queue", "*", "event_id", twice, None)


def _check_feeds(session: Session, report: Report) -> None:
    """Hold every party's feed to the events in the log: each there once for each of its parties."""
    for one in rebuilding.differences(session, most=1):
        key = f"{public_id('pty', one.party_id)}/{one.index}"
        stored, told = one.stored, one.told
        expect("party_events", key, "event_id", stored and stored.event_id, told and told.event_id)
        expect("party_events", key, "type", stored and stored.type, told and told.type)
    report.rows["party_events"] = count(session, "party_events")


def _check_checkpoints(session: Session, head: LogHead, report: Report) -> None:
    """Verify every signed head, and find it in the tree: so they extend one another."""
    with readable("log_head", head.origin, "vkey"):
        verifier = Verifier.parse(head.vkey)
    read_tile = log.tile_reader(session)
    size = -1
    for row in rows(session, "checkpoints", "size"):
        report.rows["checkpoints"] += 1
        size = row["size"]
        with readable("checkpoints", size, "note"):
            said = checkpoint.open_signed(row["note"], verifier).checkpoint
        with readable("checkpoints", size, "size"):
            root = tiles.root(tiles.load_edge(said.size, read_tile))
        shown = {"origin": head.origin, **row}
        expect_row(
            "checkpoints", size, shown, {"origin": said.origin, "size": said.size, "root": root}
        )
        expect("checkpoints", size, "note", said.root, root)
    expect("checkpoints", "*", "size", size, head.size)
