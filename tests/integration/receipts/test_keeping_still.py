"""Frozen, expired, on another medium, lost, in arrears: what may be done with a receipt then, and what not."""

from datetime import UTC, datetime, timedelta

import pytest

from scf.db.outbox import EffectContext
from scf.receipts import amending
from tests.support.problems import refusal
from tests.support.receivables import money
from tests.support.warehouse import Yard, tonnes

BEGAN = datetime(2025, 11, 3, 2, 0, tzinfo=UTC)


@pytest.fixture
def receipt(yard: Yard):
    return yard.issued(yard.stored("10.000"), "10.000")


def post(yard: Yard, who, receipt, what: str, body):
    return yard.stage.post(who, f"/v1/warehouse-receipts/{receipt['id']}/{what}", body)


def turn(yard: Yard, when: datetime | None = None) -> None:
    """Let the clock of receipts turn, and stand back where it was."""
    stage = yard.stage
    stage.clock.set(when or stage.clock.now())
    amending.turn(EffectContext(stage.database, stage.settings, stage.clock))


COURT = {"basis": "court", "reference": "(2025)渝0118财保1号"}


class TestFreezing:
    def test_nothing_moves_until_every_freeze_is_lifted(self, yard, receipt):
        pledgee = {"basis": "pledgee", "reference": "质权人函 1 号"}
        for body in (COURT, pledgee):
            assert post(yard, yard.keeper, receipt, "freeze", body).json()["state"] == "FROZEN"
        for refused in (
            yard.withdraw(receipt, tonnes("1.000"), "TH-1"),
            yard.endorse(receipt, yard.stage.cast.supplier),
            yard.surrender(receipt),
        ):
            refusal(refused, 409, "receipt.state_forbids")
        assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("10.000")

        states = [
            post(yard, yard.keeper, receipt, f"restraints/{one['id']}/thaw", {"reason": "解除"})
            for one in yard.restraints(receipt)
        ]

        assert [one.json()["state"] for one in states] == ["FROZEN", "ACTIVE"]

    def test_an_order_given_before_is_not_carried_out(self, yard, receipt):
        yard.withdraw(receipt, tonnes("1.000"), "TH-1")
        post(yard, yard.keeper, receipt, "freeze", COURT)

        refusal(yard.deliver(receipt, "TH-1"), 409, "receipt.state_forbids")

        assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("10.000")

    def test_the_holder_does_not_freeze(self, yard, receipt):
        refused = post(yard, yard.trader, receipt, "freeze", COURT)
        refusal(refused, 403, "receipt.action_not_allowed")
        assert yard.shown(receipt)["state"] == "ACTIVE"


class TestOrders:
    def test_taken_back_it_is_not_carried_out(self, yard, receipt):
        yard.withdraw(receipt, tonnes("1.000"), "TH-1")
        assert post(
            yard, yard.trader, receipt, "withdrawals/take-back", {"order_no": "TH-1"}
        ).is_success

        refusal(yard.deliver(receipt, "TH-1"), 404, "receipt.order_unknown")

        assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("10.000")

    def test_taken_back_of_disputed_goods_the_dispute_keeps_its_reason(self, yard):
        lot = yard.stored("10.000")
        receipt = yard.issued(lot, "10.000")
        yard.withdraw(receipt, tonnes("1.000"), "TH-1")
        yard.lose(lot, tonnes("1.000"))
        before = yard.shown(receipt)
        clock = yard.stage.clock
        clock.set(clock.now() + timedelta(hours=1))

        try:
            taken = post(
                yard, yard.trader, receipt, "withdrawals/take-back", {"order_no": "TH-1"}
            ).json()
        finally:
            clock.set(BEGAN)

        kept = ("state", "state_reason")
        assert [taken[one] for one in kept] == [before[one] for one in kept]
        assert taken["state_reason"] == "盘点短少"

    def test_nothing_leaves_until_storage_is_paid(self, yard, receipt):
        yard.owe(receipt, "36.00")
        assert yard.shown(receipt)["fee_owed"] == money("36.00")

        refusal(yard.withdraw(receipt, tonnes("1.000"), "TH-1"), 409, "receipt.fee_unpaid")

        yard.owe(receipt, "0.00")
        assert yard.withdraw(receipt, tonnes("1.000"), "TH-1").is_success

    def test_a_refused_attempt_on_pledged_goods_reaches_the_bank(self, yard, receipt):
        bank = yard.stage.cast.bank
        yard.hold(receipt, bank, "10.000")
        before = yard.pool(bank, receipt["pool"])

        refusal(yard.withdraw(receipt, tonnes("1.000"), "TH-1"), 409, "receipt.goods_pledged")

        assert yard.pool(bank, receipt["pool"]) == before
        notice = yard.stage.get(bank, "/v1/notices", limit=500).json()["items"][-1]
        assert notice["kind"] == "receipt.withdrawal_refused"
        assert notice["fields"] == {"receipt": receipt["id"], "asked": tonnes("1.000")}


