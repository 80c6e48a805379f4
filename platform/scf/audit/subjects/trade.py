"""Papers of the trade: the rows say what the stored originals say, read again."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import table
from scf.documents.parsing.trade import TradeKind, TradePaper, parse
from scf.kernel.ids import public_id

Number = tuple[TradeKind, str]


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every paper to its original. Raises Different."""
    originals, documents = table("trade_originals"), table("trade_documents")
    for row in session.execute(select(originals).order_by(originals.c.sha256)).mappings():
        key, original = row["sha256"].hex(), row["original"]
        report.rows["trade_originals"] += 1
        sha256 = hashlib.sha256(original).digest()
        expect("trade_originals", key, "original", sha256, row["sha256"])
        with readable("trade_originals", key, "original"):
            papers = {(paper.kind, paper.number): paper for paper in parse(original)}
        found = session.execute(select(documents).where(documents.c.original_sha256 == sha256))
        for document in found.mappings():
            _check_document(session, document, papers, codes, report)
        numbers = [number for _, number in papers]
        rows = session.execute(select(documents).where(documents.c.number.in_(numbers))).mappings()
        there = {(row["kind"], row["number"], codes.get(row["issuer_id"])) for row in rows}
        for paper in papers.values():
            known = (paper.kind, paper.number, _issuer(paper)) in there
            expect("trade_documents", paper.number, "number", known, True)
    every = session.execute(select(documents.c.id)).all()
    expect("trade_documents", "*", "original_sha256", report.rows["trade_documents"], len(every))


def _check_document(
    session: Session,
    row: RowMapping,
    papers: Mapping[Number, TradePaper],
    codes: Mapping[UUID, str],
    report: Report,
) -> None:
    name, key = "trade_documents", public_id("trd", row["id"])
    report.rows[name] += 1
    paper = papers.get((row["kind"], row["number"]))
    expect(name, key, "number", paper is not None, True)
    assert paper is not None
    expect_row(
        name, key, row, {"buyer": paper.buyer, "seller": paper.seller, "issued_on": paper.issued_on}
    )
    expect(name, key, "issuer_id", codes.get(row["issuer_id"]), _issuer(paper))
    lines = table("trade_document_lines")
    found = (
        session.execute(
            select(lines).where(lines.c.document_id == row["id"]).order_by(lines.c.position)
        )
        .mappings()
        .all()
    )
    expect("trade_document_lines", key, "position", len(found), len(paper.lines))
    for position, (stored, line) in enumerate(zip(found, paper.lines, strict=True), 1):
        report.rows["trade_document_lines"] += 1
        expect_row(
            "trade_document_lines",
            f"{key} {position}",
            stored,
            {
                "position": position,
                "order_no": line.order_no,
                "order_line": line.order_line,
                "item": line.item,
                "quantity": line.quantity,
                "amount_minor": line.amount and line.amount.minor,
                "currency": line.amount and line.amount.currency,
            },
        )


def _issuer(paper: TradePaper) -> str:
    return paper.seller if paper.kind is TradeKind.DESPATCH else paper.buyer
