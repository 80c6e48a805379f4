"""The sender of webhooks: one loop that queues what came into the log, and sends what is due.

`python -m scf_workers.webhooks`. A process of its own, because receivers are strangers' servers: however
slow they are, nothing else waits for them. Killed anywhere, it loses nothing and repeats at most.
"""

import asyncio
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.evidence.keys import webhook_secret
from scf.evidence.log import LogClosed
from scf.feed import deliveries, signing
from scf.feed.deliveries import TAKEN_EACH, Taken
from scf.feed.sending import Sender
from scf.kernel import logs
from scf.kernel.clock import Clock
from scf.kernel.errors import Unavailable
from scf.kernel.ids import public_id
from scf.settings import Settings

POLL_SECONDS: Final = 0.5
POOL_SIZE: Final = 4

log = structlog.get_logger()


@dataclass
class Courier:
    """Queues and sends. `under_way` counts by endpoint, so that one that is slow holds up no other."""

    database: Database
    secret: bytes
    public_url: str
    sender: Sender
    clock: Clock
    under_way: Counter[UUID] = field(default_factory=Counter)

    async def turn(self) -> list[asyncio.Task[None]]:
        """Queue what came, begin to send what is due; return what has begun."""
        taken = await asyncio.to_thread(self._take)
        for one in taken:
            self.under_way[one.webhook_id] += 1
        return [asyncio.create_task(self._deliver(one)) for one in taken]

    def _take(self) -> list[Taken]:
        with self.database.transaction() as session:
            deliveries.spread(session, now=self.clock.real())
        busy = [key for key, count in self.under_way.items() if count >= TAKEN_EACH]
        with self.database.transaction() as session:
            return deliveries.take(session, now=self.clock.real(), busy=busy)

    async def _deliver(self, one: Taken) -> None:
        now = self.clock.real()
        keys = [signing.derive(self.secret, one.webhook_id, n) for n in one.key_numbers(now)]
        try:
            outcome = await self.sender.send(
                one.url,
                one.body(self.public_url),
                message_id=public_id("msg", one.id),
                keys=keys,
                now=now,
            )

            def settle(session: Session) -> None:
                deliveries.settle(session, one, outcome, now=self.clock.real())

            await asyncio.to_thread(self.database.run, settle)
        except Unavailable as error:  # the lease runs out, and it is sent again under the same id
            log.warning("webhook.not_settled", index=one.index, code=error.code)
        finally:
            self.under_way[one.webhook_id] -= 1


async def serve(courier: Courier, stop: asyncio.Event) -> None:
    """Take turns until told to stop; what is under way then is finished."""
    running: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        try:
            begun = await courier.turn()
        except (Unavailable, LogClosed) as error:
            log.warning("webhooks.waiting", code=error.code)
            begun = []
        running.update(begun)
        for task in begun:
            task.add_done_callback(running.discard)
        if not begun:
            try:
                await asyncio.wait_for(stop.wait(), POLL_SECONDS)
            except TimeoutError:
                continue
    await asyncio.gather(*running, return_exceptions=True)


async def run(courier: Courier) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.info("webhooks.started")
    await serve(courier, stop)


def main() -> int:
    """Send from the installation that the environment names."""
    logs.configure()
    settings = Settings.load()
    courier = Courier(
        database=Database(settings.database_url, pool_size=POOL_SIZE),
        secret=webhook_secret(settings),
        public_url=settings.public_url,
        sender=Sender(loopback=settings.webhooks_loopback),
        clock=settings.clock,
    )
    asyncio.run(run(courier))
    return 0


if __name__ == "__main__":
    sys.exit(main())
