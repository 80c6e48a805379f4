"""Changing and extending what stands at the register for a pledge (变更登记、展期登记), and who objects to it.

A change is stored before it is sent, under a reference of its own, so that it is looked for and not filed
twice. One at a time: what is filed next is built on what stands.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext, enqueue
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf.pledges import rules, service
from scf.pledges.models import Pledge, State
from scf.pledges.permissions import Action
from scf.registrations import filing, tasks
from scf.registrations.link import register_of
from scf.registrations.models import Change, RegistryFiling
from scf.registrations.tasks import or_by_hand
from scf.registry.port import Registration
from scf.rules.service import evaluate
from scf.tasks import kinds

CHANGE: Final = "pledge.change_registration"
"""The effect that files a change."""
DIVIDED: Final = "仓单分割、合并"
"""The reason of a change that a division of receipts asks for."""
OVER: Final = "pledge_over"
"""The problem of a change whose pledge ended before it was filed."""


class NotRegistered(Conflict):
    """What stands at the register is changed while it stands."""

    code = "registry.not_registered"
    title = "质押未登记或已解除，不能变更或展期"
    title_en = "Nothing stands at the register that could be changed"


class ChangeWaiting(Conflict):
    """Changes are filed one after another."""

    code = "registry.change_waiting"
    title = "已有变更或展期正在办理"
    title_en = "Another change is being filed"


class NothingToAmend(Conflict):
    """A change changes something."""

    code = "registry.nothing_to_amend"
    title = "登记内容与现有资料一致，无需变更"
    title_en = "What stands at the register is what ought to stand"


def amend(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> RegistryFiling:
    """Have the entry changed to what ought to stand today: names, description, amounts.

    Raises NotRegistered, ChangeWaiting, NothingToAmend.
    """
    pledge = _registered(session, actor, pledge_id, expected_version)
    content = _amended(session, pledge)
    if content is None:
        raise NothingToAmend(reg_no=pledge.registration.reg_no)
    by = actor.client_id
    return _ask(session, pledge, Change.AMENDED, content, reason=reason, now=now, by=by)


def redescribe(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Have an entry name the receipts that those it names have become; what is being filed is waited for."""
    with context.database.transaction() as session:
        pledge = service.lock(session, UUID(payload["pledge_id"]))
        waits = filing.waiting(session, pledge.id) is not None
        if pledge.state is not State.EFFECTIVE or pledge.receipt_id is None or waits:
            return
        content = _amended(session, pledge)
        if content is not None:
            now = context.clock.now()
            _ask(session, pledge, Change.AMENDED, content, reason=DIVIDED, now=now)


def _amended(session: Session, pledge: Pledge) -> dict[str, Any] | None:
    """Return what ought to stand at the register today; None where it does."""
    stands = filing.standing(session, pledge.id)
    wanted = filing.filing_of(session, pledge, reference=_next_reference(session, pledge))
    if stands is not None:
        wanted = replace(wanted, term_months=stands.term_months)
        if replace(stands, reference=wanted.reference) == wanted:
            return None
    return filing.to_json(wanted)


def extend(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    months: int,
    now: datetime,
    expected_version: int | None = None,
) -> RegistryFiling:
    """Have the entry stand some months longer. Raises NotRegistered, ChangeWaiting, RuleBlocks."""
    pledge = _registered(session, actor, pledge_id, expected_version)
    evaluate(
        session,
        "registration.extend",
        public_id("plg", pledge.id),
        {
            "term_months": months,
            "expires_on": pledge.registration.expires_on,
            "extended_on": business_date(now),
        },
        on=business_date(now),
        now=now,
        parties=[pledge.pledgee_id],
    )
    content = {"reference": _next_reference(session, pledge), "months": months}
    reason = f"展期{months}个月"
    by = actor.client_id
    return _ask(session, pledge, Change.EXTENDED, content, reason=reason, now=now, by=by)


