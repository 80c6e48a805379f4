"""What is refused at the desk, with which code and numbers; nothing changes by a refusal."""

from datetime import timedelta

import pytest

from tests.support.receivables import money, submit

TODAY = "2025-11-03"


@pytest.fixture
def numbers(request):
    """Invoice numbers that no other test of the file uses."""
    first = 1_000 + 10 * [item.nodeid for item in request.session.items].index(request.node.nodeid)
    return iter(range(first, first + 10))


@pytest.fixture
def receivable(desk, numbers):
    return desk.receivable(next(numbers))


def a_request(desk, receivable, **other):
    body = {
        "receivable": receivable,
        "lender": desk.stage.cast.bank.id,
        "amount": money("996000.00"),
        "days": 50,
    }
    return {**body, **other}


class TestRequest:
    def test_only_the_creditor_asks(self, desk, receivable):
        cast, body = desk.stage.cast, a_request(desk, receivable)

        assert desk.refused(cast.anchor, "/v1/financings", body)["code"] == "financing.not_allowed"
        for stranger in (cast.second_supplier, cast.second_bank):
            code = desk.refused(stranger, "/v1/financings", body)["code"]
            assert code == "subject.not_found"

    def test_a_claim_must_be_confirmed(self, desk, numbers):
        waiting = submit(desk.stage, next(numbers), "100.00")
        body = a_request(desk, waiting, amount=money("80.00"))

        found = desk.refused(desk.stage.cast.supplier, "/v1/financings", body)

        assert found["code"] == "pledge.receivable_not_confirmed"

    def test_no_more_than_the_claim(self, desk, receivable):
        body = a_request(desk, receivable, amount=money("1245000.01"))

        found = desk.refused(desk.stage.cast.supplier, "/v1/financings", body)

        assert found["code"] == "financing.above_claim"
        assert found["fields"] == {"asked": money("1245000.01"), "claim": money("1245000.00")}

    def test_a_supplier_is_no_bank(self, desk, receivable):
        body = a_request(desk, receivable, lender=desk.stage.cast.second_supplier.id)

        found = desk.refused(desk.stage.cast.supplier, "/v1/financings", body)

        assert found["code"] == "programme.not_member"

    def test_one_bank_is_asked_once_and_others_too(self, desk, receivable):
        desk.request(receivable)

        found = desk.refused(
            desk.stage.cast.supplier, "/v1/financings", a_request(desk, receivable)
        )

        assert found["code"] == "financing.already_requested"
        assert desk.request(receivable, bank=desk.stage.cast.second_bank)


class TestOffer:
    def test_only_the_bank_that_was_asked(self, desk, receivable):
        cast = desk.stage.cast
        path = f"/v1/financings/{desk.request(receivable)}/offer-draft"

        for who, code in (
            (cast.supplier, "financing.not_allowed"),
            (cast.second_bank, "subject.not_found"),
            (cast.anchor, "subject.not_found"),
        ):
            assert desk.refused(who, path, desk.offer(cast.bank))["code"] == code

    @pytest.mark.parametrize(
        ("terms", "code"),
        [
            ({"amount": "996000.01"}, "financing.above_requested"),
            ({"days": 51}, "financing.dates_do_not_fit"),
            ({"days": 367}, "request.invalid"),
            ({"day_count": "30/360"}, "request.invalid"),
            ({"rate": "3.85%"}, "money.invalid"),
        ],
    )
    def test_terms_that_do_not_fit(self, desk, receivable, terms, code):
        bank = desk.stage.cast.bank
        path = f"/v1/financings/{desk.request(receivable)}/offer-draft"

        assert desk.refused(bank, path, desk.offer(bank, **terms))["code"] == code

    def test_one_hand_does_not_approve(self, desk, receivable):
        bank = desk.stage.cast.bank
        path = f"/v1/financings/{desk.request(receivable)}"
        draft = desk.did(bank, f"{path}/offer-draft", desk.offer(bank))
        one = bank.sign_all(draft)[:1]

        found = desk.refused(bank, f"{path}/approve", {"authorizations": one})

        assert found["code"] == "statement.hands_wrong"

    def test_no_is_said_for_a_reason_of_the_list(self, desk, receivable):
        bank = desk.stage.cast.bank
        financing = desk.request(receivable)
        path = f"/v1/financings/{financing}/refuse"

        for body in ({"reason": "不想贷"}, {"reason": "其他"}):
            assert desk.refused(bank, path, body)["code"] == "financing.reason_not_allowed"
        shown = desk.did(bank, path, {"reason": "其他", "note": "额度已用完"})

        assert (shown["state"], shown["reason"]) == ("REFUSED", "其他：额度已用完")
        assert desk.refused(bank, path, {"reason": "超限额"})["code"] == "financing.state_forbids"
        assert desk.request(receivable), "another request may follow a refusal"


