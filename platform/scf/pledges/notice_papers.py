"""Notices to debtors and their 回执 as PDF: of a pledge, of an assignment, of the end of either.

Each from the notice's own event, with what was signed inside: by assignor and assignee, by whoever released, by
the debtor.
"""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence import proofs, queries
from scf.evidence.models import Event
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.papers import layouts
from scf.papers.layouts import Attachment, Paper, Row, Section
from scf.parties import papers as signed
from scf.parties import queries as parties
from scf.parties import rendering
from scf.parties.signed import read_signed
from scf.pledges.models import Pledge
from scf.pledges.notice_models import DebtorNotice, Purpose
from scf_ledger.event import parse_disclosure

_PLEDGED: Final = (
    "贵单位应付的下列应收账款已由债权人出质，并已在动产融资统一登记公示系统办理出质登记，质权自登记时设立"
    "（《中华人民共和国民法典》第四百四十五条）。质权人的身份、所质押的应收账款和登记证明编号如下，登记证明附于本通知书。"
)
_PAY_PLEDGEE: Final = (
    "请贵单位自收到本通知之时起，按上列账户支付该应收账款。收到通知后仍向其他账户付款的，不免除贵单位对质权人的付款义务"
    "（最高人民法院关于适用民法典有关担保制度的解释第六十一条第三款）。请签署回执。"
)
_ASSIGNED: Final = (
    "贵单位应付的下列应收账款已由原债权人转让给受让人，并已在动产融资统一登记公示系统办理登记。受让人的身份、所转让的应收账款"
    "和登记证明编号如下，登记证明和双方签署的原文附于本通知书；自本通知到达之时起，转让对贵单位发生效力"
    "（《中华人民共和国民法典》第五百四十六条、第七百六十四条）。"
)
_PAY_ASSIGNEE: Final = (
    "请贵单位自收到本通知之时起，按上列账户向受让人支付该应收账款。收到通知后仍向原债权人付款的，不免除贵单位对受让人的付款义务；"
    "此后变更或者终止基础合同，对保理人产生不利影响的，对保理人不发生效力"
    "（《中华人民共和国民法典》第五百四十六条、第七百六十五条）。请签署回执。"
)
_RELEASED: Final = "此前通知贵单位的应收账款质押已由质权人解除（《中华人民共和国民法典》第三百九十三条），解除的原文附于本通知书。"
_REASSIGNED: Final = (
    "此前通知贵单位的应收账款转让已经终止，受让人已将应收账款转回原债权人，转回的原文附于本通知书；转让通知由受让人同意撤销"
    "（《中华人民共和国民法典》第五百四十六条）。"
)
_PAY_CREDITOR: Final = (
    "请贵单位自收到本通知之时起，按上列账户向债权人支付该应收账款的未付部分。请签署回执。"
)
_WORDS: Final = {
    (Purpose.TAKEN, False): (_PLEDGED, _PAY_PLEDGEE),
    (Purpose.TAKEN, True): (_ASSIGNED, _PAY_ASSIGNEE),
    (Purpose.RELEASED, False): (_RELEASED, _PAY_CREDITOR),
    (Purpose.RELEASED, True): (_REASSIGNED, _PAY_CREDITOR),
}
"""(purpose, is it an assignment) -> how a notice begins, and what it asks for."""
_SIGNED: Final = "debtor_notice.signed"
SENT: Final = ("debtor_notice.issued", "debtor_notice.release_issued")
"""With which event a notice goes to its debtor."""
_COMMON: Final = frozenset({"id", "actor", "at"})


class NotAcknowledged(Conflict):
    """A 回执 is there once the debtor has signed it."""

    code = "debtor_notice.not_acknowledged"
    title = "债务人尚未签署回执"
    title_en = "The debtor has not acknowledged the notice"


def notice_paper(session: Session, notice: DebtorNotice, *, public_url: str) -> Paper:
    """Return the notice as its event tells it; until it is sent, as a draft of it to its two sides."""
    history = queries.history(session, notice.id)
    event = next((one for one in history if one.type in SENT), history[-1])
    told = _record(event)
    names = parties.names_in(session, told)
    body = rendering.body_of({"act": "acknowledge", "content": {**told, "names": names}})
    security = session.get_one(Pledge, notice.pledge_id).security
    preamble, request = _WORDS[notice.purpose, security.transfers]
    taken = notice.purpose is Purpose.TAKEN
    hands = _hands(session, notice)
    return Paper(
        title=security.law.notice if taken else security.law.release_notice,
        number=public_id("dnt", notice.id),
        at=event.occurred_at,
        marks=layouts.marks(*names.values(), draft=notice.issued_at is None),
        head=[
            Row("致", body.names.party(told["debtor"]), "debtor"),
            Row("通知书编号", public_id("dnt", notice.id), "id"),
            *_issuer(session, notice),
            Row("通知日期", f"{business_date(event.occurred_at):%Y年%m月%d日}", "at"),
        ],
        preamble=preamble,
        sections=[
            *body.sections,
            Section("付款要求", [], request),
            *(section for paper in hands for section in paper.sections),
        ],
        attachments=[
            *(_certificate(session, notice) if taken else []),
            *(attachment for paper in hands for attachment in paper.attachments),
        ],
        proof=signed.proof_of(session, event, public_url=public_url),
    )


def receipt_paper(
    session: Session, actor: Actor, notice: DebtorNotice, *, public_url: str
) -> Paper:
    """Return the 回执, from the bytes that the debtor signed. Raises NotAcknowledged."""
    if notice.acknowledged_at is None:
        raise NotAcknowledged(state=notice.state.value)
    event = _event(session, notice, "debtor_notice.acknowledged")
    paper = signed.signed_paper(session, actor, proofs.authorizations(session, event))
    return replace(paper, proof=signed.proof_of(session, event, public_url=public_url))


def _issuer(session: Session, notice: DebtorNotice) -> list[Row]:
    if notice.issued_by is None:
        return []
    return [Row("通知人", parties.party(session, notice.issued_by).name, "actor")]


def _hands(session: Session, notice: DebtorNotice) -> list[Paper]:
    """Return what a notice rests on, hand by hand, cut down to the signature with the signer's name."""
    if notice.purpose is Purpose.TAKEN:
        found = [one for one in queries.history(session, notice.id) if one.type == _SIGNED]
    else:
        found = [session.scalars(select(Event).where(Event.body_hash == notice.pledge_event)).one()]
    texts = [text for event in found for text in proofs.authorizations(session, event)]
    return [_hand(read_signed([text])) for text in texts]


def _hand(paper: Paper) -> Paper:
    own = paper.sections[-1]
    return replace(paper, sections=[replace(own, rows=[*paper.head, *own.rows])])


def _event(session: Session, notice: DebtorNotice, type_: str) -> Event:
    return next(event for event in queries.history(session, notice.id) if event.type == type_)


def _record(event: Event) -> dict[str, Any]:
    fields = [parse_disclosure(text) for text in proofs.disclosed(event)]
    return {field.name: field.value for field in fields if field.name not in _COMMON}


def _certificate(session: Session, notice: DebtorNotice) -> list[Attachment]:
    certificate = session.get_one(Pledge, notice.pledge_id).registration.certificate
    assert certificate is not None, "a registered pledge has its certificate"
    # As a person handed it in, or by link.
    form = "pdf" if certificate.startswith(b"%PDF") else "json"
    name = f"登记证明-{notice.reg_no}.{form}"
    return [Attachment(name, f"application/{form}", certificate, "登记证明")]
