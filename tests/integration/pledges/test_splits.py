"""Several creditors on one claim: parts by a signed split, races for the remainder, payments part by part."""

import threading

from scf.capacity.models import Pool
from tests.support.problems import refusal
from tests.support.receivables import ACCOUNT, identity, money
from tests.support.splitting import (
    account_of,
    agree_split,
    propose_split,
    sign_split,
    split_body,
)

A_ACCOUNT, B_ACCOUNT = "6222020000000000001", "6222020000000000002"


def pool_of(desk, pledge, who=None):
    pool = identity(desk.pledge(pledge, who)["pool"])
    with desk.stage.database.reading() as session:
        found = session.get_one(Pool, pool)
        return found.confirmed_minor, found.used_minor, found.free_minor


def paid(desk, receivable, amount, account, receipt, *, bank):
    """The bank that keeps an account tells what came in."""
    body = {
        "receipt_no": receipt,
        "amount": money(amount),
        "paid_on": "2025-11-03",
        "account": account,
    }
    return desk.did(bank, f"/v1/receivables/{receivable}/payments", body)


def offered(desk, receivable, bank, amount):
    financing = desk.request(receivable, bank=bank, amount=amount)
    desk.approve(financing, bank=bank, amount=amount)
    return financing


def signed_part(desk, receivable, bank, amount):
    """A pledge of a part, signed, that waits for its bank."""
    return desk.signed_pledge(receivable, bank=bank, amount=amount, pledged=amount)


