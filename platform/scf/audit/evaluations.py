"""Evaluations: judging their inputs again comes to the same, and no answer or loan went without one."""

import hashlib
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.evidence.models import Event
from scf.kernel.clock import parse_date
from scf.kernel.ids import public_id
from scf.rules.book import shipped
from scf.rules.judging import worst
from scf.rules.models import RuleEvaluation
from scf.rules.replay import reproduced
from scf_ledger import canonical

NAME: Final = RuleEvaluation.__tablename__
JUDGED: Final = {
    "receivable.confirmed": ("rcv", "receivable.confirm"),
    "receivable.disputed": ("rcv", "receivable.dispute"),
    "receivable.rejected": ("rcv", "receivable.reject"),
    "receivable.paid": ("rcv", "receivable.pay"),
    "receivable.account_changed": ("rcv", "receivable.change"),
    "pledge.registered": ("plg", "pledge.register"),
    "debtor_notice.issued": ("dnt", "assignment.notify"),
    "financing.approved": ("fin", "financing.approve"),
    "financing.disbursed": ("fin", "financing.disburse"),
}
"""Events of transitions that were held to the rules in the same transaction: subject's prefix, transition."""


def check(session: Session, report: Report) -> None:
    """Hold every evaluation to its inputs, and every event of a judged transition to one. Raises Different."""
    judged: set[tuple[str, str, datetime]] = set()
    for evaluation in session.scalars(select(RuleEvaluation).order_by(RuleEvaluation.id)):
        report.rows[NAME] += 1
        _check(evaluation)
        judged.add((evaluation.subject, evaluation.transition, evaluation.at))
    events = select(Event.id, Event.type, Event.subject_id, Event.occurred_at)
    for identity, type_, subject_id, at in session.execute(events.where(Event.type.in_(JUDGED))):
        prefix, transition = JUDGED[type_]
        subject = public_id(prefix, subject_id)
        found = (subject, transition, at) in judged
        expect(NAME, public_id("evt", identity), transition, found, True)


def _check(evaluation: RuleEvaluation) -> None:
    key, data = public_id("rul", evaluation.id), evaluation.inputs
    sha256 = hashlib.sha256(data).digest()
    expect(NAME, key, "inputs_sha256", evaluation.inputs_sha256, sha256)
    with readable(NAME, key, "inputs"):
        inputs: dict[str, Any] = canonical.decode(data, max_bytes=len(data))
        said = {
            "transition": inputs["transition"],
            "subject": inputs["subject"],
            "on": parse_date(inputs["on"]),
        }
    row = {name: getattr(evaluation, name) for name in said}
    expect_row(NAME, key, row, said)
    with readable(NAME, key, "results"):
        results = reproduced(evaluation, shipped())
    again = [result.to_json() for result in results]
    expect(NAME, key, "results", evaluation.results, again)
    expect(NAME, key, "worst", evaluation.worst, worst(results))
