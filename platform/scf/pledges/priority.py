"""Who is paid first out of one asset, why, and how far a sum goes: pure functions.

Receivable: Civil Code 768 for factoring, by 担保制度解释 66 for pledges and assignments too. Goods: 456 (lien), 416
(purchase money), 414 and 415 (by time of publicity), 441 (warehouse receipts). Where the law puts claims on one
level they share pro rata, by largest remainder to the fen.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

from scf.kernel.clock import business_date
from scf.kernel.errors import Invalid
from scf.kernel.money import Money, zero

PURCHASE_MONEY_DAYS: Final = 10
"""Civil Code 416: registered within ten days after the thing was delivered; the day itself is not counted."""


class Asset(StrEnum):
    """What the claims are on; each has its order."""

    RECEIVABLE = "receivable"
    GOODS = "goods"


class ClaimKind(StrEnum):
    """What a claimant has."""

    PLEDGE = "pledge"
    ASSIGNMENT = "assignment"
    FACTORING = "factoring"
    MORTGAGE = "mortgage"
    RECEIPT_PLEDGE = "receipt_pledge"
    LIEN = "lien"


KINDS: Final = {
    Asset.RECEIVABLE: frozenset({ClaimKind.PLEDGE, ClaimKind.ASSIGNMENT, ClaimKind.FACTORING}),
    Asset.GOODS: frozenset(
        {ClaimKind.PLEDGE, ClaimKind.MORTGAGE, ClaimKind.RECEIPT_PLEDGE, ClaimKind.LIEN}
    ),
}
"""Asset -> the claims that there can be on it."""
_TIMELESS: Final = datetime.min.replace(tzinfo=UTC)


class ClaimsInvalid(Invalid):
    """Each claim stands once, for more than nothing, and is of a kind that its asset can bear."""

    code = "priority.claims_invalid"
    title = "权利清单不正确：编号重复、金额不大于零或权利种类与财产不符"
    title_en = "A claim stands twice, is not above zero, or cannot be on such an asset"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim on the asset. `purchase_money_of` is when goods whose price it secures were delivered."""

    ref: str
    kind: ClaimKind
    amount: Money
    registered_at: datetime | None = None
    notified_at: datetime | None = None
    delivered_at: datetime | None = None
    control_at: datetime | None = None
    purchase_money_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A claim in its place. Claims of one `rank` share; `secured` is false where no right has arisen."""

    rank: int
    claim: Claim
    since: datetime | None
    secured: bool
    article: str
    reason: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """What one claim gets out of a sum, and what it lacks."""

    ref: str
    rank: int
    gets: Money
    lacks: Money


@dataclass(frozen=True, slots=True)
class Split:
    """A sum, run through the order; what no claim takes is the owner's."""

    total: Money
    parts: tuple[Recovery, ...]
    surplus: Money


@dataclass(frozen=True, slots=True)
class _Level:
    """A level of the law's order: who is on it, by which time, and the words for it."""

    holds: Callable[[Claim], bool]
    since: Callable[[Claim], datetime | None]
    article: str
    reason: str
    reason_en: str
    secured: bool = True


def order(asset: Asset, claims: Iterable[Claim]) -> list[Ranked]:
    """Return claims in the order in which they are paid, each with its reason.

    The order is that of the claims alone, however they are handed in; equal ones stand by their `ref` and
    share a rank. Raises ClaimsInvalid.
    """
    found = sorted(claims, key=lambda claim: claim.ref)
    _check(asset, found)
    levels = _LEVELS[asset]
    placed = sorted((_place(levels, claim) for claim in found), key=lambda at: at[:2])
    ranked: list[Ranked] = []
    for rank, (_, equals) in enumerate(groupby(placed, key=lambda at: at[:2]), start=1):
        ranked += [_ranked(rank, levels[number], claim) for number, _, claim in equals]
    return ranked


def recover(ranked: Sequence[Ranked], total: Money) -> Split:
    """Run a sum through an order: nobody is paid before those above are whole.

    Equal claims share by largest remainder; without a right there is no share. Raises CurrencyMismatch.
    """
    left = total
    parts: list[Recovery] = []
    for rank, level in groupby(ranked, key=lambda one: one.rank):
        equals = list(level)
        for one, gets in zip(equals, _share(equals, left), strict=True):
            parts.append(Recovery(one.claim.ref, rank, gets, one.claim.amount - gets))
            left -= gets
    return Split(total, tuple(parts), left)


def _share(equals: Sequence[Ranked], left: Money) -> list[Money]:
    """Split what is left among claims of one rank, none above its amount."""
    amounts = [one.claim.amount for one in equals]
    nothing = zero(left.currency)
    owed = sum(amounts, nothing)
    if not equals[0].secured or left.minor <= 0:
        return [nothing for _ in equals]
    if owed <= left:
        return amounts
    return left.split([amount.minor for amount in amounts])


