"""What a debtor should look at before it confirms: facts that do not fit together, each with its figures.

A finding blocks nothing. It is worked out afresh from what is stored, so it is never out of date; what the
rules in force say of a confirmation of the whole claim stands beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from scf.documents.models import Document
from scf.documents.parsing.model import Flag, Kind
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties.models import Party
from scf.parties.queries import parties_of
from scf.receivables import behind, checks, queries, relations
from scf.receivables.models import GIVEN_UP, Receivable, ReceivableDocument
from scf.rules.book import shipped
from scf.rules.judging import message

INVOICED_BEFORE_DELIVERY_MAX: Final = timedelta(days=30)
TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "invoice.before_delivery": (
        "发票日期早于收货日期超过 30 天",
        "An invoice is dated more than 30 days before the delivery",
    ),
    "invoice.buyer_by_name": (
        "发票未载明购买方统一社会信用代码，仅名称相符",
        "An invoice names its buyer by name only",
    ),
    "invoice.contract_differs": (
        "发票所载合同号与申报的合同号不一致",
        "An invoice names another contract",
    ),
    "invoice.due_date_differs": (
        "发票所载到期日与申报的到期日不一致",
        "An invoice names another due date",
    ),
    "invoice.payee_differs": (
        "发票收款人不是销售方，可能已转让",
        "The payee is not the seller: the claim may have been assigned",
    ),
    "invoice.assigned": (
        "发票备注显示债权可能已转让或质押",
        "An invoice says that the claim was assigned",
    ),
    "invoice.number_elsewhere": (
        "另一销售方登记了同号数电票，其中至多一张为真",
        "Another seller registered an e-invoice of the same number: one of the two at most is true",
    ),
    "documents.taken_back": (
        "部分发票已红冲，可确认的金额低于申报金额",
        "Credit notes have left less than is claimed",
    ),
    "line.alike": (
        "与另一笔应收账款相似（同一入库单号，或同合同、同收货日、同金额）",
        "Another line is alike: same receipt, or same contract, delivery and amount",
    ),
    "receipt.missing": (
        "未登记入库单，到货未经购方系统证明",
        "No receipt note of the buyer's is registered",
    ),
    "receipt.unvalued": (
        "入库单未载明含税金额，且无对应订单，无法核对",
        "The receipts' worth is not known",
    ),
    "receipt.below_claim": (
        "已入库金额低于申报金额",
        "Less was received than is claimed",
    ),
    "receipt.above_order": (
        "入库金额超出订单金额 2% 以上",
        "More than 2% above the order was received",
    ),
    "invoice.above_received": (
        "发票合计超出入库金额 2% 以上",
        "The invoices are more than 2% above what was received",
    ),
    "parties.sizes": (
        "按登记规模不属于大型企业（公共机构）对中小企业的欠款，支付条例期限不适用；以合同订立时规模为准",
        "By registered sizes this is no debt of a large enterprise or public body to an SME",
    ),
    "parties.related": (
        "债权人与债务人的法定代表人同名，可能为关联方（仅比对姓名，未核查股权）",
        "Both legal representatives bear one name; shareholdings were not looked at",
    ),
    "debtor.blocked": (
        "债务人在限制名单中",
        "The debtor is on the block list",
    ),
    "contract.assignment_banned": (
        "债务人曾声明该合同禁止转让债权（金钱债权不得对抗第三人，民法典第五百四十五条）",
        "The debtor said before that this contract bans assignment",
    ),
    "setoff.open": (
        "双方之间有可抵销的款项，请债务人确认时列明或声明不抵销",
        "There are amounts between the two that may be set off; the debtor is asked to list them",
    ),
    "invoice.status": (
        "税务机关显示发票状态异常",
        "An invoice does not stand at the tax bureau",
    ),
    "red_note.open": (
        "发票有未了结的红字确认单",
        "A red-letter form over an invoice is open",
    ),
}
"""Code -> what it says, in Chinese and English."""
DEBTORS_ALONE: Final = frozenset({"invoice.number_elsewhere"})
"""What tells of somebody else's papers: the creditor, who may have made the number up, is not shown it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at; `figures` are JSON values."""

    code: str
    title: str
    title_en: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, code: str, **figures: Any) -> "Finding":
        """Make one of the table's."""
        return cls(code, *TITLES[code], figures)


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a document says that a line is held against."""

    number: str
    issued_on: date
    buyer: str
    payee: str | None
    flags: Sequence[str]
    contract_no: str | None
    due_on: date | None
    number_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A claim as submitted, and what is known around it."""

    debtor: str
    contract_no: str | None
    delivered_on: date | None
    due_on: date
    claimed: Money
    rest: Money
    invoices: Sequence[Invoice]
    alike: Sequence[str]
    """Public ids of other claims on the same debtor that may be the same."""