class TestProposing:
    def test_a_part_needs_a_split(self, desk):
        bank = desk.stage.cast.bank
        receivable = desk.receivable(1, "100.00")
        body = {"financing": offered(desk, receivable, bank, "60.00"), "amount": money("60.00")}

        found = desk.refused(bank, "/v1/pledges", body)

        assert found["code"] == "receivable.part_not_split"
        assert found["fields"] == {"asked": money("60.00"), "part": None}

    def test_no_more_than_the_part_says(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(2, "100.00")
        shown = agree_split(desk, receivable, [(cast.bank, "60.00", A_ACCOUNT)])
        assert shown["rest"] == money("40.00")
        assert shown["parts"][0]["pay_to"] == account_of(cast.bank, A_ACCOUNT)
        financing = offered(desk, receivable, cast.bank, "50.00")
        for amount in ("60.01", "100.00"):
            body = {"financing": financing, "amount": money(amount)}
            found = desk.refused(cast.bank, "/v1/pledges", body)
            assert found["code"] == "receivable.part_not_split"
            assert found["fields"]["part"] == money("60.00")
        other = offered(desk, receivable, cast.second_bank, "40.00")
        body = {"financing": other, "amount": money("40.00")}
        found = desk.refused(cast.second_bank, "/v1/pledges", body)
        assert found["fields"]["part"] is None, "another's part is not its business"
        assert desk.propose(financing, amount="60.00")

    def test_what_cannot_be_split_so(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(3, "100.00")
        path = f"/v1/receivables/{receivable}/payment-splits"
        two = [(cast.bank, "60.00", A_ACCOUNT), (cast.second_bank, "40.01", B_ACCOUNT)]
        cases = {
            "payment_split.parts_exceed": two,
            "payment_split.parts_overlap": [two[0], (cast.bank, "1.00", B_ACCOUNT)],
            "programme.not_member": [(cast.anchor, "1.00", A_ACCOUNT)],
        }
        for code, shares in cases.items():
            assert desk.refused(cast.supplier, path, split_body(shares))["code"] == code
        refusal(desk.stage.post(cast.bank, path, split_body(two)), 403, "receivable.not_allowed")
        own = split_body([(cast.bank, "60.00", ACCOUNT)])
        own["parts"][0]["pay_to"] = desk.seen(cast.supplier, f"/v1/receivables/{receivable}")[
            "pay_to"
        ]
        found = desk.refused(cast.supplier, path, own)
        assert found["code"] == "payment_split.parts_overlap", "the creditor's own account"


class TestHolders:
    def test_whoever_holds_signs_and_keeps_its_part(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(10, "100.00")
        agree_split(desk, receivable, [(cast.bank, "60.00", A_ACCOUNT)])
        first = signed_part(desk, receivable, cast.bank, "60.00")
        desk.accept(first)
        both = [(cast.bank, "60.00", A_ACCOUNT), (cast.second_bank, "40.00", B_ACCOUNT)]
        less = [(cast.bank, "59.99", A_ACCOUNT), (cast.second_bank, "40.00", B_ACCOUNT)]
        path = f"/v1/receivables/{receivable}/payment-splits"

        found = desk.refused(cast.supplier, path, split_body(less))
        assert (found["code"], found["fields"]) == ("payment_split.below_held", {})
        split = propose_split(desk, receivable, both)
        sign_split(desk, split, cast.supplier)
        assert sign_split(desk, split, cast.anchor)["state"] == "OPEN", "the holder has not signed"
        assert sign_split(desk, split, cast.bank)["state"] == "DONE"
        assert "receivable.split_agreed" in desk.types()

        second = signed_part(desk, receivable, cast.second_bank, "40.00")
        desk.accept(second, bank=cast.second_bank)
        assert pool_of(desk, first) == (10_000, 10_000, 0)

    def test_two_banks_race_for_the_same_remainder(self, desk):
        """G7: a hundred, sixty taken; of two splits over the forty exactly one stands, and its bank has it."""
        cast = desk.stage.cast
        receivable = desk.receivable(11, "100.00")
        agree_split(desk, receivable, [(cast.bank, "60.00", A_ACCOUNT)])
        shares = [(cast.bank, "60.00", A_ACCOUNT), (cast.second_bank, "40.00", B_ACCOUNT)]
        agree_split(desk, receivable, shares)
        pledges = [
            (cast.bank, signed_part(desk, receivable, cast.bank, "60.00")),
            (cast.second_bank, signed_part(desk, receivable, cast.second_bank, "40.00")),
        ]
        # The creditor takes the second bank's part back before either has accepted: only one fits by then.
        alone = agree_split(desk, receivable, [(cast.bank, "100.00", A_ACCOUNT)])
        assert alone["rest"] == money("0.00")
        ready = []
        for bank, pledge in pledges:
            body = {"signers": bank.signers("accept")}
            draft = desk.did(bank, f"/v1/pledges/{pledge}/accept-draft", body)
            ready.append((bank, pledge, {"authorizations": bank.sign_all(draft)}))
        answers = {}

        def accept(bank, pledge, body):
            answers[bank.id] = desk.stage.post(bank, f"/v1/pledges/{pledge}/accept", body)

        threads = [threading.Thread(target=accept, args=one) for one in ready]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert answers[cast.bank.id].status_code == 200
        problem = refusal(answers[cast.second_bank.id], 409, "receivable.part_not_split")
        assert problem["fields"] == {"asked": money("40.00"), "part": None}
        assert pool_of(desk, pledges[0][1]) == (10_000, 6_000, 4_000)


class TestPayments:
    def test_each_into_its_own_account_to_the_fen(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(20, "100.00")
        shares = [(cast.bank, "33.33", A_ACCOUNT), (cast.second_bank, "33.34", B_ACCOUNT)]
        agree_split(desk, receivable, shares)
        first = signed_part(desk, receivable, cast.bank, "33.33")
        desk.accept(first)
        second = signed_part(desk, receivable, cast.second_bank, "33.34")
        desk.accept(second, bank=cast.second_bank)
        assert pool_of(desk, first) == (10_000, 6_667, 3_333)

        paid(desk, receivable, "33.34", B_ACCOUNT, "B-1", bank=cast.second_bank)
        assert pool_of(desk, first) == (6_666, 3_333, 3_333), "only the second bank's part"
        paid(desk, receivable, "33.33", ACCOUNT, "C-1", bank=cast.bank)
        assert pool_of(desk, first) == (3_333, 3_333, 0), "the creditor's rest"
        paid(desk, receivable, "33.33", A_ACCOUNT, "A-1", bank=cast.bank)
        assert pool_of(desk, first) == (0, 0, 0)
        shown = desk.seen(cast.supplier, f"/v1/receivables/{receivable}")
        assert (shown["state"], shown["paid"]) == ("PAID", money("100.00"))

    def test_what_one_gets_too_much_pays_nobody_else(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(21, "100.00")
        shares = [(cast.bank, "60.00", A_ACCOUNT), (cast.second_bank, "40.00", B_ACCOUNT)]
        agree_split(desk, receivable, shares)
        first = signed_part(desk, receivable, cast.bank, "60.00")
        desk.accept(first)
        second = signed_part(desk, receivable, cast.second_bank, "40.00")
        desk.accept(second, bank=cast.second_bank)

        paid(desk, receivable, "70.00", A_ACCOUNT, "A-2", bank=cast.bank)
        assert pool_of(desk, first) == (4_000, 4_000, 0), "the second bank's claim is whole"
        paid(desk, receivable, "35.00", B_ACCOUNT, "B-2", bank=cast.second_bank)
        assert pool_of(desk, first) == (500, 500, 0), "ten too much there do not fill five here"

    def test_an_order_pays_the_creditor_its_rest_and_each_part_its_own(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(23, "100.00")
        agree_split(desk, receivable, [(cast.bank, "60.00", A_ACCOUNT)])
        desk.accept(signed_part(desk, receivable, cast.bank, "60.00"))
        body = {
            "account": {
                "name": cast.anchor.name,
                "account": "6222021111111111111",
                "bank": cast.bank.name,
                "bank_uscc": cast.bank.uscc,
            },
            "execute_on": "2025-11-03",
            "lines": [{"receivable": receivable, "amount": money("40.01")}],
            "maker": cast.anchor.signers("confirm")[0],
        }
        found = desk.refused(cast.anchor, "/v1/payment-orders", body)
        assert found["code"] == "payment_order.more_than_due"
        assert found["fields"]["due"] == money("40.00")
        body["lines"] = [{"receivable": receivable}]
        order = desk.did(cast.anchor, "/v1/payment-orders", body)
        assert order["total"] == money("100.00")
        assert sorted(line["amount"]["amount"] for line in order["lines"]) == ["40.00", "60.00"]

    def test_an_account_that_no_part_names_is_astray(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(22, "100.00")
        agree_split(desk, receivable, [(cast.bank, "60.00", A_ACCOUNT)])
        first = signed_part(desk, receivable, cast.bank, "60.00")
        desk.accept(first)

        paid(desk, receivable, "60.00", "6222029999999999999", "X-1", bank=cast.bank)

        assert pool_of(desk, first) == (4_000, 6_000, 0)


def test_the_notice_names_the_account_of_the_part(desk):
    cast = desk.stage.cast
    receivable = desk.receivable(30, "100.00")
    agree_split(desk, receivable, [(cast.bank, "60.00", A_ACCOUNT)])
    pledge = desk.ready_pledge(receivable, amount="60.00", pledged="60.00")

    notice = desk.did(cast.bank, f"/v1/pledges/{pledge}/notify-debtor", {})

    assert notice["pay_to"] == account_of(cast.bank, A_ACCOUNT)
    desk.release(pledge)
    back = desk.seen(cast.anchor, "/v1/debtor-notices", waiting=True)["items"][-1]
    assert back["pay_to"]["account"] == ACCOUNT, "the creditor is paid again"
