"""The numbers of the register's rules on a day, out of the book of rules: each has its source and its dates."""

from dataclasses import dataclass
from datetime import date

from scf.rules.book import shipped


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds on a day. Months and days as the rule counts them."""

    extension_notice_days: int
    cancel_working_days: int
    rename_months: int
    objection_days: int
    search_valid_hours: int


def terms_on(day: date) -> Terms:
    """Return the numbers in force on a day."""
    book = shipped()
    return Terms(
        extension_notice_days=book.numbers("REG-02", day)["notice_days"],
        cancel_working_days=book.numbers("REG-03", day)["working_days"],
        rename_months=book.numbers("REG-04", day)["months"],
        objection_days=book.numbers("REG-05", day)["days"],
        search_valid_hours=book.numbers("REG-06", day)["hours"],
    )
