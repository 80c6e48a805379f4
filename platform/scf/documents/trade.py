"""Registering papers of the trade, and what receipts are worth.

Whoever issues a paper registers it: an order and a receipt note are the buyer's word, a despatch advice is the
seller's. So a supplier cannot receive its own goods.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.documents.parsing.trade import TradeKind, TradeLine, TradePaper, parse
from scf.documents.rules import Verdict
from scf.documents.trade_models import TradeDocument, TradeDocumentLine, TradeOriginal
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, NotAllowed
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.parties import queries as parties


class IssuerMismatch(NotAllowed):
    """Orders and receipt notes are the buyer's papers, despatch advices the seller's."""

    code = "trade.issuer_mismatch"
    title = "订单、入库单由购方登记，送货单由销方登记"
    title_en = "The buyer registers orders and receipts, the seller what it sends"


class TradeConflict(Conflict):
    """A number of an issuer names one paper."""

    code = "trade.conflict"
    title = "同号单据内容不一致"
    title_en = "Another paper with this number has other content"


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a paper, and the one that stands for it."""

    verdict: Verdict
    document: TradeDocument


def register(session: Session, actor: Actor, original: bytes, *, now: datetime) -> list[Registered]:
    """Register every paper of a file, or none; the same paper again changes nothing.

    Raises what parsing raises, IssuerMismatch, TradeConflict.
    """
    party = parties.active_party(session, actor.party)
    papers = parse(original)
    for paper in papers:
        issuer = paper.seller if paper.kind is TradeKind.DESPATCH else paper.buyer
        if issuer != party.uscc:
            raise IssuerMismatch(number=paper.number, issuer=issuer, party=party.uscc)
    sha256 = hashlib.sha256(original).digest()
    keep = insert(TradeOriginal).values(sha256=sha256, original=original)
    session.execute(keep.on_conflict_do_nothing())
    return [_register(session, party.id, paper, sha256, now=now) for paper in papers]


def _register(
    session: Session, issuer_id: UUID, paper: TradePaper, sha256: bytes, *, now: datetime
) -> Registered:
    document = session.scalar(
        insert(TradeDocument)
        .values(
            id=new_id(),
            kind=paper.kind,
            number=paper.number,
            issuer_id=issuer_id,
            buyer=paper.buyer,
            seller=paper.seller,
            issued_on=paper.issued_on,
            original_sha256=sha256,
            registered_at=now,
        )
        .on_conflict_do_nothing()
        .returning(TradeDocument)
    )
    if document is None:
        return Registered(Verdict.DUPLICATE, _same(session, issuer_id, paper))
    session.add_all(
        TradeDocumentLine(
            document_id=document.id,
            position=position,
            order_no=line.order_no,
            order_line=line.order_line,
            item=line.item,
            quantity=line.quantity,
            amount_minor=line.amount.minor if line.amount else None,
            currency=line.amount.currency if line.amount else None,
        )
        for position, line in enumerate(paper.lines, 1)
    )
    session.flush()
    return Registered(Verdict.ACCEPTED, document)


def _same(session: Session, issuer_id: UUID, paper: TradePaper) -> TradeDocument:
    """Return the paper that has this number. Raises TradeConflict where it says something else."""
    document = session.scalars(
        select(TradeDocument).where(
            TradeDocument.issuer_id == issuer_id,
            TradeDocument.kind == paper.kind,
            TradeDocument.number == paper.number,
        )
    ).one()
    known = tuple(map(_line, lines_of(session, [document.id])[document.id]))
    if (document.buyer, document.seller, document.issued_on, known) != (
        *(paper.buyer, paper.seller, paper.issued_on),
        paper.lines,
    ):
        raise TradeConflict(number=paper.number, document=public_id("trd", document.id))
    return document


def _line(row: TradeDocumentLine) -> TradeLine:
    return TradeLine(row.order_no, row.order_line, row.item, row.quantity, _amount(row))


