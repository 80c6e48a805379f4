"""Order, goods and claim: one value, whatever form it has."""

from itertools import count

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scf.capacity.edges import ConversionEdge
from scf.capacity.entries import Carrier, Entry, enter
from scf.capacity.models import EntryKind
from scf.capacity.rules import Holding
from scf.capacity.service import lock_pools
from scf.documents import trade
from scf.kernel.ids import new_id, public_id
from tests.support.actors import Stage
from tests.support.lineage import Chain, put_forward, undertake
from tests.support.receivables import confirm, identity, money, pay, submit
from tests.support.trade import receipt_csv

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

    def test_several_orders_become_one_claim(self, stage: Stage):
        first, second = Chain(stage, "PO-A"), Chain(stage, "PO-B")
        orders = [first.order("60.00"), second.order("40.00")]
        first.take(orders[0], 5_000)
        second.take(orders[1], 1_000)
        buyer, seller = stage.cast.anchor, stage.cast.supplier
        receipt = receipt_csv(
            buyer.uscc,
            seller.uscc,
            [("RK-AB", "PO-A", "1", "60", "60.00"), ("RK-AB", "PO-B", "1", "40", "40.00")],
        )
        with stage.database.transaction() as session:
            trade.register(session, buyer.actor, receipt, now=stage.clock.now())

        claim = first.claim("100.00", contract_no=None, receipt_no="RK-AB")

        assert first.edges(claim) == [(orders[0], 6_000, 5_000), (orders[1], 4_000, 1_000)]
        assert first.numbers(claim) == (10_000, 6_000, 4_000)
        assert first.convert(claim).status_code == 200
        assert first.numbers(claim) == (10_000, 6_000, 4_000)
        assert first.edges(claim)[1] == (orders[1], 4_000, 1_000)

    def test_one_order_becomes_several_claims_in_parts(self, chain: Chain):
        order = chain.order("100.00")
        chain.take(order, 7_000)

        first = chain.claim("60.00")
        second = chain.claim("40.00")

        assert chain.numbers(first) == (6_000, 6_000, 0)
        assert chain.numbers(second) == (4_000, 1_000, 3_000)
        assert chain.convert(first, amount="20.00").status_code == 200
        assert chain.numbers(order) == (5_000, 5_000, 0)
        assert chain.edges(first) == [(order, 6_000, 4_000)]
        refused = chain.convert(second, amount="10.01")
        assert refused.json()["code"] == "capacity.nothing_to_convert"
        assert chain.numbers(second) == (4_000, 1_000, 3_000)

    def test_what_is_given_back_of_the_order_is_free_in_the_claim(self, chain: Chain):
        order = chain.order("100.00")
        chain.take(order, 7_000)
        claim = chain.claim("100.00")

        chain.release(order)

        assert chain.numbers(order) == (0, 0, 0)
        assert chain.numbers(claim) == (10_000, 0, 10_000)

    def test_a_payment_falls_to_the_orders_holder(self, chain: Chain, stage: Stage):
        """Money that reaches the named account while the claim still carries the order's use."""
        order = chain.order("100.00")
        chain.take(order, 7_000)
        receivable = submit(stage, total="100.00", contract_no=chain.number, receipt_no=None)
        claim = identity(confirm(stage, receivable, "100.00").json()["pool"])

        assert pay(stage, receivable, "100.00", f"HD-{chain.number}").is_success

        assert chain.numbers(order) == chain.numbers(claim) == (0, 0, 0)

    def test_a_claim_smaller_than_the_order_leaves_the_rest_to_be_cancelled(
        self, chain: Chain, stage: Stage
    ):
        anchor = stage.cast.anchor
        paper = put_forward(stage, "采购订单", [(chain.number, "1", "100.00")], number=chain.number)
        order = identity(undertake(stage, paper).json()["pool"])
        chain.take(order, 7_000)
        claim = chain.claim("80.00")
        path = f"/v1/stages/{paper['id']}/reduce"

        refused = stage.post(anchor, path, {"amount": money("20.01"), "reason": "取消"})
        assert refused.json()["code"] == "stage.reduction_too_large"
        assert refused.json()["fields"]["left"] == money("20.00")
        assert stage.post(anchor, path, {"reason": "余量取消"}).status_code == 200

        assert chain.numbers(order) == (7_000, 7_000, 0)
        assert chain.numbers(claim) == (8_000, 7_000, 1_000)

    def test_a_cancelled_order_is_the_banks_bad_news(self, chain: Chain, stage: Stage):
        paper = put_forward(stage, "采购订单", [(chain.number, "1", "100.00")], number=chain.number)
        order = identity(undertake(stage, paper).json()["pool"])
        chain.take(order, 7_000)

        path = f"/v1/stages/{paper['id']}/reduce"
        assert stage.post(stage.cast.anchor, path, {"reason": "取消"}).is_success

        assert chain.numbers(order) == (0, 7_000, 0)
        told = stage.get(stage.cast.bank, "/v1/notices").json()["items"][-1]
        assert (told["kind"], told["fields"]["state"]) == ("pool.diluted", "DILUTED")


