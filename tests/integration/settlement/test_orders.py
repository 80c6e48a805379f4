"""From the maturity list to a payment that the bank tells of: one file, two people, paid once."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from lxml import etree
from python_calamine import CalamineWorkbook

from scf.db.outbox import EffectContext
from scf.kernel.ids import parse_id
from scf.parties.schemas import SignerIn
from scf.settlement import effects, orders
from scf.settlement.bank import BankRefused, BankUnavailable, HttpBank
from scf.settlement.orders import DayUnfit
from scf.settlement.pain import NAMESPACE
from tests.support.actors import Stage
from tests.support.banking import DEBTOR_ACCOUNT, BankProcess
from tests.support.receivables import (
    ACCOUNT,
    confirmed_receivable,
    money,
    pay,
    submit,
)

TODAY = "2025-11-03"  # a Monday
FROM = {"name": "渝川汽车(示例)", "account": DEBTOR_ACCOUNT, "bank": "示例农商行"}
P = f"{{{NAMESPACE}}}"


@pytest.fixture(scope="module")
def bank(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankProcess]:
    process = BankProcess(
        tmp_path_factory.mktemp("bank"), business_clock=stage.settings.business_clock
    )
    yield process
    process.kill()


@pytest.fixture
def context(stage: Stage, bank: BankProcess) -> EffectContext:
    settings = stage.settings.model_copy(update={"bank_url": bank.url})
    return EffectContext(stage.database, settings, stage.clock)


def order_body(stage: Stage, *receivables: str, **other: object) -> dict:
    maker = stage.cast.anchor.signers("confirm")[0]
    lines = [{"receivable": one} for one in receivables]
    account = {**FROM, "bank_uscc": stage.cast.bank.uscc}
    return {"account": account, "execute_on": TODAY, "lines": lines, "maker": maker, **other}


def drafted(stage: Stage, *receivables: str, **other) -> dict:
    body = order_body(stage, *receivables, **other)
    answer = stage.post(stage.cast.anchor, "/v1/payment-orders", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def approved(stage: Stage, order: dict) -> dict:
    checker = stage.cast.anchor.signers("confirm")[1]
    path = f"/v1/payment-orders/{order['id']}/approve"
    answer = stage.post(stage.cast.anchor, path, {"checker": checker})
    assert answer.status_code == 200, answer.text
    return answer.json()


def order_of(stage: Stage, order: dict) -> dict:
    return stage.get(stage.cast.anchor, f"/v1/payment-orders/{order['id']}").json()


def send(context: EffectContext, order: dict) -> None:
    effects.send(context, {"order_id": str(parse_id("pmo", order["id"]))})


def paid(stage: Stage, receivable: dict) -> tuple[str, str]:
    shown = stage.get(stage.cast.supplier, f"/v1/receivables/{receivable['id']}").json()
    return shown["state"], shown["paid"]["amount"]


class TestMaturities:
    def test_tells_what_is_due_where(self, stage: Stage):
        one = confirmed_receivable(stage, "33.33")
        anchor, supplier = stage.cast.anchor, stage.cast.supplier
        wanted = {"supplier": supplier.id, "first_on": "2025-12-19", "last_on": "2025-12-19"}
        items = stage.get(anchor, "/v1/maturities", limit=500, **wanted).json()["items"]
        line = next(item for item in items if item["receivable"] == one["id"])
        assert line["outstanding"] == money("33.33")
        assert (line["pay_to"]["account"], line["supplier"]["uscc"]) == (ACCOUNT, supplier.uscc)
        outside = stage.get(anchor, "/v1/maturities", last_on="2025-12-18").json()
        assert outside["items"] == []
        assert stage.get(supplier, "/v1/maturities").json()["items"] == []

    def test_pages_miss_nothing_and_totals_tie(self, stage: Stage):
        for amount in ("10.00", "20.00", "30.01"):
            confirmed_receivable(stage, amount)
        anchor, found, cursor = stage.cast.anchor, [], None
        while True:
            page = stage.get(
                anchor, "/v1/maturities", limit=2, **({"cursor": cursor} if cursor else {})
            ).json()
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        whole = stage.get(anchor, "/v1/maturities", limit=500).json()["items"]
        assert found == whole
        totals = stage.get(anchor, "/v1/maturities/totals").json()
        fen = sum(int(one["outstanding"]["amount"].replace(".", "")) for one in whole)
        assert fen == sum(int(t["outstanding"]["amount"].replace(".", "")) for t in totals)
        assert len(whole) == sum(total["count"] for total in totals)

    def test_files_hold_the_same(self, stage: Stage):
        confirmed_receivable(stage)
        anchor = stage.cast.anchor
        items = stage.get(anchor, "/v1/maturities", limit=500).json()["items"]
        csv = stage.get(anchor, "/v1/maturities/file", form="csv").content.decode("utf-8-sig")
        assert len(csv.splitlines()) == len(items) + 1
        xlsx = stage.get(anchor, "/v1/maturities/file", form="xlsx").content
        book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx))
        rows = book.get_sheet_by_index(0).to_python()
        assert {row[-1] for row in rows[1:]} == {item["receivable"] for item in items}
        assert len(book.sheet_names) == 2


class TestOrders:
    def test_is_paid_and_told_of_once(self, stage: Stage, context: EffectContext):
        one, two = confirmed_receivable(stage, "60.00"), confirmed_receivable(stage, "40.05")
        order = drafted(stage, one["id"], two["id"])
        assert (order["state"], order["total"]) == ("DRAFTED", money("100.05"))
        approved(stage, order)

        send(context, order)
        send(context, order)  # once more, as an outbox does
        effects.follow(context)
        effects.follow(context)

        assert order_of(stage, order)["state"] == "EXECUTED"
        assert [paid(stage, one), paid(stage, two)] == [("PAID", "60.00"), ("PAID", "40.05")]
        due = stage.get(stage.cast.anchor, "/v1/maturities", unpaid=True, limit=500).json()["items"]
        assert not {one["id"], two["id"]} & {item["receivable"] for item in due}

    def test_a_transfer_taken_back_comes_back(
        self, stage: Stage, bank: BankProcess, context: EffectContext
    ):
        one = confirmed_receivable(stage, "12.00")
        order = drafted(stage, one["id"])
        approved(stage, order)
        send(context, order)
        effects.follow(context)
        end_to_end = one["id"].replace("_", "").upper()
        assert bank.post(f"/transfers/{end_to_end}/reversal").is_success
        effects.follow(context)
        assert paid(stage, one) == ("PARTLY_PAID", "0.00")

    def test_waits_for_its_day(self, stage: Stage, context: EffectContext):
        one = confirmed_receivable(stage, "7.00")
        order = drafted(stage, one["id"], execute_on="2025-11-04")
        approved(stage, order)
        send(context, order)
        effects.follow(context)
        assert order_of(stage, order)["state"] == "ACCEPTED"
        assert paid(stage, one) == ("CONFIRMED", "0.00")

    def test_a_rejection_says_why_and_frees_the_line(
        self, stage: Stage, bank: BankProcess, context: EffectContext
    ):
        one = confirmed_receivable(stage, "5.00")
        order = drafted(stage, one["id"])
        approved(stage, order)
        body = stage.get(stage.cast.anchor, f"/v1/payment-orders/{order['id']}/file").content
        broken = body.replace(b"<CtrlSum>5.00", b"<CtrlSum>5.01")
        assert httpx.post(f"{bank.url}/payments", content=broken, trust_env=False).is_success
        send(context, order)  # the same MsgId for another file
        found = order_of(stage, order)
        assert (found["state"], found["problem"]) == ("REJECTED", "message_id_reused")
        assert drafted(stage, one["id"])["state"] == "DRAFTED"

    def test_a_bank_that_is_away_is_tried_again(self, stage: Stage, context: EffectContext):
        one = confirmed_receivable(stage, "6.00")
        order = drafted(stage, one["id"])
        approved(stage, order)
        away = context.settings.model_copy(update={"bank_url": "http://127.0.0.1:9"})
        with pytest.raises(BankUnavailable):
            send(replace(context, settings=away), order)
        assert order_of(stage, order)["state"] == "SENT"
        send(context, order)
        assert order_of(stage, order)["state"] in {"ACCEPTED", "EXECUTED"}

    def test_an_order_whose_day_has_come_is_asked_about_first(
        self,
        stage: Stage,
        bank: BankProcess,
        context: EffectContext,
        monkeypatch: pytest.MonkeyPatch,
    ):
        later = drafted(stage, confirmed_receivable(stage)["id"], execute_on="2025-11-28")
        today = drafted(stage, confirmed_receivable(stage)["id"])
        for order in (later, today):
            approved(stage, order)
        send(context, later)
        away = context.settings.model_copy(update={"bank_url": "http://127.0.0.1:9"})
        with pytest.raises(BankUnavailable):
            send(replace(context, settings=away), today)
        body = stage.get(stage.cast.anchor, f"/v1/payment-orders/{today['id']}/file").content
        assert httpx.post(f"{bank.url}/payments", content=body, trust_env=False).is_success
        monkeypatch.setattr(effects, "BATCH", 1)

        effects.follow(context)

        assert order_of(stage, today)["state"] == "EXECUTED"

    def test_a_file_that_a_bank_will_not_speak_of_holds_no_report_up(
        self, stage: Stage, context: EffectContext, monkeypatch: pytest.MonkeyPatch
    ):
        one = confirmed_receivable(stage, "4.00")
        later = drafted(stage, confirmed_receivable(stage)["id"], execute_on="2025-11-28")
        for order in (later, drafted(stage, one["id"])):
            approved(stage, order)
            send(context, order)

        def refuse(_: HttpBank, message_id: str) -> None:
            raise BankRefused(status=400, message_id=message_id)

        monkeypatch.setattr(HttpBank, "status", refuse)

        effects.follow(context)

        assert order_of(stage, later)["state"] == "ACCEPTED"
        assert paid(stage, one) == ("PAID", "4.00")

    def test_the_file_is_exact(self, stage: Stage):
        one, two = confirmed_receivable(stage, "0.01"), confirmed_receivable(stage, "999.99")
        order = drafted(stage, one["id"], two["id"])
        root = etree.fromstring(
            stage.get(stage.cast.anchor, f"/v1/payment-orders/{order['id']}/file").content
        )
        assert [node.text for node in root.iter(f"{P}CtrlSum")] == ["1000.00", "1000.00"]
        assert [node.text for node in root.iter(f"{P}NbOfTxs")] == ["2", "2"]
        ids = [node.text for node in root.iter(f"{P}EndToEndId")]
        assert sorted(ids) == sorted(r["id"].replace("_", "").upper() for r in (one, two))
        assert all(len(text) <= 35 for text in ids)
        assert root.find(f".//{P}Cdtr/{P}Nm").text == "永川兴锐冲压件(示例)"

    def test_what_a_bank_reports_by_hand_is_told_too(self, stage: Stage, context: EffectContext):
        one = confirmed_receivable(stage, "8.00")["id"]
        order = drafted(stage, lines=[{"receivable": one, "amount": money("3.00")}])
        approved(stage, order)
        send(context, order)
        assert order_of(stage, order)["state"] == "EXECUTED"
        (line,) = [
            item
            for item in stage.get(stage.cast.anchor, "/v1/maturities", limit=500).json()["items"]
            if item["receivable"] == one
        ]
        assert (line["ordered"], line["outstanding"]) == (money("3.00"), money("8.00"))
        assert pay(stage, one, "3.00", f"H-{one}").is_success
        assert drafted(stage, one)["total"] == money("5.00")


class TestRefusals:
    def refused(self, stage: Stage, body: dict) -> tuple[int, str]:
        before = stage.get(stage.cast.anchor, "/v1/payment-orders", limit=500).json()
        answer = stage.post(stage.cast.anchor, "/v1/payment-orders", body)
        assert stage.get(stage.cast.anchor, "/v1/payment-orders", limit=500).json() == before
        return answer.status_code, answer.json()["code"]

    def test_no_more_than_is_due_and_not_ordered(self, stage: Stage):
        one = confirmed_receivable(stage, "10.00")["id"]
        line = {"receivable": one, "amount": money("10.01")}
        body = order_body(stage, lines=[line])
        assert self.refused(stage, body) == (409, "payment_order.more_than_due")
        drafted(stage, lines=[{"receivable": one, "amount": money("9.00")}])
        body = order_body(stage, lines=[{"receivable": one, "amount": money("1.01")}])
        assert self.refused(stage, body) == (409, "payment_order.more_than_due")
        drafted(stage, one)
        assert self.refused(stage, order_body(stage, one)) == (409, "payment_order.more_than_due")

    @pytest.mark.parametrize("day", ["2025-11-02", "2025-11-08", "2025-10-31"])
    def test_only_on_a_working_day_to_come(self, stage: Stage, day: str):
        one = confirmed_receivable(stage)["id"]
        body = order_body(stage, one, execute_on=day)
        assert self.refused(stage, body) == (422, "payment_order.day_unfit")

    def test_only_what_is_confirmed_and_once(self, stage: Stage):
        body = order_body(stage, submit(stage))
        assert self.refused(stage, body) == (409, "payment_order.not_payable")
        one = confirmed_receivable(stage)["id"]
        assert self.refused(stage, order_body(stage, one, one)) == (
            422,
            "payment_order.line_repeated",
        )

    def test_only_ones_own(self, stage: Stage):
        one = confirmed_receivable(stage)["id"]
        order = drafted(stage, one)
        supplier = stage.cast.supplier
        assert stage.get(supplier, f"/v1/payment-orders/{order['id']}").status_code == 404
        answer = stage.post(supplier, "/v1/payment-orders", order_body(stage, one))
        assert answer.status_code == 404

    def test_two_people(self, stage: Stage):
        order = drafted(stage, confirmed_receivable(stage)["id"])
        maker = stage.cast.anchor.signers("confirm")[0]
        path = f"/v1/payment-orders/{order['id']}/approve"
        answer = stage.post(stage.cast.anchor, path, {"checker": maker})
        assert (answer.status_code, answer.json()["code"]) == (403, "statement.same_person")
        assert order_of(stage, order)["state"] == "DRAFTED"

    def test_what_was_paid_otherwise_since_is_not_paid_again(self, stage: Stage):
        one = confirmed_receivable(stage, "10.00")["id"]
        order = drafted(stage, one)
        assert pay(stage, one, "0.01", "HD-otherwise").is_success
        checker = stage.cast.anchor.signers("confirm")[1]
        path = f"/v1/payment-orders/{order['id']}/approve"
        answer = stage.post(stage.cast.anchor, path, {"checker": checker})
        assert (answer.status_code, answer.json()["code"]) == (409, "payment_order.more_than_due")
        assert answer.json()["fields"]["due"] == money("9.99")
        assert order_of(stage, order)["state"] == "DRAFTED"

    def test_a_day_that_has_passed_is_not_approved(self, stage: Stage):
        order = drafted(stage, confirmed_receivable(stage)["id"])
        actor, (_, checker) = stage.cast.anchor.actor, stage.cast.anchor.signers("confirm")
        late = stage.clock.now() + timedelta(days=1)
        signer = SignerIn.model_validate(checker)
        with (
            pytest.raises(DayUnfit) as refusal,
            stage.database.transaction() as session,
        ):
            orders.approve(session, actor, parse_id("pmo", order["id"]), checker=signer, now=late)
        assert refusal.value.fields["execute_on"].isoformat() == TODAY
        assert order_of(stage, order)["state"] == "DRAFTED"

    def test_a_withdrawn_order_is_not_approved(self, stage: Stage):
        order = drafted(stage, confirmed_receivable(stage)["id"])
        path = f"/v1/payment-orders/{order['id']}"
        assert stage.post(stage.cast.anchor, f"{path}/withdraw").json()["state"] == "WITHDRAWN"
        checker = stage.cast.anchor.signers("confirm")[1]
        answer = stage.post(stage.cast.anchor, f"{path}/approve", {"checker": checker})
        assert answer.json()["code"] == "payment_order.state_forbids"
