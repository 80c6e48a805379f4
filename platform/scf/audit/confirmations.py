"""Requests for confirmation: each held to its event, its days to the rules, its end to an answer."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import rows
from scf.confirmations import queries, rules
from scf.confirmations.models import ConfirmationRequest, MomentKind, RequestState
from scf.evidence import proofs
from scf.evidence.models import Event
from scf.kernel.ids import parse_id, public_id
from scf.kernel.money import Money
from scf.parties.models import SizeClass
from scf_ledger import canonical
from scf_ledger.event import parse_disclosure

REQUESTS: Final = ConfirmationRequest.__tablename__
MOMENTS: Final = "confirmation_moments"
LETTERS: Final = "confirmation_letters"
BY_TIME: Final = (MomentKind.REMINDER, MomentKind.CONFIRM_OVERDUE)


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every request, what was recorded on its way, and its letter. Raises Different."""
    moments: dict[UUID, list[RowMapping]] = {}
    for moment in rows(session, MOMENTS, "request_id", "day", "id"):
        moments.setdefault(moment["request_id"], []).append(moment)
    letters = {row["request_id"]: row for row in rows(session, LETTERS, "request_id")}
    for row in rows(session, REQUESTS, "id"):
        report.rows[REQUESTS] += 1
        key, mine = public_id("cfr", row["id"]), moments.pop(row["id"], [])
        _check_request(session, key, row, codes)
        for moment in mine:
            report.rows[MOMENTS] += 1
            _check_moment(row, moment)
        _check_end(session, key, row, mine)
        letter = letters.pop(row["id"], None)
        written = any(one["kind"] is MomentKind.ESCALATED for one in mine)
        expect(LETTERS, key, "request_id", letter is not None, written)
        if letter is not None:
            report.rows[LETTERS] += 1
            _check_letter(key, row, letter)
    for name, left in ((MOMENTS, moments), (LETTERS, letters)):
        for identity in left:
            expect(name, public_id("cfr", identity), "request_id", None, "一个请求 a request")


def _check_request(session: Session, key: str, row: RowMapping, codes: Mapping[UUID, str]) -> None:
    event = session.get(Event, row["event_id"])
    if event is None:
        expect(REQUESTS, key, "event_id", row["event_id"], "一个事件 an event")
        return
    said = {field.name: field.value for field in map(parse_disclosure, proofs.disclosed(event))}
    claimed = Money.from_json(said["claimed"])
    shown = {
        **row,
        "type": event.type,
        "creditor_id": codes.get(row["creditor_id"]),
        "debtor_id": codes.get(row["debtor_id"]),
        "requested_on": row["requested_on"].isoformat(),
        "deadline_on": row["deadline_on"] and row["deadline_on"].isoformat(),
    }
    sizes = {
        side: SizeClass(said[f"{side}_size"]) if said[f"{side}_size"] else None
        for side in ("debtor", "creditor")
    }
    conditions = rules.conditions(
        debtor_size=sizes["debtor"],
        creditor_size=sizes["creditor"],
        requested_on=row["requested_on"],
    )
    term = rules.term(conditions, row["requested_on"])
    expected = {
        "type": "receivable.requested",
        "receivable_id": event.subject_id,
        "event_version": event.version,
        "creditor_id": said["creditor"],
        "debtor_id": said["debtor"],
        "requested_on": said["requested_on"],
        "requested_at": event.occurred_at,
        "currency": claimed.currency,
        "claimed_minor": claimed.minor,
        "statutory": said["statutory"],
        "deadline_on": said["deadline_on"],
        "conditions": [condition.to_json() for condition in conditions],
        "rule_version": term and term.version,
        "days": term and term.days,
        "reminder_days": list(term.reminder_days) if term else [],
    }
    expect_row(REQUESTS, key, shown, expected)


def _check_moment(request: RowMapping, moment: RowMapping) -> None:
    key, kind = public_id("cfr", request["id"]), moment["kind"]
    due_on = request["requested_on"] + timedelta(days=moment["day"])
    expect(MOMENTS, key, "due_on", moment["due_on"], due_on)
    scheduled = (kind, moment["day"]) in {(due.kind, due.day) for due in _schedule(request)}
    expect(MOMENTS, key, "day", scheduled, kind in BY_TIME)


def _schedule(request: RowMapping) -> list[rules.Due]:
    if request["days"] is None:
        return []
    return rules.schedule(request["requested_on"], request["days"], request["reminder_days"])


def _check_end(session: Session, key: str, row: RowMapping, moments: Sequence[RowMapping]) -> None:
    """Hold where a request stands to what was recorded and to the answer that it names."""
    on = {moment["kind"]: moment["due_on"] for moment in moments}
    request = session.get_one(ConfirmationRequest, row["id"])
    answers = queries.answers_to(session, [request])[request.id]
    answered = row["answer_event_id"] is not None
    answer = next((one for one in answers if one.by_debtor and one.compliant), None)
    answer = answer if answered else None
    expected: dict[str, Any] = {
        "overdue_on": on.get(MomentKind.CONFIRM_OVERDUE),
        "answered_on": answer and answer.on,
        "answer_event_id": answer and answer.event_id,
        "state": _state(on, answered=answered),
    }
    expect_row(REQUESTS, key, row, expected)
    days = [moment["day"] for moment in moments if moment["kind"] in BY_TIME]
    last = answer.on if answer else max(on.values(), default=row["requested_on"])
    due = [one.day for one in _schedule(row) if one.on <= last]
    expect(MOMENTS, key, "day", days, due if answer else due[: len(days)])


def _state(on: Mapping[MomentKind, Any], *, answered: bool) -> RequestState:
    if MomentKind.WITHDRAWN in on:
        return RequestState.WITHDRAWN
    if answered:
        late = MomentKind.CONFIRM_OVERDUE in on
        return RequestState.ANSWERED_LATE if late else RequestState.ANSWERED
    if MomentKind.ESCALATED in on:
        return RequestState.ESCALATED
    return RequestState.OVERDUE if MomentKind.CONFIRM_OVERDUE in on else RequestState.OPEN


def _check_letter(key: str, request: RowMapping, letter: RowMapping) -> None:
    content: bytes = letter["content"]
    expect(LETTERS, key, "sha256", letter["sha256"], hashlib.sha256(content).digest())
    with readable(LETTERS, key, "content"):
        said = canonical.decode(content, max_bytes=len(content))
        named = (parse_id("cfr", said["request"]), parse_id("rcv", said["receivable"]))
    expect(LETTERS, key, "content", named, (request["id"], request["receivable_id"]))