class TestGoods:
    def test_order_goods_and_claim_are_one_value_in_three_forms(self, chain: Chain):
        order = chain.order("100.00")
        chain.take(order, 7_000)
        sent = chain.sent("60.00", f"SH-{chain.number}")
        received = chain.received("60.00", f"RK-{chain.number}")

        claim = chain.claim("60.00", receipt_no=f"RK-{chain.number}")

        assert chain.numbers(order) == (10_000, 7_000, 3_000)
        assert [chain.numbers(one) for one in (sent, received, claim)] == [(6_000, 6_000, 0)] * 3
        answer = chain.convert(claim)
        assert answer.json()["held"] == money("60.00")
        assert [chain.numbers(one) for one in (sent, received)] == [(0, 0, 0)] * 2
        assert chain.numbers(order) == (4_000, 1_000, 3_000)
        assert chain.numbers(claim) == (6_000, 6_000, 0)

    def test_goods_are_no_more_than_what_is_left_of_their_order(self, chain: Chain, stage: Stage):
        chain.order("100.00")
        chain.claim("60.00")
        rows = [(chain.number, "1", "50.00")]
        paper = put_forward(stage, "入库单", rows, number=f"RK-{chain.number}")

        refused = undertake(stage, paper)

        assert refused.json()["code"] == "stage.nothing_left"
        assert refused.json()["fields"]["left"] == money("40.00")
        assert stage.get(stage.cast.supplier, f"/v1/stages/{paper['id']}").json()["pool"] is None

    def test_lost_goods_are_told_by_either_side(self, chain: Chain, stage: Stage):
        paper = put_forward(stage, "送货单", [(chain.number, "1", "60.00")], number=chain.number)
        pool = identity(undertake(stage, paper).json()["pool"])
        body = {"amount": money("10.00"), "reason": "途中货损"}

        answer = stage.post(stage.cast.supplier, f"/v1/stages/{paper['id']}/reduce", body)

        assert answer.status_code == 200, answer.text
        assert chain.numbers(pool) == (5_000, 0, 5_000)


