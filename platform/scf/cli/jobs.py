"""`scf jobs`: look at long work, stop it, let it go on, take its report."""

import argparse
import json
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from scf.cli import FAILED
from scf.cli._api import Answer, Api
from scf.jobs.queries import Shown

Command = Callable[[Api, argparse.Namespace], int]
STATES: Final = {
    "QUEUED": "等待",
    "RUNNING": "进行中",
    "DONE": "完成",
    "FAILED": "失败",
    "CANCELLED": "已取消",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("jobs", help="后台任务 / long work in the background")
    commands = parser.add_subparsers(metavar="list|show|cancel|resume|report", required=True)
    for name, (run_, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if name != "list":
            command.add_argument("job", help="job_…")
        if name == "report":
            shown = [shown.value for shown in Shown]
            command.add_argument("--show", choices=shown, default="failed", help="哪些行 / which")
            command.add_argument(
                "--output", "-o", type=Path, required=True, help="报告文件 .csv 或 .xlsx / a file"
            )
        command.add_argument("--client", type=Path, help="客户端凭证文件 / credentials (JSON)")
        command.add_argument("--json", action="store_true", help="输出 JSON / as JSON")
        command.set_defaults(run=run, command=run_)


def run(options: argparse.Namespace) -> int:
    """Do it. Raises ClientMissing, ClientRefused, ApiUnreachable, NotRunning."""
    with closing(Api.here(options.client)) as api:
        command: Command = options.command
        return command(api, options)


def line(job: Mapping[str, Any]) -> str:
    """Return a job in one line."""
    words = [
        f"{job['id']}  {STATES[job['state']]}  {job['cursor']}/{job['total']}",
        f"成功 {job['done']}  等待 {job['waiting']}  未通过 {job['failed']}",
    ]
    if job["seconds_left"] is not None:
        words.append(f"{job['items_per_second']} 行/秒，约剩 {job['seconds_left']} 秒")
    return "  ".join([*words, *filter(None, (job["filename"], job["error"]))])


def told(answer: Answer, options: argparse.Namespace) -> int:
    """Print a job that was answered, or why not; return the exit code."""
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return refused(answer)
    shown = json.dumps(dict(answer.body), ensure_ascii=False)
    sys.stdout.write((shown if options.json else line(answer.body)) + "\n")
    return 0


def refused(answer: Answer) -> int:
    """Say why the platform refused; return the exit code."""
    body = answer.body
    said = f"{body.get('title')} ({body.get('detail')}) {body.get('code')}"
    sys.stderr.write(f"{said}: {json.dumps(body.get('fields'), ensure_ascii=False)}\n")
    return FAILED


def _list(api: Api, options: argparse.Namespace) -> int:
    cursor: str | None = None
    while True:
        answer = api.get("/v1/jobs", params={"cursor": cursor} if cursor else {})
        if answer.status != HTTPStatus.OK:
            return refused(answer)
        for job in answer.body["items"]:
            shown = json.dumps(job, ensure_ascii=False) if options.json else line(job)
            sys.stdout.write(shown + "\n")
        cursor = answer.body["next"]
        if cursor is None:
            return 0


def _show(api: Api, options: argparse.Namespace) -> int:
    return told(api.get(f"/v1/jobs/{options.job}"), options)


def _steer(command: str) -> Command:
    def steer(api: Api, options: argparse.Namespace) -> int:
        return told(
            api.post(f"/v1/jobs/{options.job}/{command}", b"", key=uuid.uuid4().hex), options
        )

    return steer


def _report(api: Api, options: argparse.Namespace) -> int:
    suffix = ".xlsx" if options.output.suffix == ".xlsx" else ".csv"
    path = f"/v1/jobs/{options.job}/report{suffix}"
    answer = api.get(path, params={"show": options.show})
    if answer.status != HTTPStatus.OK:
        return refused(answer)
    options.output.write_bytes(answer.content)
    sys.stderr.write(f"已保存 saved: {options.output} ({len(answer.content)} B)\n")
    return 0


COMMANDS: Final[Mapping[str, tuple[Command, str]]] = {
    "list": (_list, "任务列表 / one's jobs"),
    "show": (_show, "任务进度 / how far a job is"),
    "cancel": (_steer("cancel"), "取消 / stop it"),
    "resume": (_steer("resume"), "继续 / let it go on"),
    "report": (_report, "结果文件 / its rows with what became of them"),
}
