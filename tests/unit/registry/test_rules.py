from dataclasses import replace
from datetime import UTC, date, datetime

from scf.registry.port import Enrolled, Finding
from scf.registry.rules import covers, is_clean, overlaps, term_months

OURS = ["25112000000123456789", "25112000000123456790"]
NOON = datetime(2025, 10, 30, 4, tzinfo=UTC)


def a_finding(description="", *, reg_no="20251030000000000007", registered_at=NOON):
    other = Enrolled("另一家银行(示例)", "91500118MA5U00002X")
    return Finding(reg_no, registered_at, other, description)


class TestCovers:
    def test_an_invoice_by_its_number(self):
        assert covers(f"发票号码{OURS[0]}，金额100元", OURS)

    def test_a_number_in_another_width_or_broken_by_spaces(self):
        assert covers("发票 ２５１１２０００００ ０１２３４５６７８９", OURS)

    def test_not_a_longer_number_that_contains_ours(self):
        assert not covers(f"发票号码9{OURS[0]}", OURS)

    def test_every_claim_of_the_grantor(self):
        assert covers("出质人现有及将有的全部应收账款", OURS)
        assert covers("对渝川汽车的所有未到期债权", OURS)

    def test_not_machines(self):
        assert not covers("冲压机床三台，全部设备", OURS)

    def test_a_list_beside_the_description(self):
        listed = replace(a_finding("发票号码：见附件《发票清单》"), items=tuple(OURS))

        assert overlaps(listed, OURS[:1])
        assert not overlaps(listed, ["25112000000999999999"])


class TestClean:
    def test_nothing_there(self):
        assert is_clean([], OURS)

    def test_anothers_entry_before_we_register(self):
        assert not is_clean([a_finding(OURS[0])], OURS)

    def test_our_own_entry_is_no_conflict(self):
        mine = a_finding(OURS[0], reg_no="20251030000000000001")

        assert is_clean([mine], OURS, own=[mine.reg_no], before=NOON)

    def test_a_later_entry_ranks_behind_ours(self):
        later = a_finding(OURS[0], registered_at=NOON.replace(hour=5))

        assert is_clean([later], OURS, own=[], before=NOON)

    def test_an_entry_of_the_same_instant_is_taken_as_earlier(self):
        assert not is_clean([a_finding(OURS[0])], OURS, before=NOON)

    def test_an_entry_over_other_things(self):
        assert is_clean([a_finding("冲压机床三台")], OURS)


class TestTerm:
    def test_the_term_reaches_180_days_past_the_due_date(self):
        # 2025-12-19 and 180 days is 2026-06-17: eight months from 10-30 fall on 06-30.
        assert term_months(date(2025, 10, 30), date(2025, 12, 19)) == 8

    def test_the_register_takes_30_years_at_most(self):
        assert term_months(date(2025, 10, 30), date(2080, 1, 1)) == 360
