"""At one moment: two conversions, a conversion and a pledge, an order and its claim, a bank outside and one inside."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from scf.blind.service import know
from scf.capacity import service as capacity
from scf.kernel.errors import Refused
from scf.kernel.money import Money
from tests.support.actors import Stage
from tests.support.blind import CODES, outsider, token_of
from tests.support.lineage import Chain, put_forward, undertake
from tests.support.receivables import confirm, identity, line, register_invoice, submit


def at_once(*works: Callable[[], object]) -> list[str]:
    """Do all of it at one moment, each on a connection of its own; return what became of each."""
    barrier = threading.Barrier(len(works), timeout=60)

    def race(work: Callable[[], object]) -> str:
        barrier.wait()
        try:
            work()
        except Refused as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(race, works))


def converting(chain: Chain, pool: UUID, name: str, fen: int) -> Callable[[], object]:
    def work() -> None:
        with chain.stage.database.transaction() as session:
            capacity.convert(
                session,
                pool,
                holder_id=chain.holder(name),
                amount=Money(fen),
                now=chain.stage.clock.now(),
            )

    return work


class TestRaces:
    def test_two_conversions_move_what_is_there_once(self, stage: Stage):
        chain = Chain(stage, "RACE-1")
        order = chain.order("100.00")
        chain.take(order, 7_000)
        claims = [chain.claim("60.00"), chain.claim("40.00")]

        outcomes = at_once(*(converting(chain, claims[0], "a", 6_000) for _ in range(2)))

        assert sorted(outcomes) == ["capacity.nothing_to_convert", "done"]
        assert chain.numbers(order) == (1_000, 1_000, 0)
        assert chain.numbers(claims[0]) == (6_000, 6_000, 0)
        assert chain.numbers(claims[1]) == (4_000, 1_000, 3_000)

    def test_a_conversion_and_a_pledge_do_not_take_the_same(self, stage: Stage):
        chain = Chain(stage, "RACE-2")
        order = chain.order("100.00")
        chain.take(order, 7_000)
        claim = chain.claim("100.00")

        outcomes = at_once(
            converting(chain, claim, "a", 7_000),
            lambda: chain.take(claim, 3_000, "b"),
            lambda: chain.take(claim, 3_000, "c"),
        )

        assert outcomes[0] == "done"
        assert sorted(outcomes[1:]) == ["capacity.insufficient", "done"]
        assert chain.numbers(claim) == (10_000, 10_000, 0)
        assert chain.numbers(order) == (0, 0, 0)

    def test_an_order_and_its_claim_confirmed_at_once_are_one_value(self, stage: Stage):
        chain = Chain(stage, "RACE-3")
        number = chain.number
        order = put_forward(stage, "采购订单", [(number, "1", "100.00")], number=number)
        claim = submit(stage, total="100.00", contract_no=number, receipt_no=None)
        answers = {}

        def ordered() -> None:
            answers["order"] = undertake(stage, order)

        def claimed() -> None:
            answers["claim"] = confirm(stage, claim, "100.00")

        assert at_once(ordered, claimed) == ["done", "done"]

        pools = {name: identity(answer.json()["pool"]) for name, answer in answers.items()}
        assert chain.numbers(pools["order"]) == (0, 0, 0)
        assert chain.numbers(pools["claim"]) == (10_000, 0, 10_000)

    def test_a_bank_outside_and_one_inside_do_not_take_the_same(self, stage: Stage):
        chain, bank = Chain(stage, "none"), outsider(stage, 1, code=CODES[0])
        for _ in range(3):
            document = register_invoice(stage, stage.cast.supplier)
            answer = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, [document]))
            pool = identity(confirm(stage, answer.json()["id"]).json()["pool"])
            token, held = token_of(document), []
            with stage.database.transaction() as session:
                know(session, identity(document), token, now=stage.clock.now())

            def outside(token=token, held=held) -> None:
                held.append(bank.hold(token, "60.00")["answer"])

            outcome, _ = at_once(lambda pool=pool: chain.take(pool, 6_000, str(pool)), outside)

            won = (outcome == "done", held == ["OK"])
            assert won in [(True, False), (False, True)]
            assert chain.numbers(pool) == (10_000, 6_000, 4_000)
