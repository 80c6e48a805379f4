"""`scf up`: start the platform and serve until Ctrl-C."""

import argparse
import os
import time
from pathlib import Path

from scf.runtime import SERVICES, running
from scf.runtime.progress import Progress


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "up", help="启动平台，Ctrl-C 停止 / start the platform, Ctrl-C stops it"
    )
    parser.add_argument(
        "--business-clock",
        action="store_true",
        help="业务时间可拨动（演示用） / business time can be set, for demonstrations",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until it is interrupted. Raises AlreadyRunning, ServiceFailed, Unusable."""
    data = Path(os.environ.get("SCF_DATA", ".scf"))
    progress, started = Progress(), time.monotonic()
    progress.line(f"启动供应链金融平台 / starting the platform  {data}/")
    try:
        with running(
            data, SERVICES, business_clock=options.business_clock, report=progress
        ) as runtime:
            progress.line(
                f"平台已就绪 / ready  {time.monotonic() - started:.1f} s",
                f"  接口文档 API docs  {runtime.addresses['PUBLIC_URL']}/docs",
                f"  日志 logs          {data}/logs/",
                "  按 Ctrl-C 停止 / Ctrl-C stops",
            )
            runtime.wait()
    except KeyboardInterrupt:
        progress.line(f"平台已停止 / stopped  {time.monotonic() - started:.1f} s")
    return 0
