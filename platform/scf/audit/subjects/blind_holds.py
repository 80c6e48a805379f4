"""What outside banks hold: each hold folded again from its events, each token the sum of its holds."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, histories, rows
from scf.blind.models import LIVE, State
from scf.kernel.clock import parse_instant


def check(session: Session, _codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every hold to its events, and every token to its holds. Raises Different."""
    held: Counter[bytes] = Counter()
    asked: set[bytes] = set()
    for history in histories(session, "blind_holds", report):
        expect_row("blind_holds", history.key, history.row, _expected(history))
        asked.add(history.row["token"])
        if history.row["state"] in LIVE:
            held[history.row["token"]] += history.row["amount_minor"]
    known = set()
    for row in rows(session, "blind_tokens", "token"):
        report.rows["blind_tokens"] += 1
        known.add(row["token"])
        stored, key = row["held_minor"], bytes(row["token"]).hex()
        expect("blind_tokens", key, "held_minor", stored, held[row["token"]])
    expect("blind_tokens", "*", "token", sorted(asked - known), [])


def _expected(history: History) -> dict[str, Any]:
    placed, newest = history.told[0], history.told[-1]
    amount, state = placed.money("amount"), State(newest.record["state"])
    ended = history.last("hold.ended")
    return {
        "token": bytes.fromhex(placed.record["token"][2:]),
        "party_id": placed.actor,
        "currency": amount.currency,
        "amount_minor": amount.minor,
        "state": state,
        "placed_at": placed.at,
        "expires_at": parse_instant(placed.record["expires_at"]),
        "ended_at": ended and ended.at,
    }
