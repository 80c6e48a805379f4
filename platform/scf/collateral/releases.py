"""What may go: goods whose release leaves the value at the floor or above, on fresh prices, while nothing is frozen.

New goods in before old ones out: a substitute is covered first, then the old pledge is released against the mark that
counts both, so that the value is never below the floor in between. Of a static pledge only what has been replaced goes,
and never more of it than its substitutes are worth.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.collateral import agreements, calling, holdings
from scf.collateral.calls import FROZEN, Stage
from scf.collateral.models import (
    ControlAgreement,
    ControlledPledge,
    Mark,
    MarkLine,
    PledgeKind,
    State,
)
from scf.evidence import service as evidence
from scf.kernel.errors import Conflict
from scf.kernel.money import Money


class ReleaseRefused(Conflict):
    """Goods under a control agreement go only while what is left covers the floor, or after cash or other goods came."""

    code = "collateral.release_refused"
    title = "释放后质物价值将低于最低控货价值，或当前不允许释放"
    title_en = "What would be left is below the floor, or nothing may be released now"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether goods may go: `reason` is None where they may.

    Otherwise `frozen`, `stale`, `not_replaced`, `worth_less` than what goes is what replaces it, or `below_floor`.
    """

    value_after: Money
    floor: Money
    reason: str | None


def require(session: Session, pledge_id: UUID, quantity: int | None, now: datetime) -> None:
    """Hold a release of a watched pledge, or of so many smallest parts of it, to its agreement.

    What no agreement in force watches is the pledgee's alone to release. The pledge's row is locked by the caller,
    the agreement's after it. Raises ReleaseRefused with the numbers.
    """
    in_force = (ControlledPledge.pledge_id == pledge_id, ControlAgreement.state == State.AGREED)
    watched = session.scalar(
        select(ControlledPledge)
        .join(ControlAgreement, ControlAgreement.id == ControlledPledge.agreement_id)
        .where(*in_force)
    )
    if watched is None:
        return
    agreement = evidence.lock(session, ControlAgreement, watched.agreement_id)
    if agreement.state is not State.AGREED or agreement.debt_id is None:
        return
    agreements.remark(session, agreement, now=now)
    verdict = check(session, agreement, watched, quantity)
    if verdict.reason is not None:
        raise ReleaseRefused(
            reason=verdict.reason, value_after=verdict.value_after, floor=verdict.floor
        )


def check(
    session: Session, agreement: ControlAgreement, watched: ControlledPledge, quantity: int | None
) -> Verdict:
    """Judge a release by the newest mark; what goes is valued as marked, rounded up."""
    mark = session.get_one(Mark, agreement.mark_id)
    line = session.get(MarkLine, (mark.id, watched.pledge_id))
    gone = 0
    if line is not None:
        part = line.quantity_minor if quantity is None else min(quantity, line.quantity_minor)
        gone = _worth(line, part)
    after = max(mark.value_minor - gone, 0)
    floor = max(mark.floor_minor, (agreement.floor_minor or 0) if mark.exposure_minor else 0)
    call = calling.open_call(session, agreement.id)
    if not mark.exposure_minor or (call is not None and call.state is Stage.SOLD):
        reason = None
    elif call is not None and call.state in FROZEN:
        reason = "frozen"
    elif mark.stale:
        reason = "stale"
    elif agreement.kind is PledgeKind.STATIC and (
        unreplaced := _unreplaced(session, watched, line, gone)
    ):
        reason = unreplaced
    else:
        reason = "below_floor" if after < floor else None
    return Verdict(agreement.money(after), agreement.money(floor), reason)


def _unreplaced(
    session: Session, watched: ControlledPledge, line: MarkLine | None, gone: int
) -> str | None:
    """Say why goods of a static pledge may not go: nothing replaces them, or what does is worth less.

    `gone` is what is to go now; what went before counts with it, at the price of now.
    """
    if line is None:
        return "not_replaced"
    substitutes = session.scalar(
        select(func.sum(MarkLine.value_minor))
        .join(ControlledPledge, ControlledPledge.pledge_id == MarkLine.pledge_id)
        .where(
            MarkLine.mark_id == line.mark_id,
            ControlledPledge.agreement_id == watched.agreement_id,
            ControlledPledge.replaces_id == watched.pledge_id,
        )
    )
    if substitutes is None:
        return "not_replaced"
    before = watched.quantity_minor - holdings.held(session, watched.pledge_id)
    return "worth_less" if _worth(line, before) + gone > substitutes else None


def _worth(line: MarkLine, quantity: int) -> int:
    """Return what so many smallest parts are worth as marked, rounded up."""
    return -(-line.value_minor * quantity // line.quantity_minor)