class TestContract:
    def test_the_bank_proposes_first(self, desk, receivable):
        supplier = desk.stage.cast.supplier
        financing = desk.request(receivable)
        desk.approve(financing)
        body = {"signers": supplier.signers("pledge")}

        found = desk.refused(supplier, f"/v1/financings/{financing}/contract-draft", body)

        assert found["code"] == "financing.pledge_missing"

    def test_one_pledge_at_a_time(self, desk, receivable):
        financing = desk.request(receivable)
        desk.approve(financing)
        desk.propose(financing)

        found = desk.refused(desk.stage.cast.bank, "/v1/pledges", {"financing": financing})

        assert found["code"] == "financing.pledge_open"

    def test_a_pledge_given_up_makes_room_for_another(self, desk, receivable):
        bank = desk.stage.cast.bank
        financing = desk.request(receivable)
        desk.approve(financing)
        first = desk.propose(financing)
        desk.did(bank, f"/v1/pledges/{first}/give-up", {"reason": "金额有误"})
        desk.work()

        second = desk.propose(financing)
        desk.contract(financing)

        assert desk.financing(financing)["pledge"] == second != first
        assert desk.pledge(first)["state"] == "CANCELLED"

    def test_only_the_borrower_signs(self, desk, receivable):
        cast = desk.stage.cast
        financing = desk.request(receivable)
        desk.approve(financing)
        desk.propose(financing)
        path = f"/v1/financings/{financing}/contract-draft"

        body = {"signers": cast.supplier.signers("pledge")}
        assert desk.refused(cast.bank, path, body)["code"] == "financing.not_allowed"
        assert desk.refused(cast.second_bank, path, body)["code"] == "subject.not_found"

    def test_a_refusal_after_the_contract_gives_the_pledge_up(self, desk, receivable):
        pledge = desk.signed_pledge(receivable)
        financing = next(
            one["id"]
            for one in desk.seen(desk.stage.cast.bank, "/v1/financings", limit=500)["items"]
            if one["pledge"] == pledge
        )

        desk.did(desk.stage.cast.bank, f"/v1/financings/{financing}/refuse", {"reason": "已被登记"})
        desk.work()

        assert desk.pledge(pledge)["state"] == "CANCELLED"
        assert desk.financing(financing)["state"] == "REFUSED"


def disbursement(**other):
    return {"receipt_no": "FK-0", "amount": money("996000.00"), "disbursed_on": TODAY, **other}


