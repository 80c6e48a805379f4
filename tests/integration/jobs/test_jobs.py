"""Long lists in the background: every item exactly once, whatever happens to the worker."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from scf.http.auth import OAuthClient
from scf.jobs import running
from scf.jobs.models import Job, JobResult, State
from scf.jobs.running import ATTEMPTS_MAX, Done, Kind
from scf.jobs.service import ITEMS_MAX, OPEN_MAX
from scf.kernel.errors import Conflict
from scf.kernel.ids import parse_id
from scf.receivables.models import Receivable
from scf.receivables.upload_jobs import KINDS, UPLOADED
from scf.receivables.upload_models import PayableLine
from tests.support.invitations import fresh_uscc
from tests.support.jobs import (
    UPLOAD_COLUMNS,
    a_csv,
    hand_in,
    report,
    shown,
    upload,
    upload_row,
    work,
)
from tests.support.receivables import NUMBERS, invoice_number, register_invoice

PATH = "/v1/payables/uploads"
WORKER = """
from dataclasses import replace
from scf.db.session import Database
from scf.jobs import running
from scf.receivables.upload_jobs import KINDS
from scf.settings import Settings
settings = Settings.load()
kinds = {name: replace(kind, size=50) for name, kind in KINDS.items()}
database = Database(settings.database_url, pool_size=1)
while running.advance(database, kinds, settings.clock):
    pass
