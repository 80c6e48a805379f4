"""Every effect is brought about at least once, however its worker dies; what is hopeless is recorded."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from scf.db.outbox import Effect, EffectContext, enqueue
from scf.db.session import Database
from scf.kernel.errors import Conflict, Unavailable
from scf.settings import Settings
from scf_ledger.chain.errors import ChainUnavailable
from scf_workers.clocks import forget
from scf_workers.relay import (
    ATTEMPTS_MAX,
    BACKOFF_MAX,
    LEASE,
    Handler,
    backoff,
    bring_about,
    relay,
)


class Down(Unavailable):
    code = "test.down"


class Never(Conflict):
    code = "test.never"


@pytest.fixture
def context(database: Database, database_url: str, tmp_path: Path) -> EffectContext:
    settings = Settings.model_validate({"SCF_DATA": tmp_path, "DATABASE_URL": database_url})
    return EffectContext(database, settings, settings.clock)


def ask(database: Database, count: int = 1, **payload: str) -> None:
    with database.transaction() as session:
        for _ in range(count):
            enqueue(session, "test", **payload)


def effects(database: Database) -> list[Effect]:
    with database.reading() as session:
        return list(session.scalars(select(Effect).order_by(Effect.id)))


def make_due(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(Effect).values(next_attempt_at=func.clock_timestamp()))


def run_due(context: EffectContext, handler: Handler) -> int:
    return relay(
        context.database, lambda identity: bring_about(context, identity, {"test": handler})
    )


class TestRelay:
    def test_hands_over_what_is_due_once_for_a_lease(self, database: Database) -> None:
        ask(database, 3)
        seen: list[int] = []

        assert relay(database, seen.append) == 3
        assert relay(database, seen.append) == 0

        assert sorted(seen) == [row.id for row in effects(database)]
        assert all(row.next_attempt_at - row.created_at > LEASE / 2 for row in effects(database))

    def test_many_at_once_share(self, database: Database) -> None:
        ask(database, 500)
        seen: list[int] = []

        with ThreadPoolExecutor() as pool:
            for turn in [pool.submit(relay, database, seen.append) for _ in range(12)]:
                turn.result()

        assert sorted(seen) == [row.id for row in effects(database)]

    def test_nothing_of_a_refused_command_leaves(self, database: Database) -> None:
        def refuse(session: Session) -> None:
            enqueue(session, "test")
            raise Never

        with pytest.raises(Never):
            database.run(refuse)

        assert relay(database, pytest.fail) == 0


class TestBringingAbout:
    def test_done_is_done(self, context: EffectContext) -> None:
        ask(context.database, name="x")
        payloads = []

        run_due(context, lambda _context, payload: payloads.append(payload))
        make_due(context.database)
        run_due(context, lambda _context, payload: payloads.append(payload))

        (row,) = effects(context.database)
        assert payloads == [{"name": "x"}]
        assert row.done_at is not None
        assert row.error is None
        bring_about(context, row.id, {})  # a message that came twice

    @pytest.mark.parametrize("error", [Down, lambda: ChainUnavailable("no answer")])
    def test_what_is_down_is_tried_again_later(
        self, context: EffectContext, error: Callable[[], Exception]
    ) -> None:
        ask(context.database)

        def fail(_context: EffectContext, _payload: dict[str, str]) -> None:
            raise error()

        run_due(context, fail)

        (row,) = effects(context.database)
        assert row.done_at is None
        assert row.error
        assert row.attempts == 1
        assert run_due(context, fail) == 0
        make_due(context.database)
        assert run_due(context, lambda *_: None) == 1
        (row,) = effects(context.database)
        assert (row.error, row.attempts) == (None, 2)
        assert row.done_at is not None

    def test_a_refusal_is_recorded_and_ends_it(self, context: EffectContext) -> None:
        ask(context.database)

        def refuse(_context: EffectContext, _payload: dict[str, str]) -> None:
            raise Never(amount="1.00")

        run_due(context, refuse)

        (row,) = effects(context.database)
        assert row.done_at is not None
        assert "test.never" in (row.error or "")

    @pytest.mark.parametrize("kind", ["test", "unheard"])
    def test_what_stays_impossible_is_given_up(self, context: EffectContext, kind: str) -> None:
        with context.database.transaction() as session:
            enqueue(session, kind)
            session.execute(update(Effect).values(attempts=ATTEMPTS_MAX - 1))

        def defect(_context: EffectContext, _payload: dict[str, str]) -> None:
            raise ZeroDivisionError

        run_due(context, defect)

        (row,) = effects(context.database)
        assert row.done_at is not None
        assert row.error

    def test_patience_grows_to_a_bound(self) -> None:
        pauses = [backoff(attempts) for attempts in range(1, 80)]

        assert pauses == sorted(pauses)
        assert pauses[0] == timedelta(seconds=0.5)
        assert pauses[-1] == BACKOFF_MAX

    def test_forgets_what_is_long_done(self, context: EffectContext) -> None:
        ask(context.database, 3)
        with context.database.transaction() as session:
            old, failed, fresh = session.scalars(select(Effect).order_by(Effect.id)).all()
            old.done_at = failed.done_at = context.clock.real() - timedelta(days=40)
            failed.error = "x"
            fresh.done_at = context.clock.real()

        forget(context)

        assert [row.id for row in effects(context.database)] == [failed.id, fresh.id]


PROBE = """
import os, signal
from pathlib import Path
from scf_workers import app as tasks

app = tasks.app

def probe(context, payload):
    path = Path(payload["file"])
    with path.open("a") as file:
        file.write("x")
    if len(path.read_text()) == 1 and payload["die"] == "yes":
        os.kill(os.getpid(), signal.SIGKILL)

tasks.HANDLERS = {"test": probe}
"""


class TestWorker:
    def test_a_killed_worker_loses_nothing(
        self, database: Database, database_url: str, redis_url: str, tmp_path: Path
    ) -> None:
        """The pool's process dies in the handler; the effect comes back and is brought about."""
        (tmp_path / "probing.py").write_text(PROBE)
        environment = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SCF_DATA": str(tmp_path),
            "PYTHONPATH": str(tmp_path),
        }
        command = [sys.executable, "-m", "celery", "-A", "probing"]
        worker = subprocess.Popen(
            [
                *command,
                "worker",
                "-c",
                "2",
                "--beat",
                "-s",
                str(tmp_path / "beat"),
                "-l",
                "WARNING",
            ],
            env=environment,
            start_new_session=True,
        )
        try:
            ask(database, 20, file=str(tmp_path / "calm"), die="no")
            ask(database, 1, file=str(tmp_path / "deadly"), die="yes")
            deadline = time.monotonic() + 90
            while any(row.done_at is None for row in effects(database)):
                assert time.monotonic() < deadline, [vars(row) for row in effects(database)]
                time.sleep(0.1)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        assert len((tmp_path / "calm").read_text()) >= 20
        assert len((tmp_path / "deadly").read_text()) >= 2
