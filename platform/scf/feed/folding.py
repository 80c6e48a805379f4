"""A pledge as its events tell it, up to a moment: pure functions.

Nothing here reads a row that can be changed: whoever holds the events comes to the same answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from scf.kernel.clock import parse_instant
from scf.kernel.measure import Measure
from scf.kernel.money import Money
from scf.kernel.quantity import read_measure
from scf.pledges.models import State
from scf.pledges.priority import Asset, Claim, ClaimKind, Ranked, order
from scf_ledger.event import record_of

STATES: Final[Mapping[str, State]] = {
    "pledge.proposed": State.PROPOSED,
    "pledge.signed": State.SIGNED,
    "pledge.accepted": State.RESERVED,
    "pledge.registered": State.EFFECTIVE,
    "pledge.released": State.RELEASED,
}
"""Event -> the state that it brings; the others leave it as it is."""


@dataclass(frozen=True)
class Told:
    """An event in the log."""

    id: UUID
    type: str
    version: int
    occurred_at: datetime
    hash: bytes
    index: int
    disclosures: str
    authorizations: Sequence[bytes]

    @cached_property
    def record(self) -> dict[str, Any]:
        """Every field of the record."""
        return record_of(self.disclosures.split("~"))


class History:
    """A subject's events, oldest first."""

    def __init__(self, told: Sequence[Told]) -> None:
        """Take events in the order of their versions."""
        self.told = told

    @property
    def newest(self) -> Told:
        """The newest event."""
        return self.told[-1]

    def last(self, *types: str) -> Told | None:
        """Return the newest event of these types."""
        return next((one for one in reversed(self.told) if one.type in types), None)

    def field(self, name: str) -> Any:
        """Return what was last said in a field; None where nothing was."""
        return next((one.record[name] for one in reversed(self.told) if name in one.record), None)


def state(pledge: History) -> tuple[State, datetime]:
    """Return the state of a pledge and since when.

    Cancelled before it was registered, it is CANCELLED, also where time brought that about.
    """
    found, since = State.PROPOSED, pledge.told[0].occurred_at
    for one in pledge.told:
        moved = STATES.get(one.type)
        if one.type == "pledge.cancelled" and found not in (State.EFFECTIVE, State.RELEASED):
            moved = State.CANCELLED
        if moved is not None:
            found, since = moved, one.occurred_at
    return found, since


def lock(pledge: History) -> Told | None:
    """Return the event of the lock that stands on chain, None where there is none."""
    newest = pledge.last("pledge.locked", "pledge.lock_lost", "pledge.released", "pledge.cancelled")
    return newest if newest is not None and newest.type == "pledge.locked" else None


def kind(pledge: History) -> ClaimKind:
    """Return what kind of security it is."""
    security = pledge.field("security")
    return ClaimKind(security["kind"]) if security else ClaimKind.PLEDGE


@dataclass(frozen=True, slots=True)
class Sums:
    """A pool's sums after its newest event."""

    confirmed: Measure
    used: Measure
    shortfall: Measure

    @property
    def free(self) -> Measure:
        """What may still be taken."""
        return self.confirmed.like(max(self.confirmed.minor - self.used.minor, 0))


def sums(pool: History) -> Sums:
    """Return a pool's sums."""
    record = pool.newest.record
    return Sums(*(read_measure(record[name]) for name in ("confirmed", "used", "shortfall")))


def holders(pool: History) -> dict[str, int]:
    """Return what is held of a pool in its smallest part, by holder, in order of reservation; nothing that is over."""
    held: Counter[str] = Counter()
    for one in pool.told:
        if one.record["holder"] is not None:
            held[one.record["holder"]] += read_measure(one.record["used_delta"]).minor
    return {holder: minor for holder, minor in held.items() if minor > 0}


@dataclass(frozen=True, slots=True)
class Standing:
    """An encumbrance in its rank. `ref` is the pledge, `public` whether the register shows it."""

    ref: str
    held: Measure
    ranked: Ranked
    public: bool


def ranked(
    held: Mapping[str, Measure],
    pledges: Mapping[str, History],
    arrived: Mapping[str, datetime],
) -> list[Standing]:
    """Return pledges by rank with what each holds; `arrived` is when a notice reached the debtor."""
    claims, asset = [], Asset.RECEIVABLE
    for ref, amount in held.items():
        registered = pledges[ref].last("pledge.registered")
        at = registered and parse_instant(registered.record["registered_at"])
        if isinstance(amount, Money):
            claims.append(Claim(ref, kind(pledges[ref]), amount, at or None, arrived.get(ref)))
        else:
            asset, secured = Asset.GOODS, pledges[ref].field("principal")["amount"]
            debt = Money.from_json(secured)
            claims.append(Claim(ref, ClaimKind.RECEIPT_PLEDGE, debt, at or None))
    return [
        Standing(
            one.claim.ref, held[one.claim.ref], one, public=one.claim.registered_at is not None
        )
        for one in order(asset, claims)
    ]


def split_by_subject(rows: Iterable[tuple[UUID, Told]]) -> dict[UUID, History]:
    """Group events, which come ordered by subject and version."""
    found: dict[UUID, list[Told]] = {}
    for subject_id, one in rows:
        found.setdefault(subject_id, []).append(one)
    return {subject_id: History(told) for subject_id, told in found.items()}
