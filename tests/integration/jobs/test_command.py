"""`scf upload` and `scf jobs` against a running installation."""

import json
import threading

import pytest

from scf import cli
from scf.jobs import running
from scf.kernel.ids import public_id
from scf.receivables.upload_jobs import KINDS
from tests.support.invitations import fresh_uscc
from tests.support.jobs import UPLOAD_COLUMNS, a_csv, upload_row, work
from tests.support.receivables import NUMBERS, invoice_number
from tests.support.serving import served


@pytest.fixture
def url(stage):
    """The application on a port."""
    with served(stage) as address:
        yield address


@pytest.fixture
def scf(url, stage, monkeypatch, capsys):
    """Run a command for the anchor party: exit code, and what it printed as JSON lines."""
    anchor = stage.cast.anchor
    monkeypatch.setenv("SCF_API_URL", url)
    monkeypatch.setenv("SCF_CLIENT_ID", public_id("cli", anchor.client_id))
    monkeypatch.setenv("SCF_CLIENT_SECRET", anchor.client_secret)

    def run(*arguments):
        code = cli.main([*map(str, arguments), "--json"])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_a_list_is_uploaded_stopped_resumed_and_its_refused_rows_taken_back(stage, scf, tmp_path):
    code, file = fresh_uscc(), tmp_path / "payables.csv"
    rows = [upload_row(f"CLI-{n}", code, invoice_number(next(NUMBERS))) for n in range(3)]
    rows[1][4] = "-1"
    file.write_bytes(a_csv(UPLOAD_COLUMNS, rows))
    upload = ("upload", file, "--programme", stage.cast.programme)

    exit_code, (job,) = scf(*upload)
    assert (exit_code, job["state"], job["total"]) == (0, "QUEUED", 3)
    assert scf(*upload) == (0, [job])
    assert scf("jobs", "cancel", job["id"])[1][0]["state"] == "CANCELLED"
    assert scf("jobs", "cancel", job["id"]) == (1, [])
    assert scf("jobs", "resume", job["id"])[1][0]["state"] == "QUEUED"
    work(stage)

    (shown,) = scf("jobs", "show", job["id"])[1]
    assert (shown["state"], shown["waiting"], shown["failed"]) == ("DONE", 2, 1)
    assert job["id"] in [one["id"] for one in scf("jobs", "list")[1]]
    back = tmp_path / "back.csv"
    assert scf("jobs", "report", job["id"], "-o", back) == (0, [])
    assert "CLI-1" in back.read_text()
    assert "CLI-0" not in back.read_text()


def test_waiting_follows_a_job_to_its_end(stage, scf, tmp_path):
    file = tmp_path / "payables.csv"
    number = invoice_number(next(NUMBERS))
    file.write_bytes(a_csv(UPLOAD_COLUMNS, [upload_row("CLI-W", fresh_uscc(), number)]))
    stop = threading.Event()

    def worker():
        while not stop.is_set():
            if not running.advance(stage.database, KINDS, stage.clock):
                stop.wait(0.02)

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        exit_code, (job,) = scf("upload", file, "--programme", stage.cast.programme, "--wait")
    finally:
        stop.set()
        thread.join()
    assert (exit_code, job["state"], job["waiting"]) == (0, "DONE", 1)
