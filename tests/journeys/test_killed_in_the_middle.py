"""The story under `kill -9`: of what it stands on, at other places each, and of the supervisor itself."""

import json
import os
import signal
import time

import pytest

from scf.runtime import running_at
from tests.support.journeys import MINUTES, installation

FIRST_HALF = (
    (". 提交确权请求 ", "api"),
    (". 核心企业确权 ", "sequencer"),
    (". 登记、锁定、复查 ", "worker"),
    (". 登记、锁定、复查 ", "chain"),
)
SECOND_HALF = (
    (". 银行自行核验 ", "chain"),
    (". 银行自行核验 ", "sequencer"),
    (". 放款 ", "worker"),
    (". 到期回款与还款 ", "api"),
    (". 解除质押 ", "worker"),
    (". 买方上传应付清单 ", "chain"),
    (". 仓单出质 ", "api"),
    (". 地磅读数 ", "worker"),
)


def kill(at, name):
    """Kill a service where it is up; return what was killed."""
    deadline = time.monotonic() + MINUTES
    while name not in (pids := running_at(at.data).pids()):
        assert time.monotonic() < deadline, f"{name} does not come back"
        time.sleep(0.05)
    os.kill(pids[name], signal.SIGKILL)
    return pids[name]


@pytest.fixture(scope="module")
def survived():
    """A story told under kills, its supervisor killed in the middle, told to its end."""
    with installation() as made:
        story = made.start("demo", "--once", "--json")
        for scene, name in FIRST_HALF:
            made.wait_for(scene)
            kill(made, name)
        made.wait_for("质押登记（三个日期）")
        story.kill()
        story.communicate()
        left = made.is_quiet(30)
        before = made.told.read_text()
        story = made.start("demo", "--once", "--json")
        for scene, name in SECOND_HALF:
            made.wait_for(scene)
            kill(made, name)
        out, _ = story.communicate(timeout=5 * MINUTES)
        told = made.told.read_text()
        assert story.returncode == 0, told
        yield {"left": left, "before": before, "told": told, "report": json.loads(out), "at": made}


def test_the_children_of_a_killed_supervisor_leave(survived):
    assert survived["left"]


def test_what_was_killed_came_back(survived):
    for half, told in ((FIRST_HALF, survived["before"]), (SECOND_HALF, survived["told"])):
        assert told.count("exited") == len(half), told
        assert told.count("ready") >= 9 + len(half) - 1


def test_the_story_went_on_where_it_was_cut_off(survived):
    assert "接着上次中断处继续" in survived["told"]


def test_it_comes_to_the_same_end(survived):
    report = survived["report"]
    assert report["receivables"] == 4
    assert report["events"] == report["log"]["size"] == report["anchor"]["size"]
    assert [proof["verdict"] for proof in report["proofs"]] == ["pass", "pass", "fail", "fail"]
    assert report["audit"] == "clean"
    assert len(report["refused"]) == 4
    assert len(report["warehouse"]["refused"]) == 3
    assert [proof["verdict"] for proof in report["warehouse"]["proofs"]] == ["pass", "pass"]
    for figure in ("1,245,000.00", "5,325.83", "243,674.17", "2026-01-05（10 个工作日）"):
        assert figure in survived["told"]
    assert survived["at"].is_quiet()


def test_after_all_this_up_starts_and_the_audit_is_clean(survived):
    at = survived["at"]
    up = at.start("up")
    at.wait_for("Ctrl-C")
    done = at.run("audit", "--json", seconds=2 * MINUTES)
    up.send_signal(signal.SIGINT)
    up.communicate(timeout=MINUTES)
    assert json.loads(done.stdout)["verdict"] == "clean", done.stdout
    assert up.returncode == 0
    assert at.is_quiet()
