"""Pledged receipts that are split or merged: the pledge holds their goods before and after, here, on chain, at the register."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from scf.kernel.ids import parse_id
from scf.pledges.models import AssetToken, Pledge
from scf.registrations.models import RegistryFiling
from scf_ledger.note import Signer
from tests.support.collateral import debt, did, money, signed
from tests.support.lending import Desk
from tests.support.pledging import (
    PRINCIPAL,
    played,
    pledge_of,
    pledged,
    release_part,
    verified,
)
from tests.support.prices import a_series, entered
from tests.support.problems import refusal
from tests.support.racing import at_once
from tests.support.warehouse import Yard, part, tonnes


def numbers(count: int = 2) -> list[str]:
    return [f"FG-{uuid.uuid4().hex[:12]}" for _ in range(count)]


def divided(desk: Desk, yard: Yard, receipts, into, *banks) -> list[dict]:
    """Have receipts become others with the consent of these banks, and the workers play it to its end."""
    division = did(yard.divide(receipts, into))["id"]
    for who, act in [(yard.trader, "divide"), *((bank, "consent") for bank in banks)]:
        did(yard.sign_division(division, who, act))
    made = yard.carry_out(division)
    assert made.status_code == 201, made.text
    played(desk)
    return made.json()


def split(desk: Desk, yard: Yard, receipt, *quantities: str) -> list[dict]:
    lot = {"id": yard.shown(receipt)["lots"][0]["lot"]}
    names = numbers(len(quantities))
    into = [part(name, lot, one) for name, one in zip(names, quantities, strict=True)]
    return divided(desk, yard, [receipt], into, desk.stage.cast.bank)


def held(desk: Desk, pledge: str) -> list[tuple[str, str]]:
    goods = desk.pledge(pledge)["goods"]
    return [(one["receipt"], one["quantity"]["quantity"]) for one in goods]


def sums(yard: Yard, *receipts) -> list[tuple[str, str, str]]:
    shown = [yard.pool(yard.trader, one["pool"]) for one in receipts]
    return [tuple(one[name]["quantity"] for name in ("confirmed", "used", "free")) for one in shown]


def entries(desk: Desk, pledge: str) -> list[RegistryFiling]:
    with desk.stage.database.reading() as session:
        own = select(RegistryFiling).where(RegistryFiling.pledge_id == parse_id("plg", pledge))
        return list(session.scalars(own.order_by(RegistryFiling.id)))


def locked(desk: Desk, pledge: str) -> tuple[set[str], set[str]]:
    """The tokens that a pledge has locked, and all that anybody here wants locked of those it ever had."""
    with desk.stage.database.reading() as session:
        own = session.get_one(Pledge, parse_id("plg", pledge)).lock.tokens or []
        known = session.scalars(select(AssetToken.token).where(AssetToken.holders > 0)).all()
    return {f"0x{one.hex()}" for one in own}, {f"0x{one.hex()}" for one in known}


class TestSplit:
    def test_the_pledge_stands_on_the_parts_and_nowhere_else(
        self, desk: Desk, yard: Yard, signer: Signer
    ):
        receipt, pledge = pledged(desk, yard, "100.000")
        before, _ = locked(desk, pledge)

        one, two = split(desk, yard, receipt, "60.000", "40.000")

        assert held(desk, pledge) == [(one["id"], "60.000"), (two["id"], "40.000")]
        assert sums(yard, receipt, one, two) == [
            ("0.000", "0.000", "0.000"),
            ("60.000", "60.000", "0.000"),
            ("40.000", "40.000", "0.000"),
        ]
        own, wanted = locked(desk, pledge)
        assert (len(own), own & before) == (2, set())
        assert own <= wanted
        assert not before & wanted
        assert desk.pledge(pledge)["lock"]["state"] == "final"
        report = verified(desk, signer, pledge)
        assert report.facts["pledge"]["amount"] == tonnes("100.000")

    def test_the_register_names_the_new_receipts(self, desk: Desk, yard: Yard):
        receipt, pledge = pledged(desk, yard, "100.000")
        one, two = split(desk, yard, receipt, "60.000", "40.000")

        first, change = entries(desk, pledge)

        assert (first.change, change.change) == ("registered", "amended")
        assert (change.number is not None, change.problem) == (True, None)
        assert change.content["items"] == [one["number"], two["number"]]
        for piece in (one["number"], "60.000吨", two["number"], "40.000吨", "共2张"):
            assert piece in change.content["description"]
        assert receipt["number"] not in change.content["description"]

    def test_what_was_not_pledged_is_free_in_the_last(self, desk: Desk, yard: Yard, signer: Signer):
        receipt = yard.issued(yard.stored("100.000"), "100.000")
        pledge = pledge_of(desk, yard, receipt, amount="70.000")

        pledged_part, free = split(desk, yard, receipt, "70.000", "30.000")

        assert held(desk, pledge) == [(pledged_part["id"], "70.000")]
        assert yard.withdraw(free, tonnes("30.000"), "TH-1").status_code == 201
        assert yard.deliver(free, "TH-1").json()["state"] == "DELIVERED"
        refused = yard.withdraw(pledged_part, tonnes("0.001"), "TH-2")
        refusal(refused, 409, "receipt.goods_pledged")
        verified(desk, signer, pledge)

    def test_released_in_part_and_whole_the_goods_leave(
        self, desk: Desk, yard: Yard, signer: Signer
    ):
        receipt, pledge = pledged(desk, yard, "100.000")
        one, two = split(desk, yard, receipt, "60.000", "40.000")

        release_part(desk, pledge, "70.000")

        assert held(desk, pledge) == [(two["id"], "30.000")]
        for receipt_, quantity in ((one, "60.000"), (two, "10.000")):
            assert yard.withdraw(receipt_, tonnes(quantity), "TH-1").status_code == 201
            assert yard.deliver(receipt_, "TH-1").status_code == 200
        refusal(yard.withdraw(two, tonnes("0.001"), "TH-2"), 409, "receipt.goods_pledged")
        verified(desk, signer, pledge)
        desk.release(pledge)
        played(desk)
        assert held(desk, pledge) == []
        assert locked(desk, pledge)[0] == set()
        assert yard.withdraw(two, tonnes("30.000"), "TH-3").status_code == 201
        assert yard.deliver(two, "TH-3").json()["state"] == "DELIVERED"

    def test_again_and_again(self, desk: Desk, yard: Yard, signer: Signer):
        receipt, pledge = pledged(desk, yard, "100.000")
        one, two = split(desk, yard, receipt, "60.000", "40.000")
        three, four = split(desk, yard, one, "25.000", "35.000")
        lot = {"id": receipt["lots"][0]["lot"]}

        (last,) = divided(
            desk, yard, [four, two], [part(*numbers(1), lot, "75.000")], desk.stage.cast.bank
        )

        assert held(desk, pledge) == [(three["id"], "25.000"), (last["id"], "75.000")]
        assert len(locked(desk, pledge)[0]) == 2
        verified(desk, signer, pledge)
        assert entries(desk, pledge)[-1].content["items"] == [three["number"], last["number"]]


class TestMerging:
    def test_two_pledges_stand_on_one_receipt_each_for_its_part(
        self, desk: Desk, yard: Yard, signer: Signer
    ):
        cast, lot = desk.stage.cast, yard.stored("100.000")
        first, pledge = pledged(desk, yard, "60.000", lot=lot)
        second, other = pledged(desk, yard, "40.000", lot=lot, bank=cast.second_bank)

        (merged,) = divided(
            desk,
            yard,
            [first, second],
            [part(*numbers(1), lot, "100.000")],
            cast.bank,
            cast.second_bank,
        )

        assert sums(yard, merged) == [("100.000", "100.000", "0.000")]
        assert held(desk, pledge) == [(merged["id"], "60.000")]
        verified(desk, signer, pledge)
        verified(desk, signer, other, bank=cast.second_bank)
        desk.release(pledge)
        played(desk)
        assert sums(yard, merged) == [("100.000", "40.000", "60.000")]
        verified(desk, signer, other, bank=cast.second_bank)

    def test_not_without_the_other_bank(self, desk: Desk, yard: Yard):
        cast, lot = desk.stage.cast, yard.stored("100.000")
        first, pledge = pledged(desk, yard, "60.000", lot=lot)
        second, _ = pledged(desk, yard, "40.000", lot=lot, bank=cast.second_bank)
        into = [part(*numbers(1), lot, "100.000")]
        division = did(yard.divide([first, second], into))["id"]
        did(yard.sign_division(division, yard.trader))
        did(yard.sign_division(division, cast.bank, "consent"))

        refusal(yard.carry_out(division), 409, "receipt.division_not_ready")

        assert held(desk, pledge) == [(first["id"], "60.000")]


class TestConsent:
    def test_a_pledge_taken_since_it_was_asked_for_asks_for_it_anew(self, desk: Desk, yard: Yard):
        """All sign one paper, which names the pledgees: no verifier would take two."""
        receipt = yard.issued(yard.stored("100.000"), "100.000")
        lot, bank = {"id": receipt["lots"][0]["lot"]}, desk.stage.cast.bank
        into = [part(name, lot, "50.000") for name in numbers()]
        division = did(yard.divide([receipt], into))["id"]
        did(yard.sign_division(division, yard.trader))
        pledge = pledge_of(desk, yard, receipt)

        refusal(yard.sign_division(division, bank, "consent"), 404, "subject.not_found")
        refusal(yard.carry_out(division), 409, "receipt.division_not_ready")

        assert held(desk, pledge) == [(receipt["id"], "100.000")]
        assert yard.shown(receipt)["state"] == "ACTIVE"

    def test_what_was_signed_too_long_ago_is_signed_again(
        self, desk: Desk, yard: Yard, signer: Signer
    ):
        receipt, pledge = pledged(desk, yard, "100.000")
        lot, bank = {"id": receipt["lots"][0]["lot"]}, desk.stage.cast.bank
        into = [part(name, lot, "50.000") for name in numbers()]
        division = did(yard.divide([receipt], into))["id"]
        did(yard.sign_division(division, yard.trader))
        clock = desk.stage.clock
        clock.set(clock.now() + timedelta(days=2))
        did(yard.sign_division(division, bank, "consent"))

        refusal(yard.carry_out(division), 409, "receipt.division_not_ready")

        did(yard.sign_division(division, yard.trader))
        assert yard.carry_out(division).status_code == 201
        played(desk)
        verified(desk, signer, pledge)


@pytest.mark.parametrize("_turn", range(3))
def test_released_while_it_is_split(desk: Desk, yard: Yard, _turn):
    """Whoever comes first, nothing of what was released is held anywhere."""
    receipt, pledge = pledged(desk, yard, "100.000")
    lot, bank = {"id": receipt["lots"][0]["lot"]}, desk.stage.cast.bank
    division = did(yard.divide([receipt], [part(name, lot, "50.000") for name in numbers()]))["id"]
    did(yard.sign_division(division, yard.trader))
    did(yard.sign_division(division, bank, "consent"))
    path, body = f"/v1/receipt-divisions/{division}", {"signers": yard.keeper.signers("issue")}
    drafts = did(desk.stage.post(yard.keeper, f"{path}/issue-drafts", body))
    path = f"/v1/pledges/{pledge}"
    release = yard.prepared(
        bank, "release", f"{path}/release-draft", f"{path}/release", reason="结清"
    )

    released, made = at_once(release, lambda: yard.issue_drafted(division, drafts))

    assert released.status_code == 200, released.text
    if made.status_code == 201:
        free = [("50.000", "0.000", "50.000")] * 2
        assert sums(yard, receipt, *made.json()) == [("0.000", "0.000", "0.000"), *free]
    else:
        refusal(made, 409, "receipt.division_not_ready")
        assert sums(yard, receipt) == [("100.000", "0.000", "100.000")]
    played(desk)
    assert held(desk, pledge) == []
    assert locked(desk, pledge)[0] == set()


def test_a_control_agreement_values_the_same_goods(desk: Desk, yard: Yard):
    """What watches the pledge goes on watching it; the keeper is told of the receipts as they are now."""
    stage, bank = desk.stage, desk.stage.cast.bank
    principal = {**PRINCIPAL, "contract_sha256": "B" * 42 + "A"}
    receipt, pledge = pledged(desk, yard, "100.000", principal=principal)
    series = a_series(stage, bank)
    entered(stage, bank, series, "75000.00", at="2025-11-03T01:00:00Z")
    body = {
        "pledgor": yard.trader.id,
        "supervisor": yard.supervisor.id,
        "contract_sha256": principal["contract_sha256"],
        "shares": {"advance_bps": 7000, "warning_bps": 500, "disposal_bps": 8000},
        "without_price_fall": True,
        "goods": [
            {"goods": receipt["goods"], "series": series, "quality_bps": 0, "liquidity_bps": 0}
        ],
    }
    path = f"/v1/control-agreements/{did(stage.post(bank, '/v1/control-agreements', body))['id']}"
    hands = {"entrust": yard.trader, "supervise": yard.supervisor, "appoint": bank}
    signed(stage, path, hands)
    did(stage.post(bank, f"{path}/pledges", {"pledge": pledge}))
    did(stage.post(bank, f"{path}/debt", debt("4900000.00")))
    before = did(stage.get(bank, path))["mark"]
    assert before["value"] == money("7500000.00")

    one, two = split(desk, yard, receipt, "60.000", "40.000")

    did(stage.post(bank, f"{path}/debt", debt("4900000.00")))
    after = did(stage.get(bank, path))["mark"]
    assert (after["value"], after["line"]) == (before["value"], before["line"])
    notice = did(stage.post(bank, f"{path}/notices", {"keeper": yard.keeper.id}))
    assert [(row["receipt"], row["quantity"]) for row in notice["content"]["pledges"]] == [
        (one["number"], tonnes("60.000")),
        (two["number"], tonnes("40.000")),
    ]
