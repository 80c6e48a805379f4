"""How an endpoint is called: one thread, one transaction, committed before the answer leaves.

`command` wraps a POST: authenticate, take the Idempotency-Key, run, store the answer, commit, reply.
`query` wraps a GET: authenticate, read one snapshot, reply. Endpoints are plain functions that take a
`Call` and return a schema.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial, wraps
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import text
from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.http import idempotency, problems
from scf.http.auth import ACTING_PERSON, Actor, authenticate, require_scope
from scf.http.bodies import read_body
from scf.http.limits import Kind, Limits, Standing
from scf.http.schemas import named
from scf.kernel.clock import Clock
from scf.kernel.errors import Refused, ValueInvalid
from scf.kernel.ids import parse_id
from scf.settings import Settings


@dataclass(slots=True)
class Envelope:
    """What came in with a request, before any of it is believed."""

    request: Request
    body: bytes
    standing: Standing | None = None

    @property
    def database(self) -> Database:
        """The application's database."""
        database: Database = self.request.app.state.database
        return database

    @property
    def limits(self) -> Limits:
        """How often anybody may call."""
        limits: Limits = self.request.app.state.limits
        return limits

    def header(self, name: str) -> str | None:
        """Return a header's text, if it is there."""
        return self.request.headers.get(name)


async def open_envelope(request: Request) -> Envelope:
    """Read the body in the event loop; everything else happens in the endpoint's thread."""
    return Envelope(request, await read_body(request))


@dataclass(slots=True)
class Call:
    """What an endpoint works with. `now` is business time."""

    session: Session
    actor: Actor
    now: datetime
    clock: Clock
    settings: Settings
    if_match: int | None = None


EnvelopeDependency = Annotated[Envelope, Depends(open_envelope)]
Endpoint = Callable[..., Any]
Work = Callable[[Call], Response]
Admission = Callable[[Envelope, Call], None]
Runner = Callable[[Envelope, Work], Response]
Decorator = Callable[[Endpoint], Endpoint]


def command(
    router: APIRouter,
    path: str,
    *,
    status: int = 200,
    scope: str | None = None,
    limit: Kind = Kind.WRITES,
    **route: Any,
) -> Decorator:
    """Register a POST endpoint that changes something, for clients of this scope, so often a minute."""
    run = partial(_run_command, admit=_admission(scope, limit))
    return _register(router, path, run, method="POST", status=status, route=route)


def query(
    router: APIRouter,
    path: str,
    *,
    scope: str | None = None,
    limit: Kind = Kind.READS,
    **route: Any,
) -> Decorator:
    """Register a GET endpoint that reads, for clients of this scope, so often a minute."""
    run = partial(_run_query, admit=_admission(scope, limit))
    return _register(router, path, run, method="GET", status=200, route=route)


def recorded_query(
    router: APIRouter,
    path: str,
    *,
    scope: str | None = None,
    limit: Kind = Kind.READS,
    **route: Any,
) -> Decorator:
    """Register a GET endpoint that reads one snapshot and leaves a record of it, committed before the answer."""
    run = partial(_run_recorded, admit=_admission(scope, limit))
    route = {"openapi_extra": {"parameters": [_ACTING_PERSON]}, **route}
    return _register(router, path, run, method="GET", status=200, route=route)


def _admission(scope: str | None, limit: Kind) -> Admission:
    """Return what every call passes once: the client's purpose, and how often it calls."""

    def admit(envelope: Envelope, call: Call) -> None:
        require_scope(call.actor, scope)
        if envelope.standing is None:  # not again for a transaction that is tried again
            envelope.standing = envelope.limits.take(limit, call.actor.client_id.hex)

    return admit


_ACTING_PERSON = {
    "name": ACTING_PERSON,
    "in": "header",
    "required": False,
    "description": "操作人员编号，记入查看记录 For whom of one's people the system looks: kept with the look-up.",
    "schema": {"type": "string"},
    "example": "psn_01k3e5m8q2x7v9b4c6d8f0g1h2",
}
HEADERS = {
    "GET": [],
    "POST": [
        _ACTING_PERSON,
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "同一请求重发只执行一次 One key, one command: sent again, it is answered again.",
            "schema": {"type": "string", "maxLength": idempotency.KEY_LENGTH_MAX},
            "example": "confirm-2025-10-0001",
        },
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "description": "所依据的版本 The version (ETag) this is built on; another answers 409.",
            "schema": {"type": "string"},
            "example": '"3"',
        },
    ],
}


