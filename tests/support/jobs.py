"""Lists handed in and worked through, for tests."""

import csv
import io
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from scf.db.outbox import EffectContext
from scf.jobs import running
from scf.receivables.upload_jobs import KINDS, match_waiting
from tests.support.actors import Company, Stage

UPLOAD_COLUMNS = ["行号", "供应商统一社会信用代码", "供应商", "发票号码", "金额", "到期日"]
IMPORT_COLUMNS = ["行号", "发票号码", "金额", "到期日"]


def a_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


def upload_row(
    line_no: str, supplier: str, invoices: str, amount: str = "100.00", due_on: str = "2025-12-19"
) -> list[str]:
    return [line_no, supplier, "供应商(示例)", invoices, amount, due_on]


def hand_in(
    stage: Stage, who: Company, path: str, body: bytes, *, key: str | None = None, **parameters: str
) -> httpx.Response:
    """Send a list for the stage's programme."""
    headers = {**stage.headers(who), "Idempotency-Key": key or uuid.uuid4().hex}
    whole = {"programme": stage.cast.programme, **parameters}
    return stage.http.post(path, content=body, params=whole, headers=headers)


def handed_in(stage: Stage, who: Company, path: str, body: bytes) -> str:
    """Hand a list in; return the job's id."""
    answer = hand_in(stage, who, path, body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def upload(stage: Stage, rows: Sequence[Sequence[str]]) -> str:
    """Upload payables of the anchor; return the job's id."""
    return handed_in(stage, stage.cast.anchor, "/v1/payables/uploads", a_csv(UPLOAD_COLUMNS, rows))


def work(stage: Stage, kinds: Mapping[str, running.Kind] = KINDS) -> int:
    """Advance every job to its end; return how many slices it took."""
    return running.turn(stage.database, kinds, stage.clock, seconds=60)


def match(stage: Stage) -> None:
    match_waiting(EffectContext(stage.database, stage.settings, stage.clock))


def shown(stage: Stage, who: Company, job: str) -> dict[str, Any]:
    body: dict[str, Any] = stage.get(who, f"/v1/jobs/{job}").json()
    return body


def report(stage: Stage, who: Company, job: str, **parameters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = stage.get(
        who, f"/v1/jobs/{job}/report", **{"limit": 500, **parameters}
    ).json()["items"]
    return items
