"""Which account a receivable is to be paid into (回款账户), on which day; and whether money went there.

An account is its number and the bank that keeps it: the same number at another bank is another account.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence.models import Event
from scf.kernel.clock import business_date
from scf.receivables.models import Receivable
from scf_ledger import uscc
from scf_ledger.event import parse_disclosure

CHANGED: Final = "receivable.account_changed"
NUMBER, BANK_CODE, BANK_NAME = "account", "bank_uscc", "bank"
"""What can be compared: the names of an account's fields in the 确权函."""

Said = TypeVar("Said")
Account = Mapping[str, str]
"""As the 确权函 states it: `name`, `account`, `bank`, `bank_uscc`."""


@dataclass(frozen=True, slots=True)
class Named:
    """An account, and the day from which it is the named one."""

    since: date
    account: Account


def account_digits(account: str) -> str:
    """Return an account number without the spaces and dashes that people write into it."""
    return re.sub(r"[\s-]", "", account)


def compared(bank: str | None) -> tuple[str, ...]:
    """Return what is compared when this is told of the bank: its code (USCC) or name, or nothing."""
    if bank is None:
        return (NUMBER,)
    return NUMBER, BANK_CODE if uscc.is_valid(bank) else BANK_NAME


def differs(named: Account, number: str, bank: str | None) -> str | None:
    """Return the first of `compared` in which what a bank tells is not the named account, None where none is.

    A bank's name fits the name of its branch (示例农商行, 示例农商行永川支行).
    """
    told = dict(zip(compared(bank), (account_digits(number), bank or ""), strict=False))
    for field, text in told.items():
        if field == NUMBER:
            same = account_digits(named[NUMBER]) == text
        elif field == BANK_CODE:
            same = named[BANK_CODE] == text
        else:
            one, other = _plain(named[BANK_NAME]), _plain(text)
            same = one.startswith(other) or other.startswith(one)
        if not same:
            return field
    return None


def history(session: Session, receivable: Receivable) -> list[Named]:
    """Return every account that a confirmed receivable ever named, oldest first; the first since ever."""
    assert receivable.pay_to is not None
    said = agreed(session, receivable, CHANGED)
    first = said[0][1]["pay_to_before"] if said else receivable.pay_to
    return [Named(date.min, first), *(Named(day, record["pay_to"]) for day, record in said)]


def in_force(named: Sequence[Named], day: date) -> list[Account]:
    """Return the accounts that were named on a day, the last first: on the day of a change, the one before too.

    A bank tells the day of a payment, not the hour; whoever paid that morning paid as it had undertaken.
    """
    return on_day([(one.since, one.account) for one in named], day)


def on_day(said: Sequence[tuple[date, Said]], day: date) -> list[Said]:
    """Return what was in force on a day, as `in_force` does; `said` is what held since when, oldest first."""
    last = max(place for place, (since, _) in enumerate(said) if since < day or place == 0)
    that_day = [one for since, one in said[last + 1 :] if since == day]
    return [*that_day[::-1], said[last][1]]


def fits(accounts: Iterable[Account], number: str, bank: str | None) -> bool:
    """Say whether money went to one of these accounts."""
    return any(differs(account, number, bank) is None for account in accounts)


def keepers(session: Session, receivable: Receivable) -> set[str]:
    """Return the USCCs of the banks that keep, or kept, an account that the receivable named."""
    return {one.account[BANK_CODE] for one in history(session, receivable)}


def agreed(
    session: Session, receivable: Receivable, type_: str
) -> list[tuple[date, dict[str, Any]]]:
    """Return what the events of a type say of how a receivable is paid, and their days, oldest first."""
    told = session.scalars(
        select(Event)
        .where(Event.subject_id == receivable.id, Event.type == type_)
        .order_by(Event.version)
    )
    return [(business_date(event.occurred_at), _disclosed(event)) for event in told]


def _disclosed(event: Event) -> dict[str, Any]:
    fields = map(parse_disclosure, event.disclosures.split("~"))
    return {field.name: field.value for field in fields}


def _plain(name: str) -> str:
    """Return a bank's name as it is compared: without spaces and brackets, in one width and case."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in text if character.isalnum())
