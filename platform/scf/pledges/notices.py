"""Notices to debtors: issued over a registered pledge, taken in, read, acknowledged with a signature.

A debtor that was told to pay the pledgee's account and pays elsewhere is not discharged (担保制度解释 61,
paragraph 3; Civil Code 546, 764 for factors). So what counts is when the notice entered its system
(Electronic Signature Law 11): the debtor's own system says so, with its own credentials.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence import queries as events
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.evidence.service import SubjectNotFound, hash_text
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, NotAllowed
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import SignedAct, Signer
from scf.pledges import permissions, service
from scf.pledges.models import OVER, Pledge, State
from scf.pledges.notice_models import DebtorNotice, NoticeState, Purpose
from scf.receivables import parts
from scf.receivables.models import Receivable
from scf.rules.service import evaluate

REGISTERED = "pledge.registered"
NOTIFY = "assignment.notify"
"""The transition that rules know a notice by."""


class PledgeNotEffective(Conflict):
    """A debtor is told of a pledge that is in force: its registration number stands in the notice."""

    code = "debtor_notice.pledge_not_effective"
    title = "质权未设立或已消灭，不能通知债务人"
    title_en = "The pledge is not in force: there is nothing to tell the debtor"


class NoClaimYet(Conflict):
    """A debtor is told where to pay once it owes: of a pledge of a claim."""

    code = "debtor_notice.no_claim_yet"
    title = "订单或货物质押尚未形成应收账款，无需通知付款账户"
    title_en = "There is no claim yet of which the debtor could be told"


class AlreadyIssued(Conflict):
    """A debtor is told of a pledge once."""

    code = "debtor_notice.already_issued"
    title = "该质押已通知债务人"
    title_en = "The debtor was told of this pledge"


class NoticeReplaced(Conflict):
    """What is acknowledged is the notice that stands."""

    code = "debtor_notice.replaced"
    title = "该通知书已被新的通知书取代，请签收新的通知书"
    title_en = "Another notice has replaced this one: acknowledge that"


class NotTheDebtor(NotAllowed):
    """Taking a notice in, reading and acknowledging it are the debtor's."""

    code = "debtor_notice.not_allowed"
    title = "仅应收账款债务人可以执行此操作"
    title_en = "Only the debtor takes in, reads and acknowledges a notice"


def to_tell(
    session: Session, actor: Actor, pledge_id: UUID
) -> tuple[Pledge, Receivable, DebtorNotice | None]:
    """Return what a debtor is still to be told of: pledge, claim and the notice prepared, all locked.

    Raises SubjectNotFound, PledgeNotEffective, AlreadyIssued.
    """
    pledge = effective(session, actor, pledge_id)
    if pledge.receivable_id is None:
        raise NoClaimYet
    # Locked, so that no change of the account passes by a notice that is being written.
    receivable = evidence.lock(session, Receivable, pledge.receivable_id)
    notice = current(session, pledge_id)
    if notice is not None and notice.issued_at is not None:
        raise AlreadyIssued(notice=public_id("dnt", notice.id))
    return pledge, receivable, notice


def effective(session: Session, actor: Actor, pledge_id: UUID) -> Pledge:
    """Return a pledge in force, locked, to one of its parties. Raises SubjectNotFound, PledgeNotEffective."""
    pledge = service.lock_for(session, actor, pledge_id, permissions.Action.VIEW)
    if pledge.state is not State.EFFECTIVE or pledge.registration.reg_no is None:
        raise PledgeNotEffective(state=pledge.state.value)
    return pledge


def current(session: Session, pledge_id: UUID) -> DebtorNotice | None:
    """Return the notice of a pledge that stands, locked; sent or still to be sent."""
    return session.scalar(
        select(DebtorNotice)
        .where(
            DebtorNotice.pledge_id == pledge_id,
            DebtorNotice.purpose == Purpose.TAKEN,
            DebtorNotice.replaced_at.is_(None),
        )
        .with_for_update()
    )


def replace(session: Session, receivable: Receivable, *, now: datetime) -> list[DebtorNotice]:
    """Tell the debtor again where to pay, over every notice of a locked receivable whose account has changed.

    Each replaces the one before and goes its whole way again, to a 回执 of its own: a debtor is bound by the
    account that it was told of (Civil Code 546). In the name of whoever issued the one before, who signed the
    change. Raises RuleBlocks.
    """
    standing = session.execute(
        select(DebtorNotice, Pledge)
        .join(Pledge, Pledge.id == DebtorNotice.pledge_id)
        .where(
            Pledge.receivable_id == receivable.id,
            Pledge.state.not_in(OVER),
            DebtorNotice.replaced_at.is_(None),
        )
        .order_by(DebtorNotice.id)
        .with_for_update(of=DebtorNotice)
    ).all()
    issued = []
    for before, pledge in standing:
        if before.pay_to != parts.account_for(session, receivable, pledge.pledgee_id):
            before.replaced_at = now
            session.flush()
            if before.issued_by is not None:  # what was never sent is prepared anew by its sides
                issued.append(issue(session, pledge, receivable, before.issued_by, now=now))
    return issued


