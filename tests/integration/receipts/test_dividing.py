"""Split and merged: quantity stays, the pledge goes along, and the lot never has more under receipts than goods."""

import uuid

import pytest
from sqlalchemy import select

from scf.capacity.models import PoolEntry
from scf.kernel.ids import parse_id
from tests.support.problems import refusal
from tests.support.warehouse import Yard, part, pieces, tonnes

VINS = ("LSVAA4181E2184841", "LFPH3ACC3B1A00001")


def number() -> str:
    return f"FG-{uuid.uuid4().hex[:12]}"


def pools(yard: Yard, *things):
    """What receipts and lots amount to and how much of it is held, as their owners see it."""
    owners = [yard.trader if "holder" in one else yard.keeper for one in things]
    shown = [yard.pool(who, one["pool"]) for who, one in zip(owners, things, strict=True)]
    return [(one["confirmed"]["quantity"], one["used"]["quantity"]) for one in shown]


@pytest.fixture
def lot(yard: Yard):
    return yard.stored("100.000")


class TestSplitting:
    def test_the_parts_are_the_whole(self, yard, lot):
        receipt = yard.issued(lot, "100.000")

        parts = yard.divided(
            [receipt], [part(number(), lot, "60.000"), part(number(), lot, "40.000")]
        )

        assert [one["quantity"] for one in parts] == [tonnes("60.000"), tonnes("40.000")]
        assert {one["state"] for one in parts} == {"ACTIVE"}
        assert yard.shown(receipt)["state"] == "DIVIDED"
        assert pools(yard, receipt, *parts) == [
            ("0.000", "0.000"),
            ("60.000", "0.000"),
            ("40.000", "0.000"),
        ]
        assert pools(yard, lot) == [("100.000", "100.000")]
        refusal(yard.withdraw(receipt, tonnes("1.000"), "TH-1"), 409, "receipt.state_forbids")

    def test_more_or_less_than_there_is_is_refused(self, yard, lot):
        receipt = yard.issued(lot, "50.000")
        for wrong in ("20.000", "30.001"):
            into = [part(number(), lot, "20.000"), part(number(), lot, wrong)]
            refusal(yard.divide([receipt], into), 422, "receipt.division_uneven")
        assert yard.shown(receipt)["state"] == "ACTIVE"

    def test_not_while_goods_are_ordered_out(self, yard, lot):
        receipt = yard.issued(lot, "50.000")
        into = [part(number(), lot, "20.000"), part(number(), lot, "30.000")]
        division = yard.divide([receipt], into).json()["id"]
        assert yard.sign_division(division, yard.trader).is_success
        assert yard.withdraw(receipt, tonnes("1.000"), "TH-1").is_success

        refusal(yard.divide([receipt], into), 409, "receipt.orders_open")
        refusal(yard.carry_out(division), 409, "receipt.orders_open")

        assert yard.shown(receipt)["state"] == "ACTIVE"
        assert yard.deliver(receipt, "TH-1").is_success

    def test_the_keeper_does_not_do_it_alone(self, yard, lot):
        receipt = yard.issued(lot, "50.000")
        into = [part(number(), lot, "20.000"), part(number(), lot, "30.000")]
        division = yard.divide([receipt], into).json()["id"]

        refusal(yard.carry_out(division), 409, "receipt.division_not_ready")

        assert yard.shown(receipt)["version"] == receipt["version"]

    def test_a_pledge_goes_along_with_the_banks_consent(self, yard, lot):
        bank, receipt = yard.stage.cast.bank, yard.issued(lot, "100.000")
        holder = yard.hold(receipt, bank, "70.000")
        into = [part(number(), lot, "60.000"), part(number(), lot, "40.000")]
        division = yard.divide([receipt], into).json()["id"]
        assert yard.sign_division(division, yard.trader).is_success
        refusal(yard.carry_out(division), 409, "receipt.division_not_ready")
        assert pools(yard, receipt) == [("100.000", "70.000")]
        assert yard.sign_division(division, bank, "consent").is_success

        done = yard.carry_out(division)

        assert done.status_code == 201, done.text
        one, two = done.json()
        assert pools(yard, receipt, one, two) == [
            ("0.000", "0.000"),
            ("60.000", "60.000"),
            ("40.000", "10.000"),
        ]
        with yard.stage.database.reading() as session:
            taken = select(PoolEntry.holder_id).where(
                PoolEntry.pool_id == parse_id("cap", two["pool"]), PoolEntry.used_delta_minor > 0
            )
            assert holder in session.scalars(taken).all()
        refused = yard.withdraw(one, tonnes("1.000"), "TH-1")
        refusal(refused, 409, "receipt.goods_pledged")

    def test_things_by_name_are_shared_out_by_name(self, yard):
        units = [{"name": vin, "quantity": pieces(1)} for vin in VINS]
        lot = yard.stored_goods(pieces(2), goods="乘用车", grade=None, units=units)
        receipt = yard.issue(lot, pieces(2)).json()

        def one(vin):
            lots = [{"lot": lot["id"], "quantity": pieces(1)}]
            return {"number": number(), "lots": lots, "units": [vin]}

        twice = yard.divide([receipt], [one(VINS[0]), one(VINS[0])])
        refusal(twice, 422, "receipt.division_uneven", "units")
        first, _ = yard.divided([receipt], [one(VINS[0]), one(VINS[1])])

        refused = yard.withdraw(first, pieces(1), "TH-1", units=[VINS[1]])
        refusal(refused, 422, "receipt.units_differ", "units")
        assert yard.withdraw(first, pieces(1), "TH-1", units=[VINS[0]]).is_success
        assert yard.deliver(first, "TH-1").json()["state"] == "DELIVERED"


class TestMerging:
    def test_two_are_one(self, yard, lot):
        old = [yard.issued(lot, "30.000"), yard.issued(lot, "20.000")]

        (merged,) = yard.divided(old, [part(number(), lot, "50.000")])

        assert pools(yard, merged, lot) == [("50.000", "0.000"), ("100.000", "50.000")]
        assert {yard.shown(one)["state"] for one in old} == {"DIVIDED"}

    def test_not_across_warehouses(self, yard, lot):
        far = yard.stored("50.000", warehouse="港桥 2 号仓")
        old = [yard.issued(lot, "30.000"), yard.issued(far, "20.000")]
        into = part(number(), lot, "30.000")
        into["lots"] += part(number(), far, "20.000")["lots"]

        refusal(yard.divide(old, [into]), 422, "receipt.not_alike")

        assert {yard.shown(one)["state"] for one in old} == {"ACTIVE"}

    def test_not_with_anothers(self, yard, lot):
        old = [yard.issued(lot, "30.000"), yard.issued(lot, "20.000")]
        yard.endorse(old[1], yard.stage.cast.supplier)
        yard.attest(old[1])

        refused = yard.divide(old, [part(number(), lot, "50.000")])

        refusal(refused, 404, "subject.not_found")
        assert yard.shown(old[0])["state"] == "ACTIVE"
