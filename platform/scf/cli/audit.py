"""`scf audit`: read everything again, from events to the chain; name the first difference."""

import argparse
import json
import sys

from scf.audit.finding import Report
from scf.audit.service import audit_installation
from scf.cli import FAILED, UNUSABLE
from scf.kernel.errors import Unavailable
from scf.migrations import SchemaOther, require_newest
from scf.runtime import settings_here

CHAIN = {
    "checked": "已核对 checked",
    "unavailable": "无法访问，未核对 not reachable, not checked",
    "not_checked": "未核对 not checked",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "audit", help="全面核对事件、账本与链 / read events, rows, log and chain again"
    )
    parser.add_argument("--json", action="store_true", help="一个 JSON 对象 / one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what was found: 0 clean, 1 a difference, 2 the platform cannot be read."""
    try:
        settings = settings_here()
        require_newest(settings.database_url)
        report = audit_installation(settings)
    except (Unavailable, SchemaOther) as error:
        sys.stderr.write(error.line() + "\n")
        return UNUSABLE
    text = json.dumps(to_json(report), ensure_ascii=False) if options.json else screen(report)
    sys.stdout.write(text + "\n")
    return 0 if report.clean else FAILED


def to_json(report: Report) -> dict[str, object]:
    """Return the report for programs."""
    found = report.difference
    return {
        "verdict": "clean" if report.clean else "different",
        "difference": found and found.to_json(),
        "rows": dict(sorted(report.rows.items())),
        "chain": report.chain,
    }


def screen(report: Report) -> str:
    """Return the report for a person."""
    found = report.difference
    if found is None:
        rows = report.rows
        return (
            f"核对一致 clean：{rows['events']} 个事件 events，{sum(rows.values())} 行 rows，"
            f"{len(rows)} 张表 tables；链 chain {CHAIN[report.chain]}"
        )
    return "\n".join(
        (
            f"发现不一致 difference：{found.table} {found.key} {found.field}",
            f"  存储值 stored    {found.stored}",
            f"  应为   expected  {found.expected}",
        )
    )
