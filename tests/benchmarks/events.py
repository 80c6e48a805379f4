"""Events as heavy as real ones, made by the database itself, for logs that have to be long."""

import psycopg

from scf_ledger.event import build_event
from tests.support.log import a_document

_INSERT = """
INSERT INTO events (id, type, subject_id, version, occurred_at, body, body_hash, tag, disclosures,
                    authorizations, parties)
  SELECT uuidv7(), 'document.registered', uuidv7(), 1, now(), %(body)s,
         sha256(uuid_send(gen_random_uuid())), sha256(uuid_send(gen_random_uuid())),
         %(disclosures)s, '{}',
         ARRAY[md5('seller ' || n %% 500)::uuid, md5('buyer ' || n %% 20)::uuid]
  FROM generate_series(1, %(count)s) AS n
"""
_ID = "01k3e5m8q2x7v9b4c6d8f0g1h2"


def append(connection: psycopg.Connection, count: int) -> None:
    """Append events of different subjects, of two parties each; the bytes of one, the hashes random."""
    record = a_document() | {"id": f"doc_{_ID}", "actor": None, "at": "2025-10-31T02:00:00Z"}
    built = build_event(
        id=f"evt_{_ID}",
        type="document.registered",
        subject=f"doc_{_ID}",
        version=1,
        occurred_at="2025-10-31T02:00:00Z",
        previous=None,
        authorizations=(),
        record=record,
        seed=b"seed",
    )
    values = {"body": built.body, "disclosures": "~".join(built.disclosures), "count": count}
    connection.execute(_INSERT, values)
    connection.commit()
