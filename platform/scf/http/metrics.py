"""Prometheus: requests as they are served, and figures that are asked of the database at a scrape.

Other processes keep their state in the database, so one endpoint tells of all of them.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from prometheus_client.core import CollectorRegistry, GaugeMetricFamily
from sqlalchemy import text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scf.db.session import Database
from scf.http.auth import OperatorOnly, authenticate
from scf.kernel.errors import Unavailable

router = APIRouter(tags=["运行 operations"])

REQUESTS: Final = Counter(
    "scf_http_requests_total", "Requests answered", ["method", "route", "status"]
)
SECONDS: Final = Histogram(
    "scf_http_request_seconds",
    "Time to answer a request",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
UP: Final = "Whether the database answers"
UNROUTED: Final = "unrouted"  # one label for every path that is none, however many there are

_gauges: dict[str, tuple[str, str]] = {}


def gauge(name: str, meaning: str, query: str) -> None:
    """Let a scrape ask the database: `query` gives one number, or rows of a label and a number."""
    _gauges[name] = (meaning, query)


class Measured:
    """ASGI middleware that counts and times requests by route."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", UNROUTED)
            REQUESTS.labels(scope["method"], route, status).inc()
            SECONDS.labels(scope["method"], route).observe(time.perf_counter() - began)


class FromDatabase:
    """A collector of the registered gauges over one snapshot."""

    def __init__(self, database: Database) -> None:
        """Ask this database at every scrape."""
        self.database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every gauge; where the database is away, only that it is."""
        up = GaugeMetricFamily("scf_database_up", UP)
        try:
            families = list(self._families())
        except Unavailable:
            families = []
        up.add_metric([], float(bool(families)))
        yield up
        yield from families

    def _families(self) -> Iterable[GaugeMetricFamily]:
        with self.database.reading() as session:
            for name, (meaning, query) in _gauges.items():
                rows = session.execute(text(query)).all()
                labels = [] if not rows or len(rows[0]) == 1 else ["of"]
                family = GaugeMetricFamily(name, meaning, labels=labels)
                for *label, value in rows:
                    family.add_metric([str(item) for item in label], float(value or 0))
                yield family


class Away:
    """A collector for a scrape that could not be known."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield that the database is away."""
        yield GaugeMetricFamily("scf_database_up", UP, value=0)


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Answer a scrape by the operator: whoever counts requests by route sees what others are about.

    Where the database is away nobody can be known, and all that is told is that it is away. Raises
    TokenInvalid, OperatorOnly.
    """
    database: Database = request.app.state.database
    now = request.app.state.settings.clock.real()
    served = b""
    with suppress(Unavailable), database.reading() as session:
        actor = authenticate(session, request.headers.get("authorization"), now=now)
        if not actor.operator:
            raise OperatorOnly
        served = generate_latest(REGISTRY)
    asked = CollectorRegistry()
    asked.register(FromDatabase(database) if served else Away())
    return Response(served + generate_latest(asked), media_type=CONTENT_TYPE_LATEST)
