"""`scf rules`: the book of rules, its own tests, replay under another version, and the due-date calculator."""

import argparse
import json
import sys
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from scf.cli import replay
from scf.kernel.clock import Clock, parse_date
from scf.kernel.errors import ValueInvalid
from scf.receivables import terms
from scf.receivables.terms_api import TermsIn, TermsOut
from scf.rules.book import Rule, shipped
from scf.rules.cases import run_cases
from scf.rules.provisions import provisions, waiting
from scf.rules.schemas import RuleOut

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
    replay.add_parser(commands)
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
