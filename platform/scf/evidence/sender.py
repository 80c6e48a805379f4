"""The one that sends: takes chain transactions through their states; see `evidence.chain`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.db.session import Database
from scf.evidence import queries
from scf.evidence.chain import CALLS, GAP
from scf.evidence.models import Anchor, ChainHome, ChainTransaction
from scf.evidence.models import TransactionState as State
from scf.kernel.clock import Clock
from scf_ledger.chain.errors import ChainMisconfigured, ChainRefused, TransactionRejected
from scf_ledger.chain.transactions import sign
from scf_ledger.chain.types import Call, Fees, Observation

if TYPE_CHECKING:
    from scf_ledger.chain.client import Chain
    from scf_ledger.chain.keys import Key

CONFIRMATIONS: Final = 3  # blocks; times the block time it is more than two state dumps of anvil
STALLED: Final = timedelta(seconds=3)  # without a block: sent again, and a development chain kicked
ROUND_MAX: Final = 200  # transactions taken up in one round
LOCK: Final = 7_207_202  # advisory lock: one sender for one database
UNMINED: Final = (State.SIGNED, State.BROADCAST)

log = structlog.get_logger()


@dataclass(slots=True)
class Sender:
    """Sends with one key. `restore` puts contracts (and a development chain's funds) back in place."""

    database: Database
    chain: Chain
    key: Key
    clock: Clock
    restore: Callable[[], None]
    idle: timedelta = timedelta()  # between two looks at a chain on which nothing is open
    looked_at: datetime | None = None

    def advance(self) -> bool:
        """Take everything open one step further; False where another sender is at it.

        Raises ChainError; what is stored by then stands, and the next call goes on from there.
        """
        with sole_sender(self.database) as alone:
            if alone and self._is_due():
                home = self._home()
                self._recover(home)
                self._settle()
                self._fill_gaps()
                self._broadcast_again()
                self._send_new(home)
        return alone

    def _is_due(self) -> bool:
        """Say whether something is open, or the chain has not been looked at for a while."""
        now = self.clock.real()
        idle = self.looked_at is not None and now - self.looked_at < self.idle
        if idle and not self._some(State.PREPARED, State.MINED, *UNMINED):
            return False
        self.looked_at = now
        return True

    # Lost blocks

    def _home(self) -> ChainHome:
        with self.database.reading() as session:
            home = queries.chain_home(session)
        if home is None:
            raise ChainMisconfigured("the contracts have not been put in place yet")
        return home

    def _recover(self, home: ChainHome) -> None:
        """Take back what stood in blocks that the chain no longer has, newest first."""
        while (found := self._newest_in_a_block()) is not None:
            assert found.block_number is not None
            if self.chain.block_hash(found.block_number) == found.block_hash:
                break
            self._lose(found.id)
        # Calls to an address without code succeed and do nothing: never send before looking.
        if not self.chain.code(home.anchor_address) or not self.chain.code(home.registry_address):
            log.warning("chain.contracts_gone", anchor=home.anchor_address)
            self.restore()

    def _newest_in_a_block(self) -> ChainTransaction | None:
        with self.database.reading() as session:
            found: ChainTransaction | None = session.scalar(
                self._mine()
                .where(ChainTransaction.block_number.is_not(None))
                .order_by(ChainTransaction.block_number.desc(), ChainTransaction.nonce.desc())
                .limit(1)
            )
        return found

    def _lose(self, identity: int) -> None:
        with self.database.transaction() as session:
            row = _locked(session, identity)
            log.warning("chain.block_lost", id=row.id, purpose=row.purpose, state=row.state.value)
            row.block_number = row.block_hash = row.gas_used = None
            if row.state is State.FAILED:
                row.nonce = None  # whoever asked has been told; an empty one takes its place
                return
            if row.state is State.FINAL:
                tell(session, row, "lost")
            self._move(row, State.SIGNED)

    def _fill_gaps(self) -> None:
        """Sign empty transactions for nonces below ours that the chain now misses."""
        with self.database.reading() as session:
            rows = session.scalars(self._mine().where(ChainTransaction.state.in_(UNMINED)))
            waiting = {row.nonce for row in rows if row.nonce is not None}
        if not waiting:
            return
        next_nonce = self.chain.nonce(self.key.address)
        for nonce in sorted(set(range(next_nonce, max(waiting))) - waiting):
            self._fill(nonce)

    def _fill(self, nonce: int) -> None:
        fees = self.chain.fees()
        now = self.clock.real()
        with self.database.transaction() as session:
            taken = session.scalar(self._mine().where(ChainTransaction.nonce == nonce))
            if taken is not None:
                return  # mined between two looks
            row = ChainTransaction(
                purpose=GAP, arguments={}, state=State.PREPARED, created_at=now, changed_at=now
            )
            session.add(row)
            self._sign(row, Call(self.key.address, b"", 21_000), nonce, fees)
            log.warning("chain.gap_filled", nonce=nonce)

    # From broadcast to final

    def _settle(self) -> None:
        for row in self._some(State.BROADCAST, State.MINED):
            assert row.tx_hash is not None
            seen = self.chain.observe(row.tx_hash, seen=row.block_hash)
            if seen.receipt is not None or row.state is State.MINED:
                self._record(row.id, seen)

    def _record(self, identity: int, seen: Observation) -> None:
        with self.database.transaction() as session:
            row = _locked(session, identity)
            if seen.receipt is None:
                row.block_number = row.block_hash = row.gas_used = None
                self._move(row, State.SIGNED)
                return
            row.block_number = seen.receipt.block_number
            row.block_hash = seen.receipt.block_hash
            row.gas_used = seen.receipt.gas_used
            if seen.confirmations < CONFIRMATIONS:
                self._move(row, State.MINED)
            elif seen.receipt.succeeded:
                self._move(row, State.FINAL)
                tell(session, row, "final")
            else:
                self._fail(session, row, {"error": "Reverted"})

    def _fail(self, session: Session, row: ChainTransaction, error: dict[str, Any]) -> None:
        log.warning("chain.failed", id=row.id, purpose=row.purpose, **error)
        row.error = error
        session.execute(delete(Anchor).where(Anchor.transaction_id == row.id))
        self._move(row, State.FAILED)
        tell(session, row, "failed")

    # From prepared to broadcast

    def _broadcast_again(self) -> None:
        """Send what was signed and may not have left, or has waited long for a block."""
        stalled = False
        for row in self._some(*UNMINED):
            late = self.clock.real() - row.changed_at > STALLED
            stalled |= late and row.state is State.BROADCAST
            if late or row.state is State.SIGNED:
                self._broadcast(row)
        if stalled:
            with suppress(ChainMisconfigured):  # other chains mine by themselves
                self.chain.kick()

    def _send_new(self, home: ChainHome) -> None:
        for row in self._some(State.PREPARED):
            call = CALLS[row.purpose](home, self.key.address, row.arguments)
            try:
                self.chain.simulate(call, sender=self.key.address, pending=True)
            except ChainRefused as refusal:
                if self._some(*UNMINED):
                    return  # it may be allowed once these are mined
                with self.database.transaction() as session:
                    error = {"error": refusal.error, **refusal.fields}
                    self._fail(session, _locked(session, row.id), error)
                continue
            fees, next_nonce = self.chain.fees(), self.chain.nonce(self.key.address)
            with self.database.transaction() as session:
                fresh = _locked(session, row.id)
                nonce = max(next_nonce, self._last_nonce(session) + 1)
                self._sign(fresh, call, nonce, fees)
            self._broadcast(fresh)

    def _broadcast(self, row: ChainTransaction) -> None:
        if row.state is State.SIGNED:
            with self.database.transaction() as session:
                self._move(_locked(session, row.id), State.BROADCAST)
        assert row.raw is not None
        try:
            self.chain.broadcast(row.raw)
        except TransactionRejected as rejection:
            log.warning("chain.rejected", id=row.id, nonce=row.nonce, reason=rejection.reason)
            self._after_rejection(row, rejection.reason)

    def _after_rejection(self, row: ChainTransaction, reason: str) -> None:
        """Make anew what no node has: with another nonce, with other fees, or with funds."""
        if reason == "insufficient_funds":
            self.restore()
            return
        home, fees = self._home(), self.chain.fees().bumped()
        with self.database.transaction() as session:
            fresh = _locked(session, row.id)
            if reason == "nonce_too_low":
                fresh.nonce = fresh.raw = fresh.tx_hash = None
                self._move(fresh, State.PREPARED)
            else:
                assert fresh.nonce is not None
                call = CALLS[fresh.purpose](home, self.key.address, fresh.arguments)
                self._sign(fresh, call, fresh.nonce, fees)

    def _sign(self, row: ChainTransaction, call: Call, nonce: int, fees: Fees) -> None:
        signed = sign(call, chain_id=self.chain.chain_id, nonce=nonce, fees=fees, key=self.key)
        row.sender, row.nonce = self.key.address, nonce
        row.raw, row.tx_hash = signed.raw, signed.tx_hash
        self._move(row, State.SIGNED)

    # Rows

    def _move(self, row: ChainTransaction, state: State) -> None:
        if row.state is not state:
            row.state, row.changed_at = state, self.clock.real()

    def _mine(self) -> Any:
        return select(ChainTransaction).where(ChainTransaction.sender == self.key.address)

    def _some(self, *states: State) -> Sequence[ChainTransaction]:
        """Return open rows in the order in which the chain will take them."""
        query = (
            select(ChainTransaction)
            .where(ChainTransaction.state.in_(states))
            .order_by(ChainTransaction.nonce, ChainTransaction.id)
            .limit(ROUND_MAX)
        )
        with self.database.reading() as session:
            return session.scalars(query).all()

    def _last_nonce(self, session: Session) -> int:
        query = select(func.max(ChainTransaction.nonce)).where(
            ChainTransaction.sender == self.key.address
        )
        last = session.scalar(query)
        return -1 if last is None else last


@contextmanager
def sole_sender(database: Database) -> Iterator[bool]:
    """Hold the senders' lock, or say False where another one does."""
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        taken = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}))
        try:
            yield taken
        finally:
            if taken:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})


def tell(session: Session, row: ChainTransaction, what: str) -> None:
    """Let the subject's feature know, by an effect."""
    if row.subject_id is not None:
        enqueue(session, f"{row.purpose}.{what}", transaction_id=row.id, subject_id=row.subject_id)


def _locked(session: Session, identity: int) -> ChainTransaction:
    return session.get_one(ChainTransaction, identity, with_for_update=True)
