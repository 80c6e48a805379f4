"""Goods pledged and watched: receipts with their pools as they stand in the database, agreements made in earnest."""

import os
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from scf.kernel.ids import parse_id, public_id
from scf_ledger.encoding import b64url
from tests.support.actors import Company, Stage
from tests.support.prices import a_series, entered

COPPER = "阴极铜"
SEED = text("""
WITH n AS (
  SELECT g, uuidv7() AS receipt, uuidv7() AS pool, uuidv7() AS pledge
  FROM generate_series(1, :count) AS g
), receipts AS (
  INSERT INTO warehouse_receipts (id, version, secret, kind, medium, number, keeper_id,
    depositor_id, holder_id, goods, unit, quantity_minor, stored_until, items, pool_id,
    issued_event_hash, title_event_hash, fee_owed_minor, state, state_since, issued_at)
  SELECT receipt, 0, '\\x00', 'warehouse_receipt', 'electronic', 'CD-' || receipt, :keeper,
    :pledgor, :pledgor, :goods, :unit, :quantity, '2027-01-01',
    jsonb_build_object('warehouse', cast(:warehouse AS text)), pool, '\\x00', '\\x00', 0, 'ACTIVE', :now, :now
  FROM n
), pools AS (
  INSERT INTO pools (id, version, secret, asset, asset_id, owner_id, parties, unit,
    confirmed_minor, used_minor, opened_at)
  SELECT pool, 2, '\\x00', 'receipt', receipt, :pledgor, ARRAY[cast(:pledgor AS uuid)], :unit,
    :quantity, :quantity, :now FROM n
), entries AS (
  INSERT INTO pool_entries (pool_id, version, kind, confirmed_delta_minor, used_delta_minor,
    holder_id, holder, party_id, entered_at)
  SELECT pool, 1, 'OPEN', :quantity, 0, NULL::uuid, NULL, NULL::uuid, :now FROM n
  UNION ALL
  SELECT pool, 2, 'RESERVE', 0, :quantity, pledge, 'plg', cast(:bank AS uuid), :now FROM n
), pledges AS (
  INSERT INTO pledges (id, version, secret, pledgor_id, pledgee_id, receipt_id, receivable_event,
    pool_id, currency, unit, amount_minor, contract_sha256, principal_minor, rate,
    principal_due_on, state, state_since, expires_at, reserved_at, legally_effective_at)
  SELECT pledge, 0, '\\x00', :pledgor, :bank, receipt, '\\x00', pool, 'CNY', :unit, :quantity,
    :contract, 1, '0.0385', '2026-05-01', 'EFFECTIVE', :now, :now, :now, :now FROM n
), registrations AS (
  INSERT INTO pledge_registrations (pledge_id, reference) SELECT pledge, 'R-' || pledge FROM n
), locks AS (
  INSERT INTO pledge_locks (pledge_id, state, since) SELECT pledge, 'none', :now FROM n
)
SELECT pledge FROM n ORDER BY g
""")


@dataclass(frozen=True)
class Watched:
    """An agreement over copper at 75,000 a ton, its series and its pledges."""

    id: str
    series: str
    pledges: list[str]
    contract: bytes


def seeded(
    session: Session, *, pledgor: Company, bank: Company, keeper: Company, now: Any, **said: Any
) -> list[uuid.UUID]:
    """Put pledged receipts where they would stand, whatever triggers say; return their pledges."""
    given = {
        "count": 1,
        "quantity": 140_000,
        "goods": COPPER,
        "unit": "TNE",
        "warehouse": "港桥仓(示例)",
        "contract": os.urandom(32),
        "pledgor": pledgor.party_id,
        "bank": bank.party_id,
        "keeper": keeper.party_id,
        "now": now,
    } | said
    session.execute(text("SET LOCAL session_replication_role = replica"))
    return list(session.scalars(SEED, given))


def pledged(stage: Stage, contract: bytes, *, keeper: Company | None = None, **said: Any) -> str:
    """Pledge 140 t of copper of the supplier's to the bank, in effect; return the pledge."""
    cast = stage.cast
    with stage.database.transaction() as session:
        (found,) = seeded(
            session,
            pledgor=cast.supplier,
            bank=cast.bank,
            keeper=keeper or cast.second_supplier,
            now=stage.clock.now(),
            contract=contract,
            **said,
        )
    return public_id("plg", found)


