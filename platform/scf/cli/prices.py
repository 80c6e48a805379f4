"""`scf prices import FILE`: take a series' column out of a monthly price file."""

import argparse
import hashlib
import json
import sys
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from scf.cli._api import Api
from scf.cli.jobs import refused
from scf.documents.files import read


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("prices", help="价格 / prices")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    importing = commands.add_parser("import", help="导入月度价格文件 / take in a monthly file")
    add = importing.add_argument
    add("file", type=Path, help="CSV：每月一行，每品种一列 / a row a month, a column a commodity")
    add("--series", required=True, help="价格序列 / prs_…")
    add("--rate", help="美元折算率 / how much of the series' currency a US dollar is")
    add("--reason", help="更正原因 / why earlier prices were wrong")
    add("--client", type=Path, help="客户端凭证文件 / credentials (JSON)")
    add("--json", action="store_true", help="输出 JSON / as JSON")
    importing.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Hand it in; what is known already is left out, and the same file again is answered again.

    Raises FileUnreadable, ClientMissing, ClientRefused, ApiUnreachable, NotRunning.
    """
    content = read(options.file)
    path = f"/v1/price-series/{options.series}/imports"
    given = {"filename": options.file.name, "rate": options.rate, "reason": options.reason}
    params = {name: value for name, value in given.items() if value is not None}
    key = hashlib.sha256("\n".join((path, *params.values())).encode() + content).hexdigest()
    with closing(Api.here(options.client)) as api:
        answer = api.post(path, content, key=key, params=params)
    if answer.status != HTTPStatus.CREATED:
        return refused(answer)
    body = answer.body
    line = f"{body['count']} 个报价 prices  {body['first_at']} – {body['last_at']}"
    sys.stdout.write((json.dumps(body, ensure_ascii=False) if options.json else line) + "\n")
    return 0
