"""What is checked by itself before a debtor confirms: each check is met by a claim that it is there for."""

from typing import Any

import pytest

from scf.parties import service as parties
from scf.parties.models import SizeClass
from scf.receivables import relations
from scf.receivables.findings import TITLES
from tests.integration.receivables.test_received import claim, hand_in, receive
from tests.support.actors import Company, Stage
from tests.support.receivables import (
    NUMBERS,
    confirm,
    invoice_number,
    line,
    money,
    register_invoice,
    submit,
)
from tests.support.trade import receipt_csv, ubl_order


def findings(stage: Stage, receivable: str, who: Company | None = None) -> dict[str, Any]:
    path = f"/v1/receivables/{receivable}/findings"
    shown = stage.get(who or stage.cast.anchor, path).json()
    for one in shown:
        assert one["title"]
        assert any("一" <= letter <= "鿿" for letter in one["title"])
    return {one["code"]: one["figures"] for one in shown}


def represented(stage: Stage, company: Company, name: str):
    """Register a party's legal representative; return how to take that back."""
    with stage.database.transaction() as session:
        person = parties.register_person(
            session, company.party_id, name=name, now=stage.clock.now(), legal_representative=True
        )

    def leave() -> None:
        with stage.database.transaction() as session:
            parties.revoke_person(session, person.id, reason="离任", now=stage.clock.now())

    return leave


class TestNumberElsewhere:
    def test_only_the_debtor_is_shown_that_another_seller_wrote_the_number(self, stage: Stage):
        cast, number = stage.cast, next(NUMBERS)
        document = register_invoice(stage, cast.supplier, number)
        body = line(stage, [document])
        receivable = stage.post(cast.supplier, "/v1/receivables", body).json()["id"]
        before = findings(stage, receivable), findings(stage, receivable, cast.supplier)

        register_invoice(stage, cast.second_supplier, number)

        after = findings(stage, receivable), findings(stage, receivable, cast.supplier)
        told = {"invoice.number_elsewhere": {"number": invoice_number(number)}}
        assert after == (before[0] | told, before[1])


class TestUsccDigits:
    @pytest.mark.parametrize("code", ["91500118MAYYC0A175", "91500118MAYYC0A17", "9150 0118"])
    def test_a_wrong_check_digit_registers_nobody(self, stage: Stage, code: str):
        body = {"uscc": code, "name": "甲(示例)", "kind": "enterprise", "size_class": "small"}
        answer = stage.post(None, "/v1/parties", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "uscc.invalid")
        assert answer.json()["title"] == "统一社会信用代码不正确"

    def test_an_invoice_to_another_code_backs_no_claim(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier, buyer="91500118MAYYC0D40J")
        answer = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, [document]))
        assert answer.json()["code"] == "receivable.documents_wrong"


class TestSizes:
    def test_a_large_debtor_and_a_small_creditor_are_not_mentioned(self, stage: Stage):
        assert "parties.sizes" not in findings(stage, submit(stage))

    def test_any_other_pair_is(self, stage: Stage, monkeypatch):
        monkeypatch.setattr(relations, "LARGE", "none")
        assert findings(stage, submit(stage))["parties.sizes"] == {
            "debtor_size": SizeClass.LARGE,
            "creditor_size": SizeClass.SMALL,
        }


class TestRelatedParties:
    def test_one_name_is_mentioned_and_not_told(self, stage: Stage):
        cast, receivable = stage.cast, submit(stage)
        ends = [represented(stage, cast.anchor, "赵 六"), represented(stage, cast.supplier, "赵六")]
        try:
            found = findings(stage, receivable)
        finally:
            ends[1]()
        other = represented(stage, cast.supplier, "钱七")
        others = findings(stage, receivable)
        other()
        unknown = findings(stage, receivable)
        ends[0]()

        assert found["parties.related"] == {"by": "legal_representative"}
        assert "parties.related" not in others
        assert "parties.related" not in unknown

    def test_an_erased_name_is_compared_with_nobody(self, stage: Stage):
        cast, receivable = stage.cast, submit(stage)
        ends = [represented(stage, one, "孙八") for one in (cast.anchor, cast.supplier)]
        people = stage.get(None, f"/v1/parties/{cast.supplier.id}/persons").json()
        (person,) = [
            one["id"] for one in people if one["legal_representative"] and not one["revoked_at"]
        ]
        assert "parties.related" in findings(stage, receivable)
        stage.post(None, f"/v1/persons/{person}/erase", {"reason": "本人要求"})
        assert "parties.related" not in findings(stage, receivable)
        for end in ends:
            end()

    def test_a_party_has_one_representative_at_a_time(self, stage: Stage):
        end = represented(stage, stage.cast.supplier, "周九")
        path = f"/v1/parties/{stage.cast.supplier.id}/persons"
        body = {"name": "吴十", "legal_representative": True}
        refused = stage.post(None, path, body)
        end()
        assert (refused.status_code, refused.json()["code"]) == (
            409,
            "person.representative_exists",
        )
        person = stage.post(None, path, body).json()
        assert person["legal_representative"] is True
        stage.post(None, f"/v1/persons/{person['id']}/revoke", {"reason": "离任"})


