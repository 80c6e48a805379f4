"""A command happens once, is true before it is answered, and leaves nothing when it is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select, text

from scf.db.outbox import Effect, enqueue
from scf.http.auth import OAuthClient, create_client, issue_token
from scf.http.calls import Call, command, query
from scf.kernel.clock import Clock
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.main import create_app
from scf.settings import Settings


class TooMany(Conflict):
    code = "test.too_many"
    title = "太多"
    title_en = "Too many"


class CountIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int


class CountOut(BaseModel):
    count: int
    version: int = 7


router = APIRouter()
gate = threading.Event()
entered = threading.Event()


@command(router, "/test/effects", status=201)
def add_effects(call: Call, body: CountIn) -> CountOut:
    """Enqueue so many."""
    for _ in range(body.count):
        enqueue(call.session, "test")
    if body.count > 10:
        raise TooMany(count=body.count, count_max=10)
    if body.count == 0:
        call.session.execute(text("SELECT 1/0"))
    return CountOut(count=body.count)


@command(router, "/test/slow")
def slow(call: Call) -> CountOut:
    """Wait until told."""
    entered.set()
    gate.wait(10)
    enqueue(call.session, "test")
    return CountOut(count=1)


@command(router, "/test/unstorable")
def unstorable(call: Call) -> CountOut:
    """Answer, then fail to commit."""
    call.session.execute(
        text("CREATE TEMP TABLE late (x int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP")
    )
    call.session.execute(text("INSERT INTO late VALUES (1), (1)"))
    return CountOut(count=1)


@query(router, "/test/effects")
def count_effects(call: Call) -> CountOut:
    """Count."""
    return CountOut(count=call.session.scalar(select(func.count()).select_from(Effect)) or 0)


@query(router, "/test/writing-read")
def writing_read(call: Call) -> CountOut:
    """Try to write in a read."""
    enqueue(call.session, "test")
    call.session.flush()
    return CountOut(count=1)


@pytest.fixture
def app(database_url):
    app = create_app(Settings(DATABASE_URL=database_url))
    app.include_router(router)
    yield app
    app.state.database.close()


@pytest.fixture
def http(app):
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def bearer(database):
    def make(name="system"):
        now = Clock().real()
        with database.transaction() as session:
            client, secret = create_client(session, name=name, party_id=None, now=now)
            return issue_token(session, public_id("cli", client.id), secret, now=now)

    return make


@pytest.fixture
def headers(bearer):
    return {"Authorization": f"Bearer {bearer()}", "Idempotency-Key": "one"}


def effects(http, headers):
    return http.get("/test/effects", headers=headers).json()["count"]


def test_a_command_is_done_and_carries_its_version(http, headers):
    answer = http.post("/test/effects", headers=headers, json={"count": 2})

    assert (answer.status_code, answer.json(), answer.headers["etag"]) == (
        201,
        {"count": 2, "version": 7},
        '"7"',
    )
    assert effects(http, headers) == 2


def test_sent_again_it_is_answered_again_and_done_once(http, headers):
    first = http.post("/test/effects", headers=headers, json={"count": 2})
    second = http.post("/test/effects", headers=headers, json={"count": 2})

    assert second.headers["idempotency-replayed"] == "true"
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["etag"] == first.headers["etag"]
    assert effects(http, headers) == 2


def test_the_key_with_another_body_is_refused(http, headers):
    http.post("/test/effects", headers=headers, json={"count": 2})
    other = http.post("/test/effects", headers=headers, json={"count": 3})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert effects(http, headers) == 2


def test_the_key_with_another_query_is_refused(http, headers):
    http.post("/test/effects?mode=atomic", headers=headers, json={"count": 2})
    other = http.post("/test/effects?mode=continue", headers=headers, json={"count": 2})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")


def test_a_refusal_leaves_nothing_and_is_answered_again(http, headers):
    first = http.post("/test/effects", headers=headers, json={"count": 11})
    second = http.post("/test/effects", headers=headers, json={"count": 11})

    assert first.status_code == 409
    assert first.headers["content-type"] == "application/problem+json"
    problem = first.json()
    assert problem["code"] == "test.too_many"
    assert problem["title"] == "太多"
    assert problem["fields"] == {"count": 11, "count_max": 10}
    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"
    assert effects(http, headers) == 0


def test_keys_belong_to_their_client(http, headers, bearer):
    http.post("/test/effects", headers=headers, json={"count": 2})
    others = headers | {"Authorization": f"Bearer {bearer('other')}"}

    assert (
        "idempotency-replayed"
        not in http.post("/test/effects", headers=others, json={"count": 3}).headers
    )
    assert effects(http, headers) == 5


def test_while_in_flight_the_same_command_is_told_so(http, headers):
    gate.clear()
    entered.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(http.post, "/test/slow", headers=headers)
        assert entered.wait(10)
        second = http.post("/test/slow", headers=headers)
        gate.set()

        assert (second.status_code, second.json()["code"]) == (409, "idempotency.in_flight")
        assert first.result().status_code == 200
    assert effects(http, headers) == 1
    assert http.post("/test/slow", headers=headers).headers["idempotency-replayed"] == "true"


def test_a_command_without_a_key_is_refused(http, headers):
    del headers["Idempotency-Key"]
    answer = http.post("/test/effects", headers=headers, json={"count": 2})

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_missing")
    assert effects(http, headers) == 0


def test_what_cannot_be_committed_is_never_answered_as_done(http, headers):
    answer = http.post("/test/unstorable", headers=headers)

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"


def test_a_defect_is_a_problem_without_a_trace_and_is_not_kept(http, headers):
    answer = http.post("/test/effects", headers=headers, json={"count": 0})
    again = http.post("/test/effects", headers=headers, json={"count": 0})

    assert answer.status_code == again.status_code == 500
    assert "idempotency-replayed" not in again.headers
    assert "division" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("sent", [None, "Bearer nonsense", "Basic eDp5", "Bearer", "bearer  "])
def test_nobody_unknown_comes_in(http, headers, sent):
    headers.pop("Authorization")
    if sent:
        headers["Authorization"] = sent
    for answer in (
        http.post("/test/effects", headers=headers, json={"count": 1}),
        http.get("/test/effects", headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_client_is_out_at_once(http, headers, database):
    assert http.get("/test/effects", headers=headers).status_code == 200
    with database.transaction() as session:
        session.query(OAuthClient).update({"revoked_at": Clock().real()})

    assert http.get("/test/effects", headers=headers).status_code == 401


def test_a_read_cannot_write(http, headers):
    assert http.get("/test/writing-read", headers=headers).status_code == 500
    assert effects(http, headers) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"count":"x"}', b'{"count":1,"more":2}', b'{"count":1e400}', b"\xff\xfe"],
)
def test_garbage_is_a_problem_that_names_the_field(http, headers, body):
    answer = http.post(
        "/test/effects", headers=headers | {"Content-Type": "application/json"}, content=body
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "request.invalid"
    assert effects(http, headers) == 0
