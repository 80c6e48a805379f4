"""Tasks: raised once, seen by their owner and the operator, closed once by the act that they ask for."""

import io
from datetime import date, timedelta

import pytest
from python_calamine import CalamineWorkbook

from scf.tasks import service
from scf.tasks.kinds import REGISTRATION_CANCEL, REGISTRATION_OBJECTION
from scf.tasks.models import State
from tests.support.actors import STORY_BEGINS

SUBJECT = "plg_01k3e5m8q2x7v9b4c6d8f0g1h2"


def raised(stage, *, kind=REGISTRATION_CANCEL, owner=None, due_on=date(2025, 11, 17), **other):
    with stage.database.transaction() as session:
        return service.raise_task(
            session,
            kind,
            other.pop("subject", SUBJECT),
            party_id=(owner or stage.cast.bank).party_id,
            role="registrar",
            due_on=due_on,
            now=STORY_BEGINS,
            **other,
        )


def closed(stage, **other):
    with stage.database.transaction() as session:
        return service.close(
            session, REGISTRATION_CANCEL, SUBJECT, now=STORY_BEGINS + timedelta(days=1), **other
        )


def listed(stage, who, **parameters):
    answer = stage.get(who, "/v1/tasks", **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_it_is_raised_once_for_an_occasion_also_after_it_was_closed(stage):
    assert raised(stage)
    assert not raised(stage, due_on=date(2025, 12, 31))
    assert raised(stage, occasion="2026-11-03")
    assert closed(stage, occasion="") == 1
    assert not raised(stage)

    shown = listed(stage, stage.cast.bank)
    assert [(one["state"], one["due_on"]) for one in shown] == [
        ("done", "2025-11-17"),
        ("open", "2025-11-17"),
    ]


def test_it_is_closed_once_and_names_whose_act_it_was(stage):
    raised(stage)
    client = stage.cast.bank.actor.client_id

    assert closed(stage, by=client) == 1
    assert closed(stage, state=State.VOID) == 0

    (shown,) = listed(stage, stage.cast.bank)
    assert (shown["state"], shown["closed_at"]) == ("done", "2025-11-04T02:00:00Z")
    assert shown["closed_by"].startswith("cli_")


def test_the_owner_and_the_operator_see_it_and_nobody_else(stage):
    raised(stage)
    cast = stage.cast

    (shown,) = listed(stage, cast.bank)
    assert shown["title"] == "办理注销登记"
    assert "10 个工作日" in shown["basis"]
    assert listed(stage, None) == [shown]
    assert listed(stage, None, party=cast.bank.id) == [shown]
    assert listed(stage, cast.second_bank) == []
    assert stage.get(cast.second_bank, f"/v1/tasks/{shown['id']}").status_code == 404
    assert stage.get(cast.bank, f"/v1/tasks/{shown['id']}").json() == shown
    assert listed(stage, cast.second_bank, party=cast.bank.id) == []


@pytest.mark.parametrize(("days", "overdue"), [(14, False), (15, True)])
def test_it_is_overdue_from_the_day_after_its_day(stage, days, overdue):
    raised(stage)
    stage.clock.set(STORY_BEGINS + timedelta(days=days))

    (shown,) = listed(stage, stage.cast.bank)

    assert shown["overdue"] is overdue
    assert len(listed(stage, stage.cast.bank, overdue="true")) == overdue


def test_a_day_that_was_not_known_is_set_once(stage):
    raised(stage, due_on=None)
    for day in (date(2027, 1, 8), date(2027, 1, 9)):
        with stage.database.transaction() as session:
            service.set_due(session, REGISTRATION_CANCEL, SUBJECT, day)

    (shown,) = listed(stage, stage.cast.bank)
    assert shown["due_on"] == "2027-01-08"
    assert shown["overdue"] is False


def test_the_list_is_filtered_paged_and_handed_out_as_a_file(stage):
    raised(stage)
    raised(stage, kind=REGISTRATION_OBJECTION, fields={"objection_no": "Y1"})
    bank = stage.cast.bank

    (objection,) = listed(stage, bank, kind=REGISTRATION_OBJECTION)
    assert objection["fields"] == {"objection_no": "Y1"}
    first = stage.get(bank, "/v1/tasks", limit=1).json()
    second = stage.get(bank, "/v1/tasks", limit=1, cursor=first["next"]).json()
    assert [one["kind"] for one in (*first["items"], *second["items"])] == [
        REGISTRATION_CANCEL,
        REGISTRATION_OBJECTION,
    ]
    answer = stage.get(bank, "/v1/tasks/file", kind=REGISTRATION_OBJECTION)
    header, row = (
        CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    )
    assert dict(zip(header, row, strict=True))["事项 title"] == "答复登记异议"
