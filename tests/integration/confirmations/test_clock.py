"""The clock from an explicit request: reminders, the end of the time, what stops it and what does not."""

import pytest

from tests.support.actors import STORY_BEGINS
from tests.support.clock import act, answer, ask, asked, dues, move_to, refuse, seen, turn
from tests.support.problems import refusal
from tests.support.receivables import confirm, confirmation, submit

REMINDED = [
    ("REMINDER", 7, "2025-11-10"),
    ("REMINDER", 15, "2025-11-18"),
    ("REMINDER", 25, "2025-11-28"),
]
OVERDUE = ("CONFIRM_OVERDUE", 31, "2025-12-04")


@pytest.fixture(autouse=True)
def story_begins(stage):
    stage.clock.set(STORY_BEGINS)


class TestAsking:
    def test_the_conditions_are_recorded_and_the_clock_runs(self, stage):
        receivable = submit(stage)
        request = ask(stage, receivable, note="请按对账单确认").json()

        assert (request["state"], request["statutory"]) == ("OPEN", True)
        assert (request["requested_on"], request["deadline_on"]) == ("2025-11-03", "2025-12-03")
        assert (request["days"], request["reminder_days"]) == (30, [7, 15, 25])
        assert request["conditions"] == [
            {"name": "debtor_obliged", "value": "large", "holds": True},
            {"name": "creditor_sme", "value": "small", "holds": True},
            {"name": "size_declared", "value": "declared", "holds": True},
            {"name": "rule_in_force", "value": "RPAY-09/1", "holds": True},
        ]
        assert request["next"] == {"kind": "REMINDER", "day": 7, "on": "2025-11-10"}
        assert request["standing"] == {
            "step": "等待债务人答复",
            "step_en": "Waiting for the debtor's answer",
            "since": request["standing"]["since"],
            "waiting_for": "debtor",
        }
        event = stage.get(stage.cast.anchor, f"/v1/events/{request['requested_event']}").json()
        assert event["type"] == "receivable.requested"

    def test_g15_silence(self, stage):
        """Day 0, silence: reminders on days 7, 15, 25, CONFIRM_OVERDUE on day 31, then the letter."""
        request = asked(stage)
        for day, expected in ((6, 0), (7, 1), (8, 1), (15, 2), (25, 3), (30, 3)):
            move_to(stage, day)
            turn(stage)
            turn(stage)
            shown = seen(stage, request)
            assert dues(shown) == REMINDED[:expected], day
            assert (shown["state"], shown["days_elapsed"]) == ("OPEN", day)
        move_to(stage, 31)
        turn(stage)

        shown = seen(stage, request)
        assert dues(shown) == [*REMINDED, OVERDUE]
        assert (shown["state"], shown["next"]) == ("OVERDUE", None)
        written = act(stage, stage.cast.supplier, request, "escalate").json()
        assert written["state"] == "ESCALATED"

    def test_a_jump_over_everything_records_each_thing_under_its_own_day(self, stage):
        request = asked(stage)
        move_to(stage, 90)

        assert seen(stage, request)["state"] == "OVERDUE"  # whether or not a worker ran
        turn(stage)
        turn(stage)

        assert dues(seen(stage, request)) == [*REMINDED, OVERDUE]

    def test_g16_a_reason_that_the_law_does_not_accept_leaves_the_clock_running(self, stage):
        request = asked(stage)
        move_to(stage, 10)
        assert refuse(stage, request, "等待业主付款").status_code == 200
        turn(stage)

        shown = seen(stage, request)
        assert shown["state"] == "OPEN"
        (said,) = shown["answers"]
        assert (said["compliant"], said["reason"]) == (False, "等待业主付款")
        assert "不合规" in shown["standing"]["step"]
        move_to(stage, 31)
        turn(stage)
        assert dues(seen(stage, request)) == [*REMINDED, OVERDUE]
