"""The domain's acceptance examples, each by its number."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scf.capacity.service import CapacityInsufficient
from tests.support.actors import Stage, set_stage
from tests.support.blind import CODES, outsider, token_of
from tests.support.lineage import Chain
from tests.support.pools import open_value
from tests.support.receivables import money
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found


def test_g7_a_claim_of_100_pledged_for_60_has_no_50_left(stage: Stage):
    value = open_value(stage, 100)
    value.reserve(60, "pledge")

    with pytest.raises(CapacityInsufficient):
        value.reserve(50, "voucher")

    assert value.numbers == (100, 60, 40, 0)


def test_g7_of_a_concurrent_pair_exactly_one_wins(stage: Stage):
    value, barrier = open_value(stage, 100), threading.Barrier(2, timeout=60)

    def race(amount: int) -> bool:
        barrier.wait()
        try:
            value.reserve(amount, str(amount))
        except CapacityInsufficient:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(race, [60, 50])) == [False, True]
    assert value.numbers[1] in (60, 50)


def test_g13_the_same_invoice_at_two_banks_is_over_capacity_and_nobody_is_named(stage: Stage):
    first, second = (outsider(stage, n, code=code) for n, code in enumerate(CODES, 1))
    token = token_of("G13")

    assert first.hold(token, "60.00", value="100.00")["answer"] == "OK"
    answer = second.ask(token, "60.00", value="100.00")

    assert answer.status_code == 200
    assert answer.json() == {"answer": "OVER_CAPACITY", "hold": None}


def test_g14_an_order_of_100_financed_for_70_leaves_30_of_its_claim_of_100(stage: Stage):
    chain = Chain(stage, "G14")
    order = chain.order("100.00")
    chain.take(order, 7_000)

    claim = chain.claim("100.00")

    assert chain.numbers(claim) == (10_000, 7_000, 3_000)
    with pytest.raises(CapacityInsufficient):
        chain.take(claim, 3_001, "another")
    converted = chain.convert(claim)
    assert converted.json()["held"] == money("70.00")
    assert chain.numbers(claim) == (10_000, 7_000, 3_000)
    assert chain.numbers(order) == (0, 0, 0)
