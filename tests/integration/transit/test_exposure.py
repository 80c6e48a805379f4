"""What a logistics firm's role in deals exposes it to: shown to the firm and to the bank, to the fen, while the pledge lasts."""

from typing import Any

from tests.support.actors import Company
from tests.support.receivables import money
from tests.support.transit import Road


def exposed(road: Road, who: Company) -> list[dict[str, Any]]:
    answer = road.desk.stage.get(who, "/v1/logistics-exposures")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def role(kind: str, amount: str | None) -> dict[str, Any]:
    return {"kind": kind, "amount": money(amount) if amount else None, "fee_rate": "0.01"}


def test_a_role_counts_from_the_taking_over_until_the_release(road: Road):
    """The bank lent 4,900,000 against 100 t; the carrier stands for 6,000,000, which is no more than that."""
    bank = road.desk.stage.cast.bank
    receipt = road.receipt("100.000")
    pledge = road.pledged(receipt)
    journey = road.plan(receipt, role=role("guarantor", "6000000.00"))
    road.agree(journey)
    assert exposed(road, bank) == []

    road.dispatch(journey)

    shown = {
        "firm": road.carrier.id,
        "bank": bank.id,
        "kind": "guarantor",
        "deals": 1,
        "outstanding": money("4900000.00"),
        "exposure": money("4900000.00"),
    }
    assert exposed(road, bank) == exposed(road, road.carrier) == [shown]
    for stranger in (road.desk.stage.cast.second_bank, road.yard.trader, road.far_keeper):
        assert exposed(road, stranger) == []

    road.arrive(journey, road.weighed("100.000"))
    assert exposed(road, bank) == [shown]
    back = {"kind": "warehouse", "party": road.yard.keeper.uscc, "address": "港桥 1 号仓"}
    onward = road.plan(receipt, role=role("principal", "1000000.00"), destination=back)
    road.agree(onward)
    for who, act in ((road.far_keeper, "hand_over"), (road.carrier, "take_over")):
        assert road.step(onward, who, act).is_success
    newest = shown | {"kind": "principal", "exposure": money("1000000.00")}
    assert exposed(road, bank) == [newest]  # of one receipt the newest role counts

    road.desk.release(pledge)
    assert exposed(road, bank) == exposed(road, road.carrier) == []


def test_a_broker_is_exposed_to_nothing(road: Road):
    bank = road.desk.stage.cast.bank
    receipt = road.receipt("20.000")
    pledge = road.pledged(receipt)
    road.under_way(receipt)

    (shown,) = exposed(road, bank)

    assert (shown["kind"], shown["exposure"]) == ("broker", money("0.00"))
    road.desk.release(pledge)
