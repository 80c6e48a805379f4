"""The totals that the demonstration reports, read from the database."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.evidence.models import (
    Anchor,
    ChainHome,
    ChainTransaction,
    Event,
    LogHead,
    TransactionState,
)
from scf.receivables.models import Receivable
from scf_ledger.encoding import b64url


def registry_address(session: Session) -> str:
    """Return where the AssetRegistry is."""
    return session.scalars(select(ChainHome.registry_address)).one()


def last_event_at(session: Session) -> datetime | None:
    """Return the business time of the newest event, None before there is one."""
    return session.scalar(select(func.max(Event.occurred_at)))


def totals(session: Session) -> dict[str, Any] | None:
    """Return receivables, events, the log's head and its newest final anchor; None before there is one."""
    head = session.scalars(select(LogHead)).one()
    newest = session.execute(
        select(Anchor, ChainTransaction)
        .join(ChainTransaction, ChainTransaction.id == Anchor.transaction_id)
        .where(ChainTransaction.state == TransactionState.FINAL)
        .order_by(Anchor.size.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        return None
    anchor, transaction = newest
    assert transaction.tx_hash is not None, "what is final was sent"
    home = session.scalars(select(ChainHome)).one()
    return {
        "receivables": session.scalar(select(func.count()).select_from(Receivable)),
        "events": session.scalar(select(func.count()).select_from(Event)),
        "log": {"origin": head.origin, "size": head.size, "root": b64url(head.root)},
        "anchor": {
            "chain_id": home.chain_id,
            "contract": home.anchor_address,
            "size": anchor.size,
            "root": b64url(anchor.root),
            "tx_hash": f"0x{transaction.tx_hash.hex()}",
            "block_number": transaction.block_number,
            "gas_per_event": round(_gas(session) / anchor.size),
        },
    }


def _gas(session: Session) -> int:
    """Return the gas of every publish so far."""
    used = session.scalar(
        select(func.sum(ChainTransaction.gas_used)).where(
            ChainTransaction.id.in_(select(Anchor.transaction_id))
        )
    )
    return int(used or 0)
