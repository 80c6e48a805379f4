"""What a regulator sees of its district: how many, never how much or with whom, unless it says why."""

from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from scf.access.models import LookUp
from scf.http.auth import create_client, issue_token
from scf.kernel.ids import parse_id, public_id
from scf.parties.supervision import division
from scf_ledger import uscc
from tests.support.actors import STORY_BEGINS
from tests.support.clock import act, answer, asked, move_to, turn
from tests.support.problems import refusal

PERIOD = {"first_on": "2025-12-01", "last_on": "2025-12-31"}
REASON = "核查供应商投诉"


@pytest.fixture(scope="module")
def played(stage):
    """One answered in time, one overdue and contested."""
    stage.clock.set(STORY_BEGINS)
    timely, silent = asked(stage), asked(stage)
    answer(stage, timely)
    move_to(stage, 32)
    turn(stage)
    act(stage, stage.cast.anchor, silent, "contest", reason="请求寄错主体")
    return {"timely": timely["id"], "silent": silent["id"]}


def a_regulator(stage, district):
    """The office of another district, as the operator enrols it."""
    code = f"11{district}MAYYC0F6X"
    entry = {"uscc": code + uscc.check_digit(code), "name": "示例金融办", "kind": "regulator"}
    party = stage.post(None, "/v1/parties", entry).json()
    party_id, now = parse_id("pty", party["id"]), stage.clock.real()
    with stage.database.transaction() as session:
        client, secret = create_client(session, name="OA", party_id=party_id, now=now)
        token = issue_token(session, public_id("cli", client.id), secret, now=now)
    return SimpleNamespace(id=party["id"], token=token)


def rates_of(stage, who, **query):
    return stage.get(who, "/v1/confirmation-rates", **PERIOD, **query)


def look_up(stage, who, **body):
    path = f"/v1/parties/{stage.cast.anchor.id}/confirmation-rate/look-ups"
    return stage.post(who, path, PERIOD | {"figure": "late", "reason": REASON} | body)


def recorded(stage):
    with stage.database.reading() as session:
        return session.scalar(select(func.count()).select_from(LookUp))


@pytest.mark.parametrize(
    ("code", "begins"),
    [
        ("11500118MAYYC0F6X2", "500118"),
        ("11500100MAYYC0F6X2", "5001"),
        ("11500000MAYYC0F6X2", "50"),
        ("11100000MAYYC0F6X2", ""),
    ],
)
def test_a_code_names_the_district(code, begins):
    assert division(code) == begins


def test_every_enterprise_of_the_district_in_numbers(stage, played):
    cast = stage.cast
    answered = rates_of(stage, cast.regulator)
    shown = {one["party"]: one for one in answered.json()["items"]}

    assert set(shown) == {cast.anchor.id, cast.supplier.id, cast.second_supplier.id}
    figures = ("due", "on_time", "late", "contested", "excluded", "whole")
    anchor = shown[cast.anchor.id]
    assert [anchor[name] for name in figures] == [2, 1, 1, 1, 0, True]
    assert (anchor["rate"], anchor["rate_without_contested"]) == ("0.5000", "1.0000")
    assert (anchor["uscc"], anchor["name"]) == (cast.anchor.uscc, cast.anchor.name)
    assert shown[cast.supplier.id]["due"] == 0
    assert "amount" not in answered.text
    assert played["silent"] not in answered.text

    single = stage.get(
        cast.regulator, f"/v1/parties/{cast.anchor.id}/confirmation-rate", **PERIOD
    ).json()
    assert single == {name: anchor[name] for name in single}
    first = rates_of(stage, cast.regulator, limit=2).json()
    rest = rates_of(stage, cast.regulator, limit=2, cursor=first["next"]).json()
    assert [one["party"] for one in first["items"] + rest["items"]] == sorted(shown)
    for who in (cast.anchor, cast.bank):
        refusal(rates_of(stage, who), 403, "auth.regulator_only")


