"""A request costs no more than its bounds, and a defect no more than a line of log."""

import asyncio
import json

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from scf.http.bounds import BODY_BYTES_MAX, Bounded
from scf.main import create_app
from scf.settings import Settings

router = APIRouter()


@router.get("/test/defect")
def defect() -> None:
    """Break, with a secret at hand."""
    token = "kept-to-itself"
    raise ZeroDivisionError(len(token))


async def echo(scope, receive, send):
    message = await receive()
    await PlainTextResponse(message["body"])(scope, receive, send)


def ask(messages, *, headers=(), **bounds):
    """Serve one request whose body comes in `messages`, each after its delay."""
    sent = []
    waiting = list(messages)

    async def receive():
        delay, message = waiting.pop(0)
        await asyncio.sleep(delay)
        return message

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
    asyncio.run(Bounded(echo, **bounds)(scope, receive, send))
    return sent


def part(body, *, more=True, delay=0.0):
    return delay, {"type": "http.request", "body": body, "more_body": more}


def problem(sent):
    return sent[0]["status"], json.loads(sent[1]["body"])["code"]


def test_a_body_within_its_bound_arrives_whole():
    sent = ask([part(b"a" * 6), part(b"b" * 4, more=False)], bytes_max=10)
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"aaaaaabbbb")


def test_a_body_without_length_is_cut_at_its_bound():
    sent = ask([part(b"a" * 6), part(b"b" * 5), part(b"never read")], bytes_max=10)
    assert problem(sent) == (413, "request.too_large")


@pytest.mark.parametrize("length", [b"11", b"9" * 19])
def test_an_announced_body_is_refused_unread(length):
    assert problem(ask([], headers=[(b"content-length", length)], bytes_max=10)) == (
        413,
        "request.too_large",
    )


def test_a_body_that_trickles_in_is_refused_in_time():
    sent = ask([part(b"a", delay=0.05) for _ in range(1000)], seconds_max=0.2)
    assert problem(sent) == (422, "request.too_slow")


def test_a_caller_who_leaves_is_not_answered():
    assert ask([part(b"a"), (0, {"type": "http.disconnect"})]) == []


@pytest.fixture
def http(database_url):
    app = create_app(Settings.model_validate({"DATABASE_URL": database_url}))
    app.include_router(router)
    yield TestClient(app, raise_server_exceptions=False)
    app.state.database.close()


def test_nobody_needs_a_token_to_be_told_that_a_body_is_too_large(http):
    answer = http.post("/v1/receivables", content=b" " * (BODY_BYTES_MAX + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_a_defect_is_logged_on_one_line_without_values(http, capsys):
    assert http.get("/test/defect").json()["code"] == "internal"
    (line,) = [row for row in capsys.readouterr().out.splitlines() if "request.defect" in row]
    logged = json.loads(line)
    assert "ZeroDivisionError" in logged["exception"]
    assert "kept-to-itself" not in logged["exception"]
