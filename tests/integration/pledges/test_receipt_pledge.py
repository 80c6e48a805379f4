"""Goods of a receipt as security: nothing leaves without the bank's signed release, and the bank can prove it."""

from sqlalchemy import select

from scf.capacity.models import Notice
from scf.kernel.ids import parse_id
from scf.receipts.models import WithdrawalRefusal
from scf_ledger.note import Signer
from tests.support.lending import Desk
from tests.support.pledging import PRINCIPAL, pledged, release_part, verified
from tests.support.warehouse import Yard, tonnes


def test_it_is_in_force_and_proven(desk: Desk, yard: Yard, signer: Signer):
    receipt, pledge = pledged(desk, yard)

    seen = desk.pledge(pledge)

    assert (seen["state"], seen["receipt"]) == ("EFFECTIVE", receipt["id"])
    assert seen["amount"] == tonnes("140.000")
    assert seen["ready_to_disburse_at"] is not None, seen["missing"]
    pool = yard.pool(yard.trader, receipt["pool"])
    assert (pool["used"], pool["free"]) == (tonnes("140.000"), tonnes("0.000"))
    verified(desk, signer, pledge)


def test_g22_pledged_goods_do_not_leave_and_the_bank_is_told(desk: Desk, yard: Yard):
    receipt, pledge = pledged(desk, yard, "10.000")

    refused = yard.withdraw(receipt, tonnes("1.000"), "TH-1")

    assert (refused.status_code, refused.json()["code"]) == (409, "receipt.goods_pledged")
    assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes("10.000")
    with desk.stage.database.reading() as session:
        told = session.scalars(select(Notice).where(Notice.subject == pledge)).all()
        kept = session.scalars(
            select(WithdrawalRefusal).where(
                WithdrawalRefusal.receipt_id == parse_id("whr", receipt["id"])
            )
        ).all()
    assert [one.kind for one in told] == ["receipt.withdrawal_refused"]
    assert told[0].party_id == desk.stage.cast.bank.party_id
    assert [one.quantity_minor for one in kept] == [1_000]


def test_what_the_bank_releases_may_leave_and_no_more(desk: Desk, yard: Yard, signer: Signer):
    receipt, pledge = pledged(desk, yard, "50.000")
    release_part(desk, pledge, "20.000")

    assert yard.withdraw(receipt, tonnes("20.001"), "TH-1").status_code == 409
    assert yard.withdraw(receipt, tonnes("20.000"), "TH-2").status_code == 201
    assert yard.deliver(receipt, "TH-2").status_code == 200

    pool = yard.pool(yard.trader, receipt["pool"])
    assert (pool["confirmed"], pool["used"]) == (tonnes("30.000"), tonnes("30.000"))
    verified(desk, signer, pledge)


def test_the_whole_is_not_released_as_a_part(desk: Desk, yard: Yard):
    _, pledge = pledged(desk, yard, "5.000")
    bank = desk.stage.cast.bank
    body = {"released": tonnes("5.000"), "reason": "结清", "signers": bank.signers("release")}

    refused = desk.refused(bank, f"/v1/pledges/{pledge}/part-release-draft", body)

    assert refused["code"] == "pledge.part_too_large"


def test_goods_are_pledged_once(desk: Desk, yard: Yard):
    receipt, _ = pledged(desk, yard, "5.000")
    body = {"pledgee": desk.stage.cast.second_bank.id, "principal": PRINCIPAL}

    path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
    refused = desk.refused(yard.trader, path, body)

    assert refused["code"] == "capacity.insufficient"