def _check(asset: Asset, claims: Sequence[Claim]) -> None:
    for claim in claims:
        if claim.amount.minor <= 0:
            raise ClaimsInvalid(field="amount", ref=claim.ref[:80], amount=claim.amount)
        if claim.kind not in KINDS[asset]:
            raise ClaimsInvalid(field="kind", ref=claim.ref[:80], kind=claim.kind.value)
    if len({claim.ref for claim in claims}) != len(claims):
        raise ClaimsInvalid(field="ref")


def _place(levels: Sequence[_Level], claim: Claim) -> tuple[int, datetime, Claim]:
    """Return a claim's level and time; without a time it is equal to all others of its level."""
    number = next(place for place, level in enumerate(levels) if level.holds(claim))
    return number, levels[number].since(claim) or _TIMELESS, claim


def _ranked(rank: int, level: _Level, claim: Claim) -> Ranked:
    since = level.since(claim)
    return Ranked(rank, claim, since, level.secured, level.article, level.reason, level.reason_en)


def _never(_: Claim) -> None:
    return None


def _any(_: Claim) -> bool:
    return True


def _public_at(claim: Claim) -> datetime | None:
    """Return when a claim on goods became public in the way of its kind, the earlier where there are two."""
    ways = {
        ClaimKind.MORTGAGE: (claim.registered_at,),
        ClaimKind.PLEDGE: (claim.delivered_at, claim.control_at),
        ClaimKind.RECEIPT_PLEDGE: (claim.delivered_at, claim.registered_at, claim.control_at),
    }
    return min(filter(None, ways.get(claim.kind, ())), default=None)


def _is_purchase_money(claim: Claim) -> bool:
    if claim.kind is not ClaimKind.MORTGAGE or claim.registered_at is None:
        return False
    if claim.purchase_money_of is None:
        return False
    last = business_date(claim.purchase_money_of) + timedelta(days=PURCHASE_MONEY_DAYS)
    return business_date(claim.registered_at) <= last


_RECEIVABLE: Final = (
    _Level(
        lambda claim: claim.registered_at is not None,
        lambda claim: claim.registered_at,
        "民法典第七百六十八条；担保制度解释第六十六条",
        "已登记：先于未登记的，并按登记时间先后",
        "Registered: before all that are not, by time of registration",
    ),
    _Level(
        lambda claim: claim.kind is not ClaimKind.PLEDGE and claim.notified_at is not None,
        lambda claim: claim.notified_at,
        "民法典第七百六十八条；担保制度解释第六十六条",
        "未登记：按转让通知最先到达债务人的时间先后",
        "Not registered: by when the notice reached the debtor",
    ),
    _Level(
        lambda claim: claim.kind is not ClaimKind.PLEDGE,
        _never,
        "民法典第七百六十八条；担保制度解释第六十六条",
        "未登记且未通知：按融资款比例",
        "Neither registered nor notified: pro rata by amount",
    ),
    _Level(
        _any,
        _never,
        "民法典第四百四十五条",
        "质权未登记，未设立，不参与分配",
        "A pledge that is not registered has not arisen: it takes no part",
        secured=False,
    ),
)
_GOODS: Final = (
    _Level(
        lambda claim: claim.kind is ClaimKind.LIEN,
        _never,
        "民法典第四百五十六条；保管人的：第九百零三条、第九百一十八条",
        "留置权先于抵押权和质权",
        "A lien comes before mortgage and pledge",
    ),
    _Level(
        _is_purchase_money,
        lambda claim: claim.registered_at,
        "民法典第四百一十六条",
        "价款抵押权：标的物交付后十日内登记，先于其他担保物权（留置权除外）",
        "Purchase money, registered within ten days of delivery: before all but a lien",
    ),
    _Level(
        lambda claim: _public_at(claim) is not None,
        _public_at,
        "民法典第四百一十四条、第四百一十五条、第四百四十一条；担保制度解释第五十五条、第五十九条",
        "按登记、交付或实际控制的时间先后",
        "By time of registration, delivery or control",
    ),
    _Level(
        lambda claim: claim.kind is ClaimKind.MORTGAGE,
        _never,
        "民法典第四百零三条、第四百一十四条",
        "抵押权未登记：后于已公示的，按债权比例",
        "A mortgage that is not registered: after all that are public, pro rata",
    ),
    _Level(
        _any,
        _never,
        "民法典第四百二十九条、第四百四十一条",
        "质物未交付、未登记，质权未设立，不参与分配",
        "Neither delivered nor registered, the pledge has not arisen: it takes no part",
        secured=False,
    ),
)
_LEVELS: Final = {Asset.RECEIVABLE: _RECEIVABLE, Asset.GOODS: _GOODS}