def lines_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[TradeDocumentLine]]:
    """Return the lines of papers, in their order."""
    wanted = list(ids)
    found: dict[UUID, list[TradeDocumentLine]] = {identity: [] for identity in wanted}
    rows = session.scalars(
        select(TradeDocumentLine)
        .where(TradeDocumentLine.document_id.in_(wanted))
        .order_by(TradeDocumentLine.document_id, TradeDocumentLine.position)
    )
    for row in rows:
        found[row.document_id].append(row)
    return found


def visible(session: Session, actor: Actor, identity: UUID) -> TradeDocument:
    """Return a paper that the actor is a side of. Raises SubjectNotFound, PartyOnly."""
    party = parties.party(session, actor.party)
    found = session.get(TradeDocument, identity)
    if found is None or party.uscc not in (found.buyer, found.seller):
        raise SubjectNotFound
    return found


def page(
    session: Session,
    actor: Actor,
    *,
    after: UUID | None,
    size: int,
    kind: TradeKind | None = None,
    number: str | None = None,
) -> Sequence[TradeDocument]:
    """Return the papers that the actor is a side of, oldest first. Raises PartyOnly."""
    uscc = parties.party(session, actor.party).uscc
    conditions = [or_(TradeDocument.buyer == uscc, TradeDocument.seller == uscc)]
    if after is not None:
        conditions.append(TradeDocument.id > after)
    if kind is not None:
        conditions.append(TradeDocument.kind == kind)
    if number is not None:
        conditions.append(TradeDocument.number == number)
    found = select(TradeDocument).where(*conditions).order_by(TradeDocument.id).limit(size)
    return session.scalars(found).all()


def has_receipts(session: Session, issuer_id: UUID, seller: str) -> bool:
    """Say whether a buyer has registered any receipt from a seller."""
    found = exists().where(
        TradeDocument.issuer_id == issuer_id,
        TradeDocument.kind == TradeKind.RECEIPT,
        TradeDocument.seller == seller,
    )
    return bool(session.scalar(select(found)))


def receipts(
    session: Session,
    issuer_id: UUID,
    seller: str,
    *,
    numbers: Iterable[str],
    order_nos: Iterable[str],
    lock: bool = False,
) -> list[tuple[TradeDocument, set[str]]]:
    """Return a buyer's receipts from a seller, by their numbers or those of their orders; ids in order.

    Each with the orders that it is about. `lock`: whoever else counts on them waits.
    """
    of_orders = select(TradeDocumentLine.document_id).where(
        TradeDocumentLine.order_no.in_(set(order_nos))
    )
    statement = (
        select(TradeDocument)
        .where(
            TradeDocument.issuer_id == issuer_id,
            TradeDocument.kind == TradeKind.RECEIPT,
            TradeDocument.seller == seller,
            or_(TradeDocument.number.in_(set(numbers)), TradeDocument.id.in_(of_orders)),
        )
        .order_by(TradeDocument.id)
    )
    if lock:
        statement = statement.with_for_update(key_share=True)
    found = session.scalars(statement).all()
    lines = lines_of(session, [one.id for one in found])
    return [(one, {line.order_no for line in lines[one.id] if line.order_no}) for one in found]


def orders_of_receipts(
    session: Session, issuer_ids: Iterable[UUID], numbers: Iterable[str]
) -> dict[tuple[UUID, str, str], list[str]]:
    """Return by buyer, seller and number of a receipt the orders that it is about."""
    rows = session.execute(
        select(
            TradeDocument.issuer_id,
            TradeDocument.seller,
            TradeDocument.number,
            TradeDocumentLine.order_no,
        )
        .distinct()
        .join(TradeDocumentLine, TradeDocumentLine.document_id == TradeDocument.id)
        .where(
            TradeDocument.kind == TradeKind.RECEIPT,
            TradeDocument.issuer_id.in_(list(issuer_ids)),
            TradeDocument.number.in_(list(numbers)),
            TradeDocumentLine.order_no.is_not(None),
        )
        .order_by(TradeDocumentLine.order_no)
    )
    found: dict[tuple[UUID, str, str], list[str]] = {}
    for issuer_id, seller, number, order in rows:
        if order is not None:
            found.setdefault((issuer_id, seller, number), []).append(order)
    return found


