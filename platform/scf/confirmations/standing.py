"""Where a request stands, in words: how far, since when, in whose hands (到哪一步、从何时起、在谁手里)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scf.confirmations.models import RequestState
from scf.confirmations.permissions import Side
from scf.confirmations.queries import Found
from scf.kernel.clock import start_of

STEPS: Final = {
    RequestState.OPEN: ("等待债务人答复", "Waiting for the debtor's answer"),
    RequestState.ANSWERED: ("已按期答复", "Answered in time"),
    RequestState.OVERDUE: ("逾期未答复", "Overdue"),
    RequestState.ANSWERED_LATE: ("已逾期答复", "Answered late"),
    RequestState.ESCALATED: ("已催告，仍未答复", "A letter was sent; still no answer"),
    RequestState.WITHDRAWN: ("债权人已撤回", "Withdrawn by the creditor"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A step in both languages, its beginning, and the side that is to act."""

    zh: str
    en: str
    since: datetime
    waiting_for: Side | None


def standing(found: Found) -> Standing:
    """Return where a request stands; an answer that the law does not accept, or an objection, is named."""
    state = found.progress.state
    zh, en = STEPS[state]
    if state in (RequestState.ANSWERED, RequestState.ANSWERED_LATE, RequestState.WITHDRAWN):
        waiting_for = None
    else:
        waiting_for = Side.DEBTOR
        if any(not answer.compliant for answer in found.answers):
            zh += "（已有答复的理由不合规，期限继续计算）"
            en += " (its reason does not stop the time)"
    if found.contest is not None and found.decision is None:
        zh, en, waiting_for = f"{zh}；债务人有异议，待处理", f"{en}; contested", Side.OPERATOR
    return Standing(zh, en, _since(found), waiting_for)


def _since(found: Found) -> datetime:
    if found.contest is not None and found.decision is None:
        return found.contest.recorded_at
    if found.progress.answer is not None:
        return found.progress.answer.at
    deadline_on = found.request.deadline_on
    if found.progress.state is RequestState.OVERDUE and deadline_on is not None:
        return start_of(deadline_on + timedelta(days=1))
    return found.request.state_since
