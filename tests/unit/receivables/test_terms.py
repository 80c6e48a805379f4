"""When a debt falls due and what being late costs, by the law of the day of delivery."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.money import Money
from scf.receivables import terms
from scf.receivables.rules import RetentionWrong
from scf.receivables.terms import Base, Deal, Due, Part
from scf.rules.book import LprNotOnFile, Outcome

TODAY = date(2026, 6, 1)
DELIVERED = date(2026, 3, 1)
DAYS = st.dates(date(2021, 1, 1), date(2030, 12, 31))


def due(**deal: object) -> Due:
    return terms.due(Deal(**{"delivered_on": DELIVERED, **deal}), on=TODAY)


def findings(found: Due) -> dict[str, Outcome]:
    return {result.rule: result.outcome for result in found.results if result.is_finding}


class TestPublicBody:
    def test_g25_ninety_days_are_cut_to_sixty(self):
        found = due(debtor_size="public_body", creditor_size="small", agreed_days=90)

        assert found.due_on == date(2026, 4, 30)
        assert found.basis == "RPAY-01"
        assert found.agreed_on == date(2026, 5, 30)
        assert findings(found) == {"RPAY-01": Outcome.WARN}

    @pytest.mark.parametrize(
        ("agreed_days", "due_on", "basis"),
        [
            (None, date(2026, 3, 31), "RPAY-01"),
            (0, date(2026, 3, 1), "contract"),
            (45, date(2026, 4, 15), "contract"),
            (60, date(2026, 4, 30), "contract"),
            (61, date(2026, 4, 30), "RPAY-01"),
        ],
    )
    def test_thirty_days_unless_agreed_and_sixty_at_the_most(self, agreed_days, due_on, basis):
        found = due(debtor_size="public_body", creditor_size="micro", agreed_days=agreed_days)
        assert (found.due_on, found.basis) == (due_on, basis)

    @given(delivered=DAYS, agreed=st.none() | st.integers(0, 400))
    def test_is_never_beyond_sixty_days(self, delivered: date, agreed: int | None):
        deal = Deal(delivered, "public_body", "small", agreed_days=agreed)
        found = terms.due(deal, on=TODAY)

        limit = 30 if agreed is None else min(agreed, 60)
        assert found.due_on == delivered + timedelta(days=limit)
        assert ("RPAY-01" in findings(found)) == (agreed is not None and agreed > 60)


class TestLargeEnterprise:
    def test_sixty_days_where_nothing_is_agreed(self):
        found = due(debtor_size="large", creditor_size="medium")
        assert (found.due_on, found.basis) == (date(2026, 4, 30), "RPAY-02")
        assert findings(found) == {}

    def test_a_longer_term_stands_and_is_told(self):
        found = due(debtor_size="large", creditor_size="medium", agreed_days=90)
        assert (found.due_on, found.basis) == (date(2026, 5, 30), "contract")
        assert findings(found) == {"RPAY-02": Outcome.WARN}

    def test_before_the_decree_of_2025_there_were_no_sixty_days(self):
        found = due(delivered_on=date(2025, 5, 31), debtor_size="large", creditor_size="small")
        assert (found.due_on, found.basis) == (date(2025, 5, 31), "RCC-628")

    def test_a_large_creditor_has_its_contract_only(self):
        found = due(debtor_size="large", creditor_size="large", agreed_days=180)
        assert (found.due_on, found.basis) == (date(2026, 8, 28), "contract")
        assert findings(found) == {}

    def test_sizes_that_are_not_known_are_told(self):
        assert findings(due(agreed_days=30)) == {"RPAY-13": Outcome.REPORT}


class TestAcceptance:
    @pytest.mark.parametrize(
        ("accepted", "deadline", "base", "base_on"),
        [
            (None, None, Base.DELIVERY, date(2026, 3, 1)),
            (date(2026, 3, 8), None, Base.ACCEPTANCE, date(2026, 3, 8)),
            (date(2026, 3, 8), date(2026, 3, 10), Base.ACCEPTANCE, date(2026, 3, 8)),
            (
                date(2026, 3, 25),
                date(2026, 3, 10),
                Base.ACCEPTANCE_DEADLINE,
                date(2026, 3, 10),
            ),
            (None, date(2026, 3, 10), Base.ACCEPTANCE_DEADLINE, date(2026, 3, 10)),
        ],
    )
    def test_from_passing_it_but_from_the_agreed_day_at_the_latest(
        self, accepted, deadline, base, base_on
    ):
        found = due(
            debtor_size="large",
            creditor_size="small",
            accepted_on=accepted,
            acceptance_due_on=deadline,
        )

        assert (found.base, found.base_on) == (base, base_on)
        assert found.due_on == base_on + timedelta(days=60)
        assert ("RPAY-11" in findings(found)) == (base is Base.ACCEPTANCE_DEADLINE)

    def test_before_the_delivery_is_refused(self):
        with pytest.raises(terms.AcceptedBeforeDelivery):
            due(accepted_on=date(2026, 2, 28))


class TestAgreement:
    def test_in_days_or_as_a_date(self):
        with pytest.raises(terms.AgreedTwice):
            due(agreed_days=30, agreed_due_on=date(2026, 3, 31))
        assert due(agreed_due_on=date(2026, 3, 31)).due_on == date(2026, 3, 31)

    def test_before_the_delivery_is_refused(self):
        with pytest.raises(terms.DueBeforeDelivery):
            due(agreed_due_on=date(2026, 2, 28))


class TestRetention:
    def test_falls_due_on_its_own_date(self):
        kept = Part(Money.parse("50000.00"), date(2027, 3, 1))

        parts = terms.parts(Money.parse("500000.00"), date(2026, 4, 30), kept)

        assert parts == [Part(Money.parse("450000.00"), date(2026, 4, 30)), kept]

    @pytest.mark.parametrize(
        ("amount", "due_on"),
        [
            ("0.00", date(2027, 3, 1)),
            ("500000.01", date(2027, 3, 1)),
            ("1.00", date(2026, 4, 29)),
        ],
    )
    def test_is_a_part_and_later(self, amount: str, due_on: date):
        kept = Part(Money.parse(amount), due_on)
        with pytest.raises(RetentionWrong):
            terms.parts(Money.parse("500000.00"), date(2026, 4, 30), kept)

    def test_may_be_all_of_it(self):
        kept = Part(Money.parse("500000.00"), date(2027, 3, 1))
        assert terms.parts(kept.amount, date(2026, 4, 30), kept) == [kept]


class TestLateInterest:
    def late(self, amount: str = "500000.00", days: int = 20, **agreed: object):
        due_on = date(2026, 4, 30)
        until = due_on + timedelta(days=days)
        return terms.late_interest(Money.parse(amount), due_on=due_on, until=until, **agreed)

    def test_g4_five_ten_thousandths_a_day(self):
        found = self.late()
        assert found.interest == Money.parse("5000.00")
        assert (found.days, found.daily_rate, found.basis) == (20, "0.0005", "RPAY-10")

    def test_the_agreed_rate_over_360(self):
        found = self.late(agreed_rate="0.0365", contract_on=date(2025, 10, 1))
        # 500,000.00 x 0.0365 x 20 / 360 = 1,013.888…
        assert found.interest == Money.parse("1013.89")
        assert (found.daily_rate, found.basis) == ("0.0365/360", "contract")

    def test_an_agreed_rate_below_the_lpr_gives_way(self):
        found = self.late(agreed_rate="0.0299", contract_on=date(2025, 10, 1))
        assert found.interest == Money.parse("5000.00")
        assert [result.outcome for result in found.results] == [Outcome.WARN]

    def test_the_lpr_is_that_of_the_contract(self):
        kept = self.late(agreed_rate="0.0305", contract_on=date(2025, 5, 20))
        lost = self.late(agreed_rate="0.0305", contract_on=date(2025, 5, 19))
        assert (kept.basis, lost.basis) == ("contract", "RPAY-10")

    def test_an_lpr_that_is_not_on_file_is_refused(self):
        with pytest.raises(LprNotOnFile):
            self.late(agreed_rate="0.05", contract_on=date(2026, 5, 1))

    def test_paid_in_time_costs_nothing(self):
        assert self.late(days=-3).interest == Money(0)
        assert self.late(days=0).days == 0

    def test_before_the_law_only_an_agreed_rate_helps(self):
        old = {"due_on": date(2019, 1, 1), "until": date(2019, 2, 1)}
        with pytest.raises(terms.LateRateUnknown):
            terms.late_interest(Money.parse("1.00"), **old)
        found = terms.late_interest(Money.parse("360.00"), agreed_rate="0.10", **old)
        assert found.interest == Money.parse("3.10")

    @given(minor=st.integers(1, 10**13), days=st.integers(0, 2_000))
    def test_is_half_up_to_the_fen(self, minor: int, days: int):
        due_on = date(2026, 4, 30)
        until = due_on + timedelta(days=days)
        found = terms.late_interest(Money(minor), due_on=due_on, until=until).interest.minor
        exact = Fraction(minor * days * 5, 10_000)
        assert -Fraction(1, 2) < found - exact <= Fraction(1, 2)
