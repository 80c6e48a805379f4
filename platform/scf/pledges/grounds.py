"""What a pledge stands on: a confirmed claim, an order or goods that will be one (将有的应收账款), a receipt."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.documents.trade_models import TradeDocument
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.lineage.models import TradeStage
from scf.parties import queries as parties
from scf.pledges import queries
from scf.pledges.models import Pledge
from scf.pledges.queries import Goods, Paper
from scf.receipts.models import WarehouseReceipt
from scf.receivables.models import Receivable

RECEIPT: Final = "receipt"


@dataclass(frozen=True, slots=True)
class Grounds:
    """A claim, present or future, or stored goods, as a register and a lock describe them.

    `debtor_id` is who owes it, or keeps the goods; `due_on` until when.
    """

    debtor_id: UUID
    contract_no: str | None
    confirmed: Money | Quantity
    due_on: date
    delivered_on: date | None
    papers: list[Paper]

    @property
    def invoices(self) -> list[str]:
        """The numbers of its invoices: none before there is a claim."""
        return [paper.number for paper in self.papers if paper.kind == queries.INVOICE]


def of(session: Session, pledge: Pledge) -> Grounds:
    """Return what a pledge was taken on."""
    if pledge.stage_id is not None:
        return _of_stage(session, session.get_one(TradeStage, pledge.stage_id))
    if pledge.receipt_id is not None:
        return _of_receipt(session, session.get_one(WarehouseReceipt, pledge.receipt_id))
    receivable = session.get_one(Receivable, pledge.receivable_id)
    return Grounds(
        receivable.debtor_id,
        receivable.contract_no,
        receivable.confirmed,
        receivable.due_on,
        receivable.delivered_on,
        queries.papers(session, receivable.id),
    )


def papers_now(session: Session, pledge: Pledge) -> list[Paper]:
    """Return the papers of the forms in which a pledge's value stands by now: what its lock is about.

    What was pledged as an order may since be goods or a claim, or some of each, and a receipt have been divided; what
    was paid in full stands where it stood last.
    """
    if pledge.receipt_id is not None:
        return [_paper(session, one.receipt) for one in goods_now(session, pledge)]
    if pledge.stage_id is None:
        return of(session, pledge).papers
    stood_in = pools.pools_of(session, pledge.id)
    held = [one for one in stood_in if pools.still_held(session, one, pledge.id)]
    return papers_of(session, held or [max(stood_in, default=pledge.pool_id)])


def papers_of(session: Session, forms: Collection[UUID]) -> list[Paper]:
    """Return the papers of orders, goods and claims by their pools."""
    stages = select(TradeStage).where(TradeStage.pool_id.in_(forms)).order_by(TradeStage.id)
    claims = select(Receivable.id).where(Receivable.pool_id.in_(forms)).order_by(Receivable.id)
    return [
        *(paper for stage in session.scalars(stages) for paper in _of_stage(session, stage).papers),
        *(paper for claim in session.scalars(claims) for paper in queries.papers(session, claim)),
    ]


def papers_ever(session: Session, pledge: Pledge) -> list[Paper]:
    """Return the papers that a pledge was taken on, and those of the forms in which its value stands by now."""
    return list(dict.fromkeys([*of(session, pledge).papers, *papers_now(session, pledge)]))


def goods_now(session: Session, pledge: Pledge) -> list[Goods]:
    """Return of which receipts a pledge of stored goods holds how much; of what it was taken on where it holds none."""
    held = queries.goods(session, [pledge.id])[pledge.id]
    if held:
        return held
    receipt = session.get_one(WarehouseReceipt, pledge.receipt_id)
    return [Goods(receipt, receipt.measure(pledge.amount_minor))]


def _of_receipt(session: Session, receipt: WarehouseReceipt) -> Grounds:
    paper, until = _paper(session, receipt), receipt.stored_until
    return Grounds(receipt.keeper_id, receipt.number, receipt.quantity, until, None, [paper])


def _paper(session: Session, receipt: WarehouseReceipt) -> Paper:
    keeper = parties.party(session, receipt.keeper_id)
    return Paper(keeper.uscc, receipt.number, receipt.issued_event_hash, RECEIPT)


def _of_stage(session: Session, stage: TradeStage) -> Grounds:
    document = session.get_one(TradeDocument, stage.document_id)
    issuer = parties.party(session, document.issuer_id)
    assert stage.confirmed is not None, "what is pledged is confirmed"
    assert stage.due_on is not None, "and says when it will be paid"
    paper = Paper(issuer.uscc, document.number, document.original_sha256, stage.kind.value)
    return Grounds(stage.buyer_id, document.number, stage.confirmed, stage.due_on, None, [paper])
