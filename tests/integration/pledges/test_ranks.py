"""Where a pledge stands, or would if it registered now: on an order, on the claim it becomes, on stored goods."""

import httpx
import pytest

from scf.kernel.ids import public_id
from tests.support.actors import Company
from tests.support.lending import Desk
from tests.support.lineage import Chain, put_forward, undertake
from tests.support.receivables import confirm, money, submit
from tests.support.warehouse import Yard, open_yard

LIEN = "第四百五十六条"
OUTSIDE = {"name": "某外地银行(示例)", "uscc": "91350100M000100Y43"}
PRINCIPAL = {"contract_sha256": "A" * 43, "rate": "0.0385", "due_on": "2026-01-31"}


@pytest.fixture(scope="module")
def yard(open_desk: Desk) -> Yard:
    return open_yard(open_desk.stage)


def proposed(desk: Desk, who: Company, path: str, bank: Company, owed: str, **other: object) -> str:
    body = {"pledgee": bank.id, "principal": {**PRINCIPAL, "amount": money(owed)}, **other}
    return str(desk.did(who, path, body)["id"])


def registered(desk: Desk, who: Company, pledge: str) -> str:
    """Signed, accepted by its bank, and registered; return its pledgee's view of the registration's time."""
    path, signers = f"/v1/pledges/{pledge}", {"signers": who.signers("pledge")}
    desk.signed(who, f"{path}/sign-draft", signers, f"{path}/sign")
    desk.accept(pledge)
    desk.work()
    return str(desk.pledge(pledge)["registration"]["registered_at"])


def rank(desk: Desk, pledge: str, who: Company | None = None, *sums: str) -> dict:
    asked = {"sum": list(sums)} if sums else {}
    return desk.seen(who or desk.stage.cast.bank, f"/v1/pledges/{pledge}/rank", **asked)


def gets(found: dict) -> list[tuple[str, str, str]]:
    """Of the first sum: whose, what it gets, what it lacks."""
    shares = found["recoveries"][0]["shares"]
    return [(s["whose"], s["gets"]["amount"], s["lacks"]["amount"]) for s in shares]


