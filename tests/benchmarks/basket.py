"""A signed basket of 1,000 lines through the API, against plain COPY of the rows that it writes.

The product drafts, builds a disclosure a line, verifies two signatures, checks every line again, moves its
receivable and opens its pool; the limit copies the same rows into tables of the same shape, in one
transaction.
"""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from scf.kernel.ids import parse_id
from scf.parties import client
from tests.benchmarks.figures import Row, at_least, middle, seconds
from tests.benchmarks.installation import Installation
from tests.benchmarks.submissions import encoded, headers, line

LINES = 1_000
ROUNDS = 3
WRITTEN = {
    "receivables": "id = ANY(%(receivables)s)",
    "events": "subject_id = ANY(%(receivables)s) AND version = 2 OR subject_id = ANY(%(pools)s)",
    "pools": "id = ANY(%(pools)s)",
    "pool_entries": "pool_id = ANY(%(pools)s)",
    "statement_lines": "subject_id = ANY(%(receivables)s)",
}
"""Table -> which of its rows a basket has written."""


def measure(installation: Installation) -> Iterator[Row]:
    confirm(installation, _submitted(installation))  # imports, connections
    rates, limits = [], []
    for _ in range(ROUNDS):
        receivables = _submitted(installation)
        rates.append(LINES / confirm(installation, receivables))
        limits.append(LINES / copy(installation, receivables))
    yield Row(
        "一签千笔确权 a signed basket of 1,000",
        middle(rates),
        "笔/s",
        middle(limits),
        at_least(0.05),
    )


def confirm(installation: Installation, receivables: list[str]) -> float:
    """Draft a basket, sign it and hand it back; return the seconds until the answer is there."""
    anchor = installation.cast.anchor
    body = {
        "items": [
            {"receivable": one, "confirmed": {"amount": "113.00", "currency": "CNY"}}
            for one in receivables
        ],
        "pay_to": {
            "name": installation.cast.supplier.name,
            "account": "6222 0000 0000 0001",
            "bank": installation.cast.bank.name,
            "bank_uscc": installation.cast.bank.uscc,
        },
        "no_setoff": True,
        "consents": ["pledge"],
        "signers": anchor.signers("confirm"),
    }
    identities = [hand.identity for hand in anchor.people.values()]
    keys = [{**headers(installation), "Authorization": f"Bearer {anchor.token}"} for _ in range(2)]

    def whole() -> None:
        draft = _post(installation, "/v1/receivables/confirmation-drafts", body, keys[0])
        assert draft["errors"] == []
        signed = {"authorizations": client.sign_all(draft["draft"], identities)}
        answer = _post(installation, "/v1/receivables/confirmations", signed, keys[1])
        assert len(answer["confirmed"]) == LINES

    return seconds(whole)


def copy(installation: Installation, receivables: list[str]) -> float:
    """Copy the rows that were written into empty twins of their tables; return the seconds."""
    with psycopg.connect(installation.settings.database_url) as connection:
        twins = [_twin(connection, name, receivables) for name in WRITTEN]
        connection.commit()

        def write() -> None:
            for name, content in twins:
                with connection.cursor().copy(_copy(name, "FROM STDIN")) as into:
                    into.write(content)
            connection.commit()

        taken = seconds(write)
        for name, _ in twins:
            connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return taken


def _twin(
    connection: psycopg.Connection[Any], table: str, receivables: list[str]
) -> tuple[str, bytes]:
    """Make an empty twin of a table; return its name and the rows to copy into it."""
    name, ids = f"bench_{table}", [parse_id("rcv", one) for one in receivables]
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING CONSTRAINTS INCLUDING INDEXES)").format(
            sql.Identifier(name), sql.Identifier(table)
        )
    )
    pools = connection.execute("SELECT pool_id FROM receivables WHERE id = ANY(%s)", [ids])
    values = {"receivables": ids, "pools": [row[0] for row in pools]}
    rows = connection.execute(
        sql.SQL("INSERT INTO {} SELECT * FROM {} WHERE " + WRITTEN[table]).format(
            sql.Identifier(name), sql.Identifier(table)
        ),
        values,
    )
    assert rows.rowcount >= LINES
    with connection.cursor().copy(_copy(name, "TO STDOUT")) as out:
        content = b"".join(bytes(block) for block in out)
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(name)))
    return name, content


def _copy(table: str, direction: str) -> sql.Composed:
    return sql.SQL("COPY {} " + direction + " WITH (FORMAT binary)").format(sql.Identifier(table))


def _submitted(installation: Installation) -> list[str]:
    _, documents = installation.register(LINES)
    installation.settle()
    body = {"items": [line(installation, document) for document in documents]}
    answer = _post(installation, "/v1/receivables/bulk", body, headers(installation))
    return [item["receivable"] for item in answer["items"]]


def _post(installation: Installation, path: str, body: Any, head: Mapping[str, str]) -> Any:
    connection = http.client.HTTPConnection(urlsplit(installation.api).netloc, timeout=120)
    try:
        connection.request(
            "POST", path, encoded(body), {"Content-Type": "application/json", **head}
        )
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:1000]
        return json.loads(content)
    finally:
        connection.close()
