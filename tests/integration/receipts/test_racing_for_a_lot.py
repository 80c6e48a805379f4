"""Two at a lot at once: whoever comes second sees what the first left, and the lot never has more receipts than goods."""

import uuid
from collections.abc import Callable

import httpx

from tests.support.racing import at_once
from tests.support.warehouse import Yard, tonnes


def signed(yard: Yard, lot, quantity: str) -> Callable[[], httpx.Response]:
    """A receipt over a part of a lot, drafted and signed; what hands it back."""
    body = {
        "number": f"GQ-{uuid.uuid4().hex[:12]}",
        "lots": [{"lot": lot["id"], "quantity": tonnes(quantity)}],
        "depositor_address": "重庆市永川区示例路 1 号",
        "quality": "Cu+Ag ≥ 99.95%",
        "stored_until": "2026-11-02",
        "storage_fee": "每吨每日 0.60 元",
        "issued_at": "重庆市永川区",
        "signers": yard.keeper.signers("issue"),
    }
    draft = yard.stage.post(yard.keeper, "/v1/warehouse-receipts/draft", body)
    assert draft.is_success, draft.text
    answer = {"authorizations": yard.keeper.sign_all(draft.json())}
    path = f"/v1/lots/{lot['id']}/warehouse-receipts"
    return lambda: yard.stage.post(yard.keeper, path, answer)


def test_two_receipts_over_the_same_goods(yard: Yard):
    lot = yard.stored("100.000")

    answers = at_once(signed(yard, lot, "60.000"), signed(yard, lot, "60.000"))

    assert sorted(one.status_code for one in answers) == [201, 409]
    assert yard.pool(yard.keeper, lot["pool"])["used"] == tonnes("60.000")


def test_a_receipt_and_a_loss(yard: Yard):
    lot = yard.stored("100.000")

    issued, lost = at_once(signed(yard, lot, "60.000"), lambda: yard.lose(lot, tonnes("70.000")))

    assert lost.status_code == 200, lost.text
    pool = yard.pool(yard.keeper, lot["pool"])
    assert pool["confirmed"] == tonnes("30.000")
    if issued.status_code == 201:
        assert pool["used"] == tonnes("30.000")
        left = yard.pool(yard.trader, issued.json()["pool"])
        assert left["confirmed"] == tonnes("30.000")
    else:
        assert issued.status_code == 409, issued.text
        assert pool["used"] == tonnes("0.000")


def test_goods_leave_and_are_lost(yard: Yard):
    lot = yard.stored("100.000")
    receipt = yard.issued(lot, "100.000")
    assert yard.withdraw(receipt, tonnes("60.000"), "TH-1").is_success

    delivered, lost = at_once(
        lambda: yard.deliver(receipt, "TH-1"), lambda: yard.lose(lot, tonnes("40.000"))
    )

    assert lost.status_code == 200, lost.text
    left = "0.000" if delivered.status_code == 200 else "60.000"
    assert delivered.status_code in (200, 409), delivered.text
    pool = yard.pool(yard.keeper, lot["pool"])
    assert (pool["confirmed"], pool["used"]) == (tonnes(left), tonnes(left))
    assert yard.pool(yard.trader, receipt["pool"])["confirmed"] == tonnes(left)
