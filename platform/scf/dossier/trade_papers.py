"""The papers of the trade behind a claim: orders, despatch advices, goods receipts, invoices."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from scf.documents import trade
from scf.documents.models import Document, DocumentOriginal
from scf.documents.parsing.trade import TradeKind
from scf.documents.status_models import InvoiceCheck
from scf.documents.trade_models import TradeDocument, TradeDocumentLine, TradeOriginal
from scf.dossier.layout import Dossier, Slot, safe
from scf.dossier.proving import Proofs
from scf.evidence import queries as evidence
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.receivables.models import Receivable, ReceivableDocument
from scf.receivables.received import numbers_of
from scf_ledger import canonical

_SLOTS = {
    TradeKind.ORDER: (Slot.ORDER, "订单"),
    TradeKind.DESPATCH: (Slot.GOODS, "发货单"),
    TradeKind.RECEIPT: (Slot.GOODS, "入库单"),
}


def put(session: Session, dossier: Dossier, proofs: Proofs, receivable: Receivable) -> None:
    """Put in what there is of the trade; what is not there is named."""
    documents = _documents(session, receivable.id)
    _put_trade(session, dossier, receivable, [one.order_no for one in documents if one.order_no])
    for number, document in enumerate(documents, 1):
        _put_invoice(session, dossier, proofs, document, number)


def _documents(session: Session, receivable_id: UUID) -> Sequence[Document]:
    return session.scalars(
        select(Document)
        .join(ReceivableDocument, ReceivableDocument.document_id == Document.id)
        .where(ReceivableDocument.receivable_id == receivable_id)
        .order_by(ReceivableDocument.position)
    ).all()


def _put_trade(
    session: Session, dossier: Dossier, receivable: Receivable, orders: Sequence[str]
) -> None:
    found = _trade(session, receivable, orders)
    for document in found:
        slot, title = _SLOTS[document.kind]
        name = f"{document.kind.value}-{safe(document.number)}-{document.id.hex[-6:]}"
        dossier.add(slot, f"{name}.json", f"{title} {document.number}", _read(session, document))
        original = _original(session, document, found)
        if original is not None:
            dossier.add(slot, f"{name}.original", f"{title} {document.number} 原件", original)
    kinds = {document.kind for document in found}
    named = f"（{receivable.receipt_no}）" if receivable.receipt_no else ""
    if TradeKind.ORDER not in kinds:
        dossier.miss(Slot.ORDER, "订单", "买方未在平台登记 The buyer has registered none")
    if TradeKind.RECEIPT not in kinds:
        reason = "买方未在平台登记 The buyer has registered none"
        dossier.miss(Slot.GOODS, f"入库单{named}", reason)


def _trade(
    session: Session, receivable: Receivable, orders: Sequence[str]
) -> Sequence[TradeDocument]:
    """Return the papers between the two sides that the claim, its invoices or its receipts name."""
    seller = parties.party(session, receivable.creditor_id).uscc
    buyer = parties.party(session, receivable.debtor_id).uscc
    receipts = trade.receipts(
        session,
        receivable.debtor_id,
        seller,
        numbers=numbers_of(receivable.receipt_no),
        order_nos=orders,
    )
    wanted = {*orders, *(order for _, named in receipts for order in named)}
    about = select(TradeDocumentLine.document_id).where(TradeDocumentLine.order_no.in_(wanted))
    return session.scalars(
        select(TradeDocument)
        .where(
            TradeDocument.buyer == buyer,
            TradeDocument.seller == seller,
            or_(
                TradeDocument.id.in_([one.id for one, _ in receipts]),
                (TradeDocument.kind == TradeKind.ORDER) & TradeDocument.number.in_(wanted),
                (TradeDocument.kind == TradeKind.DESPATCH) & TradeDocument.id.in_(about),
            ),
        )
        .order_by(TradeDocument.kind, TradeDocument.number, TradeDocument.id)
    ).all()


def _read(session: Session, document: TradeDocument) -> bytes:
    """Return a paper as it was read, with the hash of the file that it came in."""
    lines = trade.lines_of(session, [document.id])[document.id]
    return canonical.encode(
        {
            "id": public_id("trd", document.id),
            "kind": document.kind.value,
            "number": document.number,
            "buyer": document.buyer,
            "seller": document.seller,
            "issued_on": document.issued_on.isoformat(),
            "registered_at": instant_text(document.registered_at),
            "original_sha256": document.original_sha256.hex(),
            "lines": [
                {
                    "order_no": line.order_no,
                    "order_line": line.order_line,
                    "item": line.item,
                    "quantity": f"{line.quantity.normalize():f}",
                    "amount": _amount(line),
                }
                for line in lines
            ],
        }
    )


def _amount(line: TradeDocumentLine) -> dict[str, str] | None:
    if line.amount_minor is None or line.currency is None:
        return None
    return Money(line.amount_minor, line.currency).to_json()


def _original(
    session: Session, document: TradeDocument, found: Sequence[TradeDocument]
) -> bytes | None:
    """Return the file as it came, unless it holds papers of other business as well."""
    same = TradeDocument.original_sha256 == document.original_sha256
    whole = session.scalar(select(func.count()).select_from(TradeDocument).where(same))
    ours = sum(one.original_sha256 == document.original_sha256 for one in found)
    if whole != ours:
        return None
    return session.get_one(TradeOriginal, document.original_sha256).original


def _put_invoice(
    session: Session, dossier: Dossier, proofs: Proofs, document: Document, number: int
) -> None:
    stem = f"{number:02}-{safe(document.number)}"
    title = f"发票 {document.number}"
    registered, *_ = evidence.history(session, document.id)
    kept = session.get(DocumentOriginal, document.id)
    if kept is None:
        dossier.miss(Slot.INVOICES, title, "平台仅存有摘要 Only its hash is kept")
    else:
        name = f"{stem}.{_ending(kept)}"
        by = [f"{proofs.of(registered)}: original_sha256"]
        dossier.add(Slot.INVOICES, name, title, kept.original, proven_by=by)
    checks = session.scalars(
        select(InvoiceCheck)
        .where(InvoiceCheck.document_id == document.id)
        .order_by(InvoiceCheck.id)
    ).all()
    if not checks:
        dossier.miss(Slot.INVOICES, f"{title} 查验记录", "尚未查验 Not checked yet")
        return
    told = [evidence.history(session, check.id)[-1] for check in checks]
    content = canonical.encode(
        [
            {
                "id": public_id("ivc", check.id),
                "invoice": document.number,
                "status": check.status.value,
                "sound": check.sound,
                "answered_at": instant_text(check.answered_at),
                "checked_at": instant_text(check.checked_at),
            }
            for check in checks
        ]
    )
    dossier.add(
        Slot.INVOICES,
        f"{stem}-checks.json",
        f"{title} 查验记录",
        content,
        proven_by=[f"{proofs.of(event)}: status, answered_at" for event in told],
    )


def _ending(kept: DocumentOriginal) -> str:
    """Return how the sender's file ends; where it had no name, by its first bytes."""
    name, dot, ending = (kept.filename or "").rpartition(".")
    if name and dot:
        return safe(ending)[:5].lower()
    begins = {b"<": "xml", b"\xef\xbb\xbf<": "xml", b"%PDF": "pdf", b"PK": "ofd"}
    return next((kind for start, kind in begins.items() if kept.original.startswith(start)), "bin")
