"""Goods lost before a journey and found again at the origin after it: the receipt's again, where they lie, and once."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from scf.kernel.ids import parse_id
from scf.receipts.models import ReceiptLot
from scf.transit import queries
from tests.support.transit import Road
from tests.support.warehouse import tonnes


@pytest.fixture
def short(road: Road) -> tuple[dict, dict]:
    """A lot of 50 t and its receipt, of which 2 t are missing; the lot's loss standard lets that pass."""
    lot = road.yard.stored("50.000", loss_standard="0.05")
    receipt = road.yard.issued(lot, "50.000")
    assert road.yard.lose(lot, tonnes("2.000")).is_success
    return lot, receipt


def account(road: Road, receipt: dict) -> tuple[int, int, int]:
    """What lies in lots for a receipt, what travels, what its pool has left; in kilograms."""
    identity = parse_id("whr", receipt["id"])
    with road.desk.stage.database.reading() as session:
        lying = session.scalars(
            select(ReceiptLot.quantity_minor).where(ReceiptLot.receipt_id == identity)
        )
        left = road.yard.pool(road.yard.trader, receipt["pool"])["confirmed"]["quantity"]
        return sum(lying), queries.in_transit(session, identity), int(left.replace(".", ""))


def test_found_while_the_rest_travels_it_waits_at_the_origin(road: Road, short):
    lot, receipt = short
    journey = road.under_way(receipt)
    assert account(road, receipt) == (0, 48_000, 48_000)

    assert road.yard.lose(lot, tonnes("2.000"), "finds").is_success

    assert account(road, receipt) == (2_000, 48_000, 50_000)
    assert road.arrive(journey, road.weighed("48.000")).is_success
    assert account(road, receipt) == (50_000, 0, 50_000)


def test_found_after_the_arrival_it_is_nobody_elses_and_no_more_than_was_lost(road: Road, short):
    lot, receipt = short
    road.arrive(road.under_way(receipt), road.weighed("48.000"))

    assert road.yard.lose(lot, tonnes("2.000"), "finds").is_success

    assert account(road, receipt) == (50_000, 0, 50_000)
    pool = road.yard.pool(road.yard.keeper, lot["pool"])
    assert (pool["confirmed"], pool["used"], pool["free"]) == (
        tonnes("2.000"),
        tonnes("2.000"),
        tonnes("0.000"),
    )
    again = road.yard.lose(lot, tonnes("0.001"), "finds")
    assert (again.status_code, again.json()["code"]) == (409, "lot.more_than_there")
    second = road.yard.issue(lot, tonnes("1.000"))
    assert (second.status_code, second.json()["code"]) == (409, "capacity.exceeded")
    assert account(road, receipt) == (50_000, 0, 50_000)


def test_a_keeper_hands_out_what_lies_at_its_own(road: Road, short):
    lot, receipt = short
    road.arrive(road.under_way(receipt), road.weighed("48.000"))
    road.yard.lose(lot, tonnes("2.000"), "finds")
    there = replace(road.yard, keeper=road.far_keeper)

    refused = there.withdraw(receipt, tonnes("48.001"), "TH-1")

    assert (refused.status_code, refused.json()["code"]) == (409, "receipt.goods_elsewhere")
    assert refused.json()["fields"]["there"] == tonnes("48.000")
    assert there.withdraw(receipt, tonnes("48.000"), "TH-1").status_code == 201
    assert there.deliver(receipt, "TH-1").is_success
    assert account(road, receipt) == (2_000, 0, 2_000)
    assert road.goods(receipt)["state"] == "ACTIVE"
