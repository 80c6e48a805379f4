"""Payments taken back, and told late, of a claim whose payment was split meanwhile."""

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from scf.audit import parties
from scf.audit.finding import Different, Report
from scf.audit.subjects import pools, receivables
from scf.capacity import queries
from scf.receivables.models import Receivable
from scf.settlement import entries
from tests.support import banking
from tests.support.actors import STORY_BEGINS
from tests.support.banking import DIGITS, entry, told
from tests.support.receivables import identity, money
from tests.support.splitting import agree_split

A_ACCOUNT, B_ACCOUNT = "6222020000000000011", "6222020000000000012"
ORDERS = list(permutations(range(3)))
BACK = {"direction": "DBIT", "reversal": 1}


@pytest.fixture(autouse=True)
def own_references():
    """No test meets the references of another."""
    banking.BASE += 1_000


def amounts(desk, receivable):
    """What the claim came to: paid and taken of it, and what its pool and its holders have."""
    with desk.stage.database.reading() as session:
        row = session.get_one(Receivable, identity(receivable))
        pool = queries.visible(session, row.creditor_id, row.pool_id)
        held = {
            bank.name: queries.held_by(session, pool, bank.party_id).minor
            for bank in (desk.stage.cast.bank, desk.stage.cast.second_bank)
        }
        paid = (row.paid_minor, row.paid_taken_minor, row.astray_minor)
        return paid, (pool.confirmed_minor, pool.free_minor), tuple(held.values())


def audit(desk):
    """Everything folded again from its events is as it stands."""
    with desk.stage.database.reading() as session:
        codes, report = parties.usccs(session, Report()), Report()
        receivables.check(session, codes, report)
        pools.check(session, codes, report)


def pledged_part(desk, receivable, bank, amount):
    pledge = desk.signed_pledge(receivable, bank=bank, amount=amount, pledged=amount)
    desk.accept(pledge, bank=bank)


def two_parts(desk, number):
    """Of a thousand three hundred are paid whole; then two hundred are A's and five hundred B's."""
    cast = desk.stage.cast
    receivable = desk.receivable(number, "1000.00")
    tell(desk, cast.bank, 1, 30_000, receivable=receivable)
    shares = [(cast.bank, "200.00", A_ACCOUNT), (cast.second_bank, "500.00", B_ACCOUNT)]
    agree_split(desk, receivable, shares)
    pledged_part(desk, receivable, cast.bank, "200.00")
    pledged_part(desk, receivable, cast.second_bank, "500.00")
    assert amounts(desk, receivable) == ((30_000, 30_000, 0), (70_000, 0), (20_000, 50_000))
    return receivable


def tell(desk, bank, number, minor, **other):
    outcome = told(desk.stage, bank, entry(number, minor, **other), name=f"T{number}")
    assert outcome["recorded"] == 1, outcome


