"""Storage billed by the day, and the keeper's lien that comes of it."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scf.kernel.ids import parse_id
from tests.support.freight import Freight, days_of, said_of
from tests.support.receivables import money
from tests.support.warehouse import part, tonnes


def later(freight: Freight, **by: int) -> None:
    clock = freight.stage.clock
    clock.set(clock.now() + timedelta(**by))


class TestStorage:
    """A receipt of 100 t, stored since 3 November at 0.60 a tonne and day, ten days to pay."""

    @pytest.fixture
    def receipt(self, freight: Freight) -> dict:
        yard = freight.road.yard
        freight.tariff(yard.keeper, yard.trader)
        return freight.road.receipt("100.000")

    def test_days_are_counted_from_the_book(self, freight: Freight, receipt: dict):
        """Ten days of 100 t, of which 40 t leave on the sixth: 5 × 100 + 5 × 60."""
        yard = freight.road.yard
        later(freight, days=5)
        assert yard.withdraw(receipt, tonnes("40.000"), "TH-1").is_success
        assert yard.deliver(receipt, "TH-1").is_success
        later(freight, days=5)

        item = days_of(receipt, "2025-11-03", "2025-11-12", "1000.000", "600.00")
        (shown,) = freight.enter(yard.keeper, "storage", item).json()["items"]

        assert shown["match"]["quantity"] == tonnes("800.000")
        assert shown["match"]["expected"] == money("480.00")
        assert shown["match"]["by_quantity"] == money("120.00")
        assert shown["match"]["within"] is False

    def test_both_keepers_bill_their_own_days(self, freight: Freight, receipt: dict):
        """Three days there, two on the road, and three at the other keeper's."""
        road, yard = freight.road, freight.road.yard
        freight.tariff(road.far_keeper, yard.trader, "0.80")
        later(freight, days=3)
        journey = road.under_way(receipt)
        later(freight, days=2)
        assert road.arrive(journey, road.weighed("100.000")).is_success
        later(freight, days=3)

        first = days_of(receipt, "2025-11-03", "2025-11-10", "300.000", "180.00")
        second = days_of(receipt, "2025-11-03", "2025-11-10", "300.000", "240.00", rate="0.80")

        for keeper, item in ((yard.keeper, first), (road.far_keeper, second)):
            bill = freight.enter(keeper, "storage", item)
            assert bill.status_code == 201, bill.text
            match = bill.json()["items"][0]["match"]
            assert (match["quantity"], match["by_quantity"]) == (tonnes("300.000"), money("0.00"))

    def test_days_are_billed_once(self, freight: Freight, receipt: dict):
        keeper = freight.road.yard.keeper
        later(freight, days=10)
        item = days_of(receipt, "2025-11-03", "2025-11-06", "400.000", "240.00")
        freight.issued(keeper, "storage", item)
        over = days_of(receipt, "2025-11-06", "2025-11-08", "300.000", "180.00")

        refused = freight.enter(keeper, "storage", over)

        assert (refused.status_code, refused.json()["code"]) == (409, "freight_bill.known")
        with (
            pytest.raises(DBAPIError, match="billed already"),
            freight.stage.database.transaction() as session,
        ):
            session.execute(
                text(
                    "INSERT INTO freight_bill_items SELECT (jsonb_populate_record(i,"
                    " '{\"position\": 9}')).* FROM freight_bill_items i WHERE receipt_id = :id"
                ),
                {"id": parse_id("whr", receipt["id"])},
            )
        following = days_of(receipt, "2025-11-07", "2025-11-08", "200.000", "120.00")
        assert freight.enter(keeper, "storage", following).status_code == 201

    def test_days_to_come_or_without_a_tariff_are_not_billed(self, freight: Freight, receipt: dict):
        yard = freight.road.yard
        later(freight, days=1)
        to_come = days_of(receipt, "2025-11-03", "2025-11-04", "200.000", "120.00")
        refused = freight.enter(yard.keeper, "storage", to_come)
        assert refused.json()["code"] == "freight_bill.item_unfit"

        freight.tariff(yard.keeper, yard.trader, "0.70", first_on="2025-11-05")
        later(freight, days=9)
        across = days_of(receipt, "2025-11-04", "2025-11-05", "200.000", "120.00")
        refused = freight.enter(yard.keeper, "storage", across)
        assert refused.json()["code"] == "freight_bill.no_tariff"
        apart = [
            days_of(receipt, "2025-11-04", "2025-11-04", "100.000", "60.00"),
            days_of(receipt, "2025-11-05", "2025-11-05", "100.000", "70.00", rate="0.70"),
        ]
        bill = freight.enter(yard.keeper, "storage", *apart).json()
        assert [one["match"]["expected"] for one in bill["items"]] == [
            money("60.00"),
            money("70.00"),
        ]

    def test_a_bill_gives_the_days_of_payment_agreed_on(self, freight: Freight, receipt: dict):
        later(freight, days=1)
        item = days_of(receipt, "2025-11-03", "2025-11-03", "100.000", "60.00")
        keeper = freight.road.yard.keeper

        refused = freight.enter(keeper, "storage", item, due_on="2025-11-13")
        assert (refused.status_code, refused.json()["code"]) == (422, "freight_bill.due_too_soon")
        assert freight.enter(keeper, "storage", item, due_on="2025-11-14").status_code == 201

    def billed(self, freight: Freight, receipt: dict, quantity: str, amount: str) -> str:
        later(freight, days=1)
        item = days_of(receipt, "2025-11-03", "2025-11-03", quantity, amount)
        return freight.issued(freight.road.yard.keeper, "storage", item, due_on="2025-11-14")

    def fee(self, freight: Freight, receipt: dict) -> str:
        return freight.road.goods(receipt)["fee_owed"]["amount"]

    def test_what_is_due_is_the_keepers_lien_until_it_is_paid(
        self, freight: Freight, receipt: dict
    ):
        yard = freight.road.yard
        bill = self.billed(freight, receipt, "100.000", "60.00")
        freight.turn()
        assert self.fee(freight, receipt) == "0.00"  # not due yet
        later(freight, days=11)
        freight.turn()
        freight.turn()

        assert self.fee(freight, receipt) == "60.00"
        refused = yard.withdraw(receipt, tonnes("1.000"), "TH-1")
        assert (refused.status_code, refused.json()["code"]) == (409, "receipt.fee_unpaid")

        freight.accepted(yard.trader, bill)
        shown = freight.settle(yard.trader, yard.keeper, bills=[bill]).json()
        assert self.fee(freight, receipt) == "60.00"
        freight.came_in(shown["order"], 6_000, 20)

        assert self.fee(freight, receipt) == "0.00"
        assert yard.withdraw(receipt, tonnes("1.000"), "TH-1").status_code == 201

    def test_an_inflated_bill_holds_no_more_than_is_borne_out(
        self, freight: Freight, receipt: dict
    ):
        """Billed 90.00 where tariff and book come to 60.00; disputing all of it frees nothing."""
        yard = freight.road.yard
        bill = self.billed(freight, receipt, "150.000", "90.00")
        later(freight, days=11)
        freight.turn()
        assert self.fee(freight, receipt) == "60.00"

        freight.answer(yard.trader, bill, said_of(1, "0.00", "不认可"))
        assert self.fee(freight, receipt) == "60.00"
        freight.answer(yard.trader, bill, said_of(1, "75.00", "协商"))
        assert self.fee(freight, receipt) == "75.00"
        path = f"/v1/freight-bills/{bill}/concede"
        freight.road.desk.did(yard.keeper, path, {"reason": "协商一致"})
        assert self.fee(freight, receipt) == "75.00"

    def test_what_is_owed_for_is_neither_divided_nor_handed_to_a_carrier(
        self, freight: Freight, receipt: dict
    ):
        road, yard = freight.road, freight.road.yard
        lot = {"id": receipt["lots"][0]["lot"]}
        into = [part(f"FG-{receipt['number']}-{n}", lot, "50.000") for n in (1, 2)]
        asked = yard.divide([receipt], into)
        assert asked.status_code == 201, asked.text
        assert yard.sign_division(asked.json()["id"], yard.trader).is_success
        journey = road.plan(receipt)
        road.agree(journey)
        self.billed(freight, receipt, "100.000", "60.00")
        later(freight, days=11)
        freight.turn()

        for refused in (
            yard.divide([receipt], into),
            yard.carry_out(asked.json()["id"]),
            road.step(journey, yard.keeper, "hand_over"),
        ):
            shown = refused.json()
            assert (refused.status_code, shown["code"]) == (409, "receipt.fee_unpaid"), shown

        assert self.fee(freight, receipt) == "60.00"
        assert road.goods(receipt)["state"] == "ACTIVE"
        assert road.shown(journey)["state"] == "AGREED"

    def test_the_lien_ends_with_possession(self, freight: Freight, receipt: dict):
        road = freight.road
        self.billed(freight, receipt, "100.000", "60.00")
        journey = road.under_way(receipt)
        later(freight, days=11)
        freight.turn()
        assert self.fee(freight, receipt) == "0.00"
        road.arrive(journey, road.weighed("100.000"))
        freight.turn()

        assert self.fee(freight, receipt) == "0.00"  # owed to a keeper that holds nothing
