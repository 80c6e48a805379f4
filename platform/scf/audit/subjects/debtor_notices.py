"""Notices to debtors: what each says and where it stands, folded again from its events."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect_row
from scf.audit.history import History, histories
from scf.kernel.ids import parse_id
from scf.pledges.notice_models import NoticeState, Purpose

SIGNED = "debtor_notice.signed"


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every notice to its events. Raises Different."""
    for history in histories(session, "debtor_notices", report):
        sides = ("pledgor", "pledgee", "debtor")
        shown = {side: codes.get(history.row[f"{side}_id"]) for side in sides}
        expect_row("debtor_notices", history.key, {**history.row, **shown}, _expected(history))


def _expected(history: History) -> dict[str, Any]:
    first, delivered = history.told[0], history.last("debtor_notice.delivered")
    issued = history.last("debtor_notice.issued", "debtor_notice.release_issued")
    signed, acknowledged = history.last(SIGNED), history.last("debtor_notice.acknowledged")
    said, amount = first.record, first.money("amount")
    return {
        "pledge_id": parse_id("plg", said["pledge"]),
        "purpose": Purpose.RELEASED if "reason" in said else Purpose.TAKEN,
        "reason": said.get("reason"),
        "pledge_event": first.bytes("pledge_event"),
        "pledgor": said["pledgor"],
        "pledgee": said["pledgee"],
        "debtor": said["debtor"],
        "receivable_event": first.bytes("receivable_event"),
        "currency": amount.currency,
        "amount_minor": amount.minor,
        "pay_to": said["pay_to"],
        "reg_no": said["reg_no"],
        "prepared_at": first.at if first.type == "debtor_notice.prepared" else None,
        "signed_at": signed and signed.at,
        "issued_by": issued and issued.actor,
        "issued_at": issued and issued.at,
        "delivered_at": delivered and delivered.at,
        "acknowledged_at": acknowledged and acknowledged.at,
        "state": _state(history),
    }


def _state(history: History) -> NoticeState:
    """Return the state that the events lead to; that it was read is told by the row alone."""
    if history.last("debtor_notice.acknowledged"):
        return NoticeState.ACKNOWLEDGED
    if history.last("debtor_notice.delivered"):
        return NoticeState.READ if history.row["read_at"] else NoticeState.DELIVERED
    if history.last("debtor_notice.issued", "debtor_notice.release_issued"):
        return NoticeState.ISSUED
    return NoticeState.SIGNED if history.last(SIGNED) else NoticeState.PREPARED
