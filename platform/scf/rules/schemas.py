"""HTTP shapes of rules, evaluations and what-ifs."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field

from scf.http.schemas import DateText, InstantText, MoneyOut, Out
from scf.kernel.ids import public_id
from scf.rules.book import Book, Known, Outcome, Rule, Severity, Version
from scf.rules.judging import RuleResult, message
from scf.rules.models import RuleEvaluation
from scf.rules.replay import Change
from scf_ledger.encoding import b64url

EvaluationId = Annotated[str, Field(examples=["rul_01k3e5m8q2x7v9b4c6d8f0g1h2"])]


class VersionOut(Out):
    """What a rule says from one day on; `dormant` says why a version judges nothing."""

    version: int
    article: str
    source: str
    known: Known
    severity: Severity
    parameters: dict[str, Any]
    effective_from: DateText | None
    effective_to: DateText | None
    dormant: str | None

    @classmethod
    def of(cls, version: Version) -> Self:
        """Show a version."""
        return cls.model_validate({name: getattr(version, name) for name in cls.model_fields})


class RuleOut(Out):
    """A rule with every version; `evidence` names the facts it needs."""

    id: str = Field(examples=["RPAY-02"])
    title_zh: str
    title_en: str
    scope: list[str]
    evidence: list[str]
    in_force: int | None = Field(
        description="当日有效版本 the version in force on the day asked for"
    )
    versions: list[VersionOut]

    @classmethod
    def of(cls, rule: Rule, on: date) -> Self:
        """Show a rule as it stands on a day."""
        current = rule.in_force(on)
        return cls(
            id=rule.id,
            title_zh=rule.title_zh,
            title_en=rule.title_en,
            scope=list(rule.scope),
            evidence=list(rule.evidence),
            in_force=current.version if current else None,
            versions=[VersionOut.of(version) for version in rule.versions],
        )


class RulesOut(Out):
    """The whole book on a day."""

    on: DateText
    rules: list[RuleOut]


class ResultOut(Out):
    """What one rule came to, in words where it found something."""

    rule: str
    version: int
    title_zh: str
    article: str
    outcome: Outcome
    message_zh: str | None
    message_en: str | None
    figures: dict[str, Any]

    @classmethod
    def of(cls, result: RuleResult, book: Book, currency: str) -> Self:
        """Show a result."""
        rule = book.rule(result.rule)
        version = rule.at(result.version)
        words = message(version, result.figures, currency) if result.is_finding else (None, None)
        return cls(
            rule=rule.id,
            version=version.version,
            title_zh=rule.title_zh,
            article=version.article,
            outcome=result.outcome,
            message_zh=words[0],
            message_en=words[1],
            figures=dict(result.figures),
        )


class EvaluationOut(Out):
    """One transition and what every rule of it came to; `inputs` hash to `inputs_sha256`."""

    id: EvaluationId
    transition: str
    subject: str
    on: DateText
    at: InstantText
    worst: Outcome
    inputs: str = Field(description="规范化字节 canonical JSON, as it was judged and hashed")
    inputs_sha256: str
    results: list[ResultOut]

    @classmethod
    def of(cls, evaluation: RuleEvaluation, book: Book) -> Self:
        """Show an evaluation."""
        currency = evaluation.facts.get("currency") or "CNY"
        return cls(
            id=public_id("rul", evaluation.id),
            transition=evaluation.transition,
            subject=evaluation.subject,
            on=evaluation.on,
            at=evaluation.at,
            worst=evaluation.worst,
            inputs=evaluation.inputs.decode(),
            inputs_sha256=b64url(evaluation.inputs_sha256),
            results=[ResultOut.of(result, book, currency) for result in evaluation.outcomes],
        )


class ChangeOut(Out):
    """An evaluation that comes out otherwise: before, after, and for whom."""

    evaluation: EvaluationId
    transition: str
    subject: str
    on: DateText
    as_if: str | None = Field(
        description="按何种业务推演 the transition that it was read as", examples=["voucher.issue"]
    )
    amount: MoneyOut | None
    whom: dict[str, str] = Field(description="参与方统一社会信用代码 by unified social credit code")
    before: Outcome | None
    after: Outcome | None
    breaks: bool
    message_zh: str | None
    figures: dict[str, Any]

    @classmethod
    def of(cls, change: Change, book: Book) -> Self:
        """Show a change."""
        evaluation, after = change.evaluation, change.after
        currency = evaluation.facts.get("currency") or "CNY"
        shown = ResultOut.of(after, book, currency) if after else None
        return cls(
            evaluation=public_id("rul", evaluation.id),
            transition=evaluation.transition,
            subject=evaluation.subject,
            on=evaluation.on,
            as_if=change.as_if,
            amount=change.amount,
            whom=dict(change.whom),
            before=change.before.outcome if change.before else None,
            after=after.outcome if after else None,
            breaks=change.breaks,
            message_zh=shown.message_zh if shown else None,
            figures=dict(after.figures) if after else {},
        )


class ReplayOut(Out):
    """A stretch of the portfolio replayed: what was looked at, what changed; `next` leads on."""

    rule: str
    effective_from: DateText
    examined: int
    changes: list[ChangeOut]
    next: EvaluationId | None
