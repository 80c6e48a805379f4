"""How long it takes at most until a pledgee is told what a device said: bounds of the schedule, nothing is timed."""

from scf_workers.schedule import TASK_SECONDS_MAX, app

MINUTE = 60.0


def test_a_pledgee_is_told_within_a_minute():
    """Alarm, dispute and notice are one transaction of the watching turn; a turn that is killed is followed by another."""
    watch = app.conf.beat_schedule["watch"]
    interval = watch["schedule"]
    assert watch["task"] == "watch"
    assert watch["options"]["expires"] <= interval  # late turns do not pile up
    assert interval + TASK_SECONDS_MAX + interval + TASK_SECONDS_MAX <= MINUTE


def test_margin_calls_and_prices_move_within_minutes():
    schedule = app.conf.beat_schedule
    assert schedule["mark"]["schedule"] <= MINUTE
    assert schedule["quote"]["schedule"] <= MINUTE
