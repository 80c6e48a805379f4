"""Two at a receipt at once: one of them has it, the other hears why not, and the sums are what one of them left."""

import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.support.problems import refusal
from tests.support.racing import at_once
from tests.support.receivables import money
from tests.support.warehouse import Yard, part, tonnes

TURNS = range(3)
"""Who comes first is nobody's to say: each race is run some times."""


@pytest.fixture
def receipt(yard: Yard):
    return yard.issued(yard.stored("100.000"), "100.000")


def path_of(receipt) -> str:
    return f"/v1/warehouse-receipts/{receipt['id']}"


def delivery(yard: Yard, receipt, quantity: str) -> Callable[[], httpx.Response]:
    """Goods that are ordered out: what hands over the keeper's signature."""
    assert yard.withdraw(receipt, tonnes(quantity), "TH-1").status_code == 201
    return yard.delivery(receipt, "TH-1")


def pledge(yard: Yard, receipt, quantity: str) -> Callable[[], httpx.Response]:
    """A pledge that its pledgor has signed: what hands over the bank's acceptance."""
    bank = yard.stage.cast.bank
    principal = {
        "contract_sha256": "A" * 43,
        "amount": money("100.00"),
        "rate": "0.0435",
        "due_on": "2026-05-03",
    }
    body = {"pledgee": bank.id, "principal": principal, "amount": tonnes(quantity)}
    proposed = yard.stage.post(yard.trader, f"{path_of(receipt)}/pledges", body)
    assert proposed.status_code == 201, proposed.text
    path = f"/v1/pledges/{proposed.json()['id']}"
    assert yard.sign(yard.trader, "pledge", f"{path}/sign-draft", f"{path}/sign").is_success
    return yard.prepared(bank, "accept", f"{path}/accept-draft", f"{path}/accept")


def division(yard: Yard, receipt, *quantities: str) -> Callable[[], httpx.Response]:
    """A split that its holder has signed: what hands over the keeper's new receipts."""
    lot = {"id": receipt["lots"][0]["lot"]}
    into = [part(f"FG-{uuid.uuid4().hex[:12]}", lot, one) for one in quantities]
    asked = yard.divide([receipt], into).json()["id"]
    assert yard.sign_division(asked, yard.trader).is_success
    path = f"/v1/receipt-divisions/{asked}/issue-drafts"
    body = {"signers": yard.keeper.signers("issue")}
    drafts = yard.stage.post(yard.keeper, path, body)
    assert drafts.is_success, drafts.text
    return lambda: yard.issue_drafted(asked, drafts.json())


def sums(yard: Yard, *things) -> list[tuple[str, str]]:
    owners = [yard.trader if "holder" in one else yard.keeper for one in things]
    shown = [yard.pool(who, one["pool"]) for who, one in zip(owners, things, strict=True)]
    return [(one["confirmed"]["quantity"], one["used"]["quantity"]) for one in shown]


def lot_of(yard: Yard, receipt) -> dict:
    path = f"/v1/lots/{receipt['lots'][0]['lot']}"
    return dict(yard.stage.get(yard.keeper, path).json())


@pytest.mark.parametrize("_turn", TURNS)
def test_goods_leave_and_are_pledged(yard: Yard, receipt, _turn):
    accept, deliver = pledge(yard, receipt, "60.000"), delivery(yard, receipt, "60.000")

    accepted, delivered = at_once(accept, deliver)

    if delivered.status_code == 200:
        refusal(accepted, 409, "capacity.insufficient")
        assert sums(yard, receipt) == [("40.000", "0.000")]
        assert sums(yard, lot_of(yard, receipt)) == [("40.000", "40.000")]
    else:
        refusal(delivered, 409, "receipt.goods_pledged")
        assert accepted.status_code == 200, accepted.text
        assert sums(yard, receipt) == [("100.000", "60.000")]
        assert sums(yard, lot_of(yard, receipt)) == [("100.000", "100.000")]


@pytest.mark.parametrize("_turn", TURNS)
def test_it_is_split_and_ordered_out(yard: Yard, receipt, _turn):
    carry_out = division(yard, receipt, "60.000", "40.000")
    body = {"order_no": "TH-1", "quantity": tonnes("70.000"), "taker": "渝川物流"}
    path = path_of(receipt)
    order = yard.prepared(
        yard.trader, "withdraw", f"{path}/withdrawal-draft", f"{path}/withdrawals", **body
    )

    made, ordered = at_once(carry_out, order)

    if made.status_code == 201:
        refusal(ordered, 409, "receipt.state_forbids")
        assert sums(yard, receipt, *made.json()) == [
            ("0.000", "0.000"),
            ("60.000", "0.000"),
            ("40.000", "0.000"),
        ]
    else:
        refusal(made, 409, "receipt.orders_open")
        assert ordered.status_code == 201, ordered.text
        assert yard.deliver(receipt, "TH-1").status_code == 200
        assert sums(yard, receipt) == [("30.000", "0.000")]


@pytest.mark.parametrize("_turn", TURNS)
def test_it_is_split_twice(yard: Yard, receipt, _turn):
    one, other = (
        division(yard, receipt, "60.000", "40.000"),
        division(yard, receipt, "1.000", "99.000"),
    )

    answers = at_once(one, other)

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 201, won.text
    refusal(lost, 409, "receipt.state_forbids")
    assert sum(float(confirmed) for confirmed, _ in sums(yard, *won.json())) == 100
    assert sums(yard, receipt, lot_of(yard, receipt)) == [
        ("0.000", "0.000"),
        ("100.000", "100.000"),
    ]


@pytest.mark.parametrize("_turn", TURNS)
def test_it_is_passed_on_and_pledged(yard: Yard, receipt, _turn):
    supplier, accept = yard.stage.cast.supplier, pledge(yard, receipt, "100.000")
    assert yard.endorse(receipt, supplier).is_success
    path = path_of(receipt)
    attest = yard.prepared(yard.keeper, "attest", f"{path}/attestation-draft", f"{path}/attest")

    accepted, attested = at_once(accept, attest)

    shown = yard.shown(receipt)
    if attested.status_code == 200:
        refusal(accepted, 409, "pledge.title_moved")
        assert shown["holder"] == supplier.id
        assert yard.pool(supplier, receipt["pool"])["used"] == tonnes("0.000")
    else:
        refusal(attested, 409, "receipt.encumbered")
        assert accepted.status_code == 200, accepted.text
        assert shown["holder"] == yard.trader.id
        assert sums(yard, receipt) == [("100.000", "100.000")]


@pytest.mark.parametrize("_turn", TURNS)
def test_goods_are_lost_while_it_is_split(yard: Yard, receipt, _turn):
    """The loss is recorded whoever comes first; it falls on the receipt, or on what it has become."""
    carry_out = division(yard, receipt, "60.000", "40.000")
    lot = lot_of(yard, receipt)

    made, lost = at_once(carry_out, lambda: yard.lose(lot, tonnes("10.000")))

    assert lost.status_code == 200, lost.text
    assert sums(yard, lot) == [("90.000", "90.000")]
    if made.status_code == 201:
        assert sums(yard, receipt, *made.json()) == [
            ("0.000", "0.000"),
            ("54.000", "0.000"),
            ("36.000", "0.000"),
        ]
    else:
        refusal(made, 409, "receipt.state_forbids")
        assert sums(yard, receipt) == [("90.000", "0.000")]
