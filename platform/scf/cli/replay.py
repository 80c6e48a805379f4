"""`scf rules replay`: a whole portfolio under another version of a rule, by core enterprise, to a file."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.http.auth import Actor
from scf.http.sheets import write_csv, write_xlsx
from scf.kernel.clock import YEARS, parse_date
from scf.kernel.errors import ValueInvalid
from scf.parties.queries import party_by_uscc
from scf.rules import queries
from scf.rules.book import Book, ParameterUnknown, shipped
from scf.rules.models import RuleEvaluation
from scf.rules.provisions import waiting
from scf.rules.replay import amended, changed, enterprise
from scf.rules.schemas import ChangeOut
from scf.runtime import settings_here

OPERATOR: Final = Actor(UUID(int=0), None, operator=True)
"""Whoever is on the platform's machine reads what its operator may."""
NOBODY: Final = "—"
COLUMNS: Final = {
    "evaluation": "评估编号",
    "on": "业务日期",
    "transition": "业务环节",
    "as_if": "推演为",
    "subject": "对象",
    "enterprise": "核心企业",
    "enterprise_name": "核心企业名称",
    "creditor": "债权人",
    "borrower": "借款人",
    "lender": "资金方",
    "amount": "金额",
    "currency": "币种",
    "before": "原结果",
    "after": "新结果",
    "breaks": "将被拒绝",
    "message_zh": "说明",
}
"""Columns of a list, as a program and as a person reads them."""
FORMS: Final = {".csv": write_csv, ".xlsx": write_xlsx}


@dataclass
class Portfolio:
    """What was looked at and what came out otherwise, by core enterprise."""

    names: dict[str, str] = field(default_factory=dict)
    examined: Counter[str] = field(default_factory=Counter)
    breaks: Counter[str] = field(default_factory=Counter)
    changes: list[tuple[str, ChangeOut]] = field(default_factory=list)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each change as a flat row."""
        for code, change in self.changes:
            told = json.loads(change.model_dump_json())
            whom, amount = told.pop("whom"), told.pop("amount") or {}
            flat = {**whom, **told, **amount, "enterprise": code, "breaks": change.breaks}
            flat["enterprise_name"] = self.names.get(code, "")
            yield {name: flat.get(name) for name in COLUMNS}

    def summary(self) -> list[dict[str, Any]]:
        """Return the counts by enterprise, those with most that breaks first."""
        differ = Counter(code for code, _ in self.changes)
        order = sorted(self.examined, key=lambda code: (-self.breaks[code], -differ[code], code))
        return [
            {
                "enterprise": code,
                "name": self.names.get(code, ""),
                "examined": self.examined[code],
                "differ": differ[code],
                "breaks": self.breaks[code],
            }
            for code in order
        ]


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("replay", help="回放 / history under another version")
    parser.add_argument("rule", help="R77-03")
    parser.add_argument("--version", type=int, help="版本号 / a version of the book")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="hard_months=6"
    )
    parser.add_argument("--from", dest="effective_from", help="YYYY-MM-DD")
    parser.add_argument("--enterprise", metavar="USCC", help="一家核心企业 / one core enterprise")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="清单 / a list: .csv, .xlsx, .json"
    )
    parser.add_argument("--json", action="store_true", help="一个 JSON 对象 / one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what earlier evaluations would have come to, as the operator sees them.

    Raises RuleUnknown, ParameterUnknown, ValueInvalid, NotRunning.
    """
    book = _book(options)
    allowed = [".json", *FORMS]
    if options.output is not None and options.output.suffix not in allowed:
        raise ValueInvalid(field="output", value=options.output.name, allowed=allowed)
    with (
        closing(Database(settings_here().database_url, pool_size=1)) as database,
        database.reading() as session,
    ):
        found = _replay(session, options.rule, book, of=options.enterprise)
    if options.output is not None:
        _write(options.output, found)
    if options.json:
        sys.stdout.write(_json(found) + "\n")
    else:
        sys.stdout.writelines(line + "\n" for line in _lines(found, book, options))
    return 0


