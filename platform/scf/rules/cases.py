"""The tests that rules carry: facts in, outcome out."""

from dataclasses import dataclass

from scf.rules.book import Book, Case, Rule
from scf.rules.judging import RuleResult, judge, message


@dataclass(frozen=True, slots=True)
class Failed:
    """A case that came out otherwise; `place` counts from 1 within its rule."""

    rule: Rule
    place: int
    case: Case
    result: RuleResult

    def line(self) -> str:
        """Return it for a terminal."""
        return (
            f"{self.rule.id} 用例 case {self.place}（v{self.case.version}）："
            f"应为 expected {self.case.outcome.value} {dict(self.case.figures)}，"
            f"实为 got {self.result.outcome.value} {dict(self.result.figures)}"
        )


def run_cases(book: Book) -> tuple[int, list[Failed]]:
    """Run every rule's tests; return how many there are, and those that failed.

    Figures are compared where a case states them; what a finding says must be sayable.
    """
    count, failed = 0, []
    for rule in book.rules.values():
        for place, case in enumerate(rule.cases, 1):
            version = rule.at(case.version)
            result = judge(rule, version, case.facts)
            count += 1
            same = result.outcome is case.outcome
            if not same or (case.figures and dict(result.figures) != case.figures):
                failed.append(Failed(rule, place, case, result))
            elif result.is_finding:
                message(version, result.figures, "CNY")
    return count, failed