def look(line: Line) -> list[Finding]:
    """Hold a claim to its documents and to other claims; in order of the table, each code once a document."""
    found = [finding for invoice in line.invoices for finding in _invoice(line, invoice)]
    if line.rest < line.claimed:
        figures = {"claimed": line.claimed.to_json(), "rest": line.rest.to_json()}
        found.append(Finding.of("documents.taken_back", **figures))
    if line.alike:
        found.append(Finding.of("line.alike", receivables=list(line.alike)))
    return found


def _invoice(line: Line, invoice: Invoice) -> Iterable[Finding]:
    number, delivered_on = invoice.number, line.delivered_on
    if delivered_on and invoice.issued_on < delivered_on - INVOICED_BEFORE_DELIVERY_MAX:
        yield Finding.of(
            "invoice.before_delivery",
            number=number,
            issued_on=invoice.issued_on.isoformat(),
            delivered_on=delivered_on.isoformat(),
        )
    if invoice.buyer != line.debtor:
        yield Finding.of("invoice.buyer_by_name", number=number, buyer=invoice.buyer)
    if invoice.contract_no and invoice.contract_no != line.contract_no:
        yield Finding.of(
            "invoice.contract_differs",
            number=number,
            invoiced=invoice.contract_no,
            claimed=line.contract_no,
        )
    if invoice.due_on and invoice.due_on != line.due_on:
        yield Finding.of(
            "invoice.due_date_differs",
            number=number,
            invoiced=invoice.due_on.isoformat(),
            claimed=line.due_on.isoformat(),
        )
    if invoice.payee:
        yield Finding.of("invoice.payee_differs", number=number, payee=invoice.payee)
    if Flag.FACTORED in invoice.flags:
        yield Finding.of("invoice.assigned", number=number)
    if invoice.number_elsewhere:
        yield Finding.of("invoice.number_elsewhere", number=number)


def of(
    session: Session, receivables: Sequence[Receivable], *, now: datetime
) -> dict[UUID, list[Finding]]:
    """Return by id what is to be looked at in claims, and what rules say of their due dates."""
    ids = [receivable.id for receivable in receivables]
    parties = parties_of(session, receivables)
    standings, invoices = queries.standings(session, ids), _invoices(session, ids)
    alike = _alike(session, ids)
    papers = behind.findings(session, receivables)
    around = relations.findings(session, receivables, parties)
    found = {}
    for receivable in receivables:
        line = Line(
            debtor=parties[receivable.debtor_id].uscc,
            contract_no=receivable.contract_no,
            delivered_on=receivable.delivered_on,
            due_on=receivable.due_on,
            claimed=receivable.claimed,
            rest=standings[receivable.id].rest,
            invoices=invoices.get(receivable.id, ()),
            alike=alike.get(receivable.id, ()),
        )
        found[receivable.id] = (
            look(line)
            + [
                Finding.of(code, **figures)
                for code, figures in (*papers[receivable.id], *around[receivable.id])
            ]
            + _lawful(receivable, parties, now=now)
        )
    return found


def _lawful(
    receivable: Receivable, parties: Mapping[UUID, Party], *, now: datetime
) -> list[Finding]:
    """Return what the rules of due dates say of the one that is claimed."""
    results = checks.due_date(receivable, parties, on=business_date(now))
    found = []
    for result in results:
        rule = shipped().rule(result.rule)
        title, title_en = message(rule.at(result.version), result.figures, receivable.currency)
        found.append(Finding(f"rule.{rule.id}", title, title_en, dict(result.figures)))
    return found


def _invoices(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Invoice]]:
    other = aliased(Document)
    elsewhere = exists().where(
        Document.kind == Kind.CN_EINVOICE,
        other.kind == Kind.CN_EINVOICE,
        other.number == Document.number,
        other.seller_id != Document.seller_id,
    )
    rows = session.execute(
        select(
            ReceivableDocument.receivable_id,
            Document.number,
            Document.issued_on,
            Document.buyer,
            Document.payee,
            Document.flags,
            Document.contract_no,
            Document.due_on,
            elsewhere,
        )
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_(ids))
        .order_by(ReceivableDocument.receivable_id, ReceivableDocument.position)
    )
    found: dict[UUID, list[Invoice]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Invoice(*row[1:]))
    return found


def _alike(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return by id the live claims on the same debtor by the same creditor that look the same."""
    own, other = aliased(Receivable), aliased(Receivable)
    same_receipt = and_(own.receipt_no.is_not(None), own.receipt_no == other.receipt_no)
    same_delivery = and_(
        own.contract_no == other.contract_no,
        own.delivered_on == other.delivered_on,
        own.claimed_minor == other.claimed_minor,
    )
    rows = session.execute(
        select(own.id, other.id)
        .join(other, and_(other.creditor_id == own.creditor_id, other.id != own.id))
        .where(
            own.id.in_(ids),
            other.debtor_id == own.debtor_id,
            other.state.not_in(GIVEN_UP),
            or_(same_receipt, same_delivery),
        )
        .order_by(own.id, other.id)
    )
    found: dict[UUID, list[str]] = {}
    for identity, same in rows:
        found.setdefault(identity, []).append(public_id("rcv", same))
    return found
