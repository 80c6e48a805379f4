"""Where a pledge stands and with whom, and the dates that follow from others: pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from scf.kernel.calendar import deadline
from scf.kernel.clock import start_of
from scf.kernel.errors import LimitExceeded
from scf.kernel.money import Money
from scf.pledges.models import LockState, Pledge, SearchStep, State
from scf.registry.terms import terms_on

PROPOSAL_LIVES: Final = timedelta(days=15)
"""From proposal to registration; then a pledge that was not made effective lapses."""
LOCK_MARGIN: Final = timedelta(days=180)
"""A lock on chain outlives the loan's due date by this, then it frees itself."""
LOCK_LEAST: Final = timedelta(days=30)
"""A lock taken again for a loan long overdue."""
PERFECT: Final = "pledge.perfect"
REGISTER: Final = "pledge.register"
LOCK: Final = "pledge.lock"
SEARCH_SECOND: Final = "pledge.search_second"
UNLOCK: Final = "pledge.unlock"
RAISE_CANCELLATION: Final = "pledge.raise_cancellation"
CANCEL_REGISTRATION: Final = "pledge.cancel_registration"
REDESCRIBE: Final = "pledge.redescribe"
END: Final = "pledge.end"
ENDED: Final = "pledge.ended"
"""Effects: what the workers do for a pledge. REDESCRIBE tells the register of receipts that were divided since, ENDED
whoever lends against it."""
HELD_ELSEWHERE: Final = "RegistryHeld"
"""The contract's word for a token that another platform holds."""
UNREGISTERED: Final = "未登记"


class BelowPrincipal(LimitExceeded):
    """What is pledged covers at least the principal that it secures."""

    code = "pledge.below_principal"
    title = "出质金额低于所担保的本金"
    title_en = "The pledged amount is below the principal"


