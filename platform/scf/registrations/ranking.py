"""Who stands where on what is pledged, as a party to one of the securities may know it.

A bank sees others only as 其他权利人, with the date and the amount that the register shows to anyone. What is not
registered it does not see: it comes after whoever registers now. The owner sees its own dealings. A keeper's lien
everybody sees: the law puts it first, and the goods are in its hands.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity.models import Pool
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.pledges import appraisals, encumbrances, grounds, priority
from scf.pledges import queries as pledge_queries
from scf.pledges.encumbrances import Encumbrance
from scf.pledges.models import OVER, Pledge
from scf.pledges.priority import Asset, Claim, Ranked
from scf.receipts.models import WarehouseReceipt
from scf.receivables.models import Receivable
from scf.registrations import filing
from scf.registry.certificates import read_search
from scf.registry.port import SearchResult
from scf.registry.reading import read_paper


@dataclass(frozen=True, slots=True)
class Thing:
    """What the claims are on: `pools` are those that it stands in, `papers` the numbers that a register tells it by.

    `worth` is what is still owed of a claim or an order, of the `whole` that was confirmed; of goods what they would
    fetch, None where nobody says.
    """

    asset: Asset
    pools: Sequence[UUID]
    worth: Money | None
    whole: Money | None
    papers: Sequence[str]
    liens: Sequence[Encumbrance] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Who stands where. `own` is the ref of the viewer's security, None once it is over.

    `registered`: whether that stands at the register already; if not it is ranked as registered now.
    """

    own: str | None
    registered: bool
    worth: Money | None
    search: SearchResult | None
    ranked: list[Ranked]
    encumbrances: dict[str, Encumbrance]

    @property
    def own_rank(self) -> int | None:
        """The rank of the viewer's security, None where it has none any more."""
        return next((one.rank for one in self.ranked if one.claim.ref == self.own), None)


def of_receivable(session: Session, receivable: Receivable) -> Thing:
    """Return a confirmed claim as something to rank on."""
    assert receivable.pool_id is not None, "ranks are on confirmed claims"
    return _claim(session, [receivable.pool_id])


def of_pledge(session: Session, pledge: Pledge) -> Thing:
    """Return what a pledge is on by now, as something to rank on: what was an order may be goods or claims since."""
    stood_in = pools.pools_of(session, pledge.id)
    held = [one for one in sorted(stood_in) if pools.still_held(session, one, pledge.id)]
    stands_in = held or [pledge.pool_id]
    if pledge.receipt_id is None:
        return _claim(session, stands_in)
    receipts = session.scalars(
        select(WarehouseReceipt)
        .where(WarehouseReceipt.pool_id.in_(stands_in))
        .order_by(WarehouseReceipt.id)
    ).all()
    there = sum(max(session.get_one(Pool, one).confirmed_minor, 0) for one in stands_in)
    worth = appraisals.worth(session, pledge, Quantity(there, pledge.unit))
    liens = [lien for one in receipts if (lien := encumbrances.lien(one)) is not None]
    return Thing(Asset.GOODS, stands_in, worth, worth, [one.number for one in receipts], liens)


def _claim(session: Session, stands_in: Sequence[UUID]) -> Thing:
    """Return claims, or orders and goods that will be such, by their pools: one thing however many they are."""
    found = [session.get_one(Pool, one) for one in stands_in]
    confirmed = [pools.opened_with(session, pool) for pool in found]
    papers = [one.number for one in grounds.papers_of(session, _forms(session, stands_in))]
    left = Money(sum(max(pool.confirmed_minor, 0) for pool in found), found[0].unit)
    whole = Money(sum(confirmed), found[0].unit)
    return Thing(Asset.RECEIVABLE, stands_in, left, whole, papers)


def of(
    session: Session, pledge: Pledge, viewer: UUID, *, sums: Sequence[Money], now: datetime
) -> Ranking:
    """Return the order on what a pledge is on, the pledge registered now unless it is already."""
    newest = pledge_queries.newest_search(session, pledge.id)
    search = read_issued(newest.certificate) if newest else None
    own = None if pledge.state in OVER else _own(pledge, now=now)
    return order(
        session,
        of_pledge(session, pledge),
        own,
        replaces=own_refs(pledge),
        search=search,
        sees_all=viewer == pledge.pledgor_id,
        otherwise=max(sums, default=pledge.principal),
    )


def order(
    session: Session,
    thing: Thing,
    own: Encumbrance | None,
    *,
    replaces: Collection[str],
    search: SearchResult | None,
    sees_all: bool,
    otherwise: Money,
) -> Ranking:
    """Return the order on a thing: liens, what was taken here, what a search found beside, and `own`.

    `own` stands for what is known here under the refs that it `replaces`. An entry without an amount is taken to be
    on the whole thing; `otherwise`, where nobody says what that is worth, on so much.
    """
    beside = encumbrances.found_elsewhere(
        search.findings if search else (),
        thing.papers,
        asset=thing.asset,
        known=filing.numbers_over(session, _forms(session, thing.pools)),
        whole=thing.whole or otherwise,
    )
    taken = encumbrances.taken_here(session, thing.pools)
    others = [
        one
        for one in (*thing.liens, *taken, *beside)
        if one.claim.ref not in replaces and (one.is_public or sees_all)
    ]
    known = {one.claim.ref: one for one in ([own] if own else []) + others}
    ranked = priority.order(thing.asset, [one.claim for one in known.values()])
    ref = own.claim.ref if own else None
    registered = own is not None and own.reg_no is not None
    return Ranking(ref, registered, thing.worth, search, ranked, known)


def own_refs(pledge: Pledge | None) -> set[str]:
    """Return the refs under which a pledge is known among what was taken here."""
    if pledge is None:
        return set()
    return {public_id("plg", pledge.id), pledge.registration.reg_no or ""}


def read_issued(certificate: bytes) -> SearchResult:
    """Read a 查询证明 that was kept: JSON over the link, a PDF where a person handed it in."""
    try:
        facts = json.loads(certificate)
    except ValueError:
        said = read_paper(certificate)
        assert isinstance(said, SearchResult), "only a search is kept as one"
        return said
    return read_search(facts)


def _own(pledge: Pledge, *, now: datetime) -> Encumbrance:
    """Return a pledge's claim: the debt that it secures, registered when it was, or now.

    Without recourse the holder keeps what the claim brings, so its claim is on all that it takes.
    """
    entry = pledge.registration
    keeps_all = pledge.security.surplus_is_holders
    claim = Claim(
        ref=public_id("plg", pledge.id),
        kind=encumbrances.kind_of(pledge),
        amount=pledge.money if keeps_all else pledge.principal,
        registered_at=entry.registered_at or now,
    )
    return Encumbrance(claim, pledge.pledgee_id, entry.reg_no)


def _forms(session: Session, stands_in: Sequence[UUID]) -> list[UUID]:
    """Return pools with every earlier form of what stands in them."""
    return sorted({form for one in stands_in for form in pools.forms_before(session, one)})
