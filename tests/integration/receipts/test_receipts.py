"""Receipts over stored goods: never more than is there, and nothing leaves but what is free."""

from tests.support.warehouse import Yard, tonnes


class TestIssue:
    def test_it_takes_its_lot(self, yard: Yard):
        lot = yard.stored("140.000")

        receipt = yard.issued(lot, "100.000")

        assert (receipt["state"], receipt["quantity"]) == ("ACTIVE", tonnes("100.000"))
        assert (receipt["holder"], receipt["keeper"]) == (yard.trader.id, yard.keeper.id)
        taken = yard.pool(yard.keeper, lot["pool"])
        assert (taken["used"], taken["free"]) == (tonnes("100.000"), tonnes("40.000"))
        own = yard.pool(yard.trader, receipt["pool"])
        assert (own["confirmed"], own["free"]) == (tonnes("100.000"), tonnes("100.000"))

    def test_g21_more_receipts_than_goods_are_refused(self, yard: Yard):
        lot = yard.stored("100.000")
        yard.issued(lot, "60.000")

        refused = yard.issue(lot, tonnes("50.000"))

        assert (refused.status_code, refused.json()["code"]) == (409, "capacity.exceeded")
        assert refused.json()["fields"]["free"] == tonnes("40.000")
        assert yard.pool(yard.keeper, lot["pool"])["used"] == tonnes("60.000")

    def test_a_number_is_used_once(self, yard: Yard):
        lot = yard.stored("100.000")
        yard.issued(lot, "10.000", number="GQ-1")

        refused = yard.issue(lot, tonnes("10.000"), number="GQ-1")

        assert (refused.status_code, refused.json()["code"]) == (409, "receipt.number_taken")


class TestOutbound:
    def test_goods_leave_lot_and_receipt(self, yard: Yard):
        lot = yard.stored("140.000")
        receipt = yard.issued(lot, "140.000")
        assert yard.withdraw(receipt, tonnes("40.000"), "TH-1").status_code == 201

        delivered = yard.deliver(receipt, "TH-1")

        assert delivered.status_code == 200, delivered.text
        assert delivered.json()["lots"] == [{"lot": lot["id"], "quantity": tonnes("100.000")}]
        kept = yard.pool(yard.keeper, lot["pool"])
        assert (kept["confirmed"], kept["used"]) == (tonnes("100.000"), tonnes("100.000"))
        assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("100.000")

    def test_the_last_of_it_ends_the_receipt(self, yard: Yard):
        receipt = yard.issued(yard.stored("5.000"), "5.000")
        yard.withdraw(receipt, tonnes("5.000"), "TH-1")

        assert yard.deliver(receipt, "TH-1").json()["state"] == "DELIVERED"

    def test_an_order_is_carried_out_once(self, yard: Yard):
        receipt = yard.issued(yard.stored("5.000"), "5.000")
        yard.withdraw(receipt, tonnes("1.000"), "TH-1")
        assert yard.deliver(receipt, "TH-1").status_code == 200

        again = yard.deliver(receipt, "TH-1")

        assert (again.status_code, again.json()["code"]) == (404, "receipt.order_unknown")
        assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("4.000")
