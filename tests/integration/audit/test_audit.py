"""An untouched installation is clean; a changed byte in any audited column is found."""

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from sqlalchemy import ARRAY, BigInteger, Date, DateTime, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, Range
from sqlalchemy.orm import Session

from scf.audit.history import table
from scf.audit.service import ON_CHAIN, audit
from scf.audit.tables import AUDITED, UNAUDITED
from scf.db.base import Base
from scf_ledger.chain.client import Chain
from tests.support.anvil import running_anvil
from tests.support.audit import World

SOMETHING = {
    Text: "x",
    Date: dt.date(2025, 1, 1),
    BigInteger: 1,
    Uuid: uuid.UUID(int=1),
    DateTime: dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
    JSONB: [{}],
}
"""By type of column, what stands where there was nothing."""
ALONE = {
    *("chain_home", "log_head", "parties", "registry_papers", "revocation_lists"),
    *("stock_checks", "daily_files"),
}
"""Single rows, rows that others refer to by foreign key, and what nothing else speaks of."""
COLUMNS = [(name, column) for name, columns in AUDITED.items() for column in columns]

ROWS = {
    # Where a column is told by events of some rows only: one of these.
    "pledge_locks": "state = 'final'",
    "pledge_searches": "step = 'after'",
    "registry_filings": "change = 'extended'",
    "pledge_registrations": "cancelled_at IS NOT NULL",
    "chain_transactions": "state = 'final'",
    "receivables": "pool_id IS NOT NULL",
    "financings": "state = 'CLOSED'",
    "pledges": "released_at IS NOT NULL",
    "log_entries": "index = 1",
    "payable_lines": "state = 'SUBMITTED'",
    "certificates": "id IN (SELECT certificate_id FROM statements)",
    "blind_tokens": "held_minor > 0",
    "lots": "supervisor_id IS NOT NULL AND packing IS NOT NULL AND state = 'STORED'",
    "warehouse_receipts": "fee_owed_minor > 0",
    "receipt_endorsements": "attested_at IS NOT NULL",
    "receipt_withdrawals": "delivered_at IS NOT NULL",
    "devices": "unit IS NOT NULL",
    "device_hours": "closings > 0",
    "stocktakes": "drawn IS NOT NULL",
    "daily_files": "day = (SELECT max(day) FROM daily_files)",
    "storage_tariffs": "last_on IS NOT NULL",
}
NOT_NULL = {
    ("receivables", "reason"): "reason IS NOT NULL",
    ("receivables", "reason_compliant"): "reason_compliant IS NOT NULL",
    ("financings", "reason"): "reason IS NOT NULL",
    ("financings", "security"): "security IS NOT NULL",
    ("pledges", "recourse_called_at"): "recourse_called_at IS NOT NULL",
    ("receivables", "parts"): "parts IS NOT NULL",
    ("debtor_notices", "prepared_at"): "prepared_at IS NOT NULL",
    ("debtor_notices", "signed_at"): "signed_at IS NOT NULL",
    ("debtor_notices", "delivered_at"): "delivered_at IS NOT NULL",
    ("debtor_notices", "acknowledged_at"): "acknowledged_at IS NOT NULL",
    (
        "debtor_notices",
        "purpose",
    ): "pledge_id IN (SELECT id FROM pledges WHERE released_at IS NULL)",
    ("pledges", "lock_final_at"): "lock_final_at IS NOT NULL",
    ("lot_papers", "passed"): "passed IS NOT NULL",
    ("lot_papers", "order_id"): "order_id IS NOT NULL",
    ("pool_entries", "holder"): "holder IS NOT NULL",
    ("pool_entries", "holder_id"): "holder_id IS NOT NULL",
    ("pool_entries", "party_id"): "party_id IS NOT NULL",
    ("pool_entries", "edge_id"): "edge_id IS NOT NULL",
    ("blind_holds", "ended_at"): "ended_at IS NOT NULL",
    ("statements", "jws"): "jws IS NOT NULL",
    ("statements", "step"): "step IS NOT NULL",
    ("statements", "reserved"): "reserved <> '{}'",
    ("statements", "certificate_id"): "certificate_id IS NOT NULL",
    ("events", "authorizations"): "authorizations <> '{}'",
    ("confirmation_moments", "kind"): "kind = 'CONFIRM_OVERDUE'",
    ("documents", "reverses"): "reverses <> '{}'",
    ("chain_transactions", "arguments"): "purpose = 'anchor'",
    ("approval_records", "person_id"): "person_id IS NOT NULL",
    ("approval_records", "mandate_id"): "mandate_id IS NOT NULL",
    ("stocktakes", "failed"): "failed <> '{}'",
    ("stock_alarms", "lifted_at"): "lifted_at IS NOT NULL",
    ("devices", "revoked_at"): "revoked_at IS NOT NULL",
    ("devices", "revocation_reason"): "revoked_at IS NOT NULL",
    ("freight_bill_items", "consignment_id"): "consignment_id IS NOT NULL",
    ("freight_bill_items", "reason"): "reason IS NOT NULL",
    ("freight_bill_items", "first_on"): "first_on IS NOT NULL",
    ("freight_bill_items", "last_on"): "last_on IS NOT NULL",
    ("readings", "latitude"): "latitude IS NOT NULL",
    ("readings", "longitude"): "longitude IS NOT NULL",
}


