"""From a commit to its signed proof, and to its anchor on chain, while 300 events are written a second.

Batches of lines go through the API at a steady pace. Of each batch one event is followed: its proof is
fetched as soon as a head that covers it is announced, and the block that anchors it is awaited. The
limit of that wait is one block and one batch: a publish interval and the longest time between two anchors.
"""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from sqlalchemy import select

from scf.evidence.chain import ANCHOR
from scf.evidence.models import Anchor, ChainTransaction, Event, LogEntry
from scf.evidence.sequencing import LOG_CHANNEL
from scf.kernel.ids import parse_id, public_id
from scf.runtime.services import BLOCK_SECONDS
from scf_ledger import trust
from scf_ledger.verify import verify_file
from scf_workers.sequencer import PUBLISH_SECONDS
from tests.benchmarks.figures import Row, at_least, at_most, percentile
from tests.benchmarks.installation import Installation
from tests.benchmarks.submissions import encoded, headers, line

PACE = 300  # events a second
BATCH = 30  # lines of one request
SECONDS = 20
WARM_UP = 2  # seconds, not counted
SENDERS = 4
FOLLOWERS = 8
PATIENCE = 30.0  # seconds to wait for what never takes so long


@dataclass
class Followed:
    """One event; times are those of this process's monotonic clock."""

    receivable: UUID
    committed_at: float
    index: int = -1
    proof: bytes = b""
    proven_at: float = 0.0


def measure(installation: Installation) -> Iterator[Row]:
    batches = (WARM_UP + SECONDS) * PACE // BATCH
    bodies = prepare(installation, batches)
    with Announced(installation) as announced, Mined(installation) as mined:
        followed = run(installation, bodies, announced)[WARM_UP * PACE // BATCH :]
        waits, longest = anchored(installation, followed, mined)
    check(installation, followed[-1].proof)
    spent = followed[-1].committed_at - followed[0].committed_at
    yield Row(
        "写入速度 pace while proofs are timed",
        (len(followed) - 1) * BATCH / spent,
        "事件/s events/s",
        PACE,
        at_least(0.95),
    )
    yield Row(
        "提交到签名证明 p99 commit to signed proof, p99",
        percentile((one.proven_at - one.committed_at for one in followed), 0.99),
        "s",
        PUBLISH_SECONDS,
        at_most(1, of="value"),
    )
    yield Row(
        "提交到上链 p99 commit to anchor, p99",
        percentile(waits, 0.99),
        "s",
        BLOCK_SECONDS + PUBLISH_SECONDS + longest,
        at_most(1),
    )


def prepare(installation: Installation, batches: int) -> list[bytes]:
    _, documents = installation.register(batches * BATCH)
    installation.settle()
    lines = [line(installation, document) for document in documents]
    return [
        encoded({"items": lines[start : start + BATCH]}) for start in range(0, len(lines), BATCH)
    ]


def run(installation: Installation, bodies: list[bytes], announced: "Announced") -> list[Followed]:
    """Send every body when it is due, and follow each; in the order of the commits."""
    began, places, found = time.monotonic(), itertools.count(), []

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(installation.api).netloc)
        while (place := next(places)) < len(bodies):
            time.sleep(max(began + place * BATCH / PACE - time.monotonic(), 0))
            one = submit(installation, connection, bodies[place])
            found.append((one, followers.submit(follow, installation, one, announced)))

    with ThreadPoolExecutor(FOLLOWERS) as followers:
        with ThreadPoolExecutor(SENDERS) as senders:
            for sent in [senders.submit(send) for _ in range(SENDERS)]:
                sent.result()
        for _, task in found:
            task.result()
    return sorted((one for one, _ in found), key=lambda one: one.committed_at)


def submit(
    installation: Installation, connection: http.client.HTTPConnection, body: bytes
) -> Followed:
    fields = {"Content-Type": "application/json", **headers(installation)}
    connection.request("POST", "/v1/receivables/bulk", body, fields)
    answer = connection.getresponse()
    content = answer.read()
    committed_at = time.monotonic()
    assert answer.status == http.HTTPStatus.OK, content[:500]
    first = json.loads(content)["items"][0]["receivable"]
    return Followed(parse_id("rcv", first), committed_at)


