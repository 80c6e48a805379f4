"""Banks report what came in; bad news is recorded, never refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from scf.evidence.models import Event
from scf.receivables import service
from scf.receivables.models import ReceivablePayment
from tests.support.actors import Company, Stage
from tests.support.pools import Value
from tests.support.receivables import (
    ACCOUNT,
    confirmed_receivable,
    identity,
    money,
    pay,
    submit,
)


def pool_of(stage: Stage, receivable: dict) -> Value:
    return Value(stage, identity(receivable["pool"]), stage.cast.supplier.party_id)


def counts(stage: Stage) -> tuple[int, int]:
    with stage.database.reading() as session:
        tables = (Event, ReceivablePayment)
        first, second = (session.scalar(select(func.count()).select_from(t)) for t in tables)
        return first or 0, second or 0


class TestPaying:
    def test_pays_in_parts_then_whole(self, stage: Stage):
        receivable = confirmed_receivable(stage)

        first = pay(stage, receivable["id"], "30.00", "P-1").json()
        second = pay(stage, receivable["id"], "70.00", "P-2").json()

        assert (first["state"], second["state"]) == ("PARTLY_PAID", "PAID")
        assert second["paid"] == money("100.00")
        assert pool_of(stage, receivable).numbers == (0, 0, 0, 0)
        shown = stage.get(stage.cast.supplier, f"/v1/receivables/{receivable['id']}").json()
        assert shown["waiting_for"] is None
        payments = stage.get(
            stage.cast.supplier, f"/v1/receivables/{receivable['id']}/payments"
        ).json()
        assert [p["receipt_no"] for p in payments] == ["P-1", "P-2"]

    def test_the_encumbrance_moves_to_the_proceeds(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        value = pool_of(stage, receivable)
        value.reserve(8_000)

        pay(stage, receivable["id"], "50.00", "P-3")

        assert value.numbers == (5_000, 5_000, 0, 0)

    def test_the_same_receipt_twice_changes_nothing(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        first = pay(stage, receivable["id"], "30.00", "P-4").json()
        before = counts(stage)

        again = pay(stage, receivable["id"], "30.00", "P-4").json()

        assert (first["repeated"], again["repeated"]) == (False, True)
        assert again["payment"] == first["payment"]
        assert counts(stage) == before

    def test_a_receipt_number_is_one_payment(self, stage: Stage):
        first, second = confirmed_receivable(stage), confirmed_receivable(stage)
        pay(stage, first["id"], "30.00", "P-5")
        before = counts(stage)

        other_amount = pay(stage, first["id"], "31.00", "P-5")
        other_line = pay(stage, second["id"], "30.00", "P-5")

        for answer in (other_amount, other_line):
            assert (answer.status_code, answer.json()["code"]) == (409, "receivable.receipt_used")
        assert counts(stage) == before

    def test_one_receipt_racing_for_two_receivables_is_one_payment(self, stage: Stage):
        receivables = [confirmed_receivable(stage) for _ in range(4)]
        barrier = threading.Barrier(len(receivables))

        def send(receivable: dict):
            barrier.wait()
            return pay(stage, receivable["id"], "1.00", "P-race").status_code

        with ThreadPoolExecutor(len(receivables)) as pool:
            assert sorted(pool.map(send, receivables)) == [200, 409, 409, 409]

    def test_an_overpayment_is_a_fact_and_stays_out_of_the_pool(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        pay(stage, receivable["id"], "100.00", "P-6")

        over = pay(stage, receivable["id"], "50.00", "P-7").json()

        assert (over["state"], over["paid"]) == ("PAID", money("150.00"))
        assert pool_of(stage, receivable).numbers == (0, 0, 0, 0)

    def test_a_wrong_account_dilutes_and_the_holder_is_told(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        value = pool_of(stage, receivable)
        value.reserve(10_000)

        wrong = pay(stage, receivable["id"], "40.00", "P-8", account="6222 9999").json()

        assert wrong["payment"]["to_named_account"] is False
        assert (wrong["state"], wrong["paid"]) == ("CONFIRMED", money("0.00"))
        assert value.numbers == (6_000, 10_000, 0, 4_000)
        assert value.row.state == "DILUTED"
        notices = stage.get(stage.cast.bank, "/v1/notices", limit=500).json()["items"]
        assert notices[-1]["fields"]["diluted"] == money("40.00")

    def test_spaces_in_an_account_number_do_not_matter(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        paid = pay(stage, receivable["id"], "1.00", "P-9", account=ACCOUNT.replace(" ", "-"))
        assert paid.json()["payment"]["to_named_account"] is True

    def test_not_tomorrow(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        answer = pay(stage, receivable["id"], "1.00", "P-10", paid_on="2026-01-01")
        assert (answer.status_code, answer.json()["code"]) == (422, "receivable.paid_in_future")


class TestWhoReports:
    @pytest.fixture
    def receivable(self, stage: Stage) -> str:
        return str(confirmed_receivable(stage)["id"])

    def report(self, stage: Stage, who: Company, receivable: str) -> tuple[int, str]:
        body = {
            "receipt_no": "W-1",
            "amount": money("1.00"),
            "paid_on": "2025-11-03",
            "account": ACCOUNT,
        }
        answer = stage.post(who, f"/v1/receivables/{receivable}/payments", body)
        return answer.status_code, answer.json().get("code", "")

    def test_neither_creditor_nor_debtor(self, stage: Stage, receivable: str):
        for who in (stage.cast.supplier, stage.cast.anchor):
            assert self.report(stage, who, receivable) == (403, "receivable.not_allowed")

    def test_no_strange_bank(self, stage: Stage, receivable: str):
        assert self.report(stage, stage.cast.second_bank, receivable) == (404, "subject.not_found")

    def test_nobody_before_the_confirmation(self, stage: Stage):
        assert self.report(stage, stage.cast.bank, submit(stage)) == (404, "subject.not_found")

    def test_a_bank_that_was_only_shown_it_does_not(self, stage: Stage, receivable: str):
        second = stage.cast.second_bank
        show(stage, receivable, second)
        assert self.report(stage, second, receivable) == (403, "receivable.not_allowed")

    def test_a_pledgee_does(self, stage: Stage, receivable: str):
        second = stage.cast.second_bank
        show(stage, receivable, second)
        shown = stage.get(second, f"/v1/receivables/{receivable}").json()
        pool_of(stage, shown).reserve(100, actor=second.party_id)
        assert self.report(stage, second, receivable) == (200, "")


def show(stage: Stage, receivable: str, bank: Company) -> None:
    with stage.database.transaction() as session:
        service.show_to(service.lock(session, identity(receivable)), bank.party_id)
