"""Ctrl-C, wherever it comes, ends everything that was started; what was begun can be taken up again."""

import signal
import time
from pathlib import Path

import pytest

from tests.support.journeys import MINUTES, installation

MOMENTS = (
    "启动供应链金融平台",  # nothing runs yet
    "数据库 PostgreSQL",  # the first servers do
    "bootstrap",  # our own are starting
    "2. 供应商登记发票",  # the story is being told
)


@pytest.fixture(scope="module")
def made():
    with installation() as found:
        yield found


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_leaves_nothing(made, moment):
    story = made.start("demo", "--once", "--json")
    made.wait_for(moment)
    story.send_signal(signal.SIGINT)
    out, _ = story.communicate(timeout=MINUTES)
    told = made.told.read_text()
    assert (story.returncode, out) == (130, ""), told
    assert "平台已停止" in told
    assert "Traceback" not in told
    assert made.is_quiet()


def test_an_impatient_second_ctrl_c_leaves_nothing_either(made):
    story = made.start("demo", "--once", "--json")
    made.wait_for("数据库 PostgreSQL")
    for _ in range(4):
        story.send_signal(signal.SIGINT)
        time.sleep(0.05)
    story.communicate(timeout=MINUTES)
    assert story.returncode == 130
    assert "Traceback" not in made.told.read_text()
    assert made.is_quiet(5)


def test_ctrl_c_while_the_command_is_still_loading_is_no_stack_trace(made):
    story = made.start("demo", "--once", "--json")
    maps, deadline = Path(f"/proc/{story.pid}/maps"), time.monotonic() + MINUTES
    while "lxml" not in maps.read_text():  # one of the libraries that the command brings along
        assert time.monotonic() < deadline
    story.send_signal(signal.SIGINT)
    out, _ = story.communicate(timeout=MINUTES)
    assert (story.returncode, out) == (130, "")
    assert "Traceback" not in made.told.read_text()
    assert made.is_quiet()