class TestBlockList:
    def test_a_listed_debtor_is_mentioned_until_it_is_taken_off(self, stage: Stage):
        path, receivable = f"/v1/parties/{stage.cast.anchor.id}", submit(stage)
        body = {"source": "持续逾期名单 2025-10", "reason": "承兑人持续逾期"}
        assert stage.post(None, f"{path}/block", body).status_code == 201
        again = stage.post(None, f"{path}/block", body)
        found = findings(stage, receivable, stage.cast.supplier)
        listed = stage.get(None, "/v1/blocked-parties").json()
        off = stage.post(None, f"{path}/unblock", {"reason": "已清偿"})

        assert again.json()["code"] == "block_list.already_listed"
        assert found["debtor.blocked"] == body
        assert [one["party"] for one in listed["items"]] == [stage.cast.anchor.id]
        assert off.json()["revocation_reason"] == "已清偿"
        assert "debtor.blocked" not in findings(stage, receivable)
        assert stage.post(None, f"{path}/unblock", {"reason": "x"}).status_code == 404

    def test_it_is_the_operators(self, stage: Stage):
        path = f"/v1/parties/{stage.cast.supplier.id}/block"
        body = {"source": "x", "reason": "y"}
        assert stage.post(stage.cast.anchor, path, body).status_code == 403
        assert stage.get(stage.cast.anchor, "/v1/blocked-parties").status_code == 403


class TestGoods:
    def test_two_per_cent_above_are_still_in_order(self, stage: Stage):
        number, order, cast = f"RK-{next(NUMBERS)}", f"PO-{next(NUMBERS)}", stage.cast
        sides = cast.anchor.uscc, cast.supplier.uscc
        ordered = ubl_order(*sides, order, [("1", "1", "98.04", "0.00")])
        assert hand_in(stage, cast.anchor, ordered).is_success
        receivable = claim(stage, number, "102.00").json()["id"]
        receive(stage, number, "100.00", order)

        found = findings(stage, receivable)

        assert found["receipt.below_claim"]["left"] == money("100.00")
        assert "invoice.above_received" not in found
        assert "receipt.above_order" not in found

    def test_what_is_further_above_is_mentioned_with_both_figures(self, stage: Stage):
        number, order, cast = f"RK-{next(NUMBERS)}", f"PO-{next(NUMBERS)}", stage.cast
        sides = cast.anchor.uscc, cast.supplier.uscc
        ordered = ubl_order(*sides, order, [("1", "1", "98.03", "0.00")])
        assert hand_in(stage, cast.anchor, ordered).is_success
        receivable = claim(stage, number, "102.01").json()["id"]
        receive(stage, number, "60.00", order)
        rest = receipt_csv(*sides, [(f"{number}-2", order, "1", "1", "40.00")])
        assert hand_in(stage, cast.anchor, rest).is_success

        found = findings(stage, receivable)

        assert found["invoice.above_received"] == {
            "invoiced": money("102.01"),
            "received": money("60.00"),
        }
        assert found["receipt.above_order"] == {
            "order": order,
            "ordered": money("98.03"),
            "received": money("100.00"),
        }


class TestEarlierWords:
    def test_a_ban_on_assignment_said_before_is_mentioned_on_the_same_contract(self, stage: Stage):
        contract = f"HT-{next(NUMBERS)}"
        same, other = submit(stage, contract_no=contract), submit(stage)
        banned = submit(stage, contract_no=contract)
        assert confirm(stage, banned, assignment_banned=True).is_success

        assert findings(stage, same)["contract.assignment_banned"] == {"contract_no": contract}
        assert "contract.assignment_banned" not in findings(stage, other)
        assert "contract.assignment_banned" not in findings(stage, banned)

    def test_what_may_be_set_off_is_asked_for(self, stage: Stage):
        first, second = submit(stage), submit(stage)
        before = findings(stage, second)
        claims = [{"reason": "质量扣款", "amount": money("12.34")}]
        assert confirm(stage, first, no_setoff=False, counterclaims=claims).is_success

        found = findings(stage, second)["setoff.open"]

        assert "setoff.open" not in before
        assert found == {"counterclaims": money("12.34"), "owed_back": money("0.00")}
        assert "setoff.open" not in findings(stage, first)


def test_every_finding_says_what_it_is_in_both_languages():
    for code, (chinese, english) in TITLES.items():
        assert any("一" <= letter <= "鿿" for letter in chinese), code
        assert english.isascii(), code
