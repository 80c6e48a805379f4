"""Readings of devices taken in through the API, signed and judged one by one, against COPY of the same rows.

The product verifies the batch, reads it strictly, judges every reading, keeps the batch as signed and the rows
with their bytes; the limit is COPY of the rows alone, made before, into a table with the same key.
"""

import http.client
import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import psycopg
from cryptography.hazmat.primitives.asymmetric import ed25519
from psycopg import sql

from scf.devices import service
from scf.devices.models import DeviceKind
from scf.devices.service import Registration
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf_ledger import readings
from tests.benchmarks.figures import Row, at_least, middle, seconds
from tests.benchmarks.installation import Installation
from tests.support.watching import pem_of

READINGS = readings.READINGS_MAX  # of one batch
ROUNDS = 4
COLUMNS = ("device_id", "measured_at", "seq", "value", "closing", "batch_id", "body")


def measure(installation: Installation) -> Iterator[Row]:
    key = ed25519.Ed25519PrivateKey.generate()
    device = _device(installation, key)
    began = installation.settings.clock.now().replace(microsecond=0) - timedelta(days=2)
    rates, limits = [], []
    for number in range(ROUNDS + 1):
        items = _items(began, number)
        taken = take(installation, device, readings.sign(public_id("dev", device), items, key))
        copied = copy(installation, device, items)
        if number:  # the first opens connections and the month
            rates.append(READINGS / taken)
            limits.append(READINGS / copied)
    yield Row(
        "设备读数上报 readings of devices taken in",
        middle(rates),
        "条/s",
        middle(limits),
        at_least(0.15),
    )


def take(installation: Installation, device: uuid.UUID, jws: str) -> float:
    """Hand in one batch; return the seconds until the answer is there."""
    path = f"/v1/devices/{public_id('dev', device)}/readings"
    body = json.dumps({"batch": jws}).encode()
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {installation.cast.supplier.token}",
        "Idempotency-Key": uuid.uuid4().hex,
    }
    connection = http.client.HTTPConnection(urlsplit(installation.api).netloc, timeout=120)

    def ask() -> None:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:1000]
        assert json.loads(content)["stored"] == READINGS, content[:1000]

    try:
        return seconds(ask)
    finally:
        connection.close()


def copy(installation: Installation, device: uuid.UUID, items: list[dict[str, object]]) -> float:
    """COPY the rows into a table of the same key; return the seconds with the commit."""
    batch = uuid.uuid4()
    rows = [
        (
            device,
            datetime.fromisoformat(str(item["at"])),
            item["seq"],
            140_000,
            1,
            batch,
            readings.body(item),
        )
        for item in items
    ]
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    into = sql.SQL("COPY bench_readings ({}) FROM STDIN").format(names)
    with psycopg.connect(installation.settings.database_url) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_readings (LIKE readings,"
            " PRIMARY KEY (device_id, measured_at, seq))"
        )
        connection.commit()

        def write() -> None:
            with connection.cursor() as cursor, cursor.copy(into) as rows_in:
                for row in rows:
                    rows_in.write_row(row)
            connection.commit()

        return seconds(write)


def _device(installation: Installation, key: ed25519.Ed25519PrivateKey) -> uuid.UUID:
    said = Registration(
        kind=DeviceKind.SCALE,
        serial="BENCH",
        warehouse="一号库",
        location=None,
        unit="TNE",
        public_key=pem_of(key),
        keeper_id=None,
    )
    with installation.database.transaction() as session:
        now = installation.settings.clock.now()
        return service.register(session, installation.cast.supplier.actor, said, now=now).id


def _items(began: datetime, number: int) -> list[dict[str, object]]:
    first = number * READINGS + 1
    return [
        {"seq": seq, "at": instant_text(began + timedelta(seconds=seq)), "value": "140.000"}
        for seq in range(first, first + READINGS)
    ]
