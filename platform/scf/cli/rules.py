"""`scf rules`: the book of rules, its own tests, replay under another version, and the due-date calculator."""

import argparse
import json
import sys
from datetime import date
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from scf.db.session import Database
from scf.http.auth import Actor
from scf.kernel.clock import YEARS, Clock, parse_date
from scf.kernel.errors import ValueInvalid
from scf.receivables import terms
from scf.receivables.terms_api import TermsIn, TermsOut
from scf.rules import queries
from scf.rules.book import ParameterUnknown, Rule, shipped
from scf.rules.cases import run_cases
from scf.rules.provisions import provisions, waiting
from scf.rules.replay import amended, replay
from scf.rules.schemas import ChangeOut, RuleOut
from scf.runtime import settings_here

OPERATOR: Final = Actor(UUID(int=0), None, operator=True)
"""Whoever is on the platform's machine reads what its operator may."""
AS_JSON: Final = "一个 JSON 对象 / one JSON object"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("rules", help="监管规则 / supervisory rules")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="规则库 / every rule")
    listing.add_argument("--on", help="YYYY-MM-DD")
    listing.add_argument("--json", action="store_true", help=AS_JSON)
    listing.set_defaults(run=show)
    sources = commands.add_parser("sources", help="法规条款与规则 / provisions and their rules")
    sources.add_argument("--json", action="store_true", help=AS_JSON)
    sources.set_defaults(run=coverage)
    testing = commands.add_parser("test", help="规则自带用例 / the tests that rules carry")
    testing.set_defaults(run=test)
    replaying = commands.add_parser("replay", help="回放 / history under another version")
    replaying.add_argument("rule", help="R77-03")
    replaying.add_argument("--version", type=int, help="版本号 / a version of the book")
    replaying.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="hard_months=6"
    )
    replaying.add_argument("--from", dest="effective_from", help="YYYY-MM-DD")
    replaying.add_argument("--json", action="store_true", help=AS_JSON)
    replaying.set_defaults(run=what_if)
    due = commands.add_parser("due", help="到期日与逾期利息 / when is it due, what does late cost")
    for name in TermsIn.model_fields:
        due.add_argument(f"--{name.replace('_', '-')}", required=name == "delivered_on")
    due.add_argument("--json", action="store_true", help=AS_JSON)
    due.set_defaults(run=calculate)


def show(options: argparse.Namespace) -> int:
    """Print the book on a day. Raises ValueInvalid."""
    on = parse_date(options.on, field="on") if options.on else Clock().today()
    rules = list(shipped().rules.values())
    if options.json:
        _say(json.dumps([json.loads(RuleOut.of(r, on).model_dump_json()) for r in rules]))
        return 0
    for rule in rules:
        _say(_line(rule, on))
    return 0


def coverage(options: argparse.Namespace) -> int:
    """Print every provision with its rules, or with why it is left out."""
    if options.json:
        rows = [one.model_dump() | {"waits": one.waits} for one in provisions()]
        _say(json.dumps({"provisions": rows, "waiting": dict(waiting())}, ensure_ascii=False))
        return 0
    for one in provisions():
        held = one.left_out or " ".join(one.rules) + ("（待启用 waits）" if one.waits else "")
        _say(f"{one.id:15} {one.source} {one.title_zh}：{held}")
    return 0


def test(_: argparse.Namespace) -> int:
    """Run the rules' own tests; exit 1 where one fails."""
    count, failed = run_cases(shipped())
    for one in failed:
        _say(one.line())
    _say(f"{count} 个用例 cases，{len(failed)} 个失败 failed")
    return 1 if failed else 0


def what_if(options: argparse.Namespace) -> int:
    """Print what earlier evaluations would have come to, as the operator sees them.

    Raises RuleUnknown, ParameterUnknown, ValueInvalid, NotRunning.
    """
    start = parse_date(options.effective_from or f"{YEARS.start}-01-01", field="from")
    pairs = [text.partition("=") for text in options.set]
    if any(not equals for _, equals, _ in pairs):
        raise ParameterUnknown(field="set", given=options.set)
    parameters = {name: value for name, _, value in pairs}
    book = amended(
        shipped(),
        options.rule,
        effective_from=start,
        version=options.version,
        parameters=parameters,
    )
    database = Database(settings_here().database_url, pool_size=1)
    try:
        with database.reading() as session:
            scope = book.rule(options.rule).scope
            portfolio = queries.whole_portfolio(session, OPERATOR, scope)
            changes = replay(portfolio, options.rule, book)
            found = [ChangeOut.of(change, book) for change in changes]
    finally:
        database.close()
    if options.json:
        _say(json.dumps([json.loads(c.model_dump_json()) for c in found], ensure_ascii=False))
        return 0
    for change in found:
        _say(_changed(change))
    breaks = sum(change.breaks for change in found)
    _say(f"{len(found)} 笔结果不同 differ，其中 {breaks} 笔将被拒绝 would be refused")
    return 0


def calculate(options: argparse.Namespace) -> int:
    """Print when a debt falls due. Raises ValueInvalid, and as `terms.due`."""
    given = {name: getattr(options, name) for name in TermsIn.model_fields}
    whole: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        asked = TermsIn.model_validate(whole)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueInvalid(field=str(first["loc"][0]), value=str(first["input"])[:40]) from None
    answer = TermsOut.of(terms.due(asked.deal(), on=Clock().today()), asked)
    if options.json:
        _say(answer.model_dump_json())
        return 0
    _say(f"到期日 due on  {answer.due_on}  依据 basis  {answer.basis} {answer.article}")
    _say(f"起算日 runs from  {answer.base_on}（{answer.base.value}）")
    for part in answer.parts:
        kind = "质保金 retention" if part.retention else "金额 amount"
        late = f"  逾期 {part.late_days} 日 利息 late interest {part.late_interest}"
        due_on = f"{kind} {part.amount}  {part.due_on}"
        _say(due_on + (late if part.late_interest is not None else ""))
    for result in answer.results:
        if result.message_zh is not None:
            _say(f"{result.rule}  {result.message_zh} / {result.message_en}")
    return 0


def _changed(change: ChangeOut) -> str:
    before = change.before.value if change.before else "—"
    after = change.after.value if change.after else "—"
    whom = " ".join(f"{name} {code}" for name, code in change.whom.items())
    return f"{change.on}  {change.subject}  {change.transition}  {before} → {after}  {whom}  {change.message_zh or ''}"


def _line(rule: Rule, on: date) -> str:
    version = rule.in_force(on)
    if version is None:
        return f"{rule.id:9} 休眠 dormant    {rule.title_zh}"
    parameters = " ".join(f"{name}={value}" for name, value in version.parameters.items())
    return (
        f"{rule.id:9} v{version.version} {version.severity.value:6} {rule.title_zh}"
        f"（{version.article}，{version.known.value}） {parameters}"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
