"""`scf demo`: start everything, play the story, serve until Ctrl-C."""

import argparse
import json
import os
import sys
from pathlib import Path

from scf.runtime import SERVICES, running
from scf.runtime.progress import Progress
from scf.story.play import play
from scf.story.screens import Screen


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo", help="启动平台并演示一笔融资的全过程 / play one financing from invoice to release"
    )
    parser.add_argument(
        "--once", action="store_true", help="演示完即停止 / stop when the story is over"
    )
    parser.add_argument(
        "--json", action="store_true", help="标准输出为一个 JSON 对象 / one JSON object on stdout"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Play the story. Raises what the story and the supervisor raise."""
    data = Path(os.environ.get("SCF_DATA", ".scf"))
    progress = Progress()
    progress.line("启动平台 / starting the platform")
    with running(data, SERVICES, business_clock=True, report=progress) as runtime:
        report = play(runtime.settings, Screen())
        if options.json:
            sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        url = runtime.addresses["PUBLIC_URL"]
        progress.line(
            "演示完成 / the story is over",
            f"  证明文件 proofs    {data}/story/proofs/",
            f"  信任清单 trust     {report['trust']}",
            f"  接口文档 API docs  {url}/docs",
        )
        if not options.once:
            progress.line("  服务中，按 Ctrl-C 停止 / serving, Ctrl-C stops")
            runtime.wait()
    return 0
