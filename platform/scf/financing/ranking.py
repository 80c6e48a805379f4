"""A bank's rank on a claim before its money moves: now, if it registered now, and what would come of sums.

A bank sees others only as 其他权利人, with the date and the amount that the register shows to anyone. What is not
registered it does not see: it comes after whoever registers now. The supplier sees its own dealings.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.financing.models import OVER, Financing, FinancingRank, RankStep
from scf.kernel.clock import instant_text, parse_instant
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.pledges import encumbrances, priority
from scf.pledges import queries as pledge_queries
from scf.pledges.encumbrances import Encumbrance
from scf.pledges.models import LIVE, Pledge, PledgeSearch
from scf.pledges.priority import Asset, Claim, ClaimKind, Ranked
from scf.receivables.models import Receivable
from scf.registrations import filing
from scf.registrations.models import FinancingSearch
from scf.registry.certificates import read_search
from scf.registry.port import SearchResult
from scf.registry.reading import read_paper

TIMES: Final = ("registered_at", "notified_at")


@dataclass(frozen=True, slots=True)
class Ranking:
    """Who stands where on a claim, as one of a financing's parties may know it.

    `own` is the ref of this financing's claim, None once it is over; `registered` whether that stands at the
    register already. `outstanding` is what the debtor still owes.
    """

    own: str | None
    registered: bool
    outstanding: Money
    search: SearchResult | None
    ranked: list[Ranked]
    encumbrances: dict[str, Encumbrance]

    @property
    def own_rank(self) -> int | None:
        """The rank of this financing's claim, None where it has none any more."""
        return next((one.rank for one in self.ranked if one.claim.ref == self.own), None)


def rank(session: Session, financing: Financing, viewer: UUID, *, now: datetime) -> Ranking:
    """Return the order on a financing's claim, its own registered now unless it is already."""
    receivable = session.get_one(Receivable, financing.receivable_id)
    assert receivable.pool_id is not None, "money is asked for on a confirmed claim"
    outstanding = receivable.money(max(receivable.confirmed_minor - receivable.paid_minor, 0))
    here = encumbrances.taken_here(session, receivable.pool_id)
    search = newest_search(session, financing)
    invoices = [paper.number for paper in pledge_queries.papers(session, receivable.id)]
    beside = encumbrances.found_elsewhere(
        search.findings if search else (),
        invoices,
        known=filing.numbers_over(session, [receivable.pool_id]),
        whole=receivable.confirmed,
    )
    pledge = _live_pledge(session, financing)
    own_reg_no = pledge.registration.reg_no if pledge else None
    own_refs = {own_reg_no, public_id("plg", pledge.id) if pledge else None}
    own = None if financing.state in OVER else _own(financing, pledge, now=now)
    others = [
        one
        for one in (*here, *beside)
        if one.claim.ref not in own_refs and (one.is_public or viewer == financing.borrower_id)
    ]
    known = {one.claim.ref: one for one in ([own] if own else []) + others}
    ranked = priority.order(Asset.RECEIVABLE, [one.claim for one in known.values()])
    ref = own.claim.ref if own else None
    return Ranking(ref, own_reg_no is not None, outstanding, search, ranked, known)


def state(session: Session, financing: Financing, step: RankStep, *, now: datetime) -> None:
    """Keep, with the bank's decision, the order as the bank could know it then."""
    found = rank(session, financing, financing.lender_id, now=now)
    assert found.own is not None, "a bank decides about a loan that is not over"
    session.add(
        FinancingRank(
            id=new_id(),
            financing_id=financing.id,
            step=step,
            stated_at=now,
            search_no=found.search.cert_no if found.search else None,
            own=found.own,
            claims=[claim_facts(one.claim) for one in found.ranked],
            ranks={one.claim.ref: one.rank for one in found.ranked},
        )
    )


def stated(session: Session, financing_id: UUID) -> Sequence[FinancingRank]:
    """Return what was kept with the bank's decisions, oldest first."""
    kept = select(FinancingRank).where(FinancingRank.financing_id == financing_id)
    return session.scalars(kept.order_by(FinancingRank.id)).all()


def newest_search(session: Session, financing: Financing) -> SearchResult | None:
    """Return the newest search of the register that was made for this financing or its pledge."""
    own = session.execute(
        select(FinancingSearch.searched_at, FinancingSearch.certificate)
        .where(FinancingSearch.financing_id == financing.id)
        .order_by(FinancingSearch.id.desc())
        .limit(1)
    ).one_or_none()
    its = session.execute(
        select(PledgeSearch.searched_at, PledgeSearch.certificate)
        .where(PledgeSearch.pledge_id == financing.pledge_id)
        .order_by(PledgeSearch.id.desc())
        .limit(1)
    ).one_or_none()
    made = [row for row in (own, its) if row is not None]
    if not made:
        return None
    return _read_issued(max(made, key=lambda row: row.searched_at).certificate)


def claim_facts(claim: Claim) -> dict[str, Any]:
    """Return a claim as it is kept."""
    times = {name: getattr(claim, name) for name in TIMES}
    return {
        "ref": claim.ref,
        "kind": claim.kind.value,
        "amount": claim.amount.to_json(),
        **{name: instant_text(at) for name, at in times.items() if at is not None},
    }


def read_claim(facts: dict[str, Any]) -> Claim:
    """Read a kept claim back."""
    times = {name: parse_instant(facts[name]) for name in TIMES if name in facts}
    return Claim(
        facts["ref"],
        ClaimKind(facts["kind"]),
        Money.from_json(facts["amount"]),
        registered_at=times.get("registered_at"),
        notified_at=times.get("notified_at"),
    )


def _read_issued(certificate: bytes) -> SearchResult:
    """Read a 查询证明 that was kept: JSON over the link, a PDF where a person handed it in."""
    try:
        facts = json.loads(certificate)
    except ValueError:
        said = read_paper(certificate)
        assert isinstance(said, SearchResult), "only a search is kept as one"
        return said
    return read_search(facts)


def _live_pledge(session: Session, financing: Financing) -> Pledge | None:
    if financing.pledge_id is None:
        return None
    pledge = session.get_one(Pledge, financing.pledge_id)
    return pledge if pledge.state in LIVE else None


def _own(financing: Financing, pledge: Pledge | None, *, now: datetime) -> Encumbrance:
    """Return this financing's claim: what it lends, registered when it was, or now.

    Without recourse the bank keeps what the claim brings, so its claim is on all that it takes.
    """
    keeps_all = pledge is not None and financing.taken.surplus_is_holders
    entry = pledge.registration if pledge is not None else None
    claim = Claim(
        ref=public_id("fin", financing.id),
        kind=ClaimKind(financing.taken.kind.value),
        amount=pledge.money if pledge is not None and keeps_all else financing.amount,
        registered_at=now if entry is None else entry.registered_at or now,
    )
    return Encumbrance(claim, financing.lender_id, None if entry is None else entry.reg_no)
