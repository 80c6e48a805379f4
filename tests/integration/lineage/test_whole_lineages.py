"""Random lives of a value: ordered, sent, claimed, taken, converted, lost, paid, given back.

No fen is encumbered twice, and what is encumbered never exceeds what is there.

The model below knows one heap of value a chain and who holds how much of it; forms are only places.
"""

import os
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from scf.capacity import queries
from scf.capacity import service as capacity
from scf.capacity.converting import Mark
from scf.capacity.edges import ConversionEdge, Side
from scf.capacity.models import Pool, PoolEntry
from scf.capacity.service import CapacityInsufficient, NothingToConvert
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from tests.support.actors import Stage
from tests.support.pools import CAUSE, take

AMOUNTS = st.integers(1, 100)
RUNS = count(1)


@dataclass
class Form:
    """A place that value of the heap has come to: its rank (order, goods, claim) and its pool.

    `left` is what of it has not become a later form.
    """

    rank: int
    pool: UUID
    left: int


@dataclass
class Heap:
    """Value that is really there, by where its paper stands, and what each holder has of all of it."""

    there: int = 0
    held: dict[UUID, int] = field(default_factory=dict)

    @property
    def used(self) -> int:
        return sum(self.held.values())


class Lives(RuleBasedStateMachine):
    """One order's number; a later form with the same number is of what is left of the earlier one."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.name = f"life-{next(RUNS)}"
        self.heap = Heap()
        self.forms: list[Form] = []

    # --- what is done ---------------------------------------------------------------------------

    @initialize(amount=st.integers(50, 100), taken=st.integers(1, 50))
    def begin(self, amount: int, taken: int) -> None:
        """An order that is lent on."""
        self.appear(0, amount)
        self.encumber(self.forms[0], taken)

    @rule(amount=AMOUNTS)
    @precondition(lambda self: not any(form.rank == 2 for form in self.forms))
    def deliver(self, amount: int) -> None:
        self.appear(1, amount)

    @rule(amount=AMOUNTS)
    def claim(self, amount: int) -> None:
        self.appear(2, amount)

    def appear(self, rank: int, amount: int) -> None:
        """Open a form: what is left of earlier ones, the latest first, becomes it; the rest is new value."""
        self.forms.append(Form(rank, self.open(rank, amount), amount))
        new = amount
        for earlier in sorted(self.forms[:-1], key=lambda form: (-form.rank, form.pool)):
            if earlier.rank < rank:
                came = min(new, earlier.left)
                earlier.left -= came
                new -= came
        self.heap.there += new

    @rule(amount=AMOUNTS, which=st.integers(0, 9))
    @precondition(lambda self: self.forms)
    def take(self, amount: int, which: int) -> None:
        self.encumber(self.at(which), amount)

    def encumber(self, form: Form, amount: int) -> None:
        holder, bank = new_id(), self.stage.cast.bank.party_id

        def reserved(session, pool) -> None:
            take(session, pool, amount, holder, bank)

        if self.tried(reserved, form.pool):
            self.heap.held[holder] = amount

    @rule(which=st.integers(0, 9), who=st.integers(0, 9), part=st.none() | AMOUNTS)
    @precondition(lambda self: self.forms and self.heap.held)
    def convert(self, which: int, who: int, part: int | None) -> None:
        """Whatever moves, the heap stays as it is."""
        holder = sorted(self.heap.held)[who % len(self.heap.held)]
        amount = None if part is None else Money(part)
        into = self.at(which).pool

        def moved(session, _) -> None:
            capacity.convert(session, into, holder_id=holder, amount=amount, now=self.now)

        self.tried(moved, into, "capacity.nothing_to_convert")

    @rule(who=st.integers(0, 9))
    @precondition(lambda self: self.heap.held)
    def give_back(self, who: int) -> None:
        holder = sorted(self.heap.held)[who % len(self.heap.held)]
        with self.stage.database.transaction() as session:
            capacity.release_all(session, holder_id=holder, cause=CAUSE, now=self.now, actor=None)
        del self.heap.held[holder]

    @rule()
    @precondition(lambda self: self.forms)
    def follow(self) -> None:
        """The worker's turn: what nobody holds any more is free in its newest form."""
        for form in sorted(self.forms, key=lambda form: form.rank):
            with self.stage.database.transaction() as session:
                capacity.follow(session, form.pool, now=self.now)

    @rule(amount=AMOUNTS, which=st.integers(0, 9))
    @precondition(lambda self: self.forms)
    def lose(self, amount: int, which: int) -> None:
        """Bad news of what has not become anything else; of a claim, a credit note."""
        form = self.at(which)
        with self.stage.database.transaction() as session:
            (pool,) = capacity.lock_pools(session, [form.pool])
            assert form.rank == 2 or form.left == pool.confirmed_minor - self.carried(
                session, form.pool
            )
            left = max(pool.confirmed_minor, 0) if form.rank == 2 else form.left
            if (lost := min(amount, left)) > 0:
                capacity.dilute(
                    session, pool, amount=Money(lost), cause=CAUSE, now=self.now, actor=None
                )
                self.heap.there -= lost
                form.left -= lost

    @rule(amount=AMOUNTS, which=st.integers(0, 9))
    @precondition(lambda self: any(form.rank == 2 for form in self.forms))
    def pay(self, amount: int, which: int) -> None:
        """Money takes the free part first, then what is held, in the order of reservation."""
        claims = [form for form in self.forms if form.rank == 2]
        form = claims[which % len(claims)]
        before = self.holdings()
        with self.stage.database.transaction() as session:
            (pool,) = capacity.lock_pools(session, [form.pool])
            paid = min(amount, max(pool.confirmed_minor, 0))
            used = max(paid - pool.free_minor, 0)
            capacity.pay(session, pool, amount=Money(amount), cause=CAUSE, now=self.now, actor=None)
        self.heap.there -= paid
        after = self.holdings()
        fell = {holder: held - after.get(holder, 0) for holder, held in before.items()}
        assert all(part >= 0 for part in fell.values())
        assert sum(fell.values()) <= used
        for holder, part in fell.items():
            self.heap.held[holder] -= part

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def every_fen_is_there_and_held_once(self) -> None:
        with self.stage.database.reading() as session:
            pools, edges = self.pools(session), self.edges(session)
            held = self.held(session)
            carried = {
                edge.id: queries.holding(session, edge.to_pool_id, edge.from_pool_id)
                for edge in edges
            }
            used = {
                edge.id: session.scalar(
                    select(func.sum(PoolEntry.used_delta_minor)).where(
                        PoolEntry.pool_id == edge.to_pool_id,
                        PoolEntry.holder_id == edge.from_pool_id,
                    )
                )
                for edge in edges
            }
        assert carried == dict.fromkeys(carried)  # no party holds what is only carried
        assert self.sum_of(pools, edges) == self.heap.there
        assert held == {holder: minor for holder, minor in self.heap.held.items() if minor}
        free = sum(pool.free_minor for pool in pools)
        short = sum(pool.shortfall_minor for pool in pools)
        assert free <= max(self.heap.there - self.heap.used, 0) + short
        for edge in edges:
            assert edge.carried_minor + edge.passed_minor == edge.amount_minor
            assert (used[edge.id] or 0, edge.moving_minor) == (edge.carried_minor, 0)

    # --- how it is seen -------------------------------------------------------------------------

    @property
    def now(self):
        return self.stage.clock.now()

    def at(self, which: int) -> Form:
        return self.forms[which % len(self.forms)]

    def pools(self, session) -> list[Pool]:
        ids = [form.pool for form in self.forms]
        return list(session.scalars(select(Pool).where(Pool.id.in_(ids))))

    def edges(self, session) -> list[ConversionEdge]:
        ids = [form.pool for form in self.forms]
        return list(
            session.scalars(select(ConversionEdge).where(ConversionEdge.to_pool_id.in_(ids)))
        )

    def carried(self, session, pool: UUID) -> int:
        return sum(edge.carried_minor for edge in self.edges(session) if edge.from_pool_id == pool)

    def worth(self) -> int:
        """All that pools confirm, what stands in two of them counted once."""
        with self.stage.database.reading() as session:
            return self.sum_of(self.pools(session), self.edges(session))

    def sum_of(self, pools: list[Pool], edges: list[ConversionEdge]) -> int:
        confirmed = sum(pool.confirmed_minor for pool in pools)
        return confirmed - sum(edge.carried_minor for edge in edges)

    def holdings(self) -> dict[UUID, int]:
        with self.stage.database.reading() as session:
            return self.held(session)

    def held(self, session) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        for form in self.forms:
            for one in queries.direct(session, form.pool):
                found[one.holder_id] = found.get(one.holder_id, 0) + one.minor
        return found

    def tried(self, work, pool_id: UUID, code: str = "capacity.insufficient") -> bool:
        """Do it, or be refused for this one reason with nothing changed."""
        before = self.worth()
        try:
            with self.stage.database.transaction() as session:
                (pool,) = capacity.lock_pools(session, [pool_id])
                work(session, pool)
        except (CapacityInsufficient, NothingToConvert) as refused:
            if refused.code != code or self.worth() != before:
                raise
            return False
        return True

    def open(self, rank: int, amount: int) -> UUID:
        pool_id, asset = new_id(), new_id()
        kinds = ("order", "sent", "claim")
        names = [f"trade:{kind}:{self.name}" for kind in kinds]
        marks = [Mark(Side.IS, names[rank], Money(amount))] if rank < 2 else []
        marks += [Mark(Side.OF, names[before], Money(amount)) for before in reversed(range(rank))]
        with self.stage.database.transaction() as session:
            opening = capacity.Opening(
                pool_id=pool_id,
                secret=os.urandom(32),
                asset=public_id("rcv", asset),
                asset_id=asset,
                owner_id=self.stage.cast.supplier.party_id,
                confirmed=Money(amount),
                cause=CAUSE,
                parties=[],
                marks=marks,
            )
            capacity.open_pools(session, [opening], now=self.now, actor=None)
        return pool_id


def test_whole_lineages_keep_every_promise(stage: Stage):
    run_state_machine_as_test(
        lambda: Lives(stage),
        settings=settings(
            max_examples=int(os.environ.get("EXAMPLES", "6")),
            stateful_step_count=16,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
