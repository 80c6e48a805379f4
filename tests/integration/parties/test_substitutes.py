"""A substitute (代理人) signs within another's mandate, during its dates, and ends with it."""

from typing import Any

import pytest
from sqlalchemy import func, select

from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.parties.models import Mandate
from scf.parties.rules import Role
from tests.support.actors import MANDATES_END, STORY_BEGINS, Stage
from tests.support.parties import mandate_body

PATH = "/v1/persons/{person}/mandates"


def original(stage: Stage) -> str:
    return public_id("mnd", stage.cast.anchor.people["approver"].mandates[Role.CHECKER])


def grant(stage: Stage, person: str, **changes: Any):
    body = mandate_body(
        **{
            "role": "checker",
            "acts": ["confirm"],
            "limit": {"amount": "1000.00", "currency": "CNY"},
            "substitutes": original(stage),
            **changes,
        }
    )
    return stage.post(None, PATH.format(person=person), body)


def newcomer(stage: Stage) -> str:
    path = f"/v1/parties/{stage.cast.anchor.id}/persons"
    return str(stage.post(None, path, {"name": "王代(示例)"}).json()["id"])


def counted(stage: Stage) -> int:
    with stage.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Mandate)) or 0


def shown(stage: Stage, person: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.get(None, PATH.format(person=person)).json()
    return found


def test_a_substitute_has_a_mandate_of_their_own(stage: Stage):
    person = newcomer(stage)

    answer = grant(stage, person, valid_to="2025-11-17T00:00:00Z")

    assert answer.status_code == 201, answer.text
    assert answer.json()["substitutes"] == original(stage)
    assert [one["id"] for one in shown(stage, person)] == [answer.json()["id"]]


BEYOND = {
    "role": {"role": "maker"},
    "limit": {"limit": {"amount": "5000000.01", "currency": "CNY"}},
    "valid_to": {"valid_to": instant_text(MANDATES_END.replace(year=2028))},
    "valid_from": {"valid_from": instant_text(STORY_BEGINS.replace(year=2020))},
}


@pytest.mark.parametrize("field", BEYOND)
def test_it_goes_no_further_than_the_one_it_stands_in_for(stage: Stage, field: str):
    person, before = newcomer(stage), counted(stage)

    answer = grant(stage, person, **BEYOND[field])

    assert (answer.status_code, answer.json()["code"]) == (403, "mandate.substitute_beyond")
    assert answer.json()["field"] == field
    assert counted(stage) == before


def test_nobody_stands_in_for_themselves_or_for_another_party(stage: Stage):
    own = grant(stage, stage.cast.anchor.people["approver"].person)
    foreign = grant(stage, stage.cast.supplier.people["owner"].person)

    assert own.json()["code"] == foreign.json()["code"] == "mandate.substitute_beyond"


def test_it_ends_at_once_with_the_mandate_it_stands_in_for(stage: Stage):
    first, second = newcomer(stage), newcomer(stage)
    replaced = grant(stage, first, substitutes=None).json()["id"]
    stands_in = grant(stage, second, substitutes=replaced)
    assert stands_in.status_code == 201, stands_in.text

    stage.post(None, f"/v1/mandates/{replaced}/revoke", {"reason": "调岗"})

    (ended,) = shown(stage, second)
    assert ended["revocation_reason"] == "调岗"
    again = grant(stage, second, substitutes=replaced)
    assert (again.status_code, again.json()["code"]) == (403, "mandate.revoked")


def test_it_ends_when_the_person_leaves(stage: Stage):
    first, second = newcomer(stage), newcomer(stage)
    replaced = grant(stage, first, substitutes=None).json()["id"]
    assert grant(stage, second, substitutes=replaced).status_code == 201

    stage.post(None, f"/v1/persons/{first}/revoke", {"reason": "离职"})

    assert shown(stage, second)[0]["revoked_at"] is not None
