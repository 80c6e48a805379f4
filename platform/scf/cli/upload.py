"""`scf upload FILE`: hand in a list of payables, as the buyer; or of receivables, as their supplier."""

import argparse
import hashlib
import sys
import time
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Final

from scf.cli._api import Api
from scf.cli.jobs import line, refused, told
from scf.documents.files import read

PATHS: Final = {"buyer": "/v1/payables/uploads", "supplier": "/v1/receivables/imports"}
OPEN: Final = frozenset({"QUEUED", "RUNNING"})
POLL_SECONDS: Final = 0.5


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "upload", help="上传应付清单或批量提交 / hand in a list of payables or receivables"
    )
    add = parser.add_argument
    add("file", type=Path, help="CSV、Excel 或 JSON 清单 / a list")
    add("--programme", required=True, help="融资项目 / prg_…")
    add("--as", dest="side", choices=sorted(PATHS), default="buyer", help="以何身份 / as whom")
    add("--client", type=Path, help="客户端凭证文件 / credentials (JSON)")
    add("--wait", action="store_true", help="等待完成并显示进度 / follow it to its end")
    add("--json", action="store_true", help="输出 JSON / as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Hand it in; the same file for the same programme again is the same job for seven days.

    Raises FileUnreadable, ClientMissing, ClientRefused, ApiUnreachable, NotRunning.
    """
    content = read(options.file)
    path = PATHS[options.side]
    params = {"programme": options.programme, "filename": options.file.name}
    key = hashlib.sha256("\n".join((path, *params.values())).encode() + content).hexdigest()
    with closing(Api.here(options.client)) as api:
        answer = api.post(path, content, key=key, params=params)
        if answer.status != HTTPStatus.ACCEPTED:
            return refused(answer)
        shown = f"/v1/jobs/{answer.body['id']}"
        while options.wait and (answer := api.get(shown)).body.get("state") in OPEN:
            sys.stderr.write(line(answer.body) + "\n")
            time.sleep(POLL_SECONDS)
        return told(answer, options)
