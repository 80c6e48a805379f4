"""应收账款质押通知书 and its 回执 as PDF, from the notice's own event and from what the debtor signed."""

from dataclasses import replace
from typing import Any, Final

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
from scf.pledges.models import Pledge
from scf.pledges.notice_models import DebtorNotice
from scf_ledger.event import parse_disclosure

_TITLE: Final = "应收账款质押通知书"
_PREAMBLE: Final = (
    "贵单位应付的下列应收账款已由债权人出质，并已在动产融资统一登记公示系统办理出质登记，质权自登记时设立"
    "（《中华人民共和国民法典》第四百四十五条）。质权人的身份、所质押的应收账款和登记证明编号如下，登记证明附于本通知书。"
)
_REQUEST: Final = (
    "请贵单位自收到本通知之时起，按上列账户支付该应收账款。收到通知后仍向其他账户付款的，不免除贵单位对质权人的付款义务"
    "（最高人民法院关于适用民法典有关担保制度的解释第六十一条第三款）。请签署回执。"
)
_COMMON: Final = frozenset({"id", "actor", "at"})


class NotAcknowledged(Conflict):
    """A 回执 is there once the debtor has signed it."""

    code = "debtor_notice.not_acknowledged"
    title = "债务人尚未签署回执"
    title_en = "The debtor has not acknowledged the notice"


def notice_paper(session: Session, notice: DebtorNotice, *, public_url: str) -> Paper:
    """Return the notice as its event tells it, with the register's certificate inside."""
    event = _event(session, notice, "debtor_notice.issued")
    told = _record(event)
    names = parties.names_in(session, told)
    body = rendering.body_of({"act": "acknowledge", "content": {**told, "names": names}})
    return Paper(
        title=_TITLE,
        number=public_id("dnt", notice.id),
        at=event.occurred_at,
        marks=layouts.marks(*names.values()),
        head=[
            Row("致", body.names.party(told["debtor"]), "debtor"),
            Row("通知书编号", public_id("dnt", notice.id), "id"),
            Row("通知人", parties.party(session, notice.issued_by).name, "actor"),
            Row("通知日期", f"{business_date(event.occurred_at):%Y年%m月%d日}", "at"),
        ],
        preamble=_PREAMBLE,
        sections=[*body.sections, Section("付款要求", [], _REQUEST)],
        attachments=_certificate(session, notice),
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


def _event(session: Session, notice: DebtorNotice, type_: str) -> Event:
    return next(event for event in queries.history(session, notice.id) if event.type == type_)


def _record(event: Event) -> dict[str, Any]:
    fields = [parse_disclosure(text) for text in proofs.disclosed(event)]
    return {field.name: field.value for field in fields if field.name not in _COMMON}


def _certificate(session: Session, notice: DebtorNotice) -> list[Attachment]:
    certificate = session.get_one(Pledge, notice.pledge_id).registration.certificate
    assert certificate is not None, "a registered pledge has its certificate"
    name = f"登记证明-{notice.reg_no}.json"
    return [Attachment(name, "application/json", certificate.decode(), "登记证明")]