"""


def rows(count, supplier=None):
    code = supplier or fresh_uscc()
    return [
        upload_row(f"J-{n}", code, invoice_number(n)) for n in (next(NUMBERS) for _ in range(count))
    ]


def row_of(stage, job):
    with stage.database.reading() as session:
        return session.get_one(Job, parse_id("job", job))


def count(stage, kind, *conditions):
    with stage.database.reading() as session:
        return session.scalar(select(func.count()).select_from(kind).where(*conditions))


def results(stage, job):
    return count(stage, JobResult, JobResult.job_id == parse_id("job", job))


def kinds(work_, size=10):
    return {UPLOADED: Kind(size, work_)}


def in_tens():
    return kinds(KINDS[UPLOADED].work)


def a_worker(stage):
    environment = {
        **os.environ,
        "DATABASE_URL": stage.settings.database_url,
        "BUSINESS_CLOCK": str(stage.settings.business_clock),
    }
    return subprocess.Popen([sys.executable, "-c", WORKER], env=environment)


def refused(stage, body, who=None, path=PATH):
    """Hand in what must be refused; hold that there is no new job."""
    before = count(stage, Job)
    answer = hand_in(stage, who or stage.cast.anchor, path, body)
    assert count(stage, Job) == before
    return answer.status_code, answer.json()["code"]


class TestOnce:
    def test_a_worker_killed_in_the_middle_of_2000_lines_loses_and_repeats_nothing(self, stage):
        supplier = stage.cast.supplier
        registered = [next(NUMBERS) for _ in range(20)]
        for number in registered:
            register_invoice(stage, supplier, number)
        known = [upload_row(f"K-{n}", supplier.uscc, invoice_number(n)) for n in registered]
        job = upload(stage, [*rows(990), *known, *rows(990)])

        for least in (100, 1_000):
            worker = a_worker(stage)
            while row_of(stage, job).cursor < least:
                assert worker.poll() is None
                time.sleep(0.005)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            stopped = row_of(stage, job)
            assert stopped.state is State.RUNNING
            assert results(stage, job) == stopped.cursor < stopped.total
        work(stage)

        ended = row_of(stage, job)
        assert (ended.state, ended.cursor, ended.done, ended.waiting, ended.failed) == (
            State.DONE,
            2_000,
            20,
            1_980,
            0,
        )
        assert results(stage, job) == 2_000
        assert count(stage, PayableLine, PayableLine.job_id == ended.id) == 2_000
        numbers = [f"K-{n}" for n in registered]
        assert count(stage, Receivable, Receivable.line_no.in_(numbers)) == 20

    def test_two_workers_share_jobs_and_never_a_slice(self, stage):
        jobs = [upload(stage, rows(60)) for _ in range(2)]

        def turn(_):
            return running.turn(stage.database, in_tens(), stage.clock, seconds=30)

        with ThreadPoolExecutor(4) as workers:
            slices = list(workers.map(turn, range(4)))

        work(stage)
        assert sum(slices) <= 12
        for job in jobs:
            assert (row_of(stage, job).state, results(stage, job)) == (State.DONE, 60)

    def test_the_database_itself_refuses_what_would_be_done_twice(self, stage):
        job = parse_id("job", upload(stage, rows(2)))
        work(stage)
        repeated = "INSERT INTO job_results SELECT * FROM job_results WHERE job_id = :job"
        for statement in (
            repeated,
            "UPDATE job_results SET code = 'x' WHERE job_id = :job",
            "DELETE FROM job_items WHERE job_id = :job",
            "UPDATE jobs SET state = 'RUNNING' WHERE id = :job",
            "UPDATE jobs SET cursor = 1 WHERE id = :job",
        ):
            with pytest.raises(DBAPIError), stage.database.transaction() as session:
                session.execute(text(statement), {"job": job})


class TestSteering:
    def test_a_cancelled_job_keeps_what_was_done_and_goes_on_when_resumed(self, stage):
        anchor = stage.cast.anchor
        job = upload(stage, rows(30))
        running.advance(stage.database, in_tens(), stage.clock)

        cancelled = stage.post(anchor, f"/v1/jobs/{job}/cancel").json()

        assert (cancelled["state"], cancelled["cursor"], cancelled["waiting"]) == (
            "CANCELLED",
            10,
            10,
        )
        assert work(stage) == 0
        assert [len(report(stage, anchor, job, show=s)) for s in ("waiting", "left")] == [10, 20]
        assert stage.post(anchor, f"/v1/jobs/{job}/cancel").json()["code"] == "job.state_forbids"
        assert stage.post(anchor, f"/v1/jobs/{job}/resume").json()["state"] == "QUEUED"
        work(stage)
        ended = shown(stage, anchor, job)
        assert (ended["state"], ended["cursor"], ended["seconds_left"]) == ("DONE", 30, None)
        assert stage.post(anchor, f"/v1/jobs/{job}/resume").json()["code"] == "job.state_forbids"

    def test_progress_is_told_in_plain_numbers(self, stage):
        job = upload(stage, rows(30))
        queued = shown(stage, stage.cast.anchor, job)
        assert (queued["state"], queued["items_per_second"], queued["since"]) == (
            "QUEUED",
            None,
            None,
        )
        running.advance(stage.database, in_tens(), stage.clock)
        running.advance(stage.database, in_tens(), stage.clock)

        told = shown(stage, stage.cast.anchor, job)

        assert (told["state"], told["cursor"], told["total"]) == ("RUNNING", 20, 30)
        rate = told["items_per_second"]
        assert rate >= 1
        assert told["seconds_left"] == -(-10 // rate)
        work(stage)

    def test_a_defect_is_tried_again_and_then_waits_for_a_person(self, stage):
        job = upload(stage, rows(3))

        def broken(_session, _slice):
            raise RuntimeError("a defect")

        for _ in range(ATTEMPTS_MAX):
            assert running.advance(stage.database, kinds(broken), stage.clock)
            assert not running.advance(stage.database, kinds(broken), stage.clock)
            with stage.database.transaction() as session:
                session.execute(update(Job).values(not_before=stage.clock.real()))

        failed = shown(stage, stage.cast.anchor, job)
        assert (failed["state"], failed["error"], failed["cursor"]) == ("FAILED", "RuntimeError", 0)
        stage.post(stage.cast.anchor, f"/v1/jobs/{job}/resume")
        work(stage)
        assert shown(stage, stage.cast.anchor, job)["state"] == "DONE"

    def test_a_slice_that_fails_leaves_nothing(self, stage):
        job = upload(stage, rows(3))

        class Never(Conflict):
            code = "test.never"

        def half(session, slice_):
            KINDS[UPLOADED].work(session, slice_)
            raise Never

        running.advance(stage.database, kinds(half), stage.clock)

        ended = row_of(stage, job)
        assert (ended.state, ended.cursor, results(stage, job)) == (State.FAILED, 0, 0)
        assert count(stage, PayableLine, PayableLine.job_id == ended.id) == 0

    def test_a_revoked_system_stops_its_jobs_at_once(self, stage):
        job = upload(stage, rows(3))
        client = OAuthClient.id == stage.cast.anchor.client_id
        with stage.database.transaction() as session:
            session.execute(update(OAuthClient).where(client).values(revoked_at=stage.clock.real()))
        work(stage)
        with stage.database.transaction() as session:
            session.execute(update(OAuthClient).where(client).values(revoked_at=None))

        failed = row_of(stage, job)
        assert (failed.state, failed.cursor) == (State.FAILED, 0)
        assert "auth.client_invalid" in failed.error

    def test_the_job_that_waited_longest_is_next(self, stage):
        first, second = upload(stage, rows(20)), upload(stage, rows(20))
        seen = []

        def note(_session, slice_):
            seen.append(slice_.job.id)
            return [Done("rcv_x")] * len(slice_.rows)

        running.turn(stage.database, kinds(note), stage.clock, seconds=30)

        ids = [parse_id("job", job) for job in (first, second)]
        assert seen == [*ids, *ids]


class TestPrivacy:
    def test_a_party_sees_its_own_jobs_only(self, stage):
        job = upload(stage, rows(1))
        stranger = stage.cast.supplier
        for path in ("", "/report", "/report.csv", "/report.xlsx"):
            assert stage.get(stranger, f"/v1/jobs/{job}{path}").status_code == 404
        for command in ("cancel", "resume"):
            assert stage.post(stranger, f"/v1/jobs/{job}/{command}").status_code == 404
        assert job not in stage.get(stranger, "/v1/jobs", limit=500).text
        assert job in stage.get(stage.cast.anchor, "/v1/jobs", limit=500).text
        assert job in stage.get(None, "/v1/jobs", limit=500).text
        work(stage)


class TestHandingIn:
    def test_the_same_request_again_is_one_job(self, stage):
        body = a_csv(UPLOAD_COLUMNS, rows(1))
        first = hand_in(stage, stage.cast.anchor, PATH, body, key="once")
        again = hand_in(stage, stage.cast.anchor, PATH, body, key="once")
        assert first.json() == again.json()
        assert again.headers["Idempotency-Replayed"] == "true"
        work(stage)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "payable.list_unreadable"),
            ("行号,金额\n1,2\n".encode(), "payable.list_unreadable"),
            (a_csv(UPLOAD_COLUMNS, []), "job.empty"),
            (a_csv([*UPLOAD_COLUMNS, "金额"], rows(1)), "payable.list_unreadable"),
            (a_csv(UPLOAD_COLUMNS, [[*rows(1)[0], "over"]]), "payable.list_unreadable"),
            (a_csv(UPLOAD_COLUMNS, [["x" * 2_001, *rows(1)[0][1:]]]), "job.too_large"),
            (a_csv(UPLOAD_COLUMNS, rows(1) * (ITEMS_MAX + 1)), "job.too_large"),
            (b"[1]", "payable.list_unreadable"),
            (b'[{"amount": 1.5}]', "payable.list_unreadable"),
            (b'[{"nonsense": "1"}]', "payable.list_unreadable"),
            (b'{"items": {}}', "payable.list_unreadable"),
            (b"[{", "payable.list_unreadable"),
            (b"PK\x03\x04nonsense", "document.package_invalid"),
            (b"\xff\xfe\x00\x00\x81", "document.table_invalid"),
        ],
    )
    def test_a_list_that_cannot_be_read_is_refused_whole(self, stage, body, code):
        assert refused(stage, body)[1] == code

    def test_only_the_anchor_party_uploads_and_only_suppliers_submit(self, stage):
        body = a_csv(UPLOAD_COLUMNS, rows(1))
        assert refused(stage, body, stage.cast.supplier) == (403, "programme.not_member")
        assert refused(stage, body, path="/v1/receivables/imports")[1] == "programme.not_member"

    def test_a_party_has_a_number_of_open_jobs(self, stage):
        jobs = [upload(stage, rows(1)) for _ in range(OPEN_MAX)]
        assert refused(stage, a_csv(UPLOAD_COLUMNS, rows(1))) == (409, "job.too_many")
        work(stage)
        assert {row_of(stage, job).state for job in jobs} == {State.DONE}


class TestReport:
    def test_refused_rows_are_handed_back_to_be_corrected_and_handed_in_again(self, stage):
        anchor, code = stage.cast.anchor, fresh_uscc()
        wrong = upload_row("=R-1", code, invoice_number(next(NUMBERS)), "1.005")
        job = upload(stage, [*rows(1), wrong])
        work(stage)

        answer = stage.get(anchor, f"/v1/jobs/{job}/report.csv")

        header, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert header == [*UPLOAD_COLUMNS, "原行号", "结果", "编号", "错误说明"]
        assert row[0] == "'=R-1"
        assert row[6:9] == ["3", "未通过", ""]
        assert row[9].startswith("金额：单元格内容不正确")
        corrected = answer.content.replace(b"1.005", b"1.05")
        again = hand_in(stage, anchor, PATH, corrected).json()["id"]
        work(stage)
        assert shown(stage, anchor, again)["waiting"] == 1
        (item,) = report(stage, anchor, again)
        assert item["cells"][0] == "=R-1"

    def test_the_workbook_says_the_same_and_is_read_again(self, stage):
        anchor = stage.cast.anchor
        job = upload(stage, [upload_row("X-1", "no code", invoice_number(next(NUMBERS)))])
        work(stage)

        workbook = stage.get(anchor, f"/v1/jobs/{job}/report.xlsx").content

        again = hand_in(stage, anchor, PATH, workbook).json()["id"]
        work(stage)
        first, second = report(stage, anchor, job), report(stage, anchor, again)
        assert first == second
        assert first[0]["code"] == "payable.cell_wrong"

    def test_it_is_read_by_the_page(self, stage):
        anchor = stage.cast.anchor
        job = upload(stage, rows(5))
        work(stage)
        seen, cursor = [], None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = stage.get(anchor, f"/v1/jobs/{job}/report", limit=2, **more).json()
            seen += [item["row"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == [2, 3, 4, 5, 6]
