"""What a confirmed claim came of: the orders and receipts that its line and its documents name."""

import re
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.capacity.converting import Mark
from scf.capacity.edges import Side
from scf.documents import trade
from scf.documents.models import Document
from scf.documents.origins import Paper, mark, of_orders
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties.queries import parties_of
from scf.receivables.models import Receivable, ReceivableDocument
from scf.receivables.received import SEPARATORS


def marks(session: Session, receivables: Sequence[Receivable]) -> dict[UUID, list[Mark]]:
    """Return by claim the papers that it came of: receipts that it names, then its orders, latest form first.

    An order is named by an invoice, by a receipt, or as the line's contract.
    """
    parties = parties_of(session, receivables)
    invoiced = _invoiced(session, receivables)
    behind = _behind(session, receivables)
    numbers = {one.id: _numbers(one) for one in receivables}
    received = trade.orders_of_receipts(
        session, {one.debtor_id for one in receivables}, set().union(*numbers.values())
    )
    found = {}
    for one in receivables:
        sides = {
            "buyer": parties[one.debtor_id].uscc,
            "seller": parties[one.creditor_id].uscc,
        }
        whole = one.confirmed
        orders = {number: min(amount, whole) for number, amount in invoiced[one.id].items()}
        for number in sorted(numbers[one.id]):
            for order in received.get((one.debtor_id, sides["seller"], number), ()):
                orders.setdefault(order, whole)
        if one.contract_no:
            orders.setdefault(one.contract_no, whole)
        found[one.id] = [
            *(
                mark(Side.OF, Paper.RECEIPT, number=number, amount=whole, **sides)
                for number in sorted(numbers[one.id])
            ),
            *of_orders((Paper.RECEIVED, Paper.SENT, Paper.ORDER), orders.items(), **sides),
            *(invoice_mark(Side.OF, identity, amount) for identity, amount in behind[one.id]),
        ]
    return found


def invoice_mark(side: Side, document_id: UUID, amount: Money) -> Mark:
    """Name an invoice that a pool is, or is of: whoever holds a token of it holds that."""
    return Mark(side, f"invoice:document:{public_id('doc', document_id)}", amount)


def _behind(
    session: Session, receivables: Sequence[Receivable]
) -> dict[UUID, list[tuple[UUID, Money]]]:
    """Return by claim its documents with what each comes to."""
    rows = session.execute(
        select(
            ReceivableDocument.receivable_id,
            Document.id,
            Document.payable_minor,
            Document.currency,
        )
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(
            ReceivableDocument.receivable_id.in_([one.id for one in receivables]),
            Document.payable_minor > 0,
        )
        .order_by(ReceivableDocument.receivable_id, ReceivableDocument.position)
    )
    found: dict[UUID, list[tuple[UUID, Money]]] = defaultdict(list)
    for identity, document_id, minor, currency in rows:
        found[identity].append((document_id, Money(minor, currency)))
    return found


def _numbers(receivable: Receivable) -> set[str]:
    return {one for one in re.split(SEPARATORS, receivable.receipt_no or "") if one}


def _invoiced(session: Session, receivables: Sequence[Receivable]) -> dict[UUID, dict[str, Money]]:
    """Return by claim what its invoices come to, by the order that they name."""
    rows = session.execute(
        select(
            ReceivableDocument.receivable_id,
            Document.order_no,
            Document.currency,
            func.sum(Document.payable_minor),
        )
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(
            ReceivableDocument.receivable_id.in_([one.id for one in receivables]),
            Document.order_no.is_not(None),
        )
        .group_by(ReceivableDocument.receivable_id, Document.order_no, Document.currency)
        .having(func.sum(Document.payable_minor) > 0)
        .order_by(ReceivableDocument.receivable_id, Document.order_no)
    )
    found: dict[UUID, dict[str, Money]] = defaultdict(dict)
    for identity, number, currency, minor in rows:
        if number:
            found[identity][number] = Money(int(minor), currency)
    return found