def tell_released(
    session: Session, pledge: Pledge, released: Event, *, reason: str, now: datetime
) -> DebtorNotice | None:
    """Tell a debtor that was told of a pledge or an assignment that it is over, and whom to pay from now on.

    It rests on the release that the pledgee signed (Civil Code 393, 546). None where the debtor never heard.
    """
    told = current(session, pledge.id)
    if told is None or told.issued_at is None:
        return None
    receivable = session.get_one(Receivable, pledge.receivable_id)
    notice = build(
        session, pledge, receivable, event=released, purpose=Purpose.RELEASED, reason=reason
    )
    notice.state, notice.issued_by, notice.issued_at = NoticeState.ISSUED, pledge.pledgee_id, now
    session.add(notice)
    session.flush()
    type_ = "debtor_notice.release_issued"
    tell(session, notice, type_, terms(session, notice), now=now, actor=pledge.pledgee_id)
    return notice


def build(
    session: Session,
    pledge: Pledge,
    receivable: Receivable,
    *,
    event: Event,
    purpose: Purpose = Purpose.TAKEN,
    reason: str | None = None,
) -> DebtorNotice:
    """Return a notice, not yet stored, over an event of a pledge: its registration or its release."""
    reg_no = pledge.registration.reg_no
    assert reg_no is not None, "what a notice tells of is registered"
    payee = pledge.pledgee_id if purpose is Purpose.TAKEN else pledge.pledgor_id
    return DebtorNotice(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        pledge_id=pledge.id,
        purpose=purpose,
        pledge_event=event.body_hash,
        pledgor_id=pledge.pledgor_id,
        pledgee_id=pledge.pledgee_id,
        debtor_id=receivable.debtor_id,
        receivable_event=pledge.receivable_event,
        currency=pledge.currency,
        amount_minor=pledge.amount_minor,
        pay_to=parts.account_for(session, receivable, payee),
        reg_no=reg_no,
        reason=reason,
    )


def issue(
    session: Session, pledge: Pledge, receivable: Receivable, issuer: UUID, *, now: datetime
) -> DebtorNotice:
    """Tell a debtor that its debt was pledged, and where to pay. Raises RuleBlocks."""
    notice = build(session, pledge, receivable, event=registration(session, pledge))
    notice.state, notice.issued_by, notice.issued_at = NoticeState.ISSUED, issuer, now
    session.add(notice)
    session.flush()
    _told(session, pledge, notice, issuer, now=now)
    return notice


def send(
    session: Session,
    pledge: Pledge,
    notice: DebtorNotice,
    issuer: UUID,
    *,
    trigger: str | None,
    now: datetime,
) -> DebtorNotice:
    """Send a notice that both sides have signed. Raises RuleBlocks."""
    notice.issued_by, notice.trigger = issuer, trigger
    notice.move(NoticeState.ISSUED, now=now)
    _told(session, pledge, notice, issuer, now=now)
    return notice


def _told(
    session: Session, pledge: Pledge, notice: DebtorNotice, issuer: UUID, *, now: datetime
) -> None:
    told = terms(session, notice)
    _hold_to_rules(session, notice, pledge, told, now=now)
    tell(session, notice, "debtor_notice.issued", told, now=now, actor=issuer)


def deliver(session: Session, actor: Actor, notice_id: UUID, *, now: datetime) -> DebtorNotice:
    """Record that the notice entered the debtor's system. Raises NoticeMoveRefused, NotTheDebtor."""
    notice = _lock(session, actor, notice_id)
    notice.move(NoticeState.DELIVERED, now=now)
    record = {"debtor": parties.party(session, notice.debtor_id).uscc}
    tell(session, notice, "debtor_notice.delivered", record, now=now, actor=actor.party)
    return notice


def read(session: Session, actor: Actor, notice_id: UUID, *, now: datetime) -> DebtorNotice:
    """Record that somebody at the debtor's opened it. Raises NoticeMoveRefused, NotTheDebtor."""
    notice = _lock(session, actor, notice_id)
    notice.move(NoticeState.READ, now=now)
    return notice


