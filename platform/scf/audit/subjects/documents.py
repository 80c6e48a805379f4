"""Documents: the row says what the event says, and both what the original says."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import History, Told, histories, table
from scf.documents.parsing import parse


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every document to its event and to its original. Raises Different."""
    for history in histories(session, "documents", report):
        told = history.last("document.registered")
        assert told is not None, "a history that holds begins with its first event"
        _check_row(history, told, codes)
        _check_original(session, history, report)


def _check_row(history: History, told: Told, codes: Mapping[UUID, str]) -> None:
    row, record = history.row, told.record
    money = {name: told.money(name) for name in ("net", "tax", "total")}
    expect_row(
        "documents",
        history.key,
        {**row, "kind": row["kind"].value},
        {
            "kind": record["kind"],
            "seller_uscc": record["seller"],
            "buyer": record["buyer"],
            "number": record["number"],
            "issued_on": told.day("issued_on"),
            "original_sha256": told.bytes("original_sha256"),
            "currency": money["total"].currency,
            **{f"{name}_minor": value.minor for name, value in money.items()},
            "registered_at": told.at,
        },
    )
    expect("documents", history.key, "seller_id", codes.get(row["seller_id"]), record["seller"])


def _check_original(session: Session, history: History, report: Report) -> None:
    row, originals = history.row, table("document_originals")
    found: RowMapping | None = (
        session.execute(select(originals).where(originals.c.document_id == row["id"]))
        .mappings()
        .one_or_none()
    )
    expect("document_originals", history.key, "document_id", found is not None, True)
    assert found is not None
    report.rows["document_originals"] += 1
    sha256 = hashlib.sha256(found["original"]).digest()
    expect("document_originals", history.key, "original", sha256, row["original_sha256"])
    with readable("document_originals", history.key, "original"):
        invoice = parse(found["original"])
    expect_row(
        "documents",
        history.key,
        {**row, "reverses": sorted(row["reverses"])},
        {
            "seller_name": invoice.seller.name,
            "buyer_name": invoice.buyer.name,
            "payable_minor": invoice.payable.minor,
            "takes_back": invoice.takes_back,
            "reverses": sorted(invoice.reverses),
            "confirmation_no": invoice.confirmation_no,
            "flags": sorted(invoice.flags),
            "payee": invoice.payee.identity if invoice.payee else None,
            "contract_no": invoice.contract_no,
            "order_no": invoice.order_no,
            "delivered_on": invoice.delivered_on,
            "due_on": invoice.due_on,
        },
    )