@or_by_hand
def file(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """File a change, once; what the register refuses is kept with its word for it."""
    pledge_id, filing_id = UUID(payload["pledge_id"]), UUID(payload["filing_id"])
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        row = session.get_one(RegistryFiling, filing_id)
        if not row.is_open:
            return
        if pledge.state is not State.EFFECTIVE:
            row.problem = OVER
            return
        sent_before, row.sent_at = row.sent_at is not None, context.clock.real()
        reg_no, content, change, reason = _reg_no(pledge), row.content, row.change, row.reason
    reference = content["reference"]
    with (
        register_of(context, pledge_id) as registry,
        filing.keeping_problems(context, reference),
    ):
        if change is Change.EXTENDED:
            months = content["months"]
            found = registry.extend(
                reg_no, reference=reference, months=months, sent_before=sent_before
            )
        else:
            asked = filing.of_json(content)
            found = registry.amend(reg_no, asked, reason=reason, sent_before=sent_before)
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        row = session.get_one(RegistryFiling, filing_id)
        if row.is_open:
            _take(session, pledge, row, found, now=context.clock.now())


def _registered(
    session: Session, actor: Actor, pledge_id: UUID, expected_version: int | None
) -> Pledge:
    """Return a registered pledge, locked, on which nothing is being filed. Raises as the commands do."""
    action = Action.KEEP_REGISTRATION
    pledge = service.lock_for(session, actor, pledge_id, action, expected_version)
    if pledge.state is not State.EFFECTIVE:
        raise NotRegistered(state=pledge.state.value)
    waiting = filing.waiting(session, pledge_id)
    if waiting is not None:
        raise ChangeWaiting(reference=waiting.reference, asked_at=instant_text(waiting.asked_at))
    return pledge


def _ask(
    session: Session,
    pledge: Pledge,
    change: Change,
    content: dict[str, Any],
    *,
    reason: str,
    now: datetime,
    by: UUID | None = None,
) -> RegistryFiling:
    row = filing.store(session, pledge, change, content, now=now, reason=reason, by=by)
    enqueue(session, CHANGE, pledge_id=pledge.id, filing_id=row.id)
    return row


def _take(
    session: Session, pledge: Pledge, row: RegistryFiling, found: Registration, *, now: datetime
) -> None:
    """Keep a change that stands, tell of it, and close what had asked for it."""
    filing.take(row, found)
    record = {
        "change": row.change.value,
        "reg_no": _reg_no(pledge),
        "change_no": found.content.number,
        "registered_at": instant_text(found.registered_at),
        "expires_on": found.expires_on.isoformat(),
        "certificate_sha256": evidence.hash_text(hashlib.sha256(found.certificate).digest()),
        "reason": row.reason,
    }
    type_ = "pledge.registration_changed"
    event = service.tell(session, pledge, type_, record, now=now, actor=None)
    evidence.keep_receipt(session, event, found.receipt)
    by = row.asked_by
    done = [kinds.REGISTRATION_FILE]
    if row.change is Change.EXTENDED:
        pledge.registration.expires_on = found.expires_on
        done.append(kinds.REGISTRATION_EXTEND)
    elif found.content.grantor == filing.enrolled(session, pledge.pledgor_id):
        done.append(kinds.REGISTRATION_RENAME)
        _judge_renaming(session, pledge, now=now)
    tasks.done(session, pledge, *done, now=now, by=by)
    if pledge.receipt_id is not None:  # divided again meanwhile
        enqueue(session, rules.REDESCRIBE, pledge_id=pledge.id)


def _judge_renaming(session: Session, pledge: Pledge, *, now: datetime) -> None:
    """Tell what the rules find in the day on which a new name came to the register."""
    named_on = parties.party(session, pledge.pledgor_id).named_on
    if named_on is None:
        return
    evaluate(
        session,
        "registration.rename",
        public_id("plg", pledge.id),
        {"began_on": named_on, "done_on": business_date(now)},
        on=business_date(now),
        now=now,
        parties=[pledge.pledgee_id],
    )


def _next_reference(session: Session, pledge: Pledge) -> str:
    filed = session.scalar(select(func.count()).where(RegistryFiling.pledge_id == pledge.id))
    return f"{pledge.registration.reference}-{filed}"


def _reg_no(pledge: Pledge) -> str:
    assert pledge.registration.reg_no is not None, "a pledge in force is registered"
    return pledge.registration.reg_no
