"""What banks tell in camt messages: recorded once, matched, or waiting for a person."""

import io

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from scf.evidence.models import Event
from scf.kernel.money import MINOR_MAX
from scf.receivables.models import PaymentReversal, ReceivablePayment
from scf.receivables.payments import RECEIPT_MAX
from scf.receivables.service import lock, show_to
from scf.settlement.models import BankEntry
from tests.support.actors import Company, Stage
from tests.support.banking import DEBTOR_ACCOUNT, DIGITS, entry, hand_in, statement, told
from tests.support.pools import Value
from tests.support.receivables import confirmed_receivable, identity, money, pay


def pool_of(stage: Stage, receivable: dict) -> Value:
    return Value(stage, identity(receivable["pool"]), stage.cast.supplier.party_id)


def shown(stage: Stage, receivable: dict) -> tuple[str, str]:
    one = stage.get(stage.cast.supplier, f"/v1/receivables/{receivable['id']}").json()
    return one["state"], one["paid"]["amount"]


def astray(stage: Stage, who: Company, receivable: dict) -> dict:
    found = stage.get(who, "/v1/astray-payments").json()["items"]
    (one,) = [item for item in found if item["receivable"] == receivable["id"]]
    return one


def counts(stage: Stage) -> list[int]:
    with stage.database.reading() as session:
        tables = (Event, ReceivablePayment, PaymentReversal, BankEntry)
        return [session.scalar(select(func.count()).select_from(t)) or 0 for t in tables]


@pytest.fixture
def receivable(stage: Stage) -> dict:
    return confirmed_receivable(stage)


class TestMatching:
    def test_by_its_end_to_end_id(self, stage: Stage, receivable: dict):
        bank = stage.cast.bank
        outcome = told(stage, bank, entry(1, 4_000, receivable=receivable["id"]))
        assert (outcome["recorded"], outcome["unmatched"]) == (1, 0)
        assert outcome["entries"][0]["receivable"] == receivable["id"]
        told(stage, bank, entry(2, 6_000, receivable=receivable["id"]), name="N2")
        assert shown(stage, receivable) == ("PAID", "100.00")
        assert pool_of(stage, receivable).numbers == (0, 0, 0, 0)

    def test_by_account_amount_and_line_number(self, stage: Stage, receivable: dict):
        other = confirmed_receivable(stage)
        text = f"付货款 {receivable['line_no']}，谢谢"
        outcome = told(stage, stage.cast.bank, entry(1, 10_000, remittance=text))
        assert outcome["entries"][0]["receivable"] == receivable["id"]
        assert shown(stage, other) == ("CONFIRMED", "0.00")

    def test_by_invoice_number(self, stage: Stage, receivable: dict):
        number = receivable["documents"][0]["number"]
        outcome = told(stage, stage.cast.bank, entry(1, 10_000, remittance=f"发票{number}"))
        assert outcome["recorded"] == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"remittance": "L-9"},
            {"remittance": ""},
            {"minor": 9_999},
            {"account": "6222999900000000"},
            {"currency": "USD"},
        ],
    )
    def test_what_does_not_fit_waits(self, stage: Stage, receivable: dict, change: dict):
        given = {"minor": 10_000, "remittance": receivable["line_no"], **change}
        outcome = told(stage, stage.cast.bank, entry(1, given.pop("minor"), **given))
        assert (outcome["recorded"], outcome["unmatched"]) == (0, 1)
        assert shown(stage, receivable) == ("CONFIRMED", "0.00")

    def test_a_line_number_inside_a_longer_one_is_another(self, stage: Stage, receivable: dict):
        text = f"{receivable['line_no']}5"
        assert told(stage, stage.cast.bank, entry(1, 10_000, remittance=text))["unmatched"] == 1

    def test_two_that_fit_wait_for_a_person(self, stage: Stage, receivable: dict):
        other = confirmed_receivable(stage)
        text = f"{receivable['line_no']} {other['line_no']}"
        outcome = told(stage, stage.cast.bank, entry(1, 10_000, remittance=text))
        assert outcome["entries"][0]["problem"].startswith("有多笔")

        row = outcome["entries"][0]["id"]
        work = stage.get(stage.cast.bank, "/v1/bank-entries", state="UNMATCHED").json()["items"]
        assert work[-1]["id"] == row
        path, body = f"/v1/bank-entries/{row}/assign", {"receivable": other["id"]}
        assert stage.post(stage.cast.second_bank, path, body).status_code == 404
        done = stage.post(stage.cast.bank, path, body).json()
        assert (done["state"], done["assigned"], done["receivable"]) == (
            "RECORDED",
            True,
            other["id"],
        )
        again = stage.post(stage.cast.bank, path, body)
        assert (again.status_code, again.json()["code"]) == (409, "bank_entry.not_open")
        assert shown(stage, other) == ("PAID", "100.00")

    def test_a_foreign_currency_waits_with_its_reason(self, stage: Stage, receivable: dict):
        one = entry(1, 10_000, receivable=receivable["id"], currency="EUR")
        outcome = told(stage, stage.cast.bank, one)
        assert outcome["entries"][0]["problem"].startswith("币种")

    def test_a_bank_without_a_part_in_it_moves_nothing(self, stage: Stage, receivable: dict):
        one = entry(1, 10_000, receivable=receivable["id"], account="6222999900000000")
        outcome = told(stage, stage.cast.second_bank, one)
        assert outcome["unmatched"] == 1
        assert pool_of(stage, receivable).numbers == (10_000, 0, 10_000, 0)


