"""A loan on its way through its bank's own desk, from the request to the last grade."""

from tests.support.approving import (
    adopt,
    case_of,
    decide,
    investigate,
    path_of,
    small,
)

TODAY = "2025-11-03"


def test_a_bank_without_steps_is_not_held_up(desk):
    financing = desk.request(desk.receivable(1), bank=desk.stage.cast.second_bank)

    desk.approve(financing, bank=desk.stage.cast.second_bank)

    found = desk.seen(desk.stage.cast.second_bank, "/v1/approval-cases")
    assert found["items"] == []


def test_an_offer_waits_for_the_decision(desk):
    bank = desk.stage.cast.bank
    assert adopt(desk.stage, small()).status_code == 201
    financing = desk.request(desk.receivable(2))
    case = path_of(desk, financing)

    found = desk.refused(bank, f"/v1/financings/{financing}/offer-draft", desk.offer(bank))
    assert found["code"] == "approval.gate_closed"
    assert found["fields"] == {"step": "offer", "state": "INVESTIGATING"}

    assert investigate(desk, case)["state"] == "DECIDING"
    assert decide(desk, case)["state"] == "APPROVED"
    desk.approve(financing)
    assert case_of(desk, financing)["state"] == "OFFERED"
    assert [one["kind"] for one in case_of(desk, financing)["records"]] == [
        "opened",
        "investigated",
        "decided",
        "offered",
    ]
