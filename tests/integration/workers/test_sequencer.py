"""Every committed event gets one place in the log, whatever dies and whoever else is at it."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from scf.db.session import Database
from scf.evidence import keys
from scf.evidence.models import Checkpoint, Event, LogEntry, LogHead, LogTile, QueuedEvent
from scf.evidence.sequencing import open_log, sequence
from scf.settings import Settings
from scf_ledger import checkpoint, merkle, tiles
from scf_ledger.note import Signer, Verifier
from tests.support.log import NOW, a_log, append_many, append_some, sequence_all


def check_log(database: Database, count: int) -> None:
    """Hold the stored log to all that it promises about `count` events."""
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(QueuedEvent)) == 0
        head = session.scalars(select(LogHead)).one()
        entries = list(session.scalars(select(LogEntry.entry).order_by(LogEntry.index)))
        indexes = list(session.scalars(select(LogEntry.index).order_by(LogEntry.index)))
        events = {
            row[0]: row[1] + row[2]
            for row in session.execute(select(Event.id, Event.body_hash, Event.tag))
        }
        placed = dict(session.execute(select(LogEntry.event_id, LogEntry.entry)).all())
        stored = {(row.level, row.index): row.hashes for row in session.scalars(select(LogTile))}
        heads = session.scalars(select(Checkpoint).order_by(Checkpoint.size)).all()
    assert head.size == count == len(entries)
    assert indexes == list(range(count))
    assert placed == events
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    assert head.root == merkle.root(leaves)
    again = tiles.append(tiles.EMPTY, entries)
    assert stored == {(tile.level, tile.index): tile.hashes for tile in again.tiles}
    for row in heads:
        opened = checkpoint.open_signed(row.note, Verifier.parse(head.vkey))
        assert opened.checkpoint.root == row.root == merkle.root(leaves[: row.size])


class TestRounds:
    def test_nothing_waits_nothing_happens(self, database: Database, database_url: str) -> None:
        signer = a_log(database)

        assert sequence_all(database_url, signer) == []

    def test_a_late_commit_is_not_lost(self, database: Database, database_url: str) -> None:
        """Identity order is not commit order: the lower number may become visible later."""
        signer = a_log(database)
        with database.engine.connect() as slow, slow.begin():
            raw = slow.connection.driver_connection
            raw.execute(
                """
                    INSERT INTO events (id, type, subject_id, version, occurred_at, body, body_hash,
                                        tag, disclosures, authorizations, parties)
                    SELECT uuidv7(), 'document.registered', uuidv7(), 1, now(), '\\x7b7d',
                           sha256('late'), sha256('tag'), '', '{}', '{}'
                    """
            )
            append_some(database, 3)
            assert [item.size for item in sequence_all(database_url, signer)] == [3]
        assert [item.size for item in sequence_all(database_url, signer)] == [4]

        check_log(database, 4)

    def test_versions_of_a_subject_stand_in_order(
        self, database: Database, database_url: str
    ) -> None:
        signer = a_log(database)
        append_some(database, 20)
        sequence_all(database_url, signer)

        with database.reading() as session:
            rows = session.execute(
                select(Event.seq)
                .join(LogEntry, LogEntry.event_id == Event.id)
                .order_by(LogEntry.index)
            )
            numbers = [row[0] for row in rows]
        assert numbers == sorted(numbers)

    def test_two_at_once_are_one_log(self, database: Database, database_url: str) -> None:
        signer = a_log(database)
        stop = threading.Event()

        def loop() -> int:
            done = 0
            with psycopg.connect(database_url, autocommit=True) as connection:
                while True:
                    finishing = stop.is_set()
                    found = sequence(connection, signer, now=datetime.now(UTC))
                    done += found.count if found else 0
                    if finishing and found is None:
                        return done

        with ThreadPoolExecutor() as pool:
            sequencers = [pool.submit(loop) for _ in range(3)]
            writers = [pool.submit(append_some, database, 25) for _ in range(12)]
            for writer in writers:
                writer.result()
            stop.set()
            assert sum(item.result() for item in sequencers) == 300
        check_log(database, 300)


class TestProcess:
    def test_killed_again_and_again_it_loses_nothing(
        self, database: Database, database_url: str, tmp_path: Path
    ) -> None:
        """kill -9 of the process at random moments, under writers, six times."""
        settings, _ = an_installation(database, database_url, tmp_path)
        stop = threading.Event()
        written = [0, 0]

        def write(number: int) -> None:
            while not stop.is_set():
                with psycopg.connect(database_url) as connection:
                    count = random.randint(1, 600)
                    append_many(connection, count)
                written[number] += count
                time.sleep(random.random() / 20)

        with ThreadPoolExecutor() as pool:
            writers = [pool.submit(write, number) for number in range(2)]
            for _ in range(6):
                process = start(settings)
                time.sleep(1.2 + random.random())
                process.send_signal(signal.SIGKILL)
                process.wait()
            stop.set()
            for writer in writers:
                writer.result()
        process = start(settings)
        try:
            wait_for(lambda: size(database) == sum(written))
        finally:
            process.terminate()
            assert process.wait(10) == 0
        assert size(database) > 0
        check_log(database, sum(written))

    def test_publishes_within_a_second(
        self, database: Database, database_url: str, tmp_path: Path
    ) -> None:
        settings, _ = an_installation(database, database_url, tmp_path)
        process = start(settings)
        try:
            append_some(database, 1)
            wait_for(lambda: size(database) == 1)
            waits = []
            for number in range(20):
                append_some(database, 1)
                began = time.monotonic()
                wait_for(lambda number=number: size(database) == number + 2)
                waits.append(time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(10)
        assert max(waits) < 1, waits

    def test_outlives_its_database_connection(
        self, database: Database, database_url: str, tmp_path: Path
    ) -> None:
        settings, _ = an_installation(database, database_url, tmp_path)
        process = start(settings)
        try:
            append_some(database, 1)
            wait_for(lambda: size(database) == 1)
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND query LIKE '%%event_queue%%'"
                )
            append_some(database, 1)
            wait_for(lambda: size(database) == 2)
        finally:
            process.terminate()
            process.wait(10)


def an_installation(database: Database, database_url: str, data: Path) -> tuple[Settings, Signer]:
    settings = Settings.model_validate({"SCF_DATA": data, "DATABASE_URL": database_url})
    keys.make_keys(settings)
    signer = keys.log_key(settings)
    with database.transaction() as session:
        open_log(session, signer, now=NOW)
    return settings, signer


def start(settings: Settings) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "SCF_DATA": str(settings.data),
        "DATABASE_URL": settings.database_url,
    }
    command = [sys.executable, "-m", "scf_workers.sequencer"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def size(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(LogHead.size)).one()


def wait_for(done: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["log.key"])
def test_a_key_that_others_can_read_is_refused(
    database: Database, database_url: str, tmp_path: Path, name: str
) -> None:
    settings, _ = an_installation(database, database_url, tmp_path)
    (settings.secrets / name).chmod(0o644)

    with pytest.raises(keys.KeyUnusable):
        keys.log_key(settings)