class TestExpiring:
    def test_told_a_month_before_expired_after_and_prolonged(self, yard):
        receipt = yard.issued(yard.stored("10.000"), "10.000", stored_until="2025-12-31")
        bank, stage = yard.stage.cast.bank, yard.stage
        yard.hold(receipt, bank, "4.000")
        try:
            for _ in range(2):
                turn(yard, datetime(2025, 12, 1, 2, 0, tzinfo=UTC))
            for who in (yard.trader, bank):
                notices = stage.get(who, "/v1/notices", limit=500).json()["items"]
                told = [one for one in notices if one["kind"] == "receipt.expiring"]
                own = [one for one in told if one["fields"]["receipt"] == receipt["id"]]
                assert len(own) == 1
            turn(yard, datetime(2026, 1, 1, 2, 0, tzinfo=UTC))
            assert yard.shown(receipt)["state"] == "EXPIRED"
            refusal(yard.endorse(receipt, stage.cast.supplier), 409, "receipt.state_forbids")
            assert yard.withdraw(receipt, tonnes("6.000"), "TH-1").is_success
            assert yard.deliver(receipt, "TH-1").is_success

            prolonged = yard.amend(receipt, stored_until="2026-06-30")

            assert (prolonged.json()["state"], prolonged.json()["stored_until"]) == (
                "ACTIVE",
                "2026-06-30",
            )
        finally:
            stage.clock.set(BEGAN)


class TestMedium:
    def test_lost_paper_is_replaced_by_an_electronic_receipt(self, yard):
        receipt = yard.issued(yard.stored("1.000"), "1.000", medium="paper")
        reason = {"reason": "公示催告 (2025)渝0118民催1号"}
        assert post(yard, yard.trader, receipt, "report-lost", reason).json()["state"] == "LOST"
        refusal(yard.withdraw(receipt, tonnes("1.000"), "TH-1"), 409, "receipt.state_forbids")

        replaced = yard.amend(receipt, medium="electronic", reason="除权判决")

        assert (replaced.json()["state"], replaced.json()["medium"]) == ("ACTIVE", "electronic")

    def test_an_electronic_one_is_not_lost(self, yard, receipt):
        refused = post(yard, yard.trader, receipt, "report-lost", {"reason": "x"})
        refusal(refused, 409, "receipt.not_on_paper")

    def test_what_is_pledged_keeps_its_medium(self, yard, receipt):
        yard.hold(receipt, yard.stage.cast.bank, "1.000")

        refusal(yard.amend(receipt, medium="paper"), 409, "receipt.encumbered")

        assert yard.shown(receipt)["medium"] == "electronic"

    def test_insurance_is_renewed(self, yard, receipt):
        insurance = {
            "insurer": "财产保险(示例)",
            "policy": "P-2",
            "amount": money("750000.00"),
            "until": "2026-12-31",
        }
        renewed = yard.amend(receipt, insurance=insurance)
        assert renewed.json()["items"]["insurance"] == insurance


def test_titles_say_who_hands_over_against_what(yard):
    kinds = yard.stage.get(yard.trader, "/v1/title-kinds").json()
    assert [one["kind"] for one in kinds if one["contractual"]] == ["rail_bill", "road", "river"]
    bill = yard.issued(yard.stored("1.000"), "1.000", kind="rail_bill")
    assert (bill["kind"], bill["holder"]) == ("rail_bill", yard.trader.id)