class Waits(StrEnum):
    """In whose hands something is."""

    PLEDGOR = "pledgor"
    PLEDGEE = "pledgee"
    REGISTRY = "registry"
    CHAIN = "chain"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where something stands (到哪一步), since when, and in whose hands it is; None when it is done."""

    line: str
    line_en: str
    since: datetime
    waits_for: Waits | None


class Missing(StrEnum):
    """What stands between a pledge and the disbursement."""

    REGISTRATION = "registration"
    LOCK = "lock"
    SEARCH = "clean_second_search"
    INVOICES = "invoices_in_force"


@dataclass(frozen=True, slots=True)
class Searches:
    """What the searches said, None where there was none yet, and when the newest was made.

    `unsound` is an invoice behind the claim on which no money may move, by its newest check.
    """

    before_clean: bool | None = None
    after_clean: bool | None = None
    at: datetime | None = None
    unsound: str | None = None


def missing(pledge: Pledge, searches: Searches) -> list[Missing]:
    """Return what is still missing for the disbursement, in the order in which it comes."""
    found = []
    if pledge.legally_effective_at is None:
        found.append(Missing.REGISTRATION)
    if pledge.lock_final_at is None:
        found.append(Missing.LOCK)
    if not searches.after_clean:
        found.append(Missing.SEARCH)
    if searches.unsound is not None:
        found.append(Missing.INVOICES)
    return found


def next_effects(pledge: Pledge, searches: Searches) -> list[str]:
    """Return what the workers owe a pledge as it stands; nothing where a party has to act.

    Every step ends by asking for these, and so does a sweep: whoever was killed is continued.
    """
    if pledge.state is State.RESERVED:
        if pledge.ending is not None:
            return [END]
        steps = {None: [PERFECT], True: [REGISTER], False: []}
        return steps[searches.before_clean]
    if pledge.state is State.EFFECTIVE:
        if pledge.lock.state in (LockState.NONE, LockState.LOST):
            return [LOCK]
        waits = pledge.lock.state is LockState.SENT or pledge.ready_to_disburse_at is not None
        stopped = searches.after_clean is False or searches.unsound is not None
        return [] if waits or stopped else [SEARCH_SECOND]
    if pledge.state is State.RELEASED:
        entry = pledge.registration
        asked = entry.cancellation_asked_at is not None and entry.cancelled_at is None
        owed = {
            UNLOCK: pledge.lock.tokens is not None,
            RAISE_CANCELLATION: entry.cancellation_raised_at is None,
            CANCEL_REGISTRATION: asked,
        }
        return [kind for kind, is_owed in owed.items() if is_owed]
    return []


def cancellation_due_on(extinguished_on: date) -> date | None:
    """Return the day by which the registration of a debt that is no more is to be cancelled (办法, REG-03).

    None where its working days run into a year whose holidays are not published yet.
    """
    return deadline(extinguished_on, terms_on(extinguished_on).cancel_working_days)


def lock_expiry(due_on: date, *, business_now: datetime, real_now: datetime) -> int:
    """Return when a lock frees itself, in Unix seconds of real time.

    The span from business time to the margin after the due date, begun at real time: the chain knows no
    other time, whatever story the business clock tells.
    """
    ends = start_of(due_on) + LOCK_MARGIN
    return int((real_now + max(ends - business_now, LOCK_LEAST)).timestamp())


def check_amount(amount: Money, principal: Money) -> None:
    """Raise BelowPrincipal, CurrencyMismatch."""
    if amount < principal:
        raise BelowPrincipal(field="amount", amount=amount, principal=principal)


def standing(pledge: Pledge, searches: Searches) -> Standing:
    """Say where a pledge stands, for whoever asks 到哪一步、从何时起、在谁手里."""
    if pledge.ending is not None and pledge.state is State.RESERVED:
        text = ("撤销中，正在向登记系统核实", "Being given up; the register is asked first")
        return _standing(text, pledge.state_since, Waits.REGISTRY)
    if pledge.state is State.RESERVED:
        return _registering(pledge, searches)
    if pledge.state is State.EFFECTIVE:
        return _readying(pledge, searches)
    if pledge.state is State.RELEASED:
        return _cancelling(pledge)
    line, line_en, waits = _SIMPLE[pledge.state]
    law = pledge.security.law
    return Standing(line.format(law=law), line_en.format(law=law), pledge.state_since, waits)


_SIMPLE: Final = {
    State.PROPOSED: (
        "已发起，待{law.grantor}签署",
        "Proposed; the {law.name_en}'s grantor is to sign",
        Waits.PLEDGOR,
    ),
    State.SIGNED: (
        "{law.grantor}已签署，待{law.holder}经办、复核接受",
        "Signed; the holder is to accept",
        Waits.PLEDGEE,
    ),
    State.CANCELLED: ("已撤销，{law.never}", "Cancelled before it took effect", None),
    State.EXPIRED: ("已逾期失效，{law.never}", "Lapsed before it took effect", None),
}


def _registering(pledge: Pledge, searches: Searches) -> Standing:
    law = pledge.security.law
    since = max(filter(None, [pledge.state_since, searches.at]))
    if searches.before_clean is False:
        text = (
            f"{law.not_yet}；登记前查询发现在先登记，请{law.holder}处理",
            "Signed, not registered; the first search found an earlier registration",
        )
        return _standing(text, since, Waits.PLEDGEE)
    step = "办理登记中" if searches.before_clean else "登记前查询中"
    text = (f"{law.not_yet}；{step}", "Signed, not registered: no right in rem yet")
    return _standing(text, since, Waits.REGISTRY)


def _readying(pledge: Pledge, searches: Searches) -> Standing:
    law = pledge.security.law
    if searches.unsound is not None and pledge.lock.state is LockState.FINAL:
        text = (
            f"{law.arisen}；发票 {searches.unsound} 状态异常，暂不可放款，请{law.holder}处理",
            f"Effective; invoice {searches.unsound} is not in force at the tax bureau",
        )
        return _standing(
            text, max(pledge.state_since, searches.at or pledge.lock.since), Waits.PLEDGEE
        )
    if pledge.recourse_called_at is not None:
        text = (f"{law.arisen}；已要求{law.grantor}回购", "The seller was asked to buy back")
        return _standing(text, pledge.recourse_called_at, Waits.PLEDGOR)
    if pledge.ready_to_disburse_at is not None:
        text = (f"{law.arisen}，锁定已确认，复查无异议，可以放款", "Effective; ready to disburse")
        return _standing(text, pledge.ready_to_disburse_at, Waits.PLEDGEE)
    since = max(pledge.state_since, pledge.lock.since)
    if pledge.lock.state is not LockState.FINAL:
        line = {
            LockState.LOST: f"{law.arisen}；链上锁定因区块回退丢失，重新锁定中",
            LockState.NONE: f"{law.arisen}；等待链上锁定"
            + ("（资产暂被其他平台锁定）" if pledge.lock.problem == HELD_ELSEWHERE else ""),
        }.get(pledge.lock.state, f"{law.arisen}；链上锁定待确认")
        return _standing((line, "Effective; the lock on chain is not final"), since, Waits.CHAIN)
    if searches.after_clean is False:
        assert searches.at is not None
        text = (
            f"{law.arisen}；登记后复查发现在先登记，暂不可放款，请{law.holder}处理",
            "Effective; the second search found an earlier registration",
        )
        return _standing(text, searches.at, Waits.PLEDGEE)
    text = (f"{law.arisen}，锁定已确认；登记后复查中", "Effective and locked; being searched again")
    return _standing(text, since, Waits.REGISTRY)


def _cancelling(pledge: Pledge) -> Standing:
    entry, released = pledge.registration, pledge.security.law.released
    if entry.cancelled_at is not None:
        text = (f"{released}，登记已注销", "Released; the registration is cancelled")
        return _standing(text, entry.cancelled_at, None)
    if entry.cancellation_asked_at is not None:
        text = (f"{released}，登记注销办理中", "Released; the registration is being cancelled")
        return _standing(text, entry.cancellation_asked_at, Waits.REGISTRY)
    due = entry.cancellation_due_on
    when, when_en = (
        (f"于 {due} 前", f"by {due}") if due else ("在 10 个工作日内", "in 10 working days")
    )
    text = (
        f"{released}，登记应{when}注销",
        f"Released; the registration is to be cancelled {when_en}",
    )
    return _standing(text, pledge.state_since, Waits.PLEDGEE)


def _standing(text: tuple[str, str], since: datetime, waits: Waits | None) -> Standing:
    return Standing(text[0], text[1], since, waits)


def searches_of(
    rows: Iterable[tuple[SearchStep, bool, datetime]], unsound: str | None = None
) -> Searches:
    """Sum up searches (step, clean, searched at) in their order; the newest of a step speaks.

    A monthly review says what a search after the registration says.
    """
    clean: dict[SearchStep, bool] = {}
    newest: datetime | None = None
    for step, is_clean, at in rows:
        clean[SearchStep.AFTER if step is SearchStep.REVIEW else step], newest = is_clean, at
    return Searches(clean.get(SearchStep.BEFORE), clean.get(SearchStep.AFTER), newest, unsound)