def test_details_for_a_reason_that_the_enterprise_reads(stage, played):
    cast, before = stage.cast, recorded(stage)
    for file in ("confirmation-rate.csv", "confirmation-rate/requests"):
        path = f"/v1/parties/{cast.anchor.id}/{file}"
        refusal(stage.get(cast.regulator, path, **PERIOD), 403, "supervision.reason_needed")
    refusal(look_up(stage, cast.regulator, reason=""), 422, "request.invalid", "reason")
    for who, code in ((cast.bank, 403), (None, 403)):
        refusal(look_up(stage, who), code, "auth.regulator_only")
    assert recorded(stage) == before

    shown = look_up(stage, cast.regulator).json()
    assert [one["id"] for one in shown["items"]] == [played["silent"]]
    assert shown["items"][0]["creditor"]["uscc"] == cast.supplier.uscc
    assert recorded(stage) == before + 1
    for who in (cast.anchor, cast.regulator, None):
        (made,) = stage.get(who, "/v1/access-log").json()["items"]
        assert (made["id"], made["by"], made["party"], made["reason"], made["subject"]) == (
            shown["look_up"],
            cast.regulator.id,
            cast.anchor.id,
            REASON,
            "confirmation-rate late 2025-12-01/2025-12-31",
        )
    assert stage.get(cast.supplier, "/v1/access-log").json()["items"] == []


def test_another_district_is_not_there(stage, played):
    before = recorded(stage)
    other = a_regulator(stage, "500113")
    anchor = stage.cast.anchor.id
    assert rates_of(stage, other).json()["items"] == []
    rate = f"/v1/parties/{anchor}/confirmation-rate"
    for path in (f"/v1/parties/{anchor}", rate, f"{rate}/requests", f"{rate}.csv"):
        refusal(stage.get(other, path, **PERIOD), 404, "subject.not_found")
    refusal(look_up(stage, other), 404, "subject.not_found")
    assert recorded(stage) == before

    city = a_regulator(stage, "500000")
    assert len(rates_of(stage, city).json()["items"]) == 3


def test_it_sees_the_register_and_nothing_of_the_business(stage, played):
    cast = stage.cast
    shown = stage.get(cast.regulator, f"/v1/parties/{cast.anchor.id}").json()
    assert (shown["name"], shown["size_class"]) == (cast.anchor.name, "large")
    for place in ("persons", "clients"):
        path = f"/v1/parties/{cast.anchor.id}/{place}"
        refusal(stage.get(cast.regulator, path), 404, "subject.not_found")
    refusal(stage.get(cast.regulator, f"/v1/parties/{cast.bank.id}"), 404, "subject.not_found")
    for path in ("/v1/receivables", "/v1/confirmation-requests", "/v1/rule-results"):
        assert stage.get(cast.regulator, path).json()["items"] == []
    request = f"/v1/confirmation-requests/{played['silent']}"
    refusal(stage.get(cast.regulator, request), 404, "subject.not_found")


def test_it_takes_no_part(stage):
    place = {"party": stage.cast.regulator.id, "role": "supplier"}
    members = f"/v1/programmes/{stage.cast.programme}/members"
    refusal(stage.post(None, members, place), 422, "programme.role_not_for_kind", "role")
    code = "11500112MAYYC0F6X"
    sized = {"name": "示例金融办", "kind": "regulator", "size_class": "small"}
    sized["uscc"] = code + uscc.check_digit(code)
    refusal(stage.post(None, "/v1/parties", sized), 422, "party.size_wrong", "size_class")


def test_a_replay_is_counted_for_the_one_that_owes(stage, played):
    cast = stage.cast
    path = "/v1/rules/RPAY-02/district-replay"
    period = {"first_on": "2025-11-01", "last_on": "2025-12-31"}
    answered = stage.get(cast.regulator, path, **period)
    shown = {one["party"]: one for one in answered.json()["items"]}
    own = stage.get(cast.anchor, "/v1/rules/RPAY-02/replay", limit=500).json()

    assert own["examined"] > 0
    assert shown[cast.anchor.id]["examined"] == own["examined"]
    assert [shown[cast.supplier.id][name] for name in ("examined", "changed", "breaks")] == [0] * 3
    assert stage.get(cast.regulator, path, first_on="2020-01-01", last_on="2020-01-02").json()[
        "items"
    ] == [one | {"examined": 0, "changed": 0, "breaks": 0} for one in answered.json()["items"]]
    refusal(stage.get(cast.supplier, path, **period), 403, "auth.regulator_only")
