"""The letter over a confirmation that did not come (催告函): its text from data that is stored once."""

import hashlib
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from scf.confirmations import queries
from scf.confirmations.models import ConfirmationRequest, Letter, MomentKind
from scf.confirmations.rules import TERM
from scf.evidence import queries as events
from scf.evidence.service import hash_text
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.papers import layouts
from scf.papers.amounts import capital_amount
from scf.papers.layouts import Attachment, Table
from scf.parties import papers as signed
from scf.parties.queries import parties_of
from scf.receivables import queries as receivables
from scf.receivables.models import Receivable
from scf.rules.book import shipped
from scf_ledger import canonical

FORMAT: Final = "scf-confirmation-letter/1"
LAW: Final = "《保障中小企业款项支付条例》（国务院令第802号）"
ANSWER_NAMES: Final = {
    "receivable.confirmed": "部分确认",
    "receivable.disputed": "提出争议",
    "receivable.rejected": "不予确认",
}


class NotEscalated(Conflict):
    """A letter is there once the creditor has asked for it."""

    code = "confirmation.no_letter"
    title = "尚未发出催告函"
    title_en = "No letter was written over this request"


def write(session: Session, request: ConfirmationRequest, *, now: datetime) -> Letter:
    """Store what the letter over an overdue request says: who, what, since when, by which article."""
    content = canonical.encode(_content(session, request, now=now))
    letter = Letter(
        request_id=request.id,
        content=content,
        sha256=hashlib.sha256(content).digest(),
        written_at=now,
    )
    session.add(letter)
    session.flush()
    return letter


def paper(session: Session, request: ConfirmationRequest, *, public_url: str) -> layouts.Letter:
    """Return the letter as it is set, with what it was made from inside. Raises NotEscalated."""
    found = queries.letter(session, request.id)
    if found is None:
        raise NotEscalated(state=request.state.value)
    said = canonical.decode(found.content, max_bytes=len(found.content))
    number = public_id("cfr", request.id)
    return layouts.Letter(
        title="应收账款确权催告函",
        number=number,
        at=found.written_at,
        marks=layouts.marks(said["creditor"]["name"], said["debtor"]["name"]),
        attachments=[
            Attachment(
                f"催告函-{number}.json",
                "application/json",
                found.content.decode(),
                "催告函所载事项",
            )
        ],
        addressee=f"{said['debtor']['name']}（统一社会信用代码{said['debtor']['uscc']}）",
        paragraphs=_paragraphs(said),
        tables=[
            Table("所附发票", ["发票号码", "登记事件摘要"], _documents(said)),
            Table("请求与提醒", ["日期", "第几日", "事项"], _steps(said)),
        ],
        closing=_closing(said),
        signature=[said["creditor"]["name"], _day(said["written_on"])],
        proof=signed.proof_of(
            session, events.event(session, request.event_id), public_url=public_url
        ),
    )


def _content(session: Session, request: ConfirmationRequest, *, now: datetime) -> dict[str, Any]:
    receivable = session.get_one(Receivable, request.receivable_id)
    parties = parties_of(session, [request])
    event = events.event(session, request.event_id)
    rule = shipped().rule(TERM)
    assert request.rule_version is not None, "only a statutory time runs out"
    assert request.deadline_on is not None
    moments = queries.moments_of(session, [request.id])[request.id]
    answers = queries.answers_to(session, [request])[request.id]
    return {
        "format": FORMAT,
        "request": public_id("cfr", request.id),
        "request_event": {"id": public_id("evt", event.id), "hash": hash_text(event.body_hash)},
        "receivable": public_id("rcv", request.receivable_id),
        "creditor": _side(parties[request.creditor_id].uscc, parties[request.creditor_id].name),
        "debtor": _side(parties[request.debtor_id].uscc, parties[request.debtor_id].name),
        "claimed": request.claimed.to_json(),
        "line_no": receivable.line_no,
        "contract_no": receivable.contract_no,
        "due_on": receivable.due_on.isoformat(),
        "documents": receivables.documents_of(session, [receivable.id])[receivable.id],
        "requested_on": request.requested_on.isoformat(),
        "days": request.days,
        "deadline_on": request.deadline_on.isoformat(),
        "reminded": [
            {"day": one.day, "on": one.due_on.isoformat()}
            for one in moments
            if one.kind is MomentKind.REMINDER
        ],
        "answers": [
            {"type": one.type, "on": one.on.isoformat(), "reason": one.reason} for one in answers
        ],
        "article": {"law": LAW, "article": rule.at(request.rule_version).article, "rule": rule.id},
        "written_on": business_date(now).isoformat(),
    }


def _side(code: str, name: str) -> dict[str, str]:
    return {"uscc": code, "name": name}


def _paragraphs(said: dict[str, Any]) -> list[str]:
    contract = f"合同{said['contract_no']}项下" if said["contract_no"] else ""
    asked = (
        f"我单位于{_day(said['requested_on'])}就{contract}第{said['line_no']}号应收账款（{said['receivable']}）"
        f"向贵单位提出确权请求，请求确认金额{_money(Money.from_json(said['claimed']))}，"
        f"付款到期日{_day(said['due_on'])}。"
    )
    owed = (
        f"依照{said['article']['law']}{said['article']['article']}，贵单位应当自收到确权请求之日起"
        f"{said['days']}日内确认，期限至{_day(said['deadline_on'])}届满。截至本函出具之日，"
        "我单位未收到贵单位符合规定的答复。"
    )
    return [asked, owed, *(_refused(answer) for answer in said["answers"])]


def _refused(answer: dict[str, str]) -> str:
    return (
        f"贵单位{_day(answer['on'])}以“{answer['reason']}”为由{ANSWER_NAMES[answer['type']]}，"
        "该理由不属于可以不予确认的情形，确权期限不因此停止计算。"
    )


def _closing(said: dict[str, Any]) -> list[str]:
    return [
        "请贵单位在收到本函后立即通过平台对无争议部分予以确认；对有争议部分，请写明金额和理由。",
        f"贵单位对本函所载逾期事实有异议的，可以在平台上就请求{said['request']}提出异议并说明理由，异议及处理结果一并记录。",
    ]


def _documents(said: dict[str, Any]) -> list[list[str]]:
    return [[one["number"], one["hash"]] for one in said["documents"]]


def _steps(said: dict[str, Any]) -> list[list[str]]:
    return [
        [_day(said["requested_on"]), "第0日", "提出确权请求"],
        *([_day(one["on"]), f"第{one['day']}日", "提醒"] for one in said["reminded"]),
        [_day(said["deadline_on"]), f"第{said['days']}日", "确认期限届满"],
    ]


def _day(text: str) -> str:
    on = date.fromisoformat(text)
    return f"{on.year}年{on.month}月{on.day}日"


def _money(amount: Money) -> str:
    if amount.currency != "CNY":
        return f"{amount.currency} {amount.text}"
    return f"人民币{amount.text}元（大写：{capital_amount(amount.minor)}）"
