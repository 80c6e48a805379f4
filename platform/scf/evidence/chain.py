"""Sending to the chain: a state machine in the database, each step stored before it is tried.

    prepared -> signed -> broadcast -> mined -> final
        |          ^                     |        |
        v          +---- lost blocks ----+--------+
      failed  <---------- reverted ------+

`prepare` is all that features call. One sender at a time takes everything open one step further
(`evidence.sender`); a killed one is continued by the next from what is stored. Signed bytes stay as they
are while the chain may have them: sent again, after a crash or after lost blocks, they are the same
transaction to the chain.

Whoever prepared hears of it by an effect, `<purpose>.final`, `.failed` or `.lost`, with `transaction_id`
and `subject_id`; `.final` comes again when a lost transaction has found its way back.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.evidence import log as reading
from scf.evidence import queries
from scf.evidence.models import Anchor, ChainHome, ChainTransaction
from scf.evidence.models import TransactionState as State
from scf.kernel.clock import Clock
from scf_ledger.chain import calls
from scf_ledger.chain.client import Chain
from scf_ledger.chain.types import AnchorHead, Call
from scf_ledger.tiles import consistency_proof

IN_FLIGHT: Final = (State.PREPARED, State.SIGNED, State.BROADCAST)

CLAIM: Final = "origin_claim"
ANCHOR: Final = "anchor"
LOCK: Final = "asset_lock"
UNLOCK: Final = "asset_unlock"
GAP: Final = "nonce_gap"  # an empty transaction where another stood that no longer counts

log = structlog.get_logger()


def prepare(
    session: Session,
    *,
    purpose: str,
    arguments: Mapping[str, Any],
    now: datetime,
    subject_id: UUID | None = None,
) -> ChainTransaction:
    """Ask for a transaction when this one commits; `now` is real time.

    `arguments` are JSON values: bytes as `0x…` text, instants as Unix seconds. `asset_lock` takes
    `tokens`, `expiry`, `valid_until` and `ticket`, `asset_unlock` takes `tokens`.
    """
    if purpose not in CALLS:
        raise ValueError(purpose)
    transaction = ChainTransaction(
        purpose=purpose,
        subject_id=subject_id,
        arguments=dict(arguments),
        state=State.PREPARED,
        created_at=now,
        changed_at=now,
    )
    session.add(transaction)
    session.flush()
    return transaction


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


def _each(values: Sequence[str]) -> list[bytes]:
    return [_bytes(value) for value in values]


CALLS: Final[Mapping[str, Callable[[ChainHome, str, Mapping[str, Any]], Call]]] = {
    CLAIM: lambda home, _sender, a: calls.prepare_claim(home.anchor_address, a["origin"]),
    ANCHOR: lambda home, _sender, a: calls.prepare_publish(
        home.anchor_address,
        home.origin_key,
        size=a["size"],
        root=_bytes(a["root"]),
        proof=_each(a["proof"]),
    ),
    LOCK: lambda home, _sender, a: calls.prepare_lock(
        home.registry_address,
        _each(a["tokens"]),
        expiry=a["expiry"],
        valid_until=a["valid_until"],
        ticket=_bytes(a["ticket"]),
    ),
    UNLOCK: lambda home, _sender, a: calls.prepare_release(
        home.registry_address, _each(a["tokens"])
    ),
    GAP: lambda _home, sender, _a: Call(sender, b"", 21_000),
}


def anchor_newest(database: Database, chain: Chain, clock: Clock) -> None:
    """Ask for the newest head to be anchored where it is not, one at a time.

    What comes while one is in flight shares the next. Raises ChainError.
    """
    with database.reading() as session:
        home, head = queries.chain_home(session), reading.newest(session)
        last = session.scalar(select(Anchor.size).order_by(Anchor.size.desc()).limit(1)) or 0
        if home is None or head.size == last or _anchoring(session):
            return
    found = chain.anchor_head(home.anchor_address, home.origin_key)
    if found.size > head.size:
        log.error("anchor.chain_is_ahead", chain=found.size, log=head.size)
        return
    with database.transaction() as session:
        # Again, under a lock: two at once would ask twice.
        session.execute(select(ChainHome).with_for_update())
        if not _anchoring(session):
            _prepare_anchor(session, found, head.size, head.root, clock.real())


def _anchoring(session: Session) -> bool:
    query = select(ChainTransaction.id).where(
        ChainTransaction.purpose.in_((CLAIM, ANCHOR)), ChainTransaction.state.in_(IN_FLIGHT)
    )
    return session.scalar(query.limit(1)) is not None


def _prepare_anchor(
    session: Session, found: AnchorHead, size: int, root: bytes, now: datetime
) -> None:
    if found.publisher is None:
        origin = queries.head(session).origin
        prepare(session, purpose=CLAIM, arguments={"origin": origin}, now=now)
    proof = consistency_proof(found.size, size, reading.tile_reader(session))
    arguments = {
        "size": size,
        "root": f"0x{root.hex()}",
        "proof": [f"0x{item.hex()}" for item in proof],
    }
    transaction = prepare(session, purpose=ANCHOR, arguments=arguments, now=now)
    session.merge(Anchor(size=size, root=root, transaction_id=transaction.id))