CHANGES: list[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = [
    (bool, lambda value: not value),
    (Enum, lambda value: next(other for other in type(value) if other is not value)),
    (int, lambda value: value ^ 1 << 12),
    (Decimal, lambda value: value + 1),
    (str, lambda value: value[:-1] + chr(ord(value[-1]) ^ 16)),
    ((bytes, memoryview), lambda value: bytes(value)[:-1] + bytes([bytes(value)[-1] ^ 1])),
    (uuid.UUID, lambda value: uuid.UUID(int=value.int ^ 1)),
    (dt.datetime, lambda value: value + dt.timedelta(seconds=1)),
    (dt.date, lambda value: value + dt.timedelta(days=1)),
    (Range, lambda value: Range(value.lower, value.upper + 1)),
    (list, lambda value: [*value[:-1], changed(value[-1])]),
    (dict, lambda value: {**value, max(value): changed(value[max(value)])} if value else {"x": 1}),
]
"""By type, the value with its last byte, or what comes closest to one, another."""


def something(type_: Any) -> Any:
    if isinstance(type_, ARRAY):
        return [something(type_.item_type)]
    return next(value for kind, value in SOMETHING.items() if isinstance(type_, kind))


def changed(value: Any) -> Any:
    return next(change(value) for kind, change in CHANGES if isinstance(value, kind))


@contextlib.contextmanager
def tampering(world: World) -> Iterator[Session]:
    """A superuser's session whose triggers and constraints sleep; nothing of it stays."""
    with world.desk.stage.database.engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        try:
            yield Session(connection)
        finally:
            transaction.rollback()


def drop_checks(session: Session, name: str) -> None:
    """Let a table hold what its checks would refuse."""
    names = session.scalars(
        text(
            "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:t AS regclass)"
            " AND contype = 'c'"
        ),
        {"t": name},
    ).all()
    for constraint in names:
        session.execute(text(f'ALTER TABLE {name} DROP CONSTRAINT "{constraint}"'))


def change_a_byte(session: Session, name: str, column: str) -> None:
    where = NOT_NULL.get((name, column), ROWS.get(name, "true"))
    found: Table = table(name)
    row = session.execute(
        text(f"SELECT ctid::text AS ctid_text FROM {name} WHERE {where} ORDER BY ctid LIMIT 1")
    ).one()
    place = {"ctid_text": row.ctid_text}
    where_place = text("ctid = CAST(:ctid_text AS tid)")
    value = session.execute(
        found.select().with_only_columns(found.c[column]).where(where_place), place
    ).scalar_one()
    other = something(found.c[column].type) if value in (None, []) else changed(value)
    session.execute(found.update().where(where_place).values({column: other}), place)


class TestAudit:
    def test_an_untouched_installation_is_clean(self, world: World) -> None:
        with world.desk.stage.database.reading() as session:
            report = audit(session, chain=world.sender.chain)

        assert report.difference is None
        assert report.chain == "checked"
        assert {name for name, count in report.rows.items() if count} == AUDITED.keys()

    @pytest.mark.parametrize(("name", "column"), COLUMNS)
    def test_a_changed_byte_is_found(self, world: World, name: str, column: str) -> None:
        with tampering(world) as session:
            drop_checks(session, name)
            change_a_byte(session, name, column)

            # The database gives itself away: only what speaks of the chain needs the chain.
            report = audit(session, chain=world.sender.chain if name in ON_CHAIN else None)

        assert report.difference is not None
        assert report.difference.stored != report.difference.expected

    def test_every_table_is_audited_or_says_why_not(self) -> None:
        tables = set(Base.metadata.tables)

        assert tables == AUDITED.keys() | UNAUDITED.keys()
        assert not AUDITED.keys() & UNAUDITED.keys()
        for name, columns in AUDITED.items():
            assert set(columns) <= set(table(name).c.keys()), name


class TestWholeRows:
    @pytest.mark.parametrize("name", sorted(AUDITED.keys() - ALONE))
    def test_a_row_taken_away_is_found(self, world: World, name: str) -> None:
        with tampering(world) as session:
            where = ROWS.get(name, "true")
            session.execute(
                text(
                    f"DELETE FROM {name} WHERE ctid = (SELECT max(ctid) FROM {name} WHERE {where})"
                )
            )

            report = audit(session, chain=world.sender.chain if name in ON_CHAIN else None)

        assert report.difference is not None


class TestChain:
    def test_a_chain_out_of_reach_is_no_difference_and_no_tick(self, world: World) -> None:
        nowhere = Chain("http://127.0.0.1:9", chain_id=31337, timeout=1)

        with world.desk.stage.database.reading() as session:
            report = audit(session, chain=nowhere)

        assert report.clean
        assert report.chain == "unavailable"

    def test_another_chain_is_a_difference(self, world: World) -> None:
        """A chain that vanished, or one that was never ours: nothing of ours is there."""
        with running_anvil() as (_, chain), world.desk.stage.database.reading() as session:
            report = audit(session, chain=chain)

        assert report.difference is not None
        assert report.difference.table == "chain_home"
