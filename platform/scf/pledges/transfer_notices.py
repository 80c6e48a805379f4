"""应收账款转让通知书: prepared over a registered assignment or factoring, signed by assignor and assignee, sent later.

The assignor's signature makes it a notice (Civil Code 546), the factor's shows who it is (764). An undisclosed
one is signed in advance and lies with the bank until a trigger of the contract.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, NotAllowed
from scf.parties.countersigning import Kind, Turn
from scf.pledges import notices
from scf.pledges.notice_models import DebtorNotice, NoticeState
from scf.receivables import parts

NOTIFY: Final = "notify"
COUNTERSIGN: Final = "countersign"
TRIGGERS: Final = (
    "应收账款到期未付",
    "转让人未按约还款或回购",
    "转让人经营或财务状况恶化",
    "回款账户异常",
    "约定的通知日届至",
)
"""On what an undisclosed assignment is told to the debtor."""


class NeedsNoSignature(Conflict):
    """A pledge is told by whichever side, on its registration; an assignment by a paper that both sign."""

    code = "debtor_notice.needs_no_signature"
    title = "质押通知无需预先签署，请直接通知债务人"
    title_en = "The notice of a pledge is not signed in advance; notify the debtor"


class NotSigned(Conflict):
    """The notice of an assignment is signed by assignor and assignee before it is sent."""

    code = "debtor_notice.not_signed"
    title = "转让通知书尚未由转让人和受让人签署"
    title_en = "Assignor and assignee have not both signed the notice"


class AccountOvertaken(Conflict):
    """A signed notice names the account that the debtor pays into by now."""

    code = "debtor_notice.account_overtaken"
    title = "回款账户已变更，请重新签署转让通知书"
    title_en = "The account has changed since: prepare and sign the notice again"


class NotYourTurn(Conflict):
    """Each side signs a prepared notice once."""

    code = "debtor_notice.not_open"
    title = "该通知书已签署、已发出或贵方已签署"
    title_en = "The notice is signed, sent, or signed by you"


class Undisclosed(NotAllowed):
    """The debtor of an undisclosed assignment is told by the bank alone."""

    code = "debtor_notice.undisclosed"
    title = "暗转让、暗保理仅受让人可以通知债务人"
    title_en = "Of an undisclosed assignment only the assignee tells the debtor"


class TriggerMissing(Invalid):
    """An undisclosed assignment is told on a trigger of the list."""

    code = "debtor_notice.trigger_missing"
    title = "暗转让、暗保理须说明通知债务人的约定情形"
    title_en = "An undisclosed assignment is told on one of the agreed triggers"


def prepare(session: Session, actor: Actor, pledge_id: UUID, *, now: datetime) -> DebtorNotice:
    """Write the notice of a registered assignment for both sides to sign; an older one not sent gives way.

    Raises SubjectNotFound, PledgeNotEffective, NeedsNoSignature, AlreadyIssued.
    """
    pledge, receivable, before = notices.to_tell(session, actor, pledge_id)
    if not pledge.security.transfers:
        raise NeedsNoSignature
    if before is not None:
        before.replaced_at = now
        session.flush()
    registered = notices.registration(session, pledge)
    notice = notices.build(session, pledge, receivable, event=registered)
    notice.state, notice.prepared_at = NoticeState.PREPARED, now
    session.add(notice)
    session.flush()
    record = notices.terms(session, notice)
    notices.tell(session, notice, "debtor_notice.prepared", record, now=now, actor=actor.party)
    return notice


def tell_debtor(
    session: Session, actor: Actor, pledge_id: UUID, *, trigger: str | None, now: datetime
) -> DebtorNotice:
    """Tell the debtor: of a pledge at once, of an assignment by the notice that both sides signed.

    Raises Undisclosed, TriggerMissing, NotSigned, AccountOvertaken, and what `notices.to_tell` and `notices.issue` raise.
    """
    pledge, receivable, notice = notices.to_tell(session, actor, pledge_id)
    if not pledge.security.transfers:
        return notices.issue(session, pledge, receivable, actor.party, now=now)
    if not pledge.disclosed:
        if actor.party != pledge.pledgee_id:
            raise Undisclosed
        if trigger not in TRIGGERS:
            raise TriggerMissing(field="trigger", known=list(TRIGGERS))
    if notice is None or notice.state is not NoticeState.SIGNED:
        raise NotSigned(state=notice.state.value if notice else None)
    if notice.pay_to != parts.account_for(session, receivable, pledge.pledgee_id):
        raise AccountOvertaken
    return notices.send(session, pledge, notice, actor.party, trigger=trigger, now=now)


def _open(session: Session, actor: Actor, notice_id: UUID) -> Turn[DebtorNotice]:
    """Return a prepared notice that waits for the caller. Raises SubjectNotFound, NotYourTurn."""

    def require(notice: DebtorNotice) -> None:
        if actor.party not in notice.readers:
            raise SubjectNotFound

    notice = evidence.lock(session, DebtorNotice, notice_id, require=require)
    sides = [notice.pledgor_id, notice.pledgee_id]
    open_ = notice.state is NoticeState.PREPARED and notice.replaced_at is None
    if not open_ or actor.party not in sides or actor.party in notice.signed:
        raise NotYourTurn(state=notice.state.value)
    return Turn(
        paper=notice,
        signers=sides,
        act=NOTIFY if actor.party == notice.pledgor_id else COUNTERSIGN,
        subject=notice,
        prefix="dnt",
        content=notices.terms(session, notice),
        amount=None,
    )


def _finish(session: Session, actor: Actor, turn: Turn[DebtorNotice], now: datetime) -> None:
    notice = turn.paper
    notice.move(NoticeState.SIGNED, now=now)
    notices.tell(
        session,
        notice,
        "debtor_notice.signed",
        dict(turn.content),
        now=now,
        actor=actor.party,
        authorizations=notice.authorizations,
    )


SIGNING: Final = Kind(_open, _finish)
"""How the notice of a transfer is signed by its two sides."""
