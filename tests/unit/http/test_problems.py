"""A refusal can be written whatever it quotes."""

import json

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from scf.http import problems
from scf.http.calls import Call, query
from scf.http.schemas import DateText, LotId, NothingIn, PageSize
from scf.kernel.errors import ValueInvalid
from scf.kernel.money import Money


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(10**400), "-1" + "0" * 400),
        (True, True),
        (None, None),
        (0.5, "0.5"),
        ("half \ud800", "half ?"),
        ([2**64, {"a": "\udfff"}], ["18446744073709551616", {"a": "?"}]),
        (Money(100), {"amount": "1.00", "currency": "CNY"}),
    ],
)
def test_quotes_any_value(value, shown):
    answer = problems.render(ValueInvalid(field="a\ud800", value=value))
    body = json.loads(answer.body)
    assert (body["field"], body["fields"]["value"]) == ("a?", shown)


class TestBodies:
    @pytest.fixture
    def client(self):
        app = FastAPI()
        problems.install(app)

        @app.post("/cancel")
        def cancel(body: NothingIn) -> None:
            del body

        return TestClient(app)

    def test_one_that_is_missing_is_asked_for(self, client):
        answer = client.post("/cancel")

        assert answer.status_code == 422
        assert answer.json()["code"] == "request.invalid"
        assert answer.json()["field"] == "body"
        (fault,) = answer.json()["fields"]["faults"]
        assert fault == {"field": "body", "rule": problems.NO_BODY}
        assert "{}" in fault["rule"]

    def test_one_with_something_in_it_is_still_told_which_field(self, client):
        (fault,) = client.post("/cancel", json={"x": 1}).json()["fields"]["faults"]

        assert fault["field"] == "x"


class TestParameters:
    @pytest.fixture
    def client(self):
        app, router = FastAPI(), APIRouter()
        problems.install(app)

        @query(router, "/lots/{lot_id}/days")
        def days(
            call: Call, lot_id: LotId, since: DateText | None = None, limit: PageSize = 1
        ) -> list[str]:
            del call, lot_id, since, limit
            return []

        app.include_router(router)
        return TestClient(app)

    @pytest.mark.parametrize(
        ("path", "code", "field"),
        [
            ("/lots/rcv_01k3e5m8q2x7v9b4c6d8f0g1h2/days", "id.invalid", "lot_id"),
            ("/lots/lot_01k3e5m8q2x7v9b4c6d8f0g1h2/days?since=x", "value.invalid", "since"),
            ("/lots/lot_01k3e5m8q2x7v9b4c6d8f0g1h2/days?limit=x", "request.invalid", "limit"),
        ],
    )
    def test_they_are_named_as_a_bodys_fields_are(self, client, path, code, field):
        answer = client.get(path)

        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
            *(422, code),
            field,
        )
