"""A running platform with the cast in place, and documents enough to submit."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from scf.db.session import Database
from scf.runtime import SERVICES, Runtime
from scf.settings import Settings
from tests.support.actors import Cast, gather
from tests.support.services import started

DOCUMENT_ID = "md5('document ' || ({number})::bigint)::uuid"
"""The id of the benchmark's n-th document, as SQL."""

_REGISTER = f"""
INSERT INTO documents (id, version, secret, head_hash, kind, number, seller_id, seller_uscc,
    seller_name, buyer, buyer_name, issued_on, currency, net_minor, tax_minor, total_minor,
    payable_minor, takes_back, reverses, flags, original_sha256, registered_at)
  SELECT {DOCUMENT_ID.format(number="n")}, 1, sha256(int8send(n)), sha256(int8send(n)),
    'cn-einvoice', lpad(n::text, 20, '0'), :seller_id, :seller, :seller_name, :buyer, :buyer_name,
    '2025-10-22', 'CNY', 10000, 1300, 11300, 11300, false, '{{}}', '{{}}', sha256(int8send(n)), now()
  FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
  RETURNING id
"""


@dataclass
class Installation:
    """The platform, its cast, and how many documents were registered."""

    runtime: Runtime
    settings: Settings
    database: Database
    cast: Cast
    documents: int = 0

    @property
    def api(self) -> str:
        return self.runtime.addresses["PUBLIC_URL"]

    def register(self, count: int) -> tuple[int, list[UUID]]:
        """Register the supplier's next documents in one statement: their first number, their ids."""
        seller, buyer = self.cast.supplier, self.cast.anchor
        values = {
            "first": self.documents,
            "last": self.documents + count - 1,
            "seller_id": seller.party_id,
            "seller": seller.uscc,
            "seller_name": seller.name,
            "buyer": buyer.uscc,
            "buyer_name": buyer.name,
        }
        with self.database.transaction() as session:
            ids = list(session.scalars(text(_REGISTER), values))
        first, self.documents = self.documents, self.documents + count
        return first, ids

    def settle(self) -> None:
        """Let the database put its house in order, so that a measurement does not pay for it."""
        with self.database.engine.connect() as connection:
            outside = connection.execution_options(isolation_level="AUTOCOMMIT")
            outside.execute(text("VACUUM ANALYZE"))
            outside.execute(text("CHECKPOINT"))


@contextmanager
def installed() -> Iterator[Installation]:
    """Run every process that `scf up` runs, on a durable database."""
    with started(*SERVICES) as runtime, tempfile.TemporaryDirectory() as folder:
        settings = runtime.settings
        database = Database(settings.database_url, pool_size=4)
        try:
            with database.transaction() as session:
                now = settings.clock.now()
                cast = gather(session, Path(folder), now=now, real_now=settings.clock.real())
            yield Installation(runtime, settings, database, cast)
        finally:
            database.close()