class TestBeforeAndAfterASplit:
    def test_what_was_paid_whole_comes_back_free(self, desk):
        receivable, bank = two_parts(desk, 1), desk.stage.cast.bank
        tell(desk, bank, 2, 40_000, receivable=receivable, account=A_ACCOUNT)
        assert amounts(desk, receivable) == ((70_000, 50_000, 0), (50_000, 0), (0, 50_000))

        tell(desk, bank, 3, 30_000, receivable=receivable, **BACK)

        assert amounts(desk, receivable) == ((40_000, 20_000, 0), (80_000, 30_000), (0, 50_000))
        audit(desk)

    @pytest.mark.parametrize("order", ORDERS)
    def test_in_any_order_everything_comes_back(self, desk, order):
        cast = desk.stage.cast
        receivable = two_parts(desk, 10 + ORDERS.index(order))
        tell(desk, cast.bank, 2, 40_000, receivable=receivable, account=A_ACCOUNT)
        tell(desk, cast.second_bank, 3, 60_000, receivable=receivable, account=B_ACCOUNT)
        assert amounts(desk, receivable) == ((130_000, 100_000, 0), (0, 0), (0, 0))
        taken_back = [
            (cast.bank, 30_000, DIGITS),
            (cast.bank, 40_000, A_ACCOUNT),
            (cast.second_bank, 60_000, B_ACCOUNT),
        ]
        for number, place in enumerate(order, 4):
            bank, minor, account = taken_back[place]
            tell(desk, bank, number, minor, receivable=receivable, account=account, **BACK)
        assert amounts(desk, receivable) == ((0, 0, 0), (100_000, 30_000), (20_000, 50_000))

    def test_money_astray_leaves_the_surplus_of_a_part_alone(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(20, "1000.00")
        agree_split(desk, receivable, [(cast.bank, "200.00", A_ACCOUNT)])
        pledged_part(desk, receivable, cast.bank, "200.00")
        tell(desk, cast.bank, 1, 100_100, receivable=receivable, account=A_ACCOUNT)
        tell(desk, cast.bank, 2, 50_000, receivable=receivable, account=A_ACCOUNT, **BACK)
        assert amounts(desk, receivable) == ((50_100, 50_100, 0), (49_900, 29_900), (20_000, 0))

        tell(desk, cast.bank, 3, 500, receivable=receivable, account="6222029999999999999")

        assert amounts(desk, receivable) == ((50_100, 50_100, 500), (49_400, 29_400), (20_000, 0))


class TestByDay:
    def test_a_part_that_was_replaced_is_paid_as_on_its_day(self, desk):
        """Told by the bank that kept its account, which has nothing else to do with the claim."""
        cast, clock = desk.stage.cast, desk.stage.clock
        receivable = desk.receivable(30, "100.00")
        agree_split(desk, receivable, [(cast.second_bank, "60.00", A_ACCOUNT)])
        clock.set(STORY_BEGINS + timedelta(days=1))
        agree_split(desk, receivable, [(cast.bank, "60.00", B_ACCOUNT)])
        clock.set(STORY_BEGINS + timedelta(days=2))
        late = {"amount": money("60.00"), "account": A_ACCOUNT}
        path = f"/v1/receivables/{receivable}/payments"

        for receipt, day in (("D-1", "2025-11-03"), ("D-2", "2025-11-05")):
            body = {**late, "receipt_no": receipt, "paid_on": day}
            desk.did(cast.second_bank, path, body)

        assert amounts(desk, receivable) == ((6_000, 6_000, 6_000), (0, 0), (0, 0))
        audit(desk)


@pytest.mark.parametrize(("account", "changed"), [(B_ACCOUNT, "NULL"), (DIGITS, "0")])
def test_whether_a_payment_was_split_is_audited(desk, account, changed):
    """What was paid while the claim was whole says nothing of it; what came after says how much it took."""
    number = 50 + (changed == "0")
    receivable = desk.receivable(number, "100.00")
    tell(desk, desk.stage.cast.bank, 1, 1_000, receivable=receivable)
    agree_split(desk, receivable, [(desk.stage.cast.bank, "60.00", B_ACCOUNT)])
    tell(desk, desk.stage.cast.bank, 2, 6_000, receivable=receivable, account=B_ACCOUNT)
    audit(desk)

    with desk.stage.database.engine.connect() as connection, Session(connection) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        its = {"claim": identity(receivable), "account": account}
        its_own = "WHERE receivable_id = :claim AND account = :account"
        session.execute(
            text(f"UPDATE receivable_payments SET taken_minor = {changed} {its_own}"), its
        )
        with pytest.raises(Different) as found:
            receivables.check(session, parties.usccs(session, Report()), Report())
        session.rollback()

    difference = found.value.difference
    assert (difference.table, difference.field) == ("receivable_payments", "taken_minor")
    assert (difference.stored, difference.expected) == (
        ("False", "True") if changed == "NULL" else ("True", "False")
    )


class TestMatching:
    """A credit on the account of a part is that part's, without a person and without a number on it."""

    def split(self, desk, number, account):
        cast = desk.stage.cast
        receivable = desk.receivable(number, "100.00")
        agree_split(desk, receivable, [(cast.bank, "60.00", account)])
        return receivable

    def test_the_account_alone_says_whose_it_is(self, desk):
        account = "6222020000000000031"
        receivable = self.split(desk, 31, account)

        outcome = told(desk.stage, desk.stage.cast.bank, entry(1, 4_000, account=account))
        again = told(desk.stage, desk.stage.cast.bank, entry(2, 2_000, account=account), name="N2")
        more = told(desk.stage, desk.stage.cast.bank, entry(3, 1, account=account), name="N3")

        assert outcome["entries"][0]["receivable"] == receivable
        assert (outcome["recorded"], again["recorded"]) == (1, 1)
        assert (more["recorded"], more["unmatched"]) == (0, 1), "the part is paid"
        assert amounts(desk, receivable)[0] == (6_000, 6_000, 0)
        audit(desk)

    def test_of_several_claims_the_number_says_which(self, desk):
        account = "6222020000000000032"
        first, second = (self.split(desk, number, account) for number in (32, 33))
        number = desk.seen(desk.stage.cast.bank, f"/v1/receivables/{second}")["line_no"]

        outcome = told(desk.stage, desk.stage.cast.bank, entry(4, 6_000, account=account))
        text = f"货款 {number}"
        named = told(
            desk.stage,
            desk.stage.cast.bank,
            entry(5, 6_000, account=account, remittance=text),
            name="N2",
        )

        assert (outcome["recorded"], outcome["unmatched"]) == (0, 1)
        assert named["entries"][0]["receivable"] == second
        assert amounts(desk, first)[0] == (0, 0, 0)
        assert amounts(desk, second)[0] == (6_000, 6_000, 0)


def test_an_entry_on_which_the_platform_fails_stops_no_other(desk, monkeypatch):
    cast = desk.stage.cast
    receivable = desk.receivable(40, "100.00")
    record = entries.payments.record

    def fail(session, bank_id, claim, receipt, **other):
        recorded = record(session, bank_id, claim, receipt, **other)
        if receipt.amount.minor == 1_111:
            claim.paid_taken_minor = claim.paid_minor + 1  # what the table's CHECK refuses
        return recorded

    monkeypatch.setattr(entries.payments, "record", fail)
    bad, good = (entry(n, minor, receivable=receivable) for n, minor in ((1, 1_111), (2, 2_222)))
    outcome = told(desk.stage, cast.bank, bad, good)

    assert [row["state"] for row in outcome["entries"]] == ["UNMATCHED", "RECORDED"]
    assert outcome["entries"][0]["problem"] == entries.FAULT
    assert amounts(desk, receivable) == ((2_222, 2_222, 0), (7_778, 7_778), (0, 0))
    monkeypatch.undo()
    path = f"/v1/bank-entries/{outcome['entries'][0]['id']}/assign"
    assert desk.did(cast.bank, path, {"receivable": receivable})["state"] == "RECORDED"
    assert amounts(desk, receivable) == ((3_333, 3_333, 0), (6_667, 6_667), (0, 0))
