"""Revaluing every pledge of a day: by the product's turn, against the bare sums in one statement; and how it grows.

Each agreement has ten pledges. The limit is what the database needs to read the same rows and multiply them, with
nothing written; the growth is held to ten times the pledges.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from scf.collateral import marking
from scf.collateral.effects import SLICE
from scf.db.session import Database
from tests.benchmarks.figures import Row, at_least, at_most, middle, seconds
from tests.support.collateral import SEED
from tests.support.services import Servers, fresh_database

SMALL = 10_000
LARGE = 100_000
OF_ONE = 10  # pledges of an agreement
TURNS = 3
BEGINS = datetime(2025, 11, 3, 3, tzinfo=UTC)
_AGREEMENTS = text("""
WITH numbered AS (
  SELECT id AS pledge_id, (row_number() OVER (ORDER BY id) - 1) / :of_one AS g FROM pledges
), agreements AS (
  SELECT g, uuidv7() AS id, uuidv7() AS debt FROM (SELECT DISTINCT g FROM numbered) AS of_g
), kept AS (
  INSERT INTO control_agreements (id, version, secret, pledgor_id, pledgee_id, supervisor_id,
    contract_sha256, kind, currency, advance_bps, warning_bps, disposal_bps, price_fall_bps,
    stale_bps, stale_days, cure_days, notice_days, insured, goods, content, state, state_since,
    proposed_at, debt_id)
  SELECT id, 0, '\\x00', :party, :party, :party, decode(md5(id::text), 'hex'), 'floating', 'CNY',
    7000, 500, 8000, 1500, 500, 2, 3, 10, false, '[]', '{}', 'AGREED', :now, :now, debt
  FROM agreements
), debts AS (
  INSERT INTO control_debts (id, agreement_id, event_id, as_of_on, principal_minor,
    interest_minor, reserve_minor, rate, stated_at)
  SELECT debt, id, debt, '2025-11-01', 5000000000, 0, 0, '0.0385', :now FROM agreements
)
INSERT INTO controlled_pledges (pledge_id, agreement_id, event_id, keeper_id, goods, warehouse,
  unit, series_id, quality_bps, liquidity_bps, quantity_minor, pledged_minor, covered_at)
SELECT n.pledge_id, a.id, n.pledge_id, :party, '阴极铜', '港桥仓(示例)', 'TNE', :series, 200, 500,
  140000, 7500000, :now
FROM numbered n JOIN agreements a USING (g)
""")
_SERIES = text("""
INSERT INTO price_series (id, version, secret, commodity, unit, currency, source, way, symbol,
  registered_at) VALUES (:id, 0, '\\x00', '阴极铜', 'TNE', 'CNY', 'bench', 'http', 'CU', :now)
""")
_PRICES = text("""
INSERT INTO prices (series_id, quoted_at, revision, quoted_on, minor, batch_id)
SELECT :id, :now - g * interval '1 day', 0, (:now - g * interval '1 day')::date, 7500000 + g, :id
FROM generate_series(0, 40) AS g
""")
_BARE = text("""
SELECT c.agreement_id, sum(div(e.held * 7500000 * 9800 * 9500, 100000000000::numeric))
FROM controlled_pledges c
JOIN pledges p ON p.id = c.pledge_id AND p.state = 'EFFECTIVE'
JOIN LATERAL (
  SELECT sum(used_delta_minor) AS held FROM pool_entries WHERE holder_id = p.id
) e ON true
GROUP BY c.agreement_id
""")


def measure(servers: Servers) -> Iterator[Row]:
    with ExitStack() as stack:
        small, large = (opened(stack, servers, count) for count in (SMALL, LARGE))
        day, of_small, of_large, bare = BEGINS, [], [], []
        for _ in range(TURNS):
            day += timedelta(days=1)
            of_small.append(seconds(lambda: marked(small, day)))  # noqa: B023 - called at once
            of_large.append(seconds(lambda: marked(large, day)))  # noqa: B023
            bare.append(seconds(lambda: summed(large)))
    yield Row(
        f"动态质押：{LARGE:,} 笔重估 revaluing {LARGE:,} pledges",
        LARGE / middle(of_large),
        "/s",
        LARGE / middle(bare),
        at_least(0.05),
    )
    yield Row(
        f"增长：{LARGE:,} 笔重估对 {SMALL:,} 笔 growth: {LARGE:,} pledges to {SMALL:,}",
        middle(of_large),
        "s",
        middle(of_small) * LARGE / SMALL,
        at_most(1.5),
    )


def opened(stack: ExitStack, servers: Servers, count: int) -> Database:
    """Open a database with so many pledges under agreements of ten."""
    database = Database(stack.enter_context(fresh_database(servers)), pool_size=1)
    stack.callback(database.close)
    with database.transaction() as session:
        _fill(session, count)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return database


def marked(database: Database, day: datetime) -> None:
    """Give every agreement its mark of a day, as a worker's turns do."""
    found = SLICE
    while found == SLICE:
        with database.transaction() as session:
            found = marking.mark_slice(session, now=day, size=SLICE)


def summed(database: Database) -> None:
    """Read and multiply the same rows, and write nothing."""
    with database.reading() as session:
        session.execute(_BARE).all()


def _fill(session: Session, count: int) -> None:
    party, series = uuid.uuid4(), uuid.uuid4()
    session.execute(text("SET LOCAL session_replication_role = replica"))
    given = {
        "count": count,
        "quantity": 140_000,
        "goods": "阴极铜",
        "unit": "TNE",
        "warehouse": "港桥仓(示例)",
        "contract": os.urandom(32),
        "pledgor": party,
        "bank": party,
        "keeper": uuid.uuid4(),
        "now": BEGINS,
    }
    session.execute(SEED, given)
    session.execute(_SERIES, {"id": series, "now": BEGINS})
    session.execute(_PRICES, {"id": series, "now": BEGINS})
    said = {"of_one": OF_ONE, "party": party, "series": series, "now": BEGINS}
    session.execute(_AGREEMENTS, said)
