"""A bank's rank on a claim before its money moves: now, if it registered now, and what would come of sums."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.financing.models import OVER, Financing, FinancingRank, RankStep
from scf.kernel.clock import instant_text, parse_instant
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.pledges.encumbrances import Encumbrance
from scf.pledges.models import LIVE, Pledge, PledgeSearch
from scf.pledges.priority import Claim, ClaimKind
from scf.receivables.models import Receivable
from scf.registrations import ranking
from scf.registrations.models import FinancingSearch
from scf.registrations.ranking import Ranking
from scf.registry.port import SearchResult

TIMES: Final = ("registered_at", "notified_at")


def rank(session: Session, financing: Financing, viewer: UUID, *, now: datetime) -> Ranking:
    """Return the order on a financing's claim, its own registered now unless it is already."""
    receivable = session.get_one(Receivable, financing.receivable_id)
    pledge = _live_pledge(session, financing)
    return ranking.order(
        session,
        ranking.of_receivable(session, receivable),
        None if financing.state in OVER else _own(financing, pledge, now=now),
        replaces=ranking.own_refs(pledge),
        search=newest_search(session, financing),
        sees_all=viewer == financing.borrower_id,
        otherwise=financing.amount,
    )


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
    return ranking.read_issued(max(made, key=lambda row: row.searched_at).certificate)


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