def order(desk: Desk, number: str) -> dict:
    """An order of 1,000.00 that its buyer confirmed."""
    answer = undertake(
        desk.stage, put_forward(desk.stage, "采购订单", [(number, "1", "1000.00")], number=number)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def at_the_register(desk: Desk, grantor: Company, description: str, business: str) -> str:
    """Somebody who never joined registers something against a grantor by hand."""
    body = {
        "reference": description,
        "secured_party": OUTSIDE,
        "grantor": {"name": grantor.name, "uscc": grantor.uscc},
        "description": description,
        "items": [],
        "amount": "300000.00",
        "currency": "CNY",
        "contract_no": "WB-1",
        "term_months": 12,
        "business": business,
    }
    answer = httpx.post(f"{desk.registry.url}/registrations", json=body, trust_env=False)
    assert answer.is_success, answer.text
    return str(answer.json()["reg_no"])


class TestOrder:
    def test_first_if_registered_now_and_by_its_time_when_it_is(self, desk: Desk):
        supplier, bank = desk.stage.cast.supplier, desk.stage.cast.bank
        path = f"/v1/stages/{order(desk, 'PO-R1')['id']}/pledges"
        pledge = proposed(desk, supplier, path, bank, "600.00", amount=money("700.00"))

        before = rank(desk, pledge, None, "500.01")

        assert (before["rank"], before["registered"]) == (1, False)
        assert before["worth"] == money("1000.00")
        assert gets(before) == [("own", "500.01", "99.99")]
        at = registered(desk, supplier, pledge)
        after = rank(desk, pledge)
        assert (after["rank"], after["registered"], after["places"][0]["since"]) == (1, True, at)
        assert "第七百六十八条" in after["places"][0]["article"]
        assert gets(after) == [("own", "600.00", "0.00")]
        assert after["recoveries"][0]["surplus"] == money("400.00")

    def test_behind_another_bank_on_the_order_and_on_the_claim_that_it_becomes(self, desk: Desk):
        cast, number = desk.stage.cast, "PO-R2"
        stage = order(desk, number)
        path = f"/v1/stages/{stage['id']}/pledges"
        first = proposed(desk, cast.supplier, path, cast.bank, "600.00", amount=money("700.00"))
        at = registered(desk, cast.supplier, first)
        second = proposed(
            desk, cast.supplier, path, cast.second_bank, "300.00", amount=money("300.00")
        )

        found = rank(desk, second, cast.second_bank, "750.00")

        assert found["rank"] == 2
        ahead = found["places"][0]
        assert (ahead["name"], ahead["kind"], ahead["since"]) == ("其他权利人", None, at)
        assert gets(found) == [("other", "700.00", "0.00"), ("own", "50.00", "250.00")]
        assert cast.bank.name not in str(found)
        owners = rank(desk, second, cast.supplier)["places"]
        assert [one["name"] for one in owners] == [cast.bank.name, cast.second_bank.name]

        line = {"contract_no": number, "receipt_no": None}
        claim = submit(desk.stage, total="1000.00", **line)
        assert confirm(desk.stage, claim, "1000.00").is_success
        financing = desk.request(claim, bank=cast.second_bank, amount="300.00")
        shown = desk.seen(cast.second_bank, f"/v1/financings/{financing}/rank", sum="750.00")
        assert shown["rank"] == 2, "what was pledged as an order stands on the claim"
        assert gets(shown) == [("other", "700.00", "0.00"), ("own", "50.00", "250.00")]

    def test_it_follows_the_value_into_the_claims(self, desk: Desk):
        cast, number = desk.stage.cast, "PO-R3"
        path = f"/v1/stages/{order(desk, number)['id']}/pledges"
        pledge = proposed(desk, cast.supplier, path, cast.bank, "600.00", amount=money("700.00"))
        registered(desk, cast.supplier, pledge)
        claim = Chain(desk.stage, number).claim("800.00")
        assert rank(desk, pledge)["worth"] == money("900.00"), "what was free has passed on"

        desk.did(cast.bank, f"/v1/pools/{public_id('cap', claim)}/convert", {"holder": pledge})

        found = rank(desk, pledge)
        assert found["worth"] == money("800.00")
        assert [one["whose"] for one in found["places"]] == ["own"]

    def test_a_stranger_learns_nothing(self, desk: Desk):
        cast = desk.stage.cast
        path = f"/v1/stages/{order(desk, 'PO-R4')['id']}/pledges"
        pledge = proposed(desk, cast.supplier, path, cast.bank, "600.00")

        answer = desk.stage.get(cast.second_bank, f"/v1/pledges/{pledge}/rank")

        assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")

    def test_a_sum_is_an_amount(self, desk: Desk):
        cast = desk.stage.cast
        path = f"/v1/stages/{order(desk, 'PO-R5')['id']}/pledges"
        pledge = proposed(desk, cast.supplier, path, cast.bank, "600.00")

        for text in ("-1.00", "1.234", "x"):
            answer = desk.stage.get(cast.bank, f"/v1/pledges/{pledge}/rank", sum=text)
            assert (answer.status_code, answer.json()["code"]) == (422, "money.invalid")


class TestGoods:
    def pledge(self, desk: Desk, yard: Yard, owed: str = "4900000.00") -> tuple[dict, str]:
        receipt = yard.issued(yard.stored("140.000"), "140.000")
        path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
        return receipt, proposed(desk, yard.trader, path, desk.stage.cast.bank, owed)

    def test_the_keepers_lien_comes_first_for_what_storage_is_owed(self, desk: Desk, yard: Yard):
        receipt, pledge = self.pledge(desk, yard)
        alone = rank(desk, pledge, None, "1000000.00")
        assert (alone["rank"], alone["worth"]) == (1, None)
        registered(desk, yard.trader, pledge)

        yard.owe(receipt, "50000.01")

        found = rank(desk, pledge, None, "1000000.00", "50000.00")
        keeper, own = found["places"]
        assert (keeper["whose"], keeper["name"], keeper["kind"]) == (
            *("keeper", yard.keeper.name),
            "lien",
        )
        assert LIEN in keeper["article"]
        assert (own["rank"], own["kind"]) == (2, "receipt_pledge")
        assert gets(found) == [("keeper", "50000.01", "0.00"), ("own", "949999.99", "3950000.01")]
        assert [one["gets"]["amount"] for one in found["recoveries"][1]["shares"]] == [
            *("50000.00", "0.00")
        ]
        yard.owe(receipt, "0.00")
        assert rank(desk, pledge)["rank"] == 1, "what is paid is no lien any more"

    def test_nobody_guesses_what_goods_are_worth(self, desk: Desk, yard: Yard):
        _, pledge = self.pledge(desk, yard)

        found = rank(desk, pledge)

        assert (found["worth"], found["recoveries"]) == (None, [])

    def test_behind_whoever_registered_all_the_goods_elsewhere(self, desk: Desk, yard: Yard):
        """A floating charge over all stock names no receipt, and stands before ours all the same."""
        number = at_the_register(
            desk, yard.trader, "出质人现有及将有的全部存货；金额以合同为准", "应收账款质押"
        )
        _, pledge = self.pledge(desk, yard)
        path, signers = f"/v1/pledges/{pledge}", {"signers": yard.trader.signers("pledge")}
        desk.signed(yard.trader, f"{path}/sign-draft", signers, f"{path}/sign")
        desk.accept(pledge)
        desk.work()

        found = rank(desk, pledge, None, "5000000.00")

        assert desk.pledge(pledge)["state"] == "RESERVED", "an unclean register stops it"
        assert found["rank"] == 2
        assert (found["places"][0]["reg_no"], found["places"][0]["amount_assumed"]) == (
            number,
            True,
        )
        assert gets(found) == [("other", "5000000.00", "0.00"), ("own", "0.00", "4900000.00")]