class TestReceipts:
    @pytest.fixture
    def contracted(self, desk, receivable):
        financing = desk.request(receivable)
        desk.approve(financing)
        pledge = desk.propose(financing)
        desk.contract(financing)
        return financing, pledge

    @pytest.fixture
    def ready(self, desk, contracted):
        desk.accept(contracted[1])
        desk.work()
        desk.mine()
        desk.work()
        return contracted[0]

    def test_no_money_before_the_pledge_is_ready(self, desk, contracted):
        financing, pledge = contracted
        bank, path = desk.stage.cast.bank, f"/v1/financings/{financing}/disbursement"

        def missing():
            found = desk.refused(bank, path, disbursement())
            assert found["code"] == "financing.not_ready"
            return found["fields"]["missing"]

        assert missing() == ["registration", "lock", "clean_second_search"]
        desk.accept(pledge)
        assert missing() == ["registration", "lock", "clean_second_search"]
        desk.work()
        assert missing() == ["lock", "clean_second_search"]
        desk.registry.kill()
        desk.mine()
        desk.work()
        assert missing() == ["clean_second_search"]
        desk.registry.start()
        desk.work()
        assert desk.stage.post(bank, path, disbursement(receipt_no="FK-9")).is_success

    def test_the_contract_s_amount_on_a_day_that_fits(self, desk, ready):
        bank, path = desk.stage.cast.bank, f"/v1/financings/{ready}/disbursement"

        for other, code in (
            ({"amount": money("995999.99")}, "financing.amount_differs"),
            ({"disbursed_on": "2025-11-02"}, "financing.receipt_out_of_order"),
            ({"disbursed_on": "2025-11-04"}, "financing.receipt_out_of_order"),
        ):
            assert desk.refused(bank, path, disbursement(**other))["code"] == code

    def test_a_search_of_the_day_before_is_made_again_first(self, desk, contracted, ready):
        """Ready since yesterday's search; a day and a second later that is too old (REG-06: 24 hours)."""
        bank, path = desk.stage.cast.bank, f"/v1/financings/{ready}/disbursement"
        clock = desk.stage.clock
        clock.set(clock.now() + timedelta(hours=24, seconds=1))
        body = disbursement(receipt_no="FK-OLD", disbursed_on=clock.today().isoformat())

        found = desk.refused(bank, path, body)
        assert (found["code"], found["fields"]["hours"]) == ("financing.search_outdated", 24)
        assert desk.financing(ready)["state"] == "CONTRACTED"

        desk.did(bank, f"/v1/pledges/{contracted[1]}/search", {})
        desk.work()
        assert desk.did(bank, path, body)["state"] == "DISBURSED"

    def test_yesterday_s_payment_is_told_with_yesterday_s_search(self, desk, ready):
        bank, path = desk.stage.cast.bank, f"/v1/financings/{ready}/disbursement"
        desk.stage.clock.set(desk.stage.clock.now() + timedelta(days=2))

        assert desk.did(bank, path, disbursement(receipt_no="FK-LATE"))["state"] == "DISBURSED"

    def test_the_same_receipt_again_changes_nothing(self, desk, ready):
        bank, path = desk.stage.cast.bank, f"/v1/financings/{ready}/disbursement"
        body = disbursement(receipt_no="FK-SAME")
        first = desk.did(bank, path, body)
        before = desk.types()

        assert desk.did(bank, path, body) == first
        assert desk.types() == before
        other = disbursement(receipt_no="FK-OTHER")
        assert desk.refused(bank, path, other)["code"] == "financing.state_forbids"
        changed = body | {"amount": money("1.00")}
        assert desk.refused(bank, path, changed)["code"] == "financing.receipt_conflict"
        repaid = {"receipt_no": "FK-SAME", "amount": money("996000.00"), "repaid_on": TODAY}
        found = desk.refused(bank, f"/v1/financings/{ready}/repayment", repaid)
        assert found["code"] == "financing.receipt_conflict"

    def test_a_number_used_at_the_same_moment_is_a_conflict(self, desk, ready, monkeypatch):
        bank, path = desk.stage.cast.bank, f"/v1/financings/{ready}"
        desk.did(bank, f"{path}/disbursement", disbursement(receipt_no="FK-RACE"))
        monkeypatch.setattr("scf.financing.queries.receipt", lambda *_: None)  # not seen yet
        repaid = {"receipt_no": "FK-RACE", "amount": money("1.00"), "repaid_on": TODAY}

        found = desk.refused(bank, f"{path}/repayment", repaid)

        assert (found["code"], found["field"]) == ("financing.receipt_conflict", "receipt_no")

    def test_only_the_lender_reports(self, desk, ready):
        cast, path = desk.stage.cast, f"/v1/financings/{ready}/disbursement"

        assert desk.refused(cast.supplier, path, disbursement())["code"] == "financing.not_allowed"
        assert desk.refused(cast.second_bank, path, disbursement())["code"] == "subject.not_found"

    def test_repaid_in_parts_to_the_fen(self, desk, ready):
        bank, path = desk.stage.cast.bank, f"/v1/financings/{ready}"
        body = disbursement(receipt_no="FK-PARTS")
        desk.did(bank, f"{path}/disbursement", body)
        desk.stage.clock.set(desk.stage.clock.now().replace(month=12, day=3))

        def repay(amount, receipt_no, on="2025-12-03"):
            return {"receipt_no": receipt_no, "amount": money(amount), "repaid_on": on}

        # 30 days on 996,000.00 are 3,195.50.
        shown = desk.did(bank, f"{path}/repayment", repay("100000.00", "HK-P1"))
        assert shown["state"] == "DISBURSED"
        assert shown["receipts"][1]["interest"] == money("3195.50")
        assert shown["owed"]["total"] == money("899195.50")

        too_much = repay("899195.51", "HK-P2")
        found = desk.refused(bank, f"{path}/repayment", too_much)
        assert found["code"] == "financing.overpaid"
        assert found["fields"]["owed"] == money("899195.50")
        earlier = repay("1.00", "HK-P2", on="2025-12-02")
        found = desk.refused(bank, f"{path}/repayment", earlier)
        assert found["code"] == "financing.receipt_out_of_order"

        shown = desk.did(bank, f"{path}/repayment", repay("899195.50", "HK-P3"))
        assert shown["state"] == "REPAID"
        assert shown["repaid"] == money("999195.50")

    def test_nothing_is_repaid_before_it_is_paid_out(self, desk, ready):
        body = {"receipt_no": "HK-EARLY", "amount": money("1.00"), "repaid_on": TODAY}

        found = desk.refused(desk.stage.cast.bank, f"/v1/financings/{ready}/repayment", body)

        assert found["code"] == "financing.state_forbids"


def test_others_do_not_see_it(desk, receivable):
    cast = desk.stage.cast
    pledge = desk.signed_pledge(receivable)

    for stranger in (cast.second_bank, cast.anchor, cast.second_supplier):
        for path in (f"/v1/pledges/{pledge}", f"/v1/pledges/{pledge}/proof"):
            assert desk.stage.get(stranger, path).json()["code"] == "subject.not_found"
        assert desk.seen(stranger, "/v1/pledges")["items"] == []
        assert desk.seen(stranger, "/v1/financings", state="CONTRACTED")["items"] == []
