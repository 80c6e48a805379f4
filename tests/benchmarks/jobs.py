"""Ten thousand lines as a background job, from handing the file in to its end, against the same rows inserted.

The worker takes slices between its other turns; every slice is a transaction with its results.
"""

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import httpx

from scf.jobs.service import ITEMS_MAX
from tests.benchmarks import bulk
from tests.benchmarks.figures import Row, at_least
from tests.benchmarks.installation import Installation
from tests.benchmarks.submissions import headers

POLL_SECONDS = 0.05
COLUMNS = ("行号", "发票号码", "金额", "到期日")


def measure(installation: Installation) -> Iterator[Row]:
    run(installation)  # the worker's first imports
    rate = ITEMS_MAX / run(installation)
    limit = bulk.ITEMS / bulk.insert(installation)
    yield Row("后台任务万行 job of 10,000 lines", rate, "笔/s", limit, at_least(0.05))


def run(installation: Installation) -> float:
    """Hand a list of fresh invoices in and wait for its end; return the seconds."""
    body = _list(installation)
    with httpx.Client(base_url=installation.api, timeout=60) as http:
        began = time.monotonic()
        answer = http.post(
            "/v1/receivables/imports",
            params={"programme": installation.cast.programme},
            content=body,
            headers=headers(installation),
        )
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        while job["state"] in {"QUEUED", "RUNNING"}:
            time.sleep(POLL_SECONDS)
            job = http.get(f"/v1/jobs/{job['id']}", headers=headers(installation)).json()
        assert (job["state"], job["done"]) == ("DONE", ITEMS_MAX), job
        return time.monotonic() - began


def _list(installation: Installation) -> bytes:
    first, _ = installation.register(ITEMS_MAX)
    installation.settle()
    text = io.StringIO()
    rows = (
        [f"JOB-{n}", f"{n:020}", "113.00", "2025-12-19"] for n in range(first, first + ITEMS_MAX)
    )
    csv.writer(text).writerows([COLUMNS, *rows])
    return text.getvalue().encode()