def follow(installation: Installation, one: Followed, announced: "Announced") -> None:
    """Fetch the event's proof once a head that covers it is announced."""
    with installation.database.reading() as session:
        event_id = session.scalars(select(Event.id).where(Event.subject_id == one.receivable)).one()
    size = 0
    while one.index < 0:
        size = announced.after(size)
        with installation.database.reading() as session:
            index = session.scalar(select(LogEntry.index).where(LogEntry.event_id == event_id))
        one.index = -1 if index is None else index
    connection = http.client.HTTPConnection(urlsplit(installation.api).netloc)
    token = {"Authorization": f"Bearer {installation.cast.supplier.token}"}
    connection.request("GET", f"/v1/events/{public_id('evt', event_id)}/proof", headers=token)
    answer = connection.getresponse()
    one.proof, one.proven_at = answer.read(), time.monotonic()
    assert answer.status == http.HTTPStatus.OK, one.proof[:500]
    connection.close()


def check(installation: Installation, proof: bytes) -> None:
    """Hold a proof to the installation's own trust file."""
    believed = trust.parse((installation.settings.data / "trust.json").read_bytes())
    report = verify_file(proof, believed)
    assert report.verdict == "pass", report.as_json()


def anchored(
    installation: Installation, followed: list[Followed], mined: "Mined"
) -> tuple[list[float], float]:
    """Return what each event waited for its block, and the longest time between two anchors."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with installation.database.reading() as session:
            rows = session.execute(
                select(Anchor.size, ChainTransaction.block_number, ChainTransaction.created_at)
                .join(ChainTransaction, ChainTransaction.id == Anchor.transaction_id)
                .where(ChainTransaction.purpose == ANCHOR)
                .order_by(Anchor.size)
            ).all()
        done = [row for row in rows if row.block_number is not None]
        if done and done[-1].size > max(one.index for one in followed):
            break
        assert time.monotonic() < deadline, "not anchored in time"
        time.sleep(0.2)
    waits, used = [], set()
    for one in followed:
        row = next(row for row in done if row.size > one.index)
        used.add(row.size)
        waits.append(mined.seen_at(row.block_number) - one.committed_at)
    pairs = itertools.pairwise(done)
    gaps = [(b.created_at - a.created_at).total_seconds() for a, b in pairs if b.size in used]
    return waits, max(gaps)


class Announced:
    """Listens for heads as the sequencer announces them."""

    def __init__(self, installation: Installation) -> None:
        url = installation.settings.database_url
        self.connection = psycopg.connect(url, autocommit=True)
        self.news, self.size, self.stop = threading.Condition(), 0, threading.Event()
        self.thread = threading.Thread(target=self.listen)

    def __enter__(self) -> Self:
        self.connection.execute(f"LISTEN {LOG_CHANNEL}")
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self.connection.close()

    def listen(self) -> None:
        while not self.stop.is_set():
            for notice in self.connection.notifies(timeout=0.2, stop_after=1):
                with self.news:
                    self.size = int(notice.payload)
                    self.news.notify_all()

    def after(self, size: int) -> int:
        """Wait for a head other than that of `size`."""
        with self.news:
            assert self.news.wait_for(lambda: self.size > size, PATIENCE), "no head in time"
            return self.size


class Mined:
    """Watches the chain's blocks arrive."""

    def __init__(self, installation: Installation) -> None:
        address = urlsplit(installation.settings.chain_rpc_url)
        self.connection = http.client.HTTPConnection(address.netloc)
        self.arrivals: dict[int, float] = {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self.connection.close()

    def watch(self) -> None:
        ask = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []})
        while not self.stop.wait(0.02):
            self.connection.request("POST", "/", ask, {"Content-Type": "application/json"})
            number = int(json.loads(self.connection.getresponse().read())["result"], 16)
            self.arrivals.setdefault(number, time.monotonic())

    def seen_at(self, number: int) -> float:
        """Return when the block, or one after it, was first seen."""
        return min(at for block, at in self.arrivals.items() if block >= number)
