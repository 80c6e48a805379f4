"""Clients that send prepared requests over kept connections, in a process of their own."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Driven:
    """How long all requests took together, how long each took, and what they were answered."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


def post(url: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write out a POST."""
    lines = {
        "Host": urlsplit(url).netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def drive(url: str, requests: Sequence[bytes], *, clients: int) -> Driven:
    """Send every request once, each client one at a time."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        return elsewhere.submit(_drive, url, requests, clients).result()


def _drive(url: str, requests: Sequence[bytes], clients: int) -> Driven:
    return asyncio.run(_drive_all(url, requests, clients))


async def _drive_all(url: str, requests: Sequence[bytes], clients: int) -> Driven:
    loop, address, driven, work = (
        asyncio.get_running_loop(),
        urlsplit(url),
        Driven(),
        iter(requests),
    )
    pairs = [
        await loop.create_connection(_Client, address.hostname, address.port)
        for _ in range(clients)
    ]
    began = loop.time()
    await asyncio.gather(*(client.work(work, driven) for _, client in pairs))
    driven.seconds = loop.time() - began
    for transport, _ in pairs:
        transport.close()
    return driven


class _Client(asyncio.Protocol):
    """One kept connection."""

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.received = b""
        self.answered = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, whole, body = self.received.partition(b"\r\n\r\n")
        if whole and len(body) >= int(_LENGTH.search(head)[1]):
            self.answered.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(error or ConnectionResetError())

    async def work(self, requests: Iterator[bytes], driven: Driven) -> None:
        loop = asyncio.get_running_loop()
        for request in requests:
            self.received, self.answered = b"", loop.create_future()
            began = loop.time()
            self.transport.write(request)
            driven.statuses.append(await self.answered)
            driven.latencies.append(loop.time() - began)