MOVED = text("""
WITH old AS (
  SELECT p.id AS pledge, p.pledgee_id, r.* FROM pledges p
  JOIN warehouse_receipts r ON r.id = p.receipt_id WHERE p.id = :pledge
), n AS (SELECT uuidv7() AS receipt, uuidv7() AS pool), receipts AS (
  INSERT INTO warehouse_receipts (id, version, secret, kind, medium, number, keeper_id,
    depositor_id, holder_id, goods, unit, quantity_minor, stored_until, items, pool_id,
    issued_event_hash, title_event_hash, fee_owed_minor, state, state_since, issued_at)
  SELECT n.receipt, 0, '\\x00', kind, medium, 'CD-' || n.receipt, :keeper, depositor_id, holder_id,
    goods, unit, :quantity, stored_until, jsonb_build_object('warehouse', cast(:warehouse AS text)),
    n.pool, '\\x00', '\\x00', 0, 'ACTIVE', state_since, issued_at FROM old, n
), pools AS (
  INSERT INTO pools (id, version, secret, asset, asset_id, owner_id, parties, unit,
    confirmed_minor, used_minor, opened_at)
  SELECT n.pool, 2, '\\x00', 'receipt', n.receipt, holder_id, ARRAY[holder_id], unit, :quantity,
    :quantity, issued_at FROM old, n
)
INSERT INTO pool_entries (pool_id, version, kind, confirmed_delta_minor, used_delta_minor,
  holder_id, holder, party_id, entered_at)
SELECT n.pool, 1, 'OPEN', :quantity, 0, NULL, NULL, NULL, issued_at FROM old, n
UNION ALL
SELECT n.pool, 2, 'RESERVE', 0, :quantity, pledge, 'plg', pledgee_id, issued_at FROM old, n
UNION ALL
SELECT pool_id, 3, 'RELEASE', 0, -:quantity, pledge, 'plg', pledgee_id, issued_at FROM old
""")


def moved(stage: Stage, pledge: str, quantity: int, *, keeper: Company, warehouse: str) -> None:
    """Put a part of a pledge's goods on a receipt of another keeper's, as after an arrival there."""
    given = {"quantity": quantity, "keeper": keeper.party_id, "warehouse": warehouse}
    with stage.database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(MOVED, {"pledge": parse_id("plg", pledge)} | given)


def proposal(stage: Stage, series: str, contract: bytes, **said: Any) -> dict[str, Any]:
    """What the bank proposes: α 70%, warning at 5% above, disposal at 80%."""
    cast = stage.cast
    return {
        "pledgor": cast.supplier.id,
        "supervisor": cast.anchor.id,
        "contract_sha256": b64url(contract),
        "shares": {"advance_bps": 7000, "warning_bps": 500, "disposal_bps": 8000},
        "without_price_fall": True,
        "goods": [{"goods": COPPER, "series": series}],
    } | said


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def debt(principal: str, **said: Any) -> dict[str, Any]:
    return {
        "as_of_on": "2025-11-03",
        "principal": money(principal),
        "interest": money("0.00"),
        "reserve": money("0.00"),
        "rate": "0",
    } | said


def did(answer: Any) -> dict[str, Any]:
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def signed(stage: Stage, path: str, acts: dict[str, Company]) -> dict[str, Any]:
    """Have each party sign its part of a paper, in this order."""
    for act, company in acts.items():
        draft = did(stage.post(company, f"{path}/draft", {"signers": company.signers(act)}))
        body = {"authorizations": company.sign_all(draft)}
        done = did(stage.post(company, f"{path}/sign", body))
    return done


def three(stage: Stage) -> dict[str, Company]:
    """Who signs an agreement: pledgor, supervisor, bank, each its act."""
    cast = stage.cast
    return {"entrust": cast.supplier, "supervise": cast.anchor, "appoint": cast.bank}


def watched(
    stage: Stage,
    *,
    owed: str = "7000000.00",
    haircuts: tuple[int, int] = (0, 0),
    keeper: Company | None = None,
    **said: Any,
) -> Watched:
    """Make an agreement over 140 t of copper at 75,000 and a debt, all by its own steps."""
    cast, contract = stage.cast, os.urandom(32)
    series = a_series(stage, cast.bank, source=f"现货 {uuid.uuid4().hex[:8]}")
    entered(stage, cast.bank, series, "75000.00", at="2025-11-03T01:00:00Z")
    taken = {"quality_bps": haircuts[0], "liquidity_bps": haircuts[1]}
    goods = [{"goods": COPPER, "series": series, **taken}]
    body = proposal(stage, series, contract, goods=goods, **said)
    identity = did(stage.post(cast.bank, "/v1/control-agreements", body))["id"]
    path = f"/v1/control-agreements/{identity}"
    signed(stage, path, three(stage))
    pledge = pledged(stage, contract, keeper=keeper)
    did(stage.post(cast.bank, f"{path}/pledges", {"pledge": pledge}))
    did(stage.post(cast.bank, f"{path}/debt", debt(owed)))
    return Watched(identity, series, [pledge], contract)


def priced(stage: Stage, found: Watched, price: str, at: str) -> dict[str, Any]:
    """Let copper cost so much, and mark."""
    entered(stage, stage.cast.bank, found.series, price, at=at)
    return did(stage.post(stage.cast.bank, f"/v1/control-agreements/{found.id}/mark", {}))


def uuid_of(prefix: str, identity: str) -> uuid.UUID:
    return parse_id(prefix, identity)
