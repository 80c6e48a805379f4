"""What time and the chain bring to stocktakes: heights announced, blocks taken when final, steps that lapse.

The chain is read outside every transaction; every turn may run twice.
"""

from datetime import datetime
from functools import partial
from typing import Final, Protocol
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.db.session import Database
from scf.evidence import service as evidence
from scf.evidence.contracts import connect
from scf.evidence.sender import CONFIRMATIONS
from scf.kernel.clock import instant_text
from scf.stocktakes import service
from scf.stocktakes.models import State, Stocktake
from scf_ledger.chain.errors import ChainError
from scf_ledger.chain.types import Block

AHEAD: Final = 20
"""So many blocks lie between the announcement of a height and its block: nobody holds it back that long."""
WITH_CHAIN: Final = (State.COMMITTED, State.ANNOUNCED, State.SEALED)

log = structlog.get_logger()


class Blocks(Protocol):
    """What is asked of a chain."""

    chain_id: int

    def head(self) -> Block:
        """Give the newest block."""

    def block_hash(self, number: int) -> bytes | None:
        """Give a block's hash, None where the chain is not that long."""


def turn(context: EffectContext) -> None:
    """Fail what lapsed, and take everything that waits for the chain one step further."""
    now = context.clock.now()
    lapse(context.database, now=now)
    with context.database.reading() as session:
        waiting = _open(session, WITH_CHAIN)
    if not waiting:
        return
    try:
        advance(context.database, connect(context.settings), now=now)
    except ChainError as error:
        log.warning("stocktakes.chain_unanswered", code=error.code, **error.fields)


def lapse(database: Database, *, now: datetime) -> None:
    """Fail the stocktakes whose step was not taken in time."""
    with database.reading() as session:
        over = session.scalars(select(Stocktake.id).where(Stocktake.due_at <= now)).all()
    database.each(over, partial(service.lapse, now=now), task="stocktakes")


def advance(database: Database, chain: Blocks, *, now: datetime) -> None:
    """Announce heights, take final blocks, and announce anew what a chain lost. Raises ChainError."""
    head = chain.head()
    with database.reading() as session:
        waiting = [session.get_one(Stocktake, one) for one in _open(session, WITH_CHAIN)]
    for seen in waiting:
        found: bytes | None = None
        if seen.height is not None and head.number >= seen.height + CONFIRMATIONS:
            found = chain.block_hash(seen.height)
        with database.transaction() as session:
            stocktake = evidence.lock(session, Stocktake, seen.id)
            if (stocktake.state, stocktake.height) != (seen.state, seen.height):
                continue  # it went on meanwhile
            _step(session, stocktake, chain.chain_id, head, found, now=now)


def _open(session: Session, states: tuple[State, ...]) -> list[UUID]:
    ids = select(Stocktake.id).where(Stocktake.state.in_(states)).order_by(Stocktake.id)
    return list(session.scalars(ids))


def _step(
    session: Session,
    found: Stocktake,
    chain_id: int,
    head: Block,
    block_hash: bytes | None,
    *,
    now: datetime,
) -> None:
    if found.state is State.COMMITTED:
        _announce(session, found, chain_id, head, now=now)
    elif found.state is State.ANNOUNCED and block_hash is not None:
        _seal(session, found, block_hash, now=now)
    elif found.state is State.SEALED and block_hash != found.block_hash:
        sides = service.sides_of(session, found).values()
        if all(side.value is None for side in sides):  # a revealed value is mixed with what it was
            _announce(session, found, chain_id, head, now=now)


def _announce(
    session: Session, found: Stocktake, chain_id: int, head: Block, *, now: datetime
) -> None:
    found.move(State.ANNOUNCED, now=now)
    found.chain_id, found.height, found.block_hash = chain_id, head.number + AHEAD, None
    record = {"chain_id": chain_id, "height": found.height}
    service.tell(session, found, "stocktake.announced", record, now=now, actor=None)


def _seal(session: Session, found: Stocktake, block_hash: bytes, *, now: datetime) -> None:
    reveal_by = now + service.REVEAL_WITHIN
    found.move(State.SEALED, now=now, due_at=reveal_by)
    found.block_hash = block_hash
    record = {
        "height": found.height,
        "block_hash": f"0x{block_hash.hex()}",
        "reveal_by": instant_text(reveal_by),
    }
    service.tell(session, found, "stocktake.sealed", record, now=now, actor=None)
