"""Bills netted into one order, paid when a bank tells so, open again when it went back."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from tests.support.actors import Company
from tests.support.freight import Freight, journey_of
from tests.support.receivables import money


def told(freight: Freight, bill: str) -> list[str]:
    with freight.stage.database.reading() as session:
        events = select(Event.type).where(Event.subject_id == parse_id("frb", bill))
        return [
            one.removeprefix("freight_bill.")
            for one in session.scalars(events.order_by(Event.version))
        ]


def later(freight: Freight, **by: int) -> None:
    clock = freight.stage.clock
    clock.set(clock.now() + timedelta(**by))


class TestSettling:
    def owed(self, freight: Freight, quantity: str = "100.000", amount: str = "8550.00") -> str:
        """A bill of the carrier's that the trader has accepted."""
        road = freight.road
        item = journey_of(freight.delivered(quantity), quantity, "85.50", amount)
        bill = freight.issued(road.carrier, "freight", item)
        freight.accepted(road.yard.trader, bill)
        return bill

    def claimed(self, freight: Freight, due_on: str) -> str:
        """A claim for 0.1 t lost, which the carrier has accepted."""
        road = freight.road
        item = journey_of(freight.delivered("10.000", "9.900"), "0.100", "70000.00", "7000.00")
        bill = freight.issued(road.yard.trader, "claim", item, due_on=due_on)
        freight.accepted(road.carrier, bill)
        return bill

    def test_bills_are_netted_into_one_order_and_paid_when_the_bank_tells(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        bills = [self.owed(freight), self.owed(freight, "20.000", "1710.00")]
        claim, early = (self.claimed(freight, due_on) for due_on in ("2025-11-03", "2025-12-31"))

        settled = freight.settle(trader, carrier, bills=[*bills, claim, early])

        assert settled.status_code == 201, settled.text
        shown = settled.json()
        assert (shown["owed"], shown["set_off"], shown["net"]) == (
            money("10260.00"),
            money("7000.00"),  # the other claim is not due yet
            money("3260.00"),
        )
        order = freight.road.desk.seen(trader, f"/v1/payment-orders/{shown['order']}")
        assert (order["total"], order["lines"]) == (money("3260.00"), [])
        assert order["transfer"]["payee"] == carrier.id
        file = freight.stage.get(trader, f"/v1/payment-orders/{shown['order']}/file").text
        assert "3260.00" in file
        assert order["message_id"] in file

        again = freight.settle(trader, carrier, bills=bills)
        assert again.json()["code"] == "freight_settlement.nothing_to_pay"
        assert freight.approve(trader, shown["order"])["state"] == "APPROVED"
        assert freight.shown(carrier, bills[0])["state"] == "ANSWERED"

        assert freight.came_in(shown["order"], 326_000, 1)["recorded"] == 1

        for bill in (*bills, claim):
            assert freight.shown(carrier, bill)["state"] == "SETTLED"
            assert told(freight, bill)[-2:] == ["instructed", "paid"]
        assert freight.shown(carrier, early)["state"] == "ANSWERED"
        assert freight.settlement(carrier, shown["id"])["state"] == "PAID"

    def test_what_goes_back_opens_the_bills_again(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        bill = self.owed(freight)
        shown = freight.settle(trader, carrier, bills=[bill]).json()
        freight.came_in(shown["order"], 855_000, 2)
        assert freight.shown(trader, bill)["state"] == "SETTLED"

        back = freight.came_in(shown["order"], 855_000, 3, direction="DBIT", reversal=1)

        assert back["recorded"] == 1
        after = freight.shown(trader, bill)
        assert (after["state"], after["paid"]) == ("ANSWERED", money("0.00"))
        assert freight.settlement(trader, shown["id"])["state"] == "RETURNED"
        assert freight.settle(trader, carrier, bills=[bill]).status_code == 201

    def test_an_order_that_is_withdrawn_settles_nothing(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        bill = self.owed(freight)
        shown = freight.settle(trader, carrier, bills=[bill]).json()
        freight.road.desk.did(trader, f"/v1/payment-orders/{shown['order']}/withdraw", {})

        assert freight.settlement(trader, shown["id"])["order_state"] == "WITHDRAWN"
        assert freight.settle(trader, carrier, bills=[bill]).status_code == 201

    def test_what_does_not_fit_waits_for_a_person(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        bill = self.owed(freight)
        order = freight.settle(trader, carrier, bills=[bill]).json()["order"]

        short = freight.came_in(order, 854_999, 4)
        back = freight.came_in(order, 855_000, 5, direction="DBIT", reversal=1)
        payers = freight.came_in(order, 855_000, 6, account="6100000000000009", direction="DBIT")

        assert (short["unmatched"], back["unmatched"], payers["noted"]) == (1, 1, 1)
        assert freight.shown(trader, bill)["state"] == "ANSWERED"

    def test_the_other_side_pays_where_it_owes_more(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        bill = self.owed(freight, "10.000", "855.00")
        claim = self.claimed(freight, "2025-11-03")

        refused = freight.settle(trader, carrier, bills=[bill, claim])
        assert (refused.status_code, refused.json()["code"]) == (
            409,
            "freight_settlement.nothing_to_pay",
        )
        later(freight, days=70)  # the freight is due: the carrier sets it off

        shown = freight.settle(carrier, trader, bills=[bill, claim])
        assert shown.json()["net"] == money("6145.00")

    def test_nothing_left_to_pay_is_settled_at_once(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        bill = self.owed(freight, "20.000", "1710.00")
        item = journey_of(freight.delivered("10.000", "9.900"), "0.100", "17100.00", "1710.00")
        claim = freight.issued(trader, "claim", item, due_on="2025-11-03")
        freight.accepted(carrier, claim)

        shown = freight.settle(trader, carrier, bills=[bill, claim]).json()

        assert (shown["state"], shown["order"], shown["net"]) == ("PAID", None, money("0.00"))
        for one in (bill, claim):
            assert freight.shown(trader, one)["state"] == "SETTLED"

    def test_bills_that_name_other_accounts_are_settled_apart(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        first = self.owed(freight, "10.000", "855.00")
        item = journey_of(freight.delivered("10.000"), "10.000", "85.50", "855.00")
        other = freight.issued(
            carrier, "freight", item, pay_to=freight.account(carrier, "6222 0000 0000 0066")
        )
        freight.accepted(trader, other)

        refused = freight.settle(trader, carrier, bills=[first, other])

        assert refused.json()["code"] == "freight_settlement.accounts_differ"
        assert freight.settle(trader, carrier, bills=[other]).status_code == 201

    def test_the_database_settles_no_more_than_is_accepted(self, freight: Freight):
        road = freight.road
        bill = self.owed(freight, "10.000", "855.00")
        shown = freight.settle(road.yard.trader, road.carrier, bills=[bill]).json()
        again = text(
            "INSERT INTO freight_settlement_parts SELECT :other, bill_id, position, 1"
            " FROM freight_settlement_parts WHERE settlement_id = :id"
        )
        paid = self.owed(freight, "20.000", "1710.00")
        other = freight.settle(road.yard.trader, road.carrier, bills=[paid]).json()
        ids = {"id": parse_id("fst", shown["id"]), "other": parse_id("fst", other["id"])}

        with (
            pytest.raises(DBAPIError, match="settled already"),
            freight.stage.database.transaction() as session,
        ):
            session.execute(again, ids)
