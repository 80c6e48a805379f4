"""A difference is shown so that a person sees where two values part."""

import pytest

from scf.audit.finding import TEXT_MAX, Different, Report, expect, readable, show_apart
from scf.cli.audit import screen, to_json


def test_equal_values_are_no_finding() -> None:
    expect("pools", "cap_1", "used_minor", 1, 1)


def test_a_difference_names_both() -> None:
    with pytest.raises(Different) as raised:
        expect("pools", "cap_1", "secret", b"\x01\x02", b"\x01\x03")

    found = raised.value.difference
    assert found.to_json() == {
        "table": "pools",
        "key": "cap_1",
        "field": "secret",
        "stored": "0102",
        "expected": "0103",
    }


def test_long_values_are_cut_where_they_part() -> None:
    left, right = show_apart("a" * 5_000 + "x" + "b" * 500, "a" * 5_000 + "y" + "b" * 500)

    assert left != right
    assert len(left) <= TEXT_MAX + 2
    assert left.startswith("…a")
    assert left.endswith("b…")


def test_what_cannot_be_read_is_a_finding() -> None:
    with pytest.raises(Different) as raised, readable("events", "evt_1", "body"):
        int("nonsense")

    assert raised.value.difference.field == "body"


def test_the_screen_names_the_place_and_both_values() -> None:
    report = Report()
    with pytest.raises(Different) as raised:
        expect("receivables", "rcv_1", "state", "PAID", "CONFIRMED")
    report.difference = raised.value.difference

    shown = screen(report)

    assert "receivables rcv_1 state" in shown
    assert "PAID" in shown
    assert "CONFIRMED" in shown
    assert to_json(report)["verdict"] == "different"
    assert to_json(Report())["verdict"] == "clean"
    assert screen(Report()).startswith("核对一致")
