"""Goods lost and found: what nobody has a receipt over first, then pro rata; nothing about it is refused."""

import pytest

from tests.support.problems import refusal
from tests.support.warehouse import Yard, tonnes


def left(yard: Yard, *receipts):
    return [yard.pool(yard.keeper, one["pool"])["confirmed"]["quantity"] for one in receipts]


@pytest.fixture
def lot(yard: Yard):
    return yard.stored("100.000")


class TestLosing:
    def test_free_goods_go_first(self, yard, lot):
        receipt = yard.issued(lot, "60.000")

        assert yard.lose(lot, tonnes("40.000")).is_success

        assert left(yard, lot, receipt) == ["60.000", "60.000"]
        assert yard.shown(receipt)["state"] == "ACTIVE"

    def test_the_rest_falls_on_the_receipts_pro_rata(self, yard, lot):
        receipts = [yard.issued(lot, "60.000"), yard.issued(lot, "30.000")]

        assert yard.lose(lot, tonnes("10.100")).is_success

        # 10 are free; 0.100 over 60 : 30 are 66 kg and 33 kg, the last kilogram by the larger remainder
        assert left(yard, lot, *receipts) == ["89.900", "59.933", "29.967"]
        assert yard.pool(yard.keeper, lot["pool"])["used"] == tonnes("89.900")
        assert {yard.shown(one)["state"] for one in receipts} == {"DISPUTED"}
        missing = [yard.restraints(one)[0]["missing"] for one in receipts]
        assert missing == [tonnes("0.067"), tonnes("0.033")]

    def test_within_the_loss_standard_nothing_is_disputed(self, yard, lot):
        receipt = yard.issued(lot, "100.000")

        assert yard.lose(lot, tonnes("0.100")).is_success

        assert (left(yard, receipt), yard.shown(receipt)["state"]) == (["99.900"], "ACTIVE")
        yard.lose(lot, tonnes("0.001"))
        assert yard.shown(receipt)["state"] == "DISPUTED"

    def test_what_is_pledged_shows_a_shortfall_and_the_bank_is_told(self, yard, lot):
        bank, receipt = yard.stage.cast.bank, yard.issued(lot, "100.000")
        yard.hold(receipt, bank, "100.000")

        assert yard.lose(lot, tonnes("30.000")).is_success

        pool = yard.pool(bank, receipt["pool"])
        assert pool["state"] == "DILUTED"
        notices = yard.stage.get(bank, "/v1/notices", limit=500).json()["items"]
        kinds = [one["kind"] for one in notices[-2:]]
        assert sorted(kinds) == ["pool.diluted", "receipt.disputed"]

    def test_disputed_goods_stay(self, yard, lot):
        receipt = yard.issued(lot, "100.000")
        yard.lose(lot, tonnes("1.000"))

        refused = yard.withdraw(receipt, tonnes("1.000"), "TH-1")

        refusal(refused, 409, "receipt.state_forbids")
        assert left(yard, receipt) == ["99.000"]

    def test_more_than_is_there_is_a_mistake(self, yard, lot):
        refusal(yard.lose(lot, tonnes("100.001")), 409, "lot.more_than_there")
        assert left(yard, lot) == ["100.000"]

    def test_the_depositor_does_not_tell(self, yard, lot):
        body = {"quantity": tonnes("1.000"), "reason": "x"}
        refused = yard.stage.post(yard.trader, f"/v1/lots/{lot['id']}/losses", body)
        refusal(refused, 403, "lot.action_not_allowed")
        assert left(yard, lot) == ["100.000"]


class TestFinding:
    def test_it_goes_back_to_who_lost_it(self, yard, lot):
        receipts = [yard.issued(lot, "60.000"), yard.issued(lot, "30.000")]
        yard.lose(lot, tonnes("40.000"))

        assert yard.lose(lot, tonnes("30.000"), "finds").is_success
        assert left(yard, lot, *receipts) == ["90.000", "60.000", "30.000"]
        assert {yard.shown(one)["state"] for one in receipts} == {"DISPUTED"}

        assert yard.lose(lot, tonnes("10.000"), "finds").is_success
        assert yard.pool(yard.keeper, lot["pool"])["free"] == tonnes("10.000")
        assert {yard.shown(one)["state"] for one in receipts} == {"ACTIVE"}

    def test_never_more_than_was_lost(self, yard, lot):
        yard.lose(lot, tonnes("1.000"))
        refusal(yard.lose(lot, tonnes("1.001"), "finds"), 409, "lot.more_than_there")
        assert left(yard, lot) == ["99.000"]


class TestClearing:
    def test_keeper_and_supervisor_together(self, yard, lot):
        receipt = yard.issued(lot, "100.000")
        yard.lose(lot, tonnes("1.000"))
        dispute = yard.restraints(receipt)[0]["id"]
        path = f"/v1/warehouse-receipts/{receipt['id']}/restraints/{dispute}/clear"
        refusal(yard.stage.post(yard.trader, path, {}), 403, "receipt.not_yours_to_clear")

        assert yard.stage.post(yard.keeper, path, {}).json()["state"] == "DISPUTED"
        assert yard.stage.post(yard.supervisor, path, {}).json()["state"] == "ACTIVE"

        refusal(yard.stage.post(yard.keeper, path, {}), 404, "receipt.restraint_unknown")

    def test_the_holder_settles_what_is_not_pledged(self, yard, lot):
        free, pledged = yard.issued(lot, "50.000"), yard.issued(lot, "50.000")
        yard.hold(pledged, yard.stage.cast.bank, "10.000")
        yard.lose(lot, tonnes("1.000"))

        def settle(receipt):
            dispute = yard.restraints(receipt)[0]["id"]
            path = f"/v1/warehouse-receipts/{receipt['id']}/restraints/{dispute}/settle"
            return yard.stage.post(yard.trader, path, {"reason": "已按市价赔付"})

        assert settle(free).json()["state"] == "ACTIVE"
        refusal(settle(pledged), 409, "receipt.pledged_unsettled")
        assert yard.shown(pledged)["state"] == "DISPUTED"
