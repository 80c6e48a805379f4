"""Pools for tests, without receivables: a value of some owner, and holders that take of it."""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import service
from scf.capacity.models import Pool
from scf.kernel.clock import Clock
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from tests.support.actors import Stage

CAUSE = bytes(32)


@dataclass
class Value:
    """A pool that the supplier owns; every step is a transaction of its own."""

    stage: Stage
    id: UUID
    owner: UUID
    holders: dict[str, UUID] = field(default_factory=dict)

    @property
    def now(self):
        return Clock().now()

    @contextmanager
    def locked(self):
        """The session, and the pool locked in it."""
        with self.stage.database.transaction() as session:
            (pool,) = service.lock_pools(session, [self.id])
            yield session, pool

    def reserve(self, amount: int, name: str = "a", actor: UUID | None = None) -> None:
        with self.locked() as (session, pool):
            take(session, pool, amount, self.holder(name), actor or self.bank)

    def pay(self, amount: int) -> None:
        with self.locked() as (session, pool):
            service.pay(
                session, pool, amount=Money(amount), cause=CAUSE, now=self.now, actor=self.bank
            )

    def dilute(self, amount: int) -> None:
        with self.locked() as (session, pool):
            service.dilute(
                session, pool, amount=Money(amount), cause=CAUSE, now=self.now, actor=None
            )

    def release(self, name: str = "a"):
        with self.locked() as (session, pool):
            return service.release(
                session,
                pool,
                holder_id=self.holder(name),
                cause=CAUSE,
                now=self.now,
                actor=self.bank,
            )

    def holder(self, name: str) -> UUID:
        return self.holders.setdefault(name, new_id())

    @property
    def bank(self) -> UUID:
        return self.stage.cast.bank.party_id

    @property
    def row(self) -> Pool:
        with self.stage.database.reading() as session:
            return session.get_one(Pool, self.id)

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Confirmed, used, free, shortfall."""
        row = self.row
        return row.confirmed_minor, row.used_minor, row.free_minor, row.shortfall_minor


def take(session: Session, pool: Pool, amount: int, holder: UUID, actor: UUID) -> None:
    service.reserve(
        session,
        pool,
        holder_id=holder,
        holder=public_id("plg", holder),
        amount=Money(amount),
        cause=CAUSE,
        now=Clock().now(),
        actor=actor,
    )


def open_value(stage: Stage, confirmed: int = 100) -> Value:
    """Open a pool for a value of the supplier against the anchor."""
    cast, asset, pool_id = stage.cast, new_id(), new_id()
    with stage.database.transaction() as session:
        opening = service.Opening(
            pool_id=pool_id,
            secret=os.urandom(32),
            asset=public_id("rcv", asset),
            asset_id=asset,
            owner_id=cast.supplier.party_id,
            confirmed=Money(confirmed),
            cause=CAUSE,
            parties=[cast.anchor.party_id],
        )
        service.open_pools(session, [opening], now=Clock().now(), actor=cast.anchor.party_id)
    return Value(stage, pool_id, cast.supplier.party_id)
