"""Evaluations: the columns say what the inputs' bytes say, and judging these again comes to the same."""

import hashlib
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.kernel.clock import parse_date
from scf.kernel.ids import public_id
from scf.rules.book import shipped
from scf.rules.judging import worst
from scf.rules.models import RuleEvaluation
from scf.rules.replay import reproduced
from scf_ledger import canonical

NAME = RuleEvaluation.__tablename__


def check(session: Session, report: Report) -> None:
    """Hold every evaluation to its inputs and to the versions that it names. Raises Different."""
    for evaluation in session.scalars(select(RuleEvaluation).order_by(RuleEvaluation.id)):
        report.rows[NAME] += 1
        _check(evaluation)


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
