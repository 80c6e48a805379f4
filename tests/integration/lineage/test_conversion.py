"""Order, goods and claim: one value, whatever form it has."""

from itertools import count

import pytest

from tests.support.actors import Stage
from tests.support.lineage import Chain
from tests.support.receivables import money

NUMBERS = count(1)


@pytest.fixture
def chain(stage: Stage) -> Chain:
    return Chain(stage, f"PO-{next(NUMBERS)}")


class TestOrderThenClaim:
    def test_g14_the_claim_is_held_down_until_conversion_and_held_after(self, chain: Chain):
        order = chain.order("100.00")
        chain.take(order, 7_000)

        claim = chain.claim("100.00")

        assert chain.numbers(claim) == (10_000, 7_000, 3_000)
        assert chain.numbers(order) == (7_000, 7_000, 0)
        assert chain.edges(claim) == [(order, 10_000, 7_000)]

        answer = chain.convert(claim)

        assert answer.status_code == 200, answer.text
        assert answer.json()["held"] == money("70.00")
        assert chain.numbers(claim) == (10_000, 7_000, 3_000)
        assert chain.numbers(order) == (0, 0, 0)