class TestWhoMayDoWhat:
    def test_the_buyer_alone_confirms_and_cancels(self, chain: Chain, stage: Stage):
        supplier = stage.cast.supplier
        paper = put_forward(stage, "采购订单", [(chain.number, "1", "9.00")], number=chain.number)
        path = f"/v1/stages/{paper['id']}"
        body = {"due_on": "2026-03-31", "signers": supplier.signers("pledge")}

        draft = stage.post(supplier, f"{path}/confirmation-draft", body)
        assert draft.json()["code"] == "stage.action_not_allowed"
        cancelled = stage.post(supplier, f"{path}/reduce", {"reason": "取消"})
        assert cancelled.json()["code"] == "stage.action_not_allowed"
        stranger = stage.get(stage.cast.second_supplier, path)
        assert (stranger.status_code, stranger.json()["code"]) == (404, "subject.not_found")

    def test_what_makes_no_sense_is_refused(self, chain: Chain, stage: Stage):
        paper = put_forward(stage, "采购订单", [(chain.number, "1", "9.00")], number=chain.number)

        again = {"document": paper["document"]}
        assert stage.post(stage.cast.anchor, "/v1/stages", again).json()["code"] == "stage.exists"
        for wrong, code in (
            ({"amount": money("9.01")}, "stage.above_worth"),
            ({"amount": money("0.00")}, "capacity.amount_not_positive"),
            ({"due_on": "2025-01-01"}, "stage.due_in_the_past"),
        ):
            assert undertake(stage, paper, **wrong).json()["code"] == code
        reduced = stage.post(stage.cast.anchor, f"/v1/stages/{paper['id']}/reduce", {"reason": "x"})
        assert reduced.json()["code"] == "stage.state_forbids"

    def test_each_sees_its_own_of_a_family(self, chain: Chain, stage: Stage):
        order = chain.order("100.00")
        chain.take(order, 7_000)
        claim = chain.claim("100.00")
        path = f"/v1/pools/{public_id('cap', order)}/lineage"

        owner = stage.get(stage.cast.supplier, path).json()
        bank = stage.get(stage.cast.bank, path).json()

        assert [form["used"] for form in owner["forms"]] == [money("70.00")] * 2
        assert owner["edges"][0]["carried"] == money("70.00")
        assert {form["pool"] for form in bank["forms"]} == {
            public_id("cap", one) for one in (order, claim)
        }
        assert [form["held"] for form in bank["forms"]] == [money("70.00"), money("0.00")]
        assert all(form["used"] is None and form["free"] is None for form in bank["forms"])
        assert bank["edges"][0]["amount"] is bank["edges"][0]["carried"] is None
        other = stage.get(stage.cast.second_bank, path)
        assert (other.status_code, other.json()["code"]) == (404, "subject.not_found")

    def test_nobody_converts_what_is_anothers(self, chain: Chain, stage: Stage):
        order = chain.order("100.00")
        chain.take(order, 7_000)
        claim = chain.claim("100.00")
        body = {"holder": public_id("plg", chain.holder("a"))}
        path = f"/v1/pools/{public_id('cap', claim)}/convert"

        answer = stage.post(stage.cast.second_bank, path, body)

        assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")
        assert chain.numbers(order) == (7_000, 7_000, 0)


class TestTheDatabaseItself:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE conversion_edges SET carried_minor = 0",
            "DELETE FROM conversion_edges",
            "UPDATE pool_marks SET amount_minor = 1",
        ],
    )
    def test_edges_change_through_entries_only(self, chain: Chain, stage: Stage, statement: str):
        order = chain.order("100.00")
        chain.take(order, 7_000)
        chain.claim("100.00")

        with pytest.raises(DBAPIError), stage.database.transaction() as session:
            session.execute(text(statement))

    def test_a_conversion_that_adds_is_refused(self, chain: Chain, stage: Stage):
        """Taken over without being given up, and given up without being taken over."""
        order = chain.order("100.00")
        chain.take(order, 7_000)
        claim = chain.claim("100.00")
        holding = Holding(new_id(), "plg_x", stage.cast.bank.party_id, 0)
        with stage.database.reading() as session:
            edge_id = session.scalars(
                select(ConversionEdge.id).where(ConversionEdge.to_pool_id == claim)
            ).one()
        carrier = Carrier(order, public_id("cap", order))
        wrong = (
            Entry(EntryKind.CONVERT, 0, 1_000, holding, edge_id),
            Entry(EntryKind.CARRY, 0, -1_000, carrier, edge_id),
            Entry(EntryKind.CARRY, 0, 1_000, carrier, edge_id),
        )
        told = {"cause": bytes(32), "now": stage.clock.now(), "actor": None, "parties": []}

        def write(entry: Entry) -> None:
            with stage.database.transaction() as session:
                (pool,) = lock_pools(session, [claim])
                enter(session, pool, entry, **told)

        for entry in wrong:
            with pytest.raises(DBAPIError):
                write(entry)
        assert chain.numbers(claim) == (10_000, 7_000, 3_000)
