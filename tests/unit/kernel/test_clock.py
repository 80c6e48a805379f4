"""Business time may stand beside real time; instants are written one way."""

from datetime import UTC, date, datetime, timedelta

import pytest

from scf.kernel.clock import Clock, business_date, instant_text, parse_date, parse_instant
from scf.kernel.errors import ValueInvalid


def test_the_business_date_is_shanghais():
    assert business_date(datetime(2025, 12, 18, 16, 0, tzinfo=UTC)) == date(2025, 12, 19)
    assert business_date(datetime(2025, 12, 18, 15, 59, tzinfo=UTC)) == date(2025, 12, 18)


def test_business_time_follows_its_file(tmp_path):
    clock = Clock(tmp_path / "clock")
    assert clock.offset() == timedelta()

    clock.set(datetime(2025, 10, 20, 1, 0, tzinfo=UTC))

    assert abs(clock.now() - datetime(2025, 10, 20, 1, 0, tzinfo=UTC)) < timedelta(seconds=30)
    assert clock.today() == date(2025, 10, 20)


def test_without_a_file_business_time_is_real_time_and_cannot_be_moved():
    assert Clock().offset() == timedelta()
    with pytest.raises(ValueInvalid):
        Clock().set(datetime(2025, 1, 1, tzinfo=UTC))


def test_instants_are_utc_with_microseconds_only_where_there_are_any():
    assert instant_text(datetime(2025, 1, 1, tzinfo=UTC)) == "2025-01-01T00:00:00Z"
    assert (
        instant_text(datetime(2025, 1, 1, microsecond=5, tzinfo=UTC))
        == "2025-01-01T00:00:00.000005Z"
    )
    assert parse_instant("2025-01-01T08:00:00+08:00") == datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-01T00:00:00",
        "1999-12-31T23:59:59Z",
        "2100-01-01T07:00:00+07:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "yesterday",
        "",
        None,
    ],
)
def test_an_instant_has_a_zone_and_a_year_that_records_carry(text):
    with pytest.raises(ValueInvalid):
        parse_instant(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2025-02-30", "20251219", "2025-12-19T00:00:00Z", "2025-W51-5", "2025-2-3", "", None),
        *("0001-01-01", "1999-12-31", "2100-01-01", "9999-12-31"),
    ],
)
def test_a_date_is_one_form_only(text):
    with pytest.raises(ValueInvalid):
        parse_date(text)
