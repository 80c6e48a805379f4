"""The history of a capacity pool, added up again: no version takes more than is free."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scf_ledger.shapes import minor, unit
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure

SHOWN: Final = (
    "asset",
    "kind",
    "confirmed_delta",
    "used_delta",
    "confirmed",
    "used",
    "shortfall",
    "cause",
)
"""What every version has to show; holders stay hidden."""

AMOUNTS: Final = ("confirmed_delta", "used_delta", "confirmed", "used", "shortfall")
"""All in the pool's one currency or unit."""

_SIGNS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "OPEN": lambda confirmed, used: confirmed > 0 and used == 0,
    "RESERVE": lambda confirmed, used: confirmed == 0 and used > 0,
    "PAY": lambda confirmed, used: confirmed < 0 and confirmed <= used <= 0,
    "DILUTE": lambda confirmed, used: confirmed < 0 and used == 0,
    "RELEASE": lambda confirmed, used: confirmed == 0 and used < 0,
    "REVERSE": lambda confirmed, used: confirmed > 0 and 0 <= used <= confirmed,
    "CARRY": lambda confirmed, used: confirmed == 0 and used != 0,
    "DELIVER": lambda confirmed, used: confirmed < 0 and used in (0, confirmed),
    "CONVERT": lambda confirmed, used: (
        (confirmed < 0 and confirmed <= used <= 0) or (confirmed == 0 and used > 0)
    ),
}
"""Kind -> which changes of (confirmed, used) it may make, in fen or a unit's smallest part, as all below."""


@dataclass(frozen=True, slots=True)
class Sums:
    """State of a pool after a version."""

    confirmed: int = 0
    used: int = 0
    paid: int = 0
    """Of what was used, how much has gone to its holders with payments, or into the value's next form."""
    given_up: int = 0
    """What this version alone stopped carrying, for its holder to take over in the next one."""

    @property
    def shortfall(self) -> int:
        """How far what is used exceeds what is confirmed."""
        return max(self.used - self.confirmed, 0)


def add_up(history: Sequence[Read]) -> list[Sums]:
    """Redo the sums of a pool's versions 1 to k, all shown; return the state after each.

    :raises LedgerError: a version is missing, out of place, or its sums are false
    """
    states: list[Sums] = []
    state = Sums()
    for number, read in enumerate(history, start=1):
        with at(read.where):
            if read.event.version != number:
                raise Failure("completeness.version_missing", version=number)
            if (read.type == "pool.opened") != (number == 1):
                raise Failure("completeness.pool_opened_once", version=number)
            if {unit(read.record[name]) for name in AMOUNTS} != {
                unit(history[0].record["confirmed"])
            }:
                raise Failure("completeness.pool_unit", version=number)
            state = _next(state, read)
            states.append(state)
            if state.confirmed > states[0].confirmed:  # nothing comes back that was not there
                raise Failure("completeness.pool_sum", version=number)
    return states


def _next(before: Sums, read: Read) -> Sums:
    record = read.record
    confirmed_delta, used_delta = minor(record["confirmed_delta"]), minor(record["used_delta"])
    kind = record["kind"]
    if not _SIGNS[kind](confirmed_delta, used_delta):
        raise Failure("completeness.pool_kind", kind=kind, version=read.event.version)
    left = kind in {"PAY", "REVERSE"} or (kind == "CONVERT" and used_delta < 0)
    after = Sums(
        before.confirmed + confirmed_delta,
        before.used + used_delta,
        before.paid - used_delta if left else before.paid,
        given_up=-used_delta if kind == "CARRY" else 0,
    )
    claimed = tuple(minor(record[name]) for name in ("confirmed", "used", "shortfall"))
    if claimed != (after.confirmed, after.used, after.shortfall) or after.used < 0:
        raise Failure("completeness.pool_sum", version=read.event.version)
    if kind == "CONVERT" and used_delta > 0 and used_delta != before.given_up:
        raise Failure("completeness.pool_kind", kind=kind, version=read.event.version)
    takes = kind in {"RESERVE", "CARRY"} and used_delta > 0
    of_what_is_free = kind in {"PAY", "CONVERT", "DELIVER"} and used_delta == 0
    if (takes or of_what_is_free) and after.shortfall:
        raise Failure(
            "completeness.over_capacity", version=read.event.version, over=after.shortfall
        )
    return after
