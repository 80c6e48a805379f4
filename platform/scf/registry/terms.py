"""The numbers of the register's rules on a day, out of the book of rules: each has its source and its dates."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from scf.rules.book import shipped


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds on a day. Months and days as the rule counts them."""

    term_months_min: int
    term_months_max: int
    extension_notice_days: int
    cancel_working_days: int
    rename_months: int
    objection_days: int
    search_valid_hours: int


def terms_on(day: date) -> Terms:
    """Return the numbers in force on a day."""
    term, extension = _parameters("REG-01", day), _parameters("REG-02", day)
    return Terms(
        term_months_min=term["months_min"],
        term_months_max=term["months_max"],
        extension_notice_days=extension["notice_days"],
        cancel_working_days=_parameters("REG-03", day)["working_days"],
        rename_months=_parameters("REG-04", day)["months"],
        objection_days=_parameters("REG-05", day)["days"],
        search_valid_hours=_parameters("REG-06", day)["hours"],
    )


def _parameters(rule: str, day: date) -> dict[str, Any]:
    """Return a rule's parameters on a day, those of its first version before there was one."""
    book = shipped()
    found = book.parameters(rule, day)
    return dict(found if found is not None else book.rule(rule).versions[0].parameters)