class TestTakenBackByHand:
    def assigned(self, stage: Stage, entry_id: str, receivable: dict):
        path, body = f"/v1/bank-entries/{entry_id}/assign", {"receivable": receivable["id"]}
        return stage.post(stage.cast.bank, path, body)

    def unassigned(self, stage: Stage, entry_id: str, who: Company | None = None):
        return stage.post(who or stage.cast.bank, f"/v1/bank-entries/{entry_id}/unassign", {})

    def test_a_wrong_assignment_is_undone_and_made_right(self, stage: Stage, receivable: dict):
        other, value = confirmed_receivable(stage), pool_of(stage, receivable)
        value.reserve(8_000)
        outcome = told(stage, stage.cast.bank, entry(1, 4_000))
        row = outcome["entries"][0]["id"]
        for _ in range(2):
            assert self.assigned(stage, row, receivable).is_success
            assert shown(stage, receivable) == ("PARTLY_PAID", "40.00")
            assert self.unassigned(stage, row, stage.cast.second_bank).status_code == 404
            undone = self.unassigned(stage, row).json()
            assert (undone["state"], undone["receivable"]) == ("UNMATCHED", None)
            assert undone["problem"].startswith("人工认领已撤销")
            assert shown(stage, receivable) == ("PARTLY_PAID", "0.00")
            assert value.numbers == (10_000, 8_000, 2_000, 0)
        again = self.unassigned(stage, row)
        assert (again.status_code, again.json()["code"]) == (409, "bank_entry.not_assigned")
        assert self.assigned(stage, row, other).json()["state"] == "RECORDED"
        assert shown(stage, other) == ("PARTLY_PAID", "40.00")

    def test_what_was_matched_stands(self, stage: Stage, receivable: dict):
        outcome = told(stage, stage.cast.bank, entry(1, 4_000, receivable=receivable["id"]))
        answer = self.unassigned(stage, outcome["entries"][0]["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, "bank_entry.not_assigned")
        assert shown(stage, receivable) == ("PARTLY_PAID", "40.00")

    def test_the_work_list_is_a_file(self, stage: Stage, receivable: dict):
        del receivable
        outcome = told(stage, stage.cast.bank, entry(1, 4_001, other_name="=1+1"))
        path = "/v1/bank-entries/file"
        file = stage.get(stage.cast.bank, path, state="UNMATCHED").content
        rows = CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()
        assert (rows[1][-1], rows[1][6], rows[1][7]) == (
            outcome["entries"][0]["id"],
            40.01,
            "=1+1",
        )
        other = stage.get(stage.cast.second_bank, path, form="csv").content
        assert outcome["entries"][0]["id"] not in other.decode("utf-8-sig")


class TestAgain:
    def test_the_same_message_twice_changes_nothing(self, stage: Stage, receivable: dict):
        one = entry(1, 4_000, receivable=receivable["id"])
        told(stage, stage.cast.bank, one)
        before = counts(stage)
        assert told(stage, stage.cast.bank, one)["repeated"] == 1
        assert counts(stage) == before

    def test_the_statement_after_the_notification_is_the_same_fact(
        self, stage: Stage, receivable: dict
    ):
        one, two = (entry(n, 4_000, receivable=receivable["id"]) for n in (1, 2))
        told(stage, stage.cast.bank, one)
        outcome = told(stage, stage.cast.bank, one, two, kind="053", name="S1")
        assert (outcome["repeated"], outcome["recorded"]) == (1, 1)
        assert shown(stage, receivable) == ("PARTLY_PAID", "80.00")

    def test_another_fact_under_the_same_reference_waits(self, stage: Stage, receivable: dict):
        told(stage, stage.cast.bank, entry(1, 4_000, receivable=receivable["id"]))
        other = entry(1, 5_000, receivable=receivable["id"])
        outcome = told(stage, stage.cast.bank, other, name="N2")
        assert outcome["unmatched"] == 1
        assert told(stage, stage.cast.bank, other, name="N2")["repeated"] == 1
        assert shown(stage, receivable) == ("PARTLY_PAID", "40.00")


class TestTakenBack:
    def test_a_reversal_brings_value_and_encumbrance_back(self, stage: Stage, receivable: dict):
        value = pool_of(stage, receivable)
        value.reserve(8_000)
        told(stage, stage.cast.bank, entry(1, 10_000, receivable=receivable["id"]))
        assert value.numbers == (0, 0, 0, 0)
        back = entry(2, 10_000, receivable=receivable["id"], direction="DBIT", reversal=1)
        assert told(stage, stage.cast.bank, back, name="N2")["recorded"] == 1
        assert value.numbers == (10_000, 8_000, 2_000, 0)
        assert shown(stage, receivable) == ("PARTLY_PAID", "0.00")
        notices = stage.get(stage.cast.bank, "/v1/notices", limit=500).json()["items"]
        assert notices[-1]["kind"] == "pool.reversed"
        assert notices[-1]["fields"]["reversed"] == money("80.00")

    def test_a_debit_under_the_credits_number_is_one(self, stage: Stage, receivable: dict):
        told(stage, stage.cast.bank, entry(1, 4_000, receivable=receivable["id"]))
        back = entry(2, 4_000, receivable=receivable["id"], direction="DBIT")
        assert told(stage, stage.cast.bank, back, name="N2")["recorded"] == 1
        assert shown(stage, receivable) == ("PARTLY_PAID", "0.00")

    def test_more_than_came_waits(self, stage: Stage, receivable: dict):
        told(stage, stage.cast.bank, entry(1, 4_000, receivable=receivable["id"]))
        back = entry(2, 4_001, receivable=receivable["id"], direction="DBIT", reversal=1)
        assert told(stage, stage.cast.bank, back, name="N2")["unmatched"] == 1
        assert shown(stage, receivable) == ("PARTLY_PAID", "40.00")

    def test_without_a_number_the_only_payment_of_that_amount(self, stage: Stage, receivable: dict):
        told(stage, stage.cast.bank, entry(1, 3_999, receivable=receivable["id"]))
        back = entry(2, 3_999, direction="DBIT", reversal=1)
        assert told(stage, stage.cast.bank, back, name="N2")["recorded"] == 1

    def test_what_the_owner_spends_is_only_noted(self, stage: Stage, receivable: dict):
        spent = entry(1, 4_000, direction="DBIT", other_account="6222123400000000")
        assert told(stage, stage.cast.bank, spent)["noted"] == 1


class TestElsewhere:
    def test_money_to_another_account_is_an_alarm(self, stage: Stage, receivable: dict):
        value = pool_of(stage, receivable)
        value.reserve(10_000)
        wrong = entry(1, 4_000, receivable=receivable["id"], account="6222999900000000")
        assert told(stage, stage.cast.bank, wrong)["recorded"] == 1
        assert value.numbers == (6_000, 10_000, 0, 4_000)
        bank, anchor = stage.cast.bank, stage.cast.anchor
        kinds = [n["kind"] for n in stage.get(bank, "/v1/notices", limit=500).json()["items"]]
        assert kinds[-2:] == ["receivable.paid_elsewhere", "pool.diluted"]
        assert stage.get(anchor, "/v1/notices").json()["items"][-1]["kind"] == kinds[-2]
        for who in (bank, anchor, stage.cast.supplier):
            found = astray(stage, who, receivable)
            assert (found["account"], found["left"]) == ("6222999900000000", money("40.00"))
        assert stage.get(stage.cast.second_bank, "/v1/astray-payments").json()["items"] == []

        back = {**wrong, "number": wrong["number"] + 1, "direction": "DBIT", "reversal": 1}
        told(stage, bank, back, name="N2")
        assert value.numbers == (10_000, 10_000, 0, 0)
        assert astray(stage, anchor, receivable)["left"] == money("0.00")

    def test_the_payers_bank_sees_where_it_went(self, stage: Stage, receivable: dict):
        account = DEBTOR_ACCOUNT.replace(" ", "")
        wrong = entry(
            1,
            4_000,
            receivable=receivable["id"],
            account=account,
            direction="DBIT",
            other_account="6222999900000000",
        )
        right = {**wrong, "number": wrong["number"] + 1, "other_account": "6222000000000001"}
        outcome = told(stage, stage.cast.bank, wrong, right)
        assert (outcome["recorded"], outcome["noted"]) == (1, 1)
        assert astray(stage, stage.cast.bank, receivable)["account"] == "6222999900000000"


class TestWhoReports:
    def test_only_a_bank(self, stage: Stage):
        answer = hand_in(stage, stage.cast.supplier, statement([entry(1, 1)]))
        assert (answer.status_code, answer.json()["code"]) == (403, "bank_report.not_a_bank")

    def test_not_over_another_banks_account(self, stage: Stage):
        one = entry(1, 1, bank=stage.cast.second_bank.uscc)
        answer = hand_in(stage, stage.cast.bank, statement([one]))
        assert (answer.status_code, answer.json()["code"]) == (403, "bank_report.other_bank")

    @pytest.mark.parametrize("body", [b"", b"<x/>", b"{}", b"<!DOCTYPE a><a/>", b"\x00\xff"])
    def test_what_is_no_report_is_refused(self, stage: Stage, body: bytes):
        before = counts(stage)
        answer = hand_in(stage, stage.cast.bank, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bank_report.unreadable")
        assert counts(stage) == before


class TestImplausible:
    """One false number blocks nobody's month."""

    @pytest.mark.parametrize("minor", [MINOR_MAX, RECEIPT_MAX + 1])
    def test_in_a_report_it_waits(self, stage: Stage, receivable: dict, minor: int):
        outcome = told(stage, stage.cast.bank, entry(1, minor, receivable=receivable["id"]))
        assert (outcome["recorded"], outcome["unmatched"]) == (0, 1)
        assert "receivable.receipt_implausible" in outcome["entries"][0]["problem"]
        assert shown(stage, receivable) == ("CONFIRMED", "0.00")

    def test_by_hand_it_is_refused_with_the_bound(self, stage: Stage, receivable: dict):
        answer = pay(stage, receivable["id"], "9999999999999.99", "HD-MAX")
        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "receivable.receipt_implausible",
        )
        assert answer.json()["fields"]["amount_max"] == money("99999999999.99")
        assert shown(stage, receivable) == ("CONFIRMED", "0.00")

    def test_up_to_the_bound_it_is_a_fact(self, stage: Stage, receivable: dict):
        told(stage, stage.cast.bank, entry(1, RECEIPT_MAX, receivable=receivable["id"]))
        assert shown(stage, receivable) == ("PAID", "99999999999.99")


class TestWhichBank:
    """The same number at another bank is another account."""

    @pytest.mark.parametrize(
        ("other_bank", "compared", "differs"),
        [
            ("second_bank", "bank_uscc", "bank_uscc"),
            ("另一家银行(示例)永川支行", "bank", "bank"),
        ],
    )
    def test_the_named_number_at_another_bank_is_an_alarm(
        self, stage: Stage, receivable: dict, other_bank: str, compared: str, differs: str
    ):
        pool_of(stage, receivable).reserve(10_000)
        told_of = stage.cast.second_bank.uscc if other_bank == "second_bank" else other_bank
        assert told(stage, stage.cast.bank, self.sent(receivable, told_of))["recorded"] == 1
        assert shown(stage, receivable) == ("CONFIRMED", "0.00")
        assert pool_of(stage, receivable).numbers == (6_000, 10_000, 0, 4_000)
        found = astray(stage, stage.cast.bank, receivable)
        assert (found["account"], found["bank"]) == (DIGITS, told_of)
        assert found["compared"] == ["account", compared]
        notices = stage.get(stage.cast.bank, "/v1/notices", limit=500).json()["items"]
        alarm = [n for n in notices if n["kind"] == "receivable.paid_elsewhere"][-1]["fields"]
        assert (alarm["differs"], alarm["bank"]) == (differs, told_of)

    def test_a_branch_and_its_bank_are_one(self, stage: Stage, receivable: dict):
        """So what the payer's bank sends there is for the receiver's bank to tell of."""
        for n, name in enumerate(("", stage.cast.bank.name, stage.cast.bank.uscc), 1):
            sent = {**self.sent(receivable, name), "number": n}
            assert told(stage, stage.cast.bank, sent, name=f"N{n}")["noted"] == 1

    def test_a_bank_that_keeps_nothing_named_tells_of_another_account(
        self, stage: Stage, receivable: dict
    ):
        pool_of(stage, receivable).reserve(5_000, "b", stage.cast.second_bank.party_id)
        with stage.database.transaction() as session:
            show_to(lock(session, identity(receivable["id"])), stage.cast.second_bank.party_id)
        body = {
            "receipt_no": f"B-{receivable['line_no']}",
            "amount": money("10.00"),
            "paid_on": "2025-11-03",
            "account": DIGITS,
        }
        path = f"/v1/receivables/{receivable['id']}/payments"
        own = stage.post(stage.cast.second_bank, path, body).json()["payment"]
        assert (own["to_named_account"], own["bank"]) == (False, stage.cast.second_bank.uscc)
        body |= {"receipt_no": f"C-{receivable['line_no']}", "bank_uscc": stage.cast.bank.uscc}
        named = stage.post(stage.cast.second_bank, path, body).json()["payment"]
        assert (named["to_named_account"], named["compared"]) == (True, ["account", "bank_uscc"])

    def sent(self, receivable: dict, other_bank: str) -> dict:
        """What the payer's bank tells of a transfer to the named number."""
        account = DEBTOR_ACCOUNT.replace(" ", "")
        sides = {"account": account, "direction": "DBIT", "other_account": DIGITS}
        return entry(1, 4_000, receivable=receivable["id"], other_bank=other_bank, **sides)
