"""Holding a transition to the rules in force: judged, stored with its inputs, and refused where one blocks."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id
from scf.rules.book import Book, Outcome, shipped
from scf.rules.judging import RuleResult, consider, message, worst
from scf.rules.models import RuleEvaluation
from scf_ledger import canonical


class RuleBlocks(Conflict):
    """A transition breaks no rule that blocks; the one that is broken is named with its article.

    The evaluation outlives the refused transaction: that something was tried is a fact too.
    """

    code = "rules.blocked"
    title = "监管规则不允许此操作"
    title_en = "A supervisory rule does not allow this"
    rows: Sequence[Mapping[str, Any]] = ()

    def outlive(self, session: Session) -> None:
        """Store the evaluation again, in the transaction that keeps the refusal."""
        _store(session, self.rows)


@dataclass(frozen=True, slots=True)
class Asked:
    """A transition about to be made: whose subject (`rcv_…`), which facts, and who may read the outcome."""

    transition: str
    subject: str
    facts: Mapping[str, Any]
    parties: Sequence[UUID] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in self.facts.items()
        }


def evaluate(
    session: Session,
    transition: str,
    subject_id: str,
    inputs: Mapping[str, Any],
    *,
    on: date,
    now: datetime,
    parties: Sequence[UUID],
    book: Book | None = None,
) -> list[RuleResult]:
    """Judge a transition by the versions in force on a business date, and store what came of it.

    `inputs` are facts: JSON values and dates, amounts in fen. Raises RuleBlocks, FactsInvalid.
    """
    asked = Asked(transition, subject_id, inputs, parties)
    return evaluate_many(session, [asked], on=on, now=now, book=book)[0]


def evaluate_many(
    session: Session,
    asked: Sequence[Asked],
    *,
    on: date,
    now: datetime,
    book: Book | None = None,
) -> list[list[RuleResult]]:
    """Judge many transitions, store them in one statement. Raises RuleBlocks for the first, FactsInvalid."""
    book = book or shipped()
    found = [consider(one.transition, one.plain, on=on, book=book) for one in asked]
    rows = [_row(one, results, on=on, now=now) for one, results in zip(asked, found, strict=True)]
    _store(session, rows)
    for one, results, row in zip(asked, found, rows, strict=True):
        error = _refusal(one, results, book)
        if error is not None:
            error.rows = [row]
            raise error
    return found


def require(asked: Asked, *, on: date) -> list[RuleResult]:
    """Judge before anybody signs: as `evaluate`, with nothing stored. Raises RuleBlocks, FactsInvalid."""
    results = consider(asked.transition, asked.plain, on=on)
    error = _refusal(asked, results, shipped())
    if error is not None:
        raise error
    return results


def _row(asked: Asked, results: list[RuleResult], *, on: date, now: datetime) -> dict[str, Any]:
    inputs = canonical.encode(
        {
            "transition": asked.transition,
            "subject": asked.subject,
            "on": on.isoformat(),
            "facts": asked.plain,
        }
    )
    return {
        "id": new_id(),
        "transition": asked.transition,
        "subject": asked.subject,
        "on": on,
        "inputs": inputs,
        "inputs_sha256": hashlib.sha256(inputs).digest(),
        "results": [result.to_json() for result in results],
        "worst": worst(results),
        "parties": list(asked.parties),
        "at": now,
    }


def _store(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        session.execute(insert(RuleEvaluation), rows)


def _refusal(asked: Asked, results: Sequence[RuleResult], book: Book) -> RuleBlocks | None:
    """Return what is said where a rule blocks: the first of them in words, all of them by name."""
    blocked = [result for result in results if result.outcome is Outcome.BLOCK]
    if not blocked:
        return None
    first = blocked[0]
    rule = book.rule(first.rule)
    version = rule.at(first.version)
    zh, en = message(version, first.figures, asked.plain.get("currency") or "CNY")
    return RuleBlocks(
        rule=rule.id,
        version=version.version,
        rule_title=rule.title_zh,
        article=version.article,
        message=zh,
        message_en=en,
        figures=dict(first.figures),
        blocked_by=[result.rule for result in blocked],
        transition=asked.transition,
        subject=asked.subject,
    )
