"""One holder at any time: the holder signs, the keeper attests, and what happened in between takes it away."""

from datetime import timedelta

import pytest

from tests.support.problems import refusal
from tests.support.warehouse import Yard, tonnes


def standing(yard: Yard, receipt):
    """What must not change by a refusal: who holds it, by what, at which version, and its pool."""
    shown = yard.shown(receipt)
    pool = yard.pool(yard.keeper, receipt["pool"])
    return shown["holder"], shown["title_event"], shown["version"], shown["state"], pool


def take_back(yard: Yard, receipt, order_no: str) -> None:
    path = f"/v1/warehouse-receipts/{receipt['id']}/withdrawals/take-back"
    assert yard.stage.post(yard.trader, path, {"order_no": order_no}).is_success


@pytest.fixture
def receipt(yard: Yard):
    return yard.issued(yard.stored("10.000"), "10.000")


class TestEndorsing:
    def test_it_passes_with_the_keepers_signature_and_not_before(self, yard, receipt):
        supplier = yard.stage.cast.supplier
        before = standing(yard, receipt)
        assert yard.endorse(receipt, supplier).is_success
        assert standing(yard, receipt) == before

        attested = yard.attest(receipt)

        assert attested.status_code == 200, attested.text
        assert attested.json()["holder"] == supplier.id
        assert attested.json()["title_event"] != receipt["title_event"]
        assert yard.pool(supplier, receipt["pool"])["free"] == tonnes("10.000")
        refusal(yard.withdraw(receipt, tonnes("1.000"), "TH-1"), 403, "receipt.action_not_allowed")

    def test_the_next_title_names_the_one_before(self, yard, receipt):
        supplier, second = yard.stage.cast.supplier, yard.stage.cast.second_supplier
        yard.endorse(receipt, supplier)
        first = yard.attest(receipt).json()["title_event"]
        yard.endorse(receipt, second, holder=supplier)
        yard.attest(receipt)

        path = f"/v1/warehouse-receipts/{receipt['id']}/endorsements"
        chain = yard.stage.get(yard.keeper, path).json()

        assert [one["title_event"] for one in chain] == [receipt["title_event"], first]
        assert [one["to"] for one in chain] == [supplier.id, second.id]

    def test_taken_back_it_cannot_be_attested(self, yard, receipt):
        yard.endorse(receipt, yard.stage.cast.supplier)
        path = f"/v1/warehouse-receipts/{receipt['id']}/endorsements/take-back"
        assert yard.stage.post(yard.trader, path, {}).is_success
        before = standing(yard, receipt)

        refusal(yard.attest(receipt), 404, "receipt.endorsement_unknown")

        assert standing(yard, receipt) == before
        refusal(yard.stage.post(yard.trader, path, {}), 404, "receipt.endorsement_unknown")

    def test_one_endorsement_waits_at_a_time(self, yard, receipt):
        yard.endorse(receipt, yard.stage.cast.supplier)
        again = yard.endorse(receipt, yard.stage.cast.second_supplier)
        refusal(again, 409, "receipt.endorsement_open")

    def test_what_happened_since_takes_it_away(self, yard, receipt):
        yard.endorse(receipt, yard.stage.cast.supplier)
        yard.withdraw(receipt, tonnes("1.000"), "TH-1")
        take_back(yard, receipt, "TH-1")
        before = standing(yard, receipt)

        refusal(yard.attest(receipt), 404, "receipt.endorsement_unknown")

        assert standing(yard, receipt) == before
        assert yard.endorse(receipt, yard.stage.cast.supplier).is_success

    def test_what_is_ordered_out_is_nobody_elses(self, yard, receipt):
        """An order is of the holder who signed it: it is never carried out against another's receipt."""
        yard.endorse(receipt, yard.stage.cast.supplier)
        yard.withdraw(receipt, tonnes("1.000"), "TH-1")
        before = standing(yard, receipt)

        for refused in (
            yard.attest(receipt),
            yard.endorse(receipt, yard.stage.cast.supplier),
            yard.surrender(receipt),
        ):
            refusal(refused, 409, "receipt.orders_open")

        assert standing(yard, receipt) == before
        take_back(yard, receipt, "TH-1")
        assert yard.endorse(receipt, yard.stage.cast.supplier).is_success

    def test_what_was_signed_too_long_ago_is_signed_again(self, yard, receipt):
        clock, began = yard.stage.clock, yard.stage.clock.now()
        yard.endorse(receipt, yard.stage.cast.supplier)
        before = standing(yard, receipt)
        try:
            clock.set(began + timedelta(days=1, seconds=1))

            refusal(yard.attest(receipt), 404, "receipt.endorsement_unknown")

            assert standing(yard, receipt) == before
            assert yard.endorse(receipt, yard.stage.cast.second_supplier).is_success
            attested = yard.attest(receipt).json()
            assert attested["holder"] == yard.stage.cast.second_supplier.id
        finally:
            clock.set(began)

    def test_not_while_pledged(self, yard, receipt):
        yard.hold(receipt, yard.stage.cast.bank, "4.000")
        before = standing(yard, receipt)

        refused = yard.endorse(receipt, yard.stage.cast.supplier)

        refusal(refused, 409, "receipt.encumbered")
        assert standing(yard, receipt) == before

    def test_a_pledge_in_between_is_not_passed_by(self, yard, receipt):
        yard.endorse(receipt, yard.stage.cast.supplier)
        yard.hold(receipt, yard.stage.cast.bank, "4.000")
        before = standing(yard, receipt)

        refusal(yard.attest(receipt), 409, "receipt.encumbered")

        assert standing(yard, receipt) == before

    def test_not_to_the_keeper_and_not_to_oneself(self, yard, receipt):
        for to in (yard.keeper, yard.trader):
            refusal(yard.endorse(receipt, to), 422, "receipt.endorsee_invalid")

    def test_not_on_paper(self, yard):
        paper = yard.issued(yard.stored("1.000"), "1.000", medium="paper")
        refusal(yard.endorse(paper, yard.stage.cast.supplier), 409, "receipt.on_paper")


class TestCancelling:
    def test_its_goods_are_free_in_the_lot_again(self, yard):
        lot = yard.stored("10.000")
        receipt = yard.issued(lot, "8.000")
        assert yard.surrender(receipt).is_success

        cancelled = yard.attest(receipt, "cancel")

        assert cancelled.status_code == 200, cancelled.text
        assert cancelled.json()["state"] == "CANCELLED"
        assert yard.pool(yard.keeper, lot["pool"])["free"] == tonnes("10.000")
        assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("0.000")
        assert yard.issue(lot, tonnes("10.000")).status_code == 201

    def test_not_while_pledged(self, yard, receipt):
        yard.hold(receipt, yard.stage.cast.bank, "4.000")
        before = standing(yard, receipt)

        refusal(yard.surrender(receipt), 409, "receipt.encumbered")

        assert standing(yard, receipt) == before