def _register(
    router: APIRouter, path: str, run: Runner, *, method: str, status: int, route: dict[str, Any]
) -> Decorator:
    def decorate(endpoint: Endpoint) -> Endpoint:
        signature = inspect.signature(endpoint)
        returns = signature.return_annotation
        is_response = inspect.isclass(returns) and issubclass(returns, Response)
        adapter = None if is_response else TypeAdapter(returns)

        @wraps(endpoint)
        def serve(envelope: Envelope, **arguments: Any) -> Response:
            def work(call: Call) -> Response:
                result = endpoint(call, **arguments)
                return result if adapter is None else _answer(adapter, result, status)

            response = run(envelope, work)
            if envelope.standing is not None:
                response.headers.update(envelope.standing.headers)
            return response

        own = [p for name, p in signature.parameters.items() if name != "call"]
        first = inspect.Parameter(
            "envelope", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=EnvelopeDependency
        )
        keyword = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=named(p.annotation, p.name))
            for p in own
        ]
        serve.__signature__ = signature.replace(parameters=[first, *keyword])  # type: ignore[attr-defined] # read by FastAPI
        serve.__annotations__ = {"envelope": EnvelopeDependency, "return": returns}
        router.add_api_route(
            path,
            serve,
            methods=[method],
            status_code=status,
            response_model=None if is_response else returns,
            operation_id=f"{endpoint.__module__.split('.')[1]}_{endpoint.__name__}",
            responses={
                "4XX": {"content": {problems.MEDIA_TYPE: {}}, "model": problems.Problem},
                **route.pop("responses", {}),
            },
            openapi_extra={
                "security": [{"client": []}],
                "parameters": HEADERS[method],
                **route.pop("openapi_extra", {}),
            },
            **route,
        )
        return endpoint

    return decorate


def _answer(adapter: TypeAdapter[Any], result: Any, status: int) -> Response:
    headers = {}
    version = getattr(result, "version", None)
    if isinstance(result, BaseModel) and isinstance(version, int):
        headers["ETag"] = f'"{version}"'
    return Response(adapter.dump_json(result), status, headers, "application/json")


def _call(envelope: Envelope, session: Session) -> Call:
    settings: Settings = envelope.request.app.state.settings
    clock = settings.clock
    actor = authenticate(session, envelope.header("authorization"), now=clock.real())
    if (person := envelope.header(ACTING_PERSON)) is not None:
        actor = replace(actor, person_id=parse_id("psn", person, field=ACTING_PERSON))
    return Call(session, actor, clock.now(), clock, settings, _if_match(envelope))


def _if_match(envelope: Envelope) -> int | None:
    value = envelope.header("if-match")
    if value is None:
        return None
    digits = value.strip().strip('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:  # noqa: PLR2004 - versions are small
        raise ValueInvalid(field="If-Match", value=value[:40])
    return int(digits)


def _run_query(envelope: Envelope, work: Work, *, admit: Admission) -> Response:
    with envelope.database.reading() as session:
        call = _call(envelope, session)
        admit(envelope, call)
        return work(call)


def _run_recorded(envelope: Envelope, work: Work, *, admit: Admission) -> Response:
    def attempt(session: Session) -> Response:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        call = _call(envelope, session)
        admit(envelope, call)
        return work(call)

    return envelope.database.run(attempt)


def _run_command(envelope: Envelope, work: Work, *, admit: Admission) -> Response:
    request = envelope.request
    refusal: tuple[idempotency.CommandKey, Refused] | None = None

    def attempt(session: Session) -> Response:
        nonlocal refusal
        call = _call(envelope, session)
        admit(envelope, call)
        key = idempotency.CommandKey.of(
            call.actor.client_id,
            envelope.header("idempotency-key"),
            method=request.method,
            target=f"{request.url.path}?{request.url.query}",
            body=envelope.body,
        )
        stored = idempotency.begin(session, key)
        if stored is not None:
            return _replay(stored)
        try:
            response = work(call)
        except Refused as error:
            refusal = (key, error)
            raise
        _keep(session, key, response, call)
        return response

    try:
        return envelope.database.run(attempt)
    except Refused:
        if refusal is None:
            raise
        return _keep_refusal(envelope, *refusal)


def _keep_refusal(envelope: Envelope, key: idempotency.CommandKey, error: Refused) -> Response:
    response = problems.render(error)

    def store(session: Session) -> Response:
        call = _call(envelope, session)
        stored = idempotency.begin(session, key)
        if stored is not None:
            return _replay(stored)
        error.outlive(session)
        _keep(session, key, response, call)
        return response

    return envelope.database.run(store)


def _keep(session: Session, key: idempotency.CommandKey, response: Response, call: Call) -> None:
    session.flush()
    headers = {k: v for k, v in response.headers.items() if k != "content-length"}
    idempotency.finish(
        session,
        key,
        status=response.status_code,
        headers=headers,
        body=bytes(response.body),
        now=call.clock.real(),
    )


def _replay(stored: idempotency.StoredAnswer) -> Response:
    headers = stored.headers | {"Idempotency-Replayed": "true"}
    return Response(stored.body, stored.status, headers)
