"""Judging is deterministic; what is stored comes out the same again, and otherwise under another version."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.rules import service
from scf.rules.book import Outcome, ParameterUnknown, shipped
from scf.rules.judging import consider
from scf.rules.models import RuleEvaluation
from scf.rules.replay import amended, replay, reproduced
from scf.rules.service import Asked

BOOK = shipped()
NOW = datetime(2026, 9, 1, tzinfo=UTC)
SIZES = st.sampled_from(["large", "medium", "small", "micro", "public_body", None])
DAYS = st.dates(date(2019, 1, 1), date(2030, 12, 31))
FEN = st.integers(0, 10**15)
CODES = st.sampled_from(["91350100M000100Y43", None])
FACTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("creditor_size", "debtor_size"), SIZES),
        **dict.fromkeys(
            (
                *("base_on", "due_on", "issued_on", "matures_on", "registered_on", "disbursed_on"),
                *("requested_on", "answered_on", "accepted_on", "acceptance_due_on"),
            ),
            DAYS,
        ),
        **dict.fromkeys(
            (
                *("claimed_minor", "refused_minor", "confirmed_minor", "asked_minor"),
                *("exposure_minor", "limit_minor", "piece_minor", "depth"),
            ),
            FEN,
        ),
        **dict.fromkeys(
            (
                *("no_setoff", "assignment_banned", "debtor_notified", "search_clean"),
                *("payer_approved", "encumbered", "encumbrancer_agreed", "creditor_agreed"),
                *("shows_identity", "attaches_documents", "delivery_evidence"),
            ),
            st.booleans() | st.none(),
        ),
        **dict.fromkeys(("bank_uscc", "payer_bank_uscc", "issuer", "debtor"), CODES),
        "reason": st.sampled_from(["数量不符", "其他：等待业主付款", "内部流程", "x"]) | st.none(),
        "consents": st.lists(st.sampled_from(["pledge", "assignment", "no_red_invoice"])),
        "issuer_flags": st.lists(st.sampled_from(["voucher_unpaid"])),
        "basis": st.sampled_from(["goods", "prepayment"]),
        "memo": st.none() | st.just("行业惯例"),
    },
)
TRANSITIONS = st.sampled_from(sorted({t for rule in BOOK.rules.values() for t in rule.scope}))


def evaluation(transition: str, facts: dict[str, object], on: date) -> RuleEvaluation:
    """As it is stored, without a database."""
    asked = Asked(transition, "rcv_x", facts, [UUID(int=1)])
    results = consider(transition, asked.plain, on=on)
    return RuleEvaluation(**service._row(asked, results, on=on, now=NOW))


class TestDeterminism:
    @given(transition=TRANSITIONS, facts=FACTS, on=DAYS)
    def test_the_same_facts_come_to_the_same(self, transition: str, facts: dict, on: date):
        first, second = (evaluation(transition, dict(facts), on) for _ in range(2))

        assert first.inputs == second.inputs
        assert first.inputs_sha256 == second.inputs_sha256
        assert first.results == second.results

    @given(transition=TRANSITIONS, facts=FACTS, on=DAYS)
    def test_replay_under_the_same_version_reproduces_what_is_stored(
        self, transition: str, facts: dict, on: date
    ):
        kept = evaluation(transition, facts, on)

        assert reproduced(kept, BOOK) == kept.outcomes
        for rule in BOOK.rules:
            assert replay([kept], rule, BOOK) == []

    @given(facts=FACTS, on=DAYS, months=st.integers(1, 24), starts=DAYS)
    def test_only_days_from_the_new_version_on_change(
        self, facts: dict, on: date, months: int, starts: date
    ):
        kept = evaluation("voucher.issue", facts, on)
        book = BOOK.amended("R77-03", effective_from=starts, parameters={"hard_months": months})

        changes = replay([kept], "R77-03", book)

        if on < starts:
            assert changes == []
        for change in changes:
            assert change.breaks or change.before is None or change.before.outcome is Outcome.BLOCK


class TestReplay:
    def test_names_what_breaks_and_for_whom(self):
        issuer = {"issuer": "91350100M000100Y43", "debtor": "91350100M000100Y43"}
        facts = {"issued_on": date(2026, 1, 15), "matures_on": date(2026, 8, 15), **issuer}
        portfolio = [evaluation("voucher.issue", facts, d) for d in (date(2026, 1, 15), NOW.date())]
        book = BOOK.amended("R77-03", effective_from=date(2026, 9, 1), version=2)

        (change,) = replay(portfolio, "R77-03", book)

        assert change.evaluation is portfolio[1]
        assert change.before is not None
        assert change.after is not None
        assert (change.before.outcome, change.after.outcome) == (Outcome.WARN, Outcome.BLOCK)
        assert change.breaks
        assert change.whom == issuer

    @pytest.mark.parametrize("text", ["", "six", "-6", "6.0", "9" * 40, "٦"])
    def test_parameters_are_read_as_their_kind(self, text: str):
        with pytest.raises(ParameterUnknown):
            amended(
                BOOK,
                "R77-03",
                effective_from=date(2026, 1, 1),
                version=None,
                parameters={"hard_months": text},
            )
