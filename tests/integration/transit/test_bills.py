"""Bills of carriers and keepers: held to agreement and book to the fen, answered item by item."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from scf.rules.models import RuleEvaluation
from scf.transit.bill_models import FreightBillItem
from tests.support.actors import Company
from tests.support.freight import Freight, journey_of, said_of
from tests.support.receivables import money
from tests.support.warehouse import tonnes


def told(freight: Freight, bill: str) -> list[str]:
    with freight.stage.database.reading() as session:
        events = select(Event.type).where(Event.subject_id == parse_id("frb", bill))
        return [
            one.removeprefix("freight_bill.")
            for one in session.scalars(events.order_by(Event.version))
        ]


class TestMatching:
    def test_what_agrees_has_no_difference(self, freight: Freight, carrier: Company):
        journey = freight.delivered("140.000")

        bill = freight.enter(
            carrier, "freight", journey_of(journey, "140.000", "85.50", "11970.00")
        )

        assert bill.status_code == 201, bill.text
        (item,) = bill.json()["items"]
        assert item["match"] == {
            "quantity": tonnes("140.000"),
            "rate": money("85.50"),
            "expected": money("11970.00"),
            "by_quantity": money("0.00"),
            "by_rate": money("0.00"),
            "by_sum": money("0.00"),
            "within": True,
        }

    def test_differences_are_named_to_the_fen_and_add_up(self, freight: Freight, carrier: Company):
        """140 t billed at 86.00 and added up wrong, where 139.4 t arrived and 85.50 was agreed on."""
        journey = freight.delivered("140.000", "139.400")

        bill = freight.enter(
            carrier, "freight", journey_of(journey, "140.000", "86.00", "12050.00")
        )

        (item,) = bill.json()["items"]
        assert item["match"] == {
            "quantity": tonnes("139.400"),
            "rate": money("85.50"),
            "expected": money("11918.70"),
            "by_quantity": money("51.30"),
            "by_rate": money("70.00"),
            "by_sum": money("10.00"),
            "within": False,
        }
        with freight.stage.database.reading() as session:
            judged = session.scalars(
                select(RuleEvaluation).where(RuleEvaluation.subject == bill.json()["id"])
            ).one()
        assert [(one["rule"], one["outcome"]) for one in judged.results] == [("FRB-01", "report")]

    def test_a_claim_is_held_to_what_was_lost(self, freight: Freight, trader: Company):
        journey = freight.delivered("50.000", "49.400")

        bill = freight.enter(trader, "claim", journey_of(journey, "1.000", "70000.00", "70000.00"))

        (item,) = bill.json()["items"]
        assert item["match"]["quantity"] == tonnes("0.600")
        assert item["match"]["expected"] == money("42000.00")
        assert item["match"]["by_quantity"] == money("28000.00")
        assert bill.json()["payer"] == freight.road.carrier.id

    def test_a_journey_is_billed_once_until_its_bill_is_withdrawn(
        self, freight: Freight, carrier: Company
    ):
        item = journey_of(freight.delivered("10.000"), "10.000", "85.50", "855.00")
        bill = freight.issued(carrier, "freight", item, number="YF-1")

        again = freight.enter(carrier, "freight", item, number="YF-2")
        assert (again.status_code, again.json()["code"]) == (409, "freight_bill.known")
        twice = freight.enter(carrier, "freight", item, item, number="YF-3")
        assert (twice.status_code, twice.json()["code"]) == (409, "freight_bill.known")

        freight.road.desk.did(carrier, f"/v1/freight-bills/{bill}/withdraw", {"reason": "开错"})
        assert freight.enter(carrier, "freight", item, number="YF-2").status_code == 201
        same = freight.enter(carrier, "freight", item, number="YF-1")
        assert same.json()["code"] == "freight_bill.known"

    def test_nothing_is_billed_of_a_journey_under_way(self, freight: Freight, carrier: Company):
        road = freight.road
        journey = road.under_way(road.receipt("5.000"))
        before = len(freight.bills(carrier))

        refused = freight.enter(carrier, "freight", journey_of(journey, "5.000", "85.50", "427.50"))

        assert (refused.status_code, refused.json()["code"]) == (422, "freight_bill.item_unfit")
        assert len(freight.bills(carrier)) == before

    def test_each_bills_its_own_part(self, freight: Freight, trader: Company):
        journey = freight.delivered("5.000")
        item = journey_of(journey, "5.000", "85.50", "427.50")

        refused = freight.enter(trader, "freight", item)
        assert refused.json()["code"] == "consignment.action_not_allowed"
        stranger = freight.enter(freight.stage.cast.second_supplier, "freight", item)
        assert (stranger.status_code, stranger.json()["code"]) == (404, "subject.not_found")


class TestAnswering:
    def test_the_payer_sees_it_once_it_is_signed(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        item = journey_of(freight.delivered("10.000"), "10.000", "85.50", "855.00")
        bill = freight.enter(carrier, "freight", item).json()["id"]
        path = f"/v1/freight-bills/{bill}"
        assert freight.stage.get(trader, path).status_code == 404

        assert freight.issue(carrier, bill).json()["state"] == "ISSUED"

        assert freight.shown(trader, bill)["total"] == money("855.00")
        assert freight.stage.get(freight.stage.cast.bank, path).status_code == 404

    def test_what_is_disputed_is_conceded_or_accepted_later(
        self, freight: Freight, carrier: Company, trader: Company
    ):
        item = journey_of(freight.delivered("140.000", "139.400"), "140.000", "86.00", "12050.00")
        bill = freight.issued(carrier, "freight", item)

        silent = freight.answer(trader, bill, said_of(1, "11918.70"))
        assert (silent.status_code, silent.json()["code"]) == (422, "freight_bill.reason_missing")
        beyond = freight.answer(trader, bill, said_of(1, "12050.00"))
        assert beyond.json()["code"] == "freight_bill.reason_missing"
        above = freight.answer(trader, bill, said_of(1, "12050.01", "x"))
        assert above.json()["code"] == "freight_bill.answer_invalid"
        assert freight.shown(trader, bill)["state"] == "ISSUED"

        done = freight.answer(trader, bill, said_of(1, "11918.70", "以到货磅单为准")).json()
        assert (done["state"], done["disputed"]) == ("ANSWERED", money("131.30"))
        less = freight.answer(trader, bill, said_of(1, "11918.69", "再减"))
        assert less.json()["code"] == "freight_bill.answer_invalid"
        more = freight.answer(trader, bill, said_of(1, "11940.00", "补付部分")).json()
        assert more["disputed"] == money("110.00")

        path = f"/v1/freight-bills/{bill}/concede"
        refused = freight.road.desk.refused(trader, path, {"reason": "x"})
        assert refused["code"] == "freight_bill.action_not_allowed"
        conceded = freight.road.desk.did(carrier, path, {"reason": "认可扣减"})
        assert (conceded["disputed"], conceded["items"][0]["conceded"]) == (
            money("0.00"),
            money("110.00"),
        )
        assert told(freight, bill) == ["entered", "issued", "answered", "answered", "conceded"]

    def test_a_bill_of_which_nothing_is_left_is_settled(
        self, freight: Freight, trader: Company, carrier: Company
    ):
        claim = journey_of(freight.delivered("5.000"), "1.000", "100.00", "100.00")
        bill = freight.issued(trader, "claim", claim)
        assert freight.answer(carrier, bill, said_of(1, "0.00", "无短少")).is_success

        path = f"/v1/freight-bills/{bill}/concede"
        done = freight.road.desk.did(trader, path, {"reason": "误报"})

        assert (done["state"], done["paid"]) == ("SETTLED", money("0.00"))


def test_the_database_pays_no_more_than_is_accepted(freight: Freight, carrier: Company):
    item = journey_of(freight.delivered("5.000"), "5.000", "85.50", "427.50")
    bill = parse_id("frb", freight.issued(carrier, "freight", item))

    for wrong in ({"paid_minor": 1}, {"accepted_minor": 42_751}, {"conceded_minor": -1}):
        with (
            pytest.raises(DBAPIError, match="no_more_than_billed"),
            freight.stage.database.transaction() as session,
        ):
            session.execute(
                update(FreightBillItem).where(FreightBillItem.bill_id == bill).values(**wrong)
            )