def draft_acknowledgement(
    session: Session,
    actor: Actor,
    notice_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the 回执 for the debtor to sign; it promises no amount anew, so no limit is asked.

    Raises NoticeMoveRefused, NoticeReplaced, and what signing raises.
    """
    notice = _to_acknowledge(session, actor, notice_id)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="acknowledge",
        subject=notice,
        prefix="dnt",
        content=terms(session, notice),
        amount=None,
        signers=signers,
        now=now,
    )


def acknowledge(
    session: Session, actor: Actor, notice_id: UUID, *, jws: Sequence[str], now: datetime
) -> DebtorNotice:
    """Take the signed 回执; pledgee and pledgor have it from then on, and the issuer is told.

    Raises NoticeMoveRefused, NoticeReplaced, and what signing raises.
    """
    notice = _to_acknowledge(session, actor, notice_id)
    debtor = parties.active_party(session, actor.party)
    act = signing.collect(
        session, party=debtor, act="acknowledge", subject=notice, jws=jws, now=now
    )
    notice.move(NoticeState.ACKNOWLEDGED, now=now)
    record = terms(session, notice)
    type_ = "debtor_notice.acknowledged"
    event = tell(session, notice, type_, record, now=now, actor=actor.party, act=act)
    capacity.notify(
        session,
        event,
        notice.pledgee_id,
        kind=type_,
        subject=public_id("plg", notice.pledge_id),
        fields={"notice": public_id("dnt", notice.id)},
        now=now,
    )
    return notice


def terms(session: Session, notice: DebtorNotice) -> dict[str, Any]:
    """Return what a notice says, as its events and the 回执 say it."""
    codes = {party.id: party.uscc for party in parties.parties_of(session, [notice]).values()}
    security = session.get_one(Pledge, notice.pledge_id).security.to_json()
    return {
        **({} if security is None else {"security": security}),
        **({} if notice.reason is None else {"reason": notice.reason}),
        "pledge": public_id("plg", notice.pledge_id),
        "pledge_event": hash_text(notice.pledge_event),
        "pledgor": codes[notice.pledgor_id],
        "pledgee": codes[notice.pledgee_id],
        "debtor": codes[notice.debtor_id],
        "receivable_event": hash_text(notice.receivable_event),
        "amount": notice.amount.to_json(),
        "pay_to": notice.pay_to,
        "reg_no": notice.reg_no,
    }


def visible(session: Session, party_id: UUID, notice_id: UUID) -> DebtorNotice:
    """Return a notice that this party is in. Raises SubjectNotFound."""
    found = session.get(DebtorNotice, notice_id)
    if found is None or party_id not in found.readers:
        raise SubjectNotFound
    return found


def page(
    session: Session,
    party_id: UUID,
    *,
    after: UUID | None,
    size: int,
    state: NoticeState | None = None,
    waiting: bool = False,
) -> Sequence[DebtorNotice]:
    """Return the notices that a party is in, oldest first; `waiting`: those that it has to answer."""
    debtor = (DebtorNotice.debtor_id == party_id) & DebtorNotice.issued_at.is_not(None)
    sides = or_(debtor, DebtorNotice.pledgee_id == party_id, DebtorNotice.pledgor_id == party_id)
    conditions: list[ColumnElement[bool]] = [debtor if waiting else sides]
    if waiting:
        conditions.append(DebtorNotice.state != NoticeState.ACKNOWLEDGED)
        conditions.append(DebtorNotice.replaced_at.is_(None))
    if after is not None:
        conditions.append(DebtorNotice.id > after)
    if state is not None:
        conditions.append(DebtorNotice.state == state)
    found = select(DebtorNotice).where(*conditions).order_by(DebtorNotice.id).limit(size)
    return session.scalars(found).all()


def _hold_to_rules(
    session: Session, notice: DebtorNotice, pledge: Pledge, told: dict[str, Any], *, now: datetime
) -> None:
    """Hold a notice to what makes it bind the debtor. Raises RuleBlocks."""
    facts = {
        "creditor": told["pledgor"],
        "debtor": told["debtor"],
        "holder": told["pledgee"],
        "shows_identity": bool(told["pledgee"]),
        "attaches_documents": pledge.registration.certificate is not None,
    }
    evaluate(
        session,
        NOTIFY,
        public_id("dnt", notice.id),
        facts,
        on=business_date(now),
        now=now,
        parties=notice.parties,
    )


def _lock(session: Session, actor: Actor, notice_id: UUID) -> DebtorNotice:
    """Return a notice, locked, to its debtor. Raises SubjectNotFound to strangers, NotTheDebtor."""

    def require(notice: DebtorNotice) -> None:
        if actor.party not in notice.readers:
            raise SubjectNotFound
        if actor.party != notice.debtor_id:
            raise NotTheDebtor

    return evidence.lock(session, DebtorNotice, notice_id, require=require)


def _to_acknowledge(session: Session, actor: Actor, notice_id: UUID) -> DebtorNotice:
    """Return a notice, locked, that its debtor may acknowledge now."""
    notice = _lock(session, actor, notice_id)
    if notice.replaced_at is not None:
        current = session.scalars(
            select(DebtorNotice.id).where(
                DebtorNotice.pledge_id == notice.pledge_id,
                DebtorNotice.purpose == notice.purpose,
                DebtorNotice.replaced_at.is_(None),
            )
        ).one()
        raise NoticeReplaced(notice=public_id("dnt", current))
    notice.require_move(NoticeState.ACKNOWLEDGED)
    return notice


def registration(session: Session, pledge: Pledge) -> Event:
    """Return the event of a pledge's registration."""
    return next(event for event in events.history(session, pledge.id) if event.type == REGISTERED)


def tell(
    session: Session,
    notice: DebtorNotice,
    type_: str,
    record: dict[str, Any],
    *,
    now: datetime,
    actor: UUID,
    act: SignedAct | None = None,
    authorizations: Sequence[bytes] = (),
) -> Event:
    """Append an event of a locked notice."""
    return evidence.append(
        session,
        notice,
        type_,
        record,
        now=now,
        actor=actor,
        parties=notice.readers,
        authorizations=act.authorizations if act else authorizations,
    )
