"""The one promise, under 50 connections at once: no more is taken of a pool than there is."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from scf.capacity import service as capacity
from scf.capacity.models import Pool
from scf.kernel.errors import Refused
from scf.kernel.ids import new_id
from tests.support.actors import Stage, set_stage
from tests.support.pools import open_value, take
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found


class TestFiftyConnections:
    def test_racing_for_a_pool_take_no_more_than_there_is(self, stage: Stage):
        """Each takes 3 of 100: 33 win, 17 are refused, and the sums are equal."""
        value = open_value(stage, 100)
        barrier = threading.Barrier(50, timeout=60)

        def race(_: int) -> str:
            with stage.database.transaction() as session:
                session.connection()  # all 50 are open before the first begins
                barrier.wait()
                (pool,) = capacity.lock_pools(session, [value.id])
                try:
                    take(session, pool, 3, new_id(), value.bank)
                except Refused as refused:
                    return refused.code
            return "won"

        stage.database.engine.dispose()
        stage.database.engine.pool._max_overflow = 50  # 50 connections at once
        with ThreadPoolExecutor(50) as threads:
            outcomes = list(threads.map(race, range(50)))

        assert outcomes.count("won") == 33
        assert outcomes.count("capacity.insufficient") == 17
        assert value.numbers == (100, 99, 1, 0)

    def test_g7_of_a_concurrent_pair_exactly_one_wins(self, stage: Stage):
        """Confirmed 100, pledge 60 and voucher 50 at the same moment."""
        for _ in range(5):
            value = open_value(stage, 100)
            barrier = threading.Barrier(2)

            def race(amount: int, value=value, barrier=barrier) -> bool:
                barrier.wait()
                try:
                    value.reserve(amount, str(amount))
                except Refused:
                    return False
                return True

            with ThreadPoolExecutor(2) as threads:
                assert sorted(threads.map(race, [60, 50])) == [False, True]
            assert value.numbers[1] in (60, 50)

    def test_pools_taken_in_any_order_never_deadlock(self, stage: Stage):
        ids = [open_value(stage, 10_000).id for _ in range(4)]
        barrier = threading.Barrier(8)

        def race(number: int) -> None:
            barrier.wait()
            for _ in range(5):
                with stage.database.transaction() as session:
                    wanted = ids if number % 2 else list(reversed(ids))
                    for pool in capacity.lock_pools(session, wanted):
                        take(session, pool, 1, new_id(), stage.cast.bank.party_id)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(race, range(8)))
        with stage.database.reading() as session:
            used = session.scalars(select(Pool.used_minor).where(Pool.id.in_(ids))).all()
        assert used == [40] * 4