def _book(options: argparse.Namespace) -> Book:
    start = parse_date(options.effective_from or f"{YEARS.start}-01-01", field="from")
    pairs = [text.partition("=") for text in options.set]
    if any(not equals for _, equals, _ in pairs):
        raise ParameterUnknown(field="set", given=options.set)
    return amended(
        shipped(),
        options.rule,
        effective_from=start,
        version=options.version,
        parameters={name: value for name, _, value in pairs},
    )


def _replay(session: Session, rule: str, book: Book, *, of: str | None) -> Portfolio:
    transitions = book.rule(rule).replayed
    total = queries.count(session, OPERATOR, transitions)
    portfolio = queries.whole_portfolio(session, OPERATOR, transitions)
    found = Portfolio()
    for evaluation in _shown(portfolio, total):
        code = enterprise(evaluation) or NOBODY
        if of not in (None, code):
            continue
        found.examined[code] += 1
        change = changed(evaluation, rule, book)
        if change is not None:
            found.breaks[code] += change.breaks
            found.changes.append((code, ChangeOut.of(change, book)))
    for code in found.examined:
        party = party_by_uscc(session, code)
        found.names[code] = party.name if party is not None else ""
    return found


def _shown(portfolio: Iterable[RuleEvaluation], total: int) -> Iterator[RuleEvaluation]:
    """Give a portfolio on, and tell at the terminal how far it is after every batch."""
    for place, evaluation in enumerate(portfolio, 1):
        yield evaluation
        if place % queries.BATCH == 0:
            sys.stderr.write(f"\r已回放 replayed {place} / {total}")
    if total >= queries.BATCH:
        sys.stderr.write(f"\r已回放 replayed {total} / {total}\n")


def _write(path: Path, found: Portfolio) -> None:
    if path.suffix == ".json":
        path.write_text(_json(found) + "\n", "utf-8")
        return
    header = [f"{zh} {name}" for name, zh in COLUMNS.items()]
    rows = [[_cell(value) for value in row.values()] for row in found.rows()]
    path.write_bytes(FORMS[path.suffix]([header, *rows]))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    return "" if value is None else str(value)


def _json(found: Portfolio) -> str:
    changes = [json.loads(change.model_dump_json()) for _, change in found.changes]
    whole = {"examined": found.examined.total(), "by_enterprise": found.summary()}
    return json.dumps({**whole, "changes": changes}, ensure_ascii=False)


def _lines(found: Portfolio, book: Book, options: argparse.Namespace) -> Iterator[str]:
    yield from (_line(change) for _, change in found.changes)
    examined, differ = found.examined.total(), len(found.changes)
    if not examined:
        yield from _nothing(book, options)
        return
    for one in found.summary():
        yield (
            f"{one['enterprise']} {one['name']}：回放 {one['examined']} 笔，"
            f"{one['differ']} 笔结果不同 differ，其中 {one['breaks']} 笔将被拒绝 would be refused"
        )
    if not differ:
        yield f"共回放 {examined} 笔，结果均不变，现有业务不受影响 / none of {examined} comes out otherwise"
    else:
        breaks = found.breaks.total()
        yield (
            f"共回放 {examined} 笔，{differ} 笔结果不同 differ，"
            f"其中 {breaks} 笔将被拒绝 would be refused"
        )
    if options.output is not None:
        yield f"清单 list: {options.output}"


def _nothing(book: Book, options: argparse.Namespace) -> Iterator[str]:
    """Say why there was nothing to replay."""
    whose = f"（{options.enterprise}）" if options.enterprise else ""
    yield f"没有可回放的评估{whose}，未发现受影响的业务 / there is nothing to replay"
    for transition in book.rule(options.rule).scope:
        if transition in waiting():
            yield f"{transition}：{waiting()[transition]}"


def _line(change: ChangeOut) -> str:
    before = change.before.value if change.before else NOBODY
    after = change.after.value if change.after else NOBODY
    whom = " ".join(f"{name} {code}" for name, code in change.whom.items())
    made = change.transition + (f"（按 as {change.as_if}）" if change.as_if else "")
    amount = f"  {change.amount}" if change.amount is not None else ""
    return (
        f"{change.on}  {change.subject}  {made}  {before} → {after}{amount}  {whom}"
        f"  {change.message_zh or ''}"
    )
