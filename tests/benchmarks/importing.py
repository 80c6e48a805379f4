"""A CSV of 100,000 lines looked at by `scf import --check --json`, against reading it and COPY of its rows.

The import reads each line into an invoice, holds its amounts against each other and the invoice against
all those before it. It runs in a process of its own, which tells the most memory that it ever took.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import psycopg

from scf import cli
from tests.benchmarks.figures import Row, at_least, at_most, middle, seconds
from tests.support.invoices import BUYER, SELLER
from tests.support.services import Servers, fresh_database

LINES = 100_000
FEW = 10_000
ROUNDS = 3
HEADER = (
    "发票号码", "销售方识别号", "销售方名称", "购买方识别号", "购买方名称", "开票日期", "金额", "税额",
    "价税合计", "币种", "备注",
)  # fmt: skip


def measure(servers: Servers) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        many, few = (write(Path(folder, f"{count}.csv"), count) for count in (LINES, FEW))
        limits, found, peaks = [], [], []
        for _ in range(ROUNDS):
            limits.append(LINES / seconds(lambda: copy(servers, many)))
            told = imported(many)
            found.append(LINES / told["seconds"])
            peaks.append((told["peak_mib"], imported(few)["peak_mib"]))
    yield Row(
        "导入清单十万行 importing a list of 100,000 lines",
        middle(found),
        "行/s lines/s",
        middle(limits),
        at_least(0.02),
    )
    yield Row(
        "导入十万行的内存峰值，对一万行 peak memory of 100,000 lines, against 10,000",
        middle(most for most, _ in peaks),
        "MiB",
        middle(least for _, least in peaks),
        at_most(1.1),
    )


def write(path: Path, count: int) -> Path:
    """Write a list of so many invoices."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(HEADER)
        sheet.writerows(
            (
                f"2550{n:016}", SELLER, "卖方(示例)", BUYER, "买方(示例)", "2025-10-22",
                f"1000.{n % 100:02}", "130.00", f"1130.{n % 100:02}", "CNY", f"送货单 {n}",
            )
            for n in range(count)
        )  # fmt: skip
    return path


def copy(servers: Servers, path: Path) -> None:
    """Read a list as CSV and COPY its rows into a table of texts."""
    columns = ", ".join(f"c{n} text" for n in range(len(HEADER)))
    with (
        fresh_database(servers) as url,
        psycopg.connect(url) as connection,
        path.open(encoding="utf-8-sig", newline="") as file,
    ):
        connection.execute(f"CREATE TABLE copied ({columns})")
        with connection.cursor().copy("COPY copied FROM STDIN") as into:
            for cells in csv.reader(file):
                into.write_row(cells)


def imported(path: Path) -> dict[str, float]:
    """Import a list in a process of its own: the seconds it took, and the most memory."""
    command = [sys.executable, "-m", __name__, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def alone(path: str) -> None:
    """Import a list, and tell what `imported` asks for."""
    began = time.perf_counter()
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(io.StringIO()),
    ):
        assert cli.main(["import", "--check", "--json", path]) == 0
    took = time.perf_counter() - began
    peak = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(json.dumps({"seconds": took, "peak_mib": int(peak[1]) / 1024}))


if __name__ == "__main__":
    alone(sys.argv[1])
