"""Random stocktakes: each folded again from its events, and its draw made again from what was revealed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import History, Told, histories, rows
from scf.kernel.ids import parse_id
from scf.kernel.quantity import Quantity
from scf.stocktakes.models import State
from scf_ledger import draw
from scf_ledger.encoding import b64url

_STATES = {
    "stocktake.announced": State.ANNOUNCED,
    "stocktake.sealed": State.SEALED,
    "stocktake.revealed": State.SEALED,
    "stocktake.drawn": State.DRAWN,
    "stocktake.counted": State.DRAWN,
}


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold stocktakes, both sides and counts to the events. Raises Different."""
    sides = _by_stocktake(session, "stocktake_sides", "party_id", report)
    counts = _by_stocktake(session, "stocktake_counts", "lot_id", report)
    for history in histories(session, "stocktakes", report):
        row = history.row
        _check_stocktake(history, codes)
        _check_sides(history, sides.pop(row["id"], []), codes)
        _check_counts(history, counts.pop(row["id"], []))
        if row["seed"] is not None:
            _check_draw(history)
    expect("stocktake_sides", "*", "stocktake_id", list(sides), [])
    expect("stocktake_counts", "*", "stocktake_id", list(counts), [])


def _by_stocktake(
    session: Session, name: str, order: str, report: Report
) -> dict[UUID, list[RowMapping]]:
    found: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, name, "stocktake_id", order):
        report.rows[name] += 1
        found.setdefault(row["stocktake_id"], []).append(row)
    return found


def _check_stocktake(history: History, codes: Mapping[UUID, str]) -> None:
    row, called = history.row, history.told[0]
    announced, drawn = history.last("stocktake.announced"), history.last("stocktake.drawn")
    sealed = history.last("stocktake.sealed")
    if announced is None or (sealed is not None and sealed.version < announced.version):
        sealed = None
    ended, said = history.last("stocktake.ended"), called.record
    shown = {side: codes.get(row[f"{side}_id"]) for side in ("bank", "supervisor", "keeper")}
    failed = sorted(codes.get(one, "") for one in row["failed"])
    expect_row(
        "stocktakes",
        history.key,
        {**row, **shown, "failed": failed},
        {
            **{side: said[side] for side in shown},
            "lots": [parse_id("lot", one) for one in said["lots"]],
            "draws": said["draws"],
            "called_at": called.at,
            "chain_id": announced and announced.record["chain_id"],
            "height": announced and announced.record["height"],
            "block_hash": sealed and bytes.fromhex(sealed.record["block_hash"][2:]),
            "seed": drawn and drawn.bytes("seed"),
            "drawn": drawn and [parse_id("lot", one) for one in drawn.record["drawn"]],
            "failed": ended.record["failed"] if ended else [],
            "state": _state(history, ended),
        },
    )


def _state(history: History, ended: Told | None) -> State:
    if ended is not None:
        return State(ended.record["state"])
    newest = history.told[-1].type
    if newest in _STATES:
        return _STATES[newest]
    return State.COMMITTED if len(history.of("stocktake.committed")) > 1 else State.CALLED


def _check_sides(history: History, sides: Sequence[RowMapping], codes: Mapping[UUID, str]) -> None:
    revealed = {one.record["party"]: one for one in history.of("stocktake.revealed")}
    told = {one.record["party"]: one for one in history.of("stocktake.committed")}
    by_code = {codes.get(side["party_id"], ""): side for side in sides}
    expect("stocktake_sides", history.key, "party_id", sorted(by_code), sorted(told))
    for code, side in by_code.items():
        opened = revealed.get(code)
        expect_row(
            "stocktake_sides",
            history.key,
            side,
            {
                "commitment": told[code].bytes("commitment"),
                "committed_at": told[code].at,
                "salt": opened and opened.bytes("salt"),
                "value": opened and opened.bytes("value"),
                "revealed_at": opened and opened.at,
            },
        )


def _check_counts(history: History, counts: Sequence[RowMapping]) -> None:
    told = {parse_id("lot", one.record["lot"]): one for one in history.of("stocktake.counted")}
    found = {row["lot_id"]: row for row in counts}
    expect("stocktake_counts", history.key, "lot_id", sorted(found), sorted(told))
    for lot, row in found.items():
        figures = {
            f"{name}_minor": Quantity.from_json(told[lot].record[name]).minor
            for name in ("book", "counted", "tolerance")
        }
        expected: dict[str, Any] = {
            **figures,
            "event_id": told[lot].id,
            "counted_at": told[lot].at,
        }
        expect_row("stocktake_counts", history.key, row, expected)


def _check_draw(history: History) -> None:
    """Make the draw again, from what both sides revealed and the block."""
    called, row = history.told[0].record, history.row
    values = {one.record["party"]: one.bytes("value") for one in history.of("stocktake.revealed")}
    lots = called["lots"]
    with readable("stocktakes", history.key, "seed"):
        bank, supervisor = values[called["bank"]], values[called["supervisor"]]
        assert bank is not None
        assert supervisor is not None
        seed = draw.seed(bank, supervisor, row["block_hash"])
    expect("stocktakes", history.key, "seed", row["seed"], seed)
    drawn = [parse_id("lot", one) for one in draw.draw(seed, lots, called["draws"])]
    expect("stocktakes", history.key, "drawn", row["drawn"], drawn)
    listed = called["lots_sha256"]
    expect("stocktakes", history.key, "lots", b64url(draw.list_hash(lots)), listed)