def values_by_order(session: Session, document: TradeDocument) -> dict[str, Money] | None:
    """Return what a paper's lines are worth with tax by order; None where one's worth is not known.

    Lines that name no order are the paper's own: an order's lines often do not repeat its number.
    """
    lines = lines_of(session, [document.id])
    ordered = _ordered(session, [document], lines).get((document.issuer_id, document.seller), {})
    parts: dict[str, list[Money | None]] = {}
    for line in lines[document.id]:
        parts.setdefault(line.order_no or document.number, []).append(_value(line, ordered))
    sums = {number: _sum(own) for number, own in parts.items()}
    known = {number: total for number, total in sums.items() if total is not None}
    return known if known and len(known) == len(sums) else None


def values(session: Session, found: Sequence[TradeDocument]) -> dict[UUID, Money | None]:
    """Return what receipts are worth with tax: as they say, else by the lines of their orders.

    None where neither says it: what is not known caps nothing.
    """
    lines = lines_of(session, [one.id for one in found])
    ordered = _ordered(session, found, lines)
    return {
        one.id: _sum(
            [_value(line, ordered.get((one.issuer_id, one.seller), {})) for line in lines[one.id]]
        )
        for one in found
    }


def delivered(
    session: Session, issuer_id: UUID, seller: str, order_nos: Iterable[str]
) -> dict[str, tuple[Money, Money]]:
    """Return by order what was ordered and what was received on it, with tax, where both are known."""
    wanted = set(order_nos)
    found = [one for one, _ in receipts(session, issuer_id, seller, numbers=(), order_nos=wanted)]
    lines = lines_of(session, [one.id for one in found])
    ordered = _ordered(session, found, lines).get((issuer_id, seller), {})
    known = {}
    for number in wanted:
        rows = [line for own in lines.values() for line in own if line.order_no == number]
        received = _sum([_value(line, ordered) for line in rows])
        asked = _sum([_amount(line) for (of, _), line in ordered.items() if of == number])
        if received is not None and asked is not None and received.currency == asked.currency:
            known[number] = (asked, received)
    return known


_Ordered = Mapping[tuple[str | None, str | None], TradeDocumentLine]


def _ordered(
    session: Session,
    found: Sequence[TradeDocument],
    lines: Mapping[UUID, Sequence[TradeDocumentLine]],
) -> dict[tuple[UUID, str], _Ordered]:
    """Return by buyer and seller the lines of the orders that receipts are about."""
    numbers = {line.order_no for rows in lines.values() for line in rows if line.order_no}
    rows = session.execute(
        select(TradeDocument.issuer_id, TradeDocument.seller, TradeDocumentLine)
        .join(TradeDocumentLine, TradeDocumentLine.document_id == TradeDocument.id)
        .where(
            TradeDocument.kind == TradeKind.ORDER,
            TradeDocument.issuer_id.in_({one.issuer_id for one in found}),
            TradeDocument.number.in_(numbers),
        )
    )
    ordered: dict[tuple[UUID, str], dict[tuple[str | None, str | None], TradeDocumentLine]] = {}
    for issuer_id, seller, line in rows:
        ordered.setdefault((issuer_id, seller), {})[line.order_no, line.order_line] = line
    return dict(ordered)


def _value(line: TradeDocumentLine, ordered: _Ordered) -> Money | None:
    """Return what a line is worth: its amount, else its share of the order's line, half a fen up."""
    amount = _amount(line)
    if amount is not None:
        return amount
    order = ordered.get((line.order_no, line.order_line))
    if order is None or order.amount_minor is None or order.currency is None or not order.quantity:
        return None
    share = Fraction(line.quantity) / Fraction(order.quantity)
    return Money((order.amount_minor * share + Fraction(1, 2)).__floor__(), order.currency)


def _amount(line: TradeDocumentLine) -> Money | None:
    if line.amount_minor is None or line.currency is None:
        return None
    return Money(line.amount_minor, line.currency)


def _sum(parts: Sequence[Money | None]) -> Money | None:
    known = [part for part in parts if part is not None]
    if len(known) != len(parts) or len({part.currency for part in known}) != 1:
        return None
    return sum(known[1:], known[0])
