from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.errors import Refused
from scf.kernel.money import Money
from scf.receivables import rules

AMOUNTS = st.integers(min_value=0, max_value=10**12).map(Money)


def code(call, *arguments, **named) -> str:
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    return caught.value.code


class TestClaim:
    def test_is_the_sum_of_the_documents_unless_less_is_stated(self):
        assert rules.claim(Money(100), None) == Money(100)
        assert rules.claim(Money(100), Money(60)) == Money(60)

    def test_is_never_above_the_documents(self):
        assert code(rules.claim, Money(100), Money(101)) == "receivable.claim_exceeds_documents"

    def test_is_more_than_nothing(self):
        assert code(rules.claim, Money(0), None) == "receivable.claim_not_positive"
        assert code(rules.claim, Money(-5), None) == "receivable.claim_not_positive"

    def test_is_of_one_currency(self):
        assert code(rules.claim, Money(100), Money(50, "USD")) == "money.currency_mismatch"


class TestDueDate:
    def test_is_the_day_of_delivery_or_later(self):
        rules.check_due(date(2025, 10, 20), date(2025, 10, 20))
        rules.check_due(None, date(2025, 10, 20))
        late = (date(2025, 10, 20), date(2025, 10, 19))
        assert code(rules.check_due, *late) == "receivable.due_before_delivery"


class TestReasons:
    @pytest.mark.parametrize("head", [r for r in rules.REASONS if r != rules.OTHER])
    def test_the_law_accepts_those_of_the_list(self, head: str):
        assert rules.is_compliant(head)
        assert rules.is_compliant(f"{head}：第三批")
        assert not rules.is_compliant(f"{head}等等")

    @pytest.mark.parametrize(
        "reason",
        [
            "等待业主付款",
            "内部流程未完成",
            "法定代表人变更",
            "其他：等待业主付款",
            "未交付，内部流程",
        ],
    )
    def test_the_law_does_not_accept_internal_ones(self, reason: str):
        """G16: recorded, and marked."""
        assert not rules.is_compliant(reason)

    def test_other_needs_words(self):
        assert code(rules.check_reason, "其他") == "receivable.reason_missing"
        assert code(rules.check_reason, "其他（ ）") == "receivable.reason_missing"
        assert code(rules.check_reason, None) == "receivable.reason_missing"
        assert rules.check_reason(" 其他：合同已解除 ") == "其他：合同已解除"


class TestAnswer:
    @given(AMOUNTS, AMOUNTS, AMOUNTS)
    def test_adds_up_to_the_claim_and_gives_a_reason(self, confirmed, disputed, rejected):
        claimed = confirmed + disputed + rejected
        parts = {"confirmed": confirmed, "disputed": disputed, "rejected": rejected}

        if confirmed.minor == 0:
            found = code(rules.answer, claimed, **parts, reason="数量不符")
            assert found == "receivable.nothing_confirmed"
            return
        answer = rules.answer(claimed, **parts, reason="数量不符")

        assert answer.confirmed + answer.disputed + answer.rejected == claimed
        assert answer.whole == (answer.reason is None)
        assert code(rules.answer, claimed + Money(1), **parts, reason="数量不符") == (
            "receivable.answer_does_not_add_up"
        )

    def test_needs_a_reason_where_not_all_is_confirmed(self):
        parts = {"confirmed": Money(90), "disputed": Money(10), "rejected": None}
        assert code(rules.answer, Money(100), **parts, reason=" ") == "receivable.reason_missing"

    def test_a_whole_confirmation_drops_the_reason(self):
        parts = {"confirmed": Money(100), "disputed": None, "rejected": None}
        assert rules.answer(Money(100), **parts, reason="数量不符").reason is None

    def test_no_part_is_below_zero(self):
        parts = {"confirmed": Money(110), "disputed": Money(-10), "rejected": None}
        found = code(rules.answer, Money(100), **parts, reason="数量不符")
        assert found == "receivable.answer_does_not_add_up"


class TestDispute:
    def test_is_over_the_whole_unless_less_is_stated(self):
        assert rules.disputed_amount(Money(100), None) == Money(100)
        assert rules.disputed_amount(Money(100), Money(1)) == Money(1)

    @pytest.mark.parametrize("amount", [0, 101, -1])
    def test_is_between_nothing_and_the_claim(self, amount: int):
        found = code(rules.disputed_amount, Money(100), Money(amount))
        assert found == "receivable.amount_out_of_range"


class TestCreditNotes:
    def test_first_take_what_was_never_confirmed(self):
        """1,286,400 claimed, 1,245,000 confirmed: a red invoice over the disputed part takes nothing."""
        documents, confirmed = Money(128_640_000), Money(124_500_000)
        assert rules.lost_to_notes(documents, confirmed, Money(4_140_000)) == Money(0)
        assert rules.lost_to_notes(documents, confirmed, Money(4_140_100)) == Money(100)
        assert rules.lost_to_notes(documents, confirmed, documents) == confirmed
