"""Endpoints of rules: the book, what transitions were held to, and replay under another version."""

from typing import Annotated

from fastapi import APIRouter, Query

from scf.http.calls import Call, query
from scf.http.paging import PAGE_SIZE, PAGE_SIZE_MAX, Page, next_cursor, read_cursor
from scf.http.schemas import DateText, Line, PageSize
from scf.kernel.clock import YEARS, business_date, parse_date
from scf.rules import queries
from scf.rules.book import Outcome, ParameterUnknown, shipped
from scf.rules.replay import amended, replay
from scf.rules.schemas import ChangeOut, EvaluationOut, ReplayOut, RuleOut, RulesOut

router = APIRouter(tags=["监管规则 Rules"])
PARAMETERS_MAX = 8


@query(router, "/v1/rules")
def rules(call: Call, on: DateText | None = None, transition: Line | None = None) -> RulesOut:
    """规则库 Every rule with its versions, and which is in force on a day (today)."""
    day = on or business_date(call.now)
    wanted = shipped().rules.values()
    return RulesOut(
        on=day,
        rules=[RuleOut.of(r, day) for r in wanted if transition is None or transition in r.scope],
    )


@query(router, "/v1/rules/{rule_id}")
def rule(call: Call, rule_id: str, on: DateText | None = None) -> RuleOut:
    """查看规则 One rule."""
    return RuleOut.of(shipped().rule(rule_id), on or business_date(call.now))


@query(router, "/v1/rules/{rule_id}/replay")
def what_if(
    call: Call,
    rule_id: str,
    *,
    effective_from: DateText | None = None,
    version: Annotated[int | None, Query(ge=1, le=1_000)] = None,
    parameter: Annotated[
        list[Line] | None,
        Query(max_length=PARAMETERS_MAX, description="`名称=值` such as `hard_months=6`"),
    ] = None,
    enterprise: Annotated[
        Line | None, Query(description="核心企业统一社会信用代码 of one core enterprise")
    ] = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE_MAX,
) -> ReplayOut:
    """回放 Earlier evaluations that the caller may read, under another version or parameters.

    `limit` counts evaluations looked at; those that come out otherwise are listed.
    """
    start = effective_from or parse_date(f"{YEARS.start}-01-01")
    book = amended(
        shipped(),
        rule_id,
        effective_from=start,
        version=version,
        parameters=dict(map(_parameter, parameter or [])),
    )
    portfolio = queries.portfolio(
        call.session,
        call.actor,
        book.rule(rule_id).replayed,
        after=read_cursor("rul", cursor),
        size=limit,
    )
    return ReplayOut(
        rule=rule_id,
        effective_from=start,
        examined=len(portfolio),
        changes=[
            ChangeOut.of(change, book) for change in replay(portfolio, rule_id, book, of=enterprise)
        ],
        next=next_cursor("rul", [evaluation.id for evaluation in portfolio], limit),
    )


@query(router, "/v1/rule-results")
def results(
    call: Call,
    *,
    subject: Line | None = None,
    rule: Line | None = None,
    outcome: Outcome | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[EvaluationOut]:
    """规则评估结果 What transitions were held to; `rule` and `outcome` together are of one result."""
    found = queries.page(
        call.session,
        call.actor,
        subject=subject,
        rule=rule,
        outcome=outcome,
        after=read_cursor("rul", cursor),
        size=limit,
    )
    return Page[EvaluationOut](
        items=[EvaluationOut.of(evaluation, shipped()) for evaluation in found],
        next=next_cursor("rul", [evaluation.id for evaluation in found], limit),
    )


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ParameterUnknown(field="parameter", parameter=text[:40])
    return name, value
