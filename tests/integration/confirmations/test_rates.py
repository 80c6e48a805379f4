"""The on-time rate: what counts, who sees it, what a contest does, and the requests behind each figure."""

import csv
import io

import pytest

from tests.support.actors import STORY_BEGINS
from tests.support.clock import act, answer, asked, move_to, turn
from tests.support.problems import refusal

PERIOD = {"first_on": "2025-12-01", "last_on": "2025-12-31"}


@pytest.fixture(scope="module")
def played(stage):
    """Two in time, one late, one silent, one withdrawn in time, one after, one not statutory, one later."""
    stage.clock.set(STORY_BEGINS)
    names = ("first", "second", "late", "silent", "early_out", "late_out", "agreed")
    found = {name: asked(stage) for name in names[:-1]}
    found["agreed"] = asked(stage, creditor_size="large", agreed_on="2025-12-02")
    answer(stage, found["first"])
    act(stage, stage.cast.supplier, found["early_out"], "withdraw")
    move_to(stage, 30)
    answer(stage, found["second"])
    found["later"] = asked(stage)
    move_to(stage, 32)
    answer(stage, found["late"])
    turn(stage)
    act(stage, stage.cast.supplier, found["late_out"], "withdraw")
    return {name: one["id"] for name, one in found.items()}


def rate(stage, who, debtor=None, **period):
    path = f"/v1/parties/{(debtor or stage.cast.anchor).id}/confirmation-rate"
    return stage.get(who, path, **(period or PERIOD))


def behind(stage, who, figure):
    path = f"/v1/parties/{stage.cast.anchor.id}/confirmation-rate/requests"
    page = stage.get(who, path, figure=figure, **PERIOD).json()
    return {one["id"] for one in page["items"]}


def figures(shown):
    names = ("due", "on_time", "late", "contested", "excluded")
    return {name: shown[name] for name in names}


def test_what_counts_and_which_requests_stand_behind_it(stage, played):
    anchor = stage.cast.anchor
    shown = rate(stage, anchor).json()

    assert figures(shown) == {"due": 5, "on_time": 2, "late": 3, "contested": 0, "excluded": 0}
    assert (shown["rate"], shown["rate_without_contested"]) == ("0.4000", "0.4000")
    assert behind(stage, anchor, "on_time") == {played["first"], played["second"]}
    assert behind(stage, anchor, "late") == {played["late"], played["silent"], played["late_out"]}
    assert len(behind(stage, anchor, "due")) == 5


def test_by_deadline_whatever_the_day_of_the_request(stage, played):
    anchor = stage.cast.anchor
    other = rate(stage, anchor, first_on="2025-12-04", last_on="2026-12-31").json()
    assert figures(other) == dict.fromkeys(figures(other), 0)
    assert (other["rate"], other["rate_without_contested"]) == (None, None)
    reversed_ = rate(stage, anchor, first_on="2025-12-31", last_on="2025-12-01")
    refusal(reversed_, 422, "confirmation.period_reversed", "last_on")


def test_the_parties_and_the_operator_see_it_competitors_do_not(stage, played):
    cast = stage.cast
    assert rate(stage, None).json()["whole"] is True
    own = rate(stage, cast.supplier).json()
    assert (own["whole"], own["due"]) == (False, 5)
    for who in (cast.second_supplier, cast.bank):
        refusal(rate(stage, who), 404, "subject.not_found")
        for file in ("confirmation-rate.csv", "confirmation-rate/requests"):
            path = f"/v1/parties/{cast.anchor.id}/{file}"
            refusal(stage.get(who, path, **PERIOD), 404, "subject.not_found")


def test_a_contest_is_shown_both_ways_until_it_is_decided(stage, played):
    cast, silent = stage.cast, {"id": played["silent"]}
    refusal(
        act(stage, cast.supplier, silent, "contest", reason="无"), 403, "confirmation.not_allowed"
    )
    refusal(
        act(stage, None, silent, "decide-contest", upheld=True, reason="无"),
        409,
        "confirmation.not_contested",
    )
    contested = act(stage, cast.anchor, silent, "contest", reason="请求寄错主体").json()
    assert contested["contested"] is True
    assert contested["standing"]["waiting_for"] == "operator"
    assert "异议" in contested["standing"]["step"]

    shown = rate(stage, cast.anchor).json()
    assert figures(shown) == {"due": 5, "on_time": 2, "late": 3, "contested": 1, "excluded": 0}
    assert (shown["rate"], shown["rate_without_contested"]) == ("0.4000", "0.5000")
    assert behind(stage, cast.anchor, "contested") == {played["silent"]}

    refusal(
        act(stage, cast.anchor, silent, "decide-contest", upheld=True, reason="无"),
        403,
        "confirmation.not_allowed",
    )
    decided = act(stage, None, silent, "decide-contest", upheld=True, reason="经核查属实").json()
    assert [one["upheld"] for one in decided["moments"] if one["kind"] == "DECIDED"] == [True]
    shown = rate(stage, cast.anchor).json()
    assert figures(shown) == {"due": 4, "on_time": 2, "late": 2, "contested": 0, "excluded": 1}
    assert shown["rate"] == "0.5000"
    again = act(stage, None, silent, "decide-contest", upheld=False, reason="改判")
    refusal(again, 409, "confirmation.already_recorded")


def test_one_that_is_dismissed_counts_on(stage, played):
    cast, late = stage.cast, {"id": played["late"]}
    before = rate(stage, cast.anchor).json()
    act(stage, cast.anchor, late, "contest", reason="系统故障")
    act(stage, None, late, "decide-contest", upheld=False, reason="证据不足")
    assert rate(stage, cast.anchor).json() == before


def test_the_table_ties_to_the_figures(stage, played):
    cast = stage.cast
    path = f"/v1/parties/{cast.anchor.id}/confirmation-rate.csv"
    content = stage.get(None, path, **PERIOD).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))

    shown = rate(stage, None).json()
    assert {row["请求编号"] for row in rows} == {
        played[name] for name in played if name not in ("agreed", "later")
    }
    counted = [row for row in rows if row["计入"] == "是"]
    assert len(counted) == shown["due"]
    assert sum(row["按期"] == "是" for row in counted) == shown["on_time"]
    assert sum(row["异议成立"] == "是" for row in rows) == shown["excluded"]
    assert {row["债务人代码"] for row in rows} == {cast.anchor.uscc}
