"""`scf demo`: start everything, play the story, serve until Ctrl-C."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from scf.cli import INTERRUPTED
from scf.runtime import SERVICES, running
from scf.runtime.progress import Progress
from scf.story.folder import papers_in
from scf.story.papers import samples
from scf.story.play import play
from scf.story.screens import Screen
from scf.story.script import Script
from scf.story.stage import Stage, open_journal


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo", help="启动平台并演示一笔融资的全过程 / play one financing from invoice to release"
    )
    add = parser.add_argument
    add("--once", action="store_true", help="演示完即停止 / stop when the story is over")
    add("--json", action="store_true", help="标准输出为一个 JSON 对象 / one JSON object on stdout")
    add(
        "--invoices",
        type=Path,
        metavar="DIR",
        help="用该文件夹中的发票演示，可附随附清单 / tell it of the invoices in a folder",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Play the story. Raises what papers, the supervisor and the story raise."""
    data = Path(os.environ.get("SCF_DATA", ".scf"))
    screen, started = Screen(), time.monotonic()
    script = Script.of(papers_in(options.invoices, screen) if options.invoices else samples())
    journal = open_journal(data, script)
    progress = Progress(screen.stream)
    progress.line(f"启动供应链金融平台 / starting the platform  {data}/")
    over = False
    try:
        with running(data, SERVICES, business_clock=True, report=progress) as runtime:
            report = play(Stage(runtime.settings, script, journal, screen))
            over = True
            if options.json:
                sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
                sys.stdout.flush()
            progress.line(
                f"演示完成 / the story is over  {time.monotonic() - started:.1f} s",
                f"  证明文件 proofs    {data}/story/proofs/",
                f"  信任清单 trust     {report['trust']}",
            )
            if not options.once:
                progress.line(
                    f"  命令变量 names     . {report['names']}",
                    f"  接口文档 API docs  {runtime.addresses['PUBLIC_URL']}/docs",
                    "  服务中，按 Ctrl-C 停止 / serving, Ctrl-C stops",
                )
                runtime.wait()
    except KeyboardInterrupt:
        progress.line("平台已停止 / stopped")
        return 0 if over else INTERRUPTED
    return 0
