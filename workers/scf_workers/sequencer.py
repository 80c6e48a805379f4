"""The sequencer: one loop that gives committed events their place in the log.

`python -m scf_workers.sequencer`. It looks at the queue many times a second. A second one waits its turn
at the head's row lock and does no harm.
"""

import signal
import sys
import threading
import time
from types import FrameType

import psycopg
import structlog

from scf.evidence.keys import log_key
from scf.evidence.sequencing import BATCH_MAX, Connection, sequence
from scf.kernel import logs
from scf.kernel.clock import Clock
from scf.settings import Settings
from scf_ledger.note import Signer

POLL_SECONDS = 0.05  # between two looks at an empty queue
PUBLISH_SECONDS = 0.1  # between two heads: events that come meanwhile share the next one
RECONNECT_SECONDS = 0.5

log = structlog.get_logger()


class Sequencer:
    """A loop over one database connection until `stop` is set."""

    def __init__(self, database_url: str, signer: Signer, clock: Clock) -> None:
        """Prepare; `run` connects."""
        self.database_url = database_url
        self.signer = signer
        self.clock = clock
        self.stop = threading.Event()

    def run(self) -> None:
        """Sequence for ever, through losses of the database."""
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.database_url, autocommit=True) as connection:
                    self.serve(connection)
            except psycopg.OperationalError as error:
                log.warning("sequencer.database_lost", cause=type(error).__name__)
                self.stop.wait(RECONNECT_SECONDS)

    def serve(self, connection: Connection) -> None:
        """Sequence over one connection while it lasts."""
        while not self.stop.is_set():
            began = time.monotonic()
            done = sequence(connection, self.signer, now=self.clock.real())
            if done is None:
                self.stop.wait(POLL_SECONDS)
                continue
            spent = time.monotonic() - began
            log.debug("log.published", count=done.count, size=done.size, seconds=round(spent, 4))
            if done.count < BATCH_MAX:
                self.stop.wait(max(PUBLISH_SECONDS - spent, 0))


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    logs.configure()
    settings = Settings.load()
    sequencer = Sequencer(settings.database_url, log_key(settings), settings.clock)

    def leave(_number: int, _frame: FrameType | None) -> None:
        sequencer.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    log.info("sequencer.started", origin=sequencer.signer.verifier.name)
    sequencer.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
