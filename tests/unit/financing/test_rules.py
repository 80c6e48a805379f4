from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.financing import rules
from scf.financing.rules import InterestPaid, Loan, Owed, Payment
from scf.kernel.money import Money, parse_rate

PRINCIPAL = Money.parse("996000.00")
DISBURSED = date(2025, 10, 30)
DUE = date(2025, 12, 19)


def a_loan(rate="0.0385"):
    return Loan(PRINCIPAL, parse_rate(rate), rules.ACT_360, DISBURSED)


class TestInterest:
    @pytest.mark.parametrize(("rate", "expected"), [("0.0385", "5325.83"), ("0.053", "7331.67")])
    def test_the_story(self, rate, expected):
        assert rules.interest(PRINCIPAL, parse_rate(rate), 50) == Money.parse(expected)

    def test_a_half_fen_is_charged(self):
        # 1.00 at 1.8% for 100 days is 0.005.
        assert rules.interest(Money.parse("1.00"), parse_rate("0.018"), 100) == Money.parse("0.01")

    def test_another_basis(self):
        year = rules.interest(PRINCIPAL, parse_rate("0.05"), 365, day_count="ACT/365F")
        assert year == Money.parse("49800.00")

    def test_an_unknown_basis_is_refused(self):
        with pytest.raises(rules.DayCountUnknown):
            rules.interest(PRINCIPAL, parse_rate("0.05"), 10, day_count="30/360")


class TestQuote:
    def test_discount(self):
        """1,000,000.00 at 4.2% for 153 days, interest in advance."""
        found = rules.quote(
            Money.parse("1000000.00"), parse_rate("0.042"), 153, paid=InterestPaid.IN_ADVANCE
        )

        assert found.interest == Money.parse("17850.00")
        assert found.in_hand == Money.parse("982150.00")
        assert found.to_repay == Money.parse("1000000.00")
        assert found.yearly == "0.042763"

    def test_interest_at_maturity_leaves_the_whole_in_hand(self):
        found = rules.quote(PRINCIPAL, parse_rate("0.0385"), 50)

        assert found.in_hand == PRINCIPAL
        assert found.to_repay == Money.parse("1001325.83")
        assert found.yearly == "0.038500"

    @pytest.mark.parametrize("days", [0, -1, 367])
    def test_a_term_out_of_range_is_refused(self, days):
        with pytest.raises(rules.DaysOutOfRange):
            rules.quote(PRINCIPAL, parse_rate("0.0385"), days)

    def test_interest_never_eats_the_whole_discount(self):
        with pytest.raises(rules.DaysOutOfRange):
            rules.quote(PRINCIPAL, Fraction(2), 366, paid=InterestPaid.IN_ADVANCE)


class TestOwed:
    def test_on_the_due_date(self):
        found = rules.owed(a_loan(), [], DUE)

        assert found == Owed(PRINCIPAL, Money.parse("5325.83"))
        assert found.total == Money.parse("1001325.83")

    def test_on_the_day_of_disbursement_no_interest(self):
        assert rules.owed(a_loan(), [], DISBURSED).interest == Money(0)

    def test_a_part_goes_to_interest_first_then_to_principal(self):
        part = Payment(date(2025, 11, 29), Money.parse("100000.00"))

        # 30 days on 996,000.00 are 3,195.50; the rest of the payment lowers the principal.
        found = rules.owed(a_loan(), [part], part.on)

        assert found == Owed(Money.parse("899195.50"), Money(0))
        # 20 days on 899,195.50: 1,923.2793… rounded half-up.
        assert rules.owed(a_loan(), [part], DUE).interest == Money.parse("1923.28")

    def test_a_part_below_the_interest_leaves_the_principal(self):
        part = Payment(date(2025, 11, 29), Money.parse("1000.00"))

        assert rules.owed(a_loan(), [part], part.on) == Owed(PRINCIPAL, Money.parse("2195.50"))

    @given(
        st.lists(st.tuples(st.integers(0, 120), st.integers(1, 40_000_000)), min_size=1, max_size=6)
    )
    def test_every_fen_paid_is_principal_or_interest(self, raw):
        loan, payments = a_loan(), []
        for days, minor in sorted(raw):
            payment = Payment(date.fromordinal(DISBURSED.toordinal() + days), Money(minor))
            before = rules.owed(loan, payments, payment.on)
            if payment.amount > before.total:
                with pytest.raises(rules.Overpaid):
                    rules.check_payment(loan, payments, payment, today=payment.on)
                continue
            after = rules.check_payment(loan, payments, payment, today=payment.on)
            payments.append(payment)

            assert before.total - payment.amount == after.total
            assert min(after.principal.minor, after.interest.minor) >= 0


class TestPayment:
    def test_the_exact_sum_closes_it(self):
        payment = Payment(DUE, Money.parse("1001325.83"))

        assert rules.check_payment(a_loan(), [], payment, today=DUE).total == Money(0)

    def test_a_fen_more_is_refused_with_the_numbers(self):
        payment = Payment(DUE, Money.parse("1001325.84"))

        with pytest.raises(rules.Overpaid) as refused:
            rules.check_payment(a_loan(), [], payment, today=DUE)

        assert refused.value.fields["owed"] == Money.parse("1001325.83")

    @pytest.mark.parametrize("on", [date(2025, 10, 29), date(2025, 12, 20)])
    def test_a_date_before_the_disbursement_or_after_today_is_refused(self, on):
        with pytest.raises(rules.ReceiptOutOfOrder):
            rules.check_payment(a_loan(), [], Payment(on, Money(1)), today=DUE)


class TestDates:
    def test_fifty_days_to_the_due_date(self):
        rules.check_dates(days=50, starts_on=DISBURSED, due_on=DUE, today=DISBURSED)

    @pytest.mark.parametrize(
        ("days", "starts_on"), [(49, DISBURSED), (51, date(2025, 10, 29)), (366, date(2024, 1, 1))]
    )
    def test_others_do_not_fit(self, days, starts_on):
        with pytest.raises(rules.DatesDoNotFit):
            rules.check_dates(days=days, starts_on=starts_on, due_on=DUE, today=DISBURSED)


class TestReason:
    @pytest.mark.parametrize("reason", [r for r in rules.REFUSALS if r != rules.OTHER])
    def test_of_the_list(self, reason):
        assert rules.check_reason(reason, None) == reason

    def test_other_with_words(self):
        assert rules.check_reason("其他", "客户撤回") == "其他：客户撤回"

    @pytest.mark.parametrize(("reason", "note"), [("其他", None), ("其他", ""), ("不想贷", "x")])
    def test_anything_else_is_refused(self, reason, note):
        with pytest.raises(rules.ReasonNotAllowed):
            rules.check_reason(reason, note)
