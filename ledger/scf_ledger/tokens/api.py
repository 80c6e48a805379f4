"""The service over HTTP: `POST /v1/tickets`, `POST /v1/tokens`, `GET /healthz`; every refusal is a problem document."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from scf_ledger import error_page
from scf_ledger.tokens import errors
from scf_ledger.tokens.schemas import (
    Health,
    Problem,
    TicketAnswer,
    TicketRequest,
    TokenAnswer,
    TokenRequest,
)
from scf_ledger.tokens.service import RATE_WINDOW, TokenService
from scf_ledger.tokens.store import Operator

log = logging.getLogger(__name__)

BODY_MAX = 128 * 1024  # bytes; 200 assets with the longest fields take 60,000
KEY_MAX = 200
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {"application/problem+json": {}}}
    for status in (400, 401, 413, 422, 429)
}


def create_app(service: TokenService) -> FastAPI:
    """Give the application around a service."""
    app = FastAPI(title="SCF token service", version="1", docs_url=None, redoc_url=None)
    _install_problems(app, service)

    def operator(request: Request) -> Operator:
        return _authenticated(request, service)

    def idempotency_key(
        asker: Annotated[Operator, Depends(operator)],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> str:
        key = idempotency_key or ""
        if not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
            refusal = errors.KeyMissing()
            service.refuse(asker, refusal)
            raise refusal
        return key

    @app.post("/v1/tickets", response_model=TicketAnswer, status_code=201, responses=PROBLEMS)
    def issue_ticket(
        asker: Annotated[Operator, Depends(operator)],
        key: Annotated[str, Depends(idempotency_key)],
        body: TicketRequest,
    ) -> Response:
        """Issue a ticket with which the asking operator may lock these assets' tokens."""
        issued = service.issue(asker, body, key)
        headers = {"Idempotency-Replayed": "true"} if issued.replayed else {}
        return Response(issued.body, 201, headers, "application/json")

    @app.post("/v1/tokens", responses=PROBLEMS)
    def name_assets(
        asker: Annotated[Operator, Depends(operator)], body: TokenRequest
    ) -> TokenAnswer:
        """Say the tokens of these assets; the same assets have the same tokens for everybody."""
        return service.name(asker, body)

    @app.get("/healthz")
    def healthz() -> Health:
        """Say who this service is."""
        return service.health()

    @app.get(error_page.PATH, include_in_schema=False)
    def explain() -> HTMLResponse:
        """Say what each refusal means: where a problem's `type` leads."""
        return HTMLResponse(error_page.render(_rows()))

    return app


def _rows() -> list[error_page.Row]:
    return [
        error_page.Row(one.code, one.status, one.title, one.detail, one.__doc__ or "")
        for one in errors.Refusal.__subclasses__()
    ]


def _install_problems(app: FastAPI, service: TokenService) -> None:
    @app.middleware("http")
    async def bounded(
        request: Request, follow: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        length = request.headers.get("content-length", "0")
        chunked = "transfer-encoding" in request.headers
        if chunked or not length.isdecimal() or int(length) > BODY_MAX:
            return _problem(errors.RequestTooLarge(limit=BODY_MAX))
        return await follow(request)

    @app.exception_handler(errors.Refusal)
    def refused(_: Request, refusal: errors.Refusal) -> Response:
        return _problem(refusal)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = [
            {"field": ".".join(str(part) for part in fault["loc"][1:]), "rule": fault["msg"]}
            for fault in error.errors()[:20]
        ]
        refusal = errors.RequestInvalid(faults=faults)
        try:
            # What is no JSON at all is refused before anybody asked who sent it.
            service.refuse(_authenticated(request, service), refusal)
        except errors.NotAdmitted as stranger:
            return _problem(stranger)
        return _problem(refusal)

    @app.exception_handler(HTTPException)
    def framework(_: Request, error: HTTPException) -> Response:
        title = {404: "未找到", 405: "不支持的请求方法"}.get(error.status_code, "请求被拒绝")
        return _answer(
            error.status_code,
            code=f"http.{error.status_code}",
            title=title,
            detail=str(error.detail),
            headers=error.headers,
        )


def _authenticated(request: Request, service: TokenService) -> Operator:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    try:
        # Another scheme's credentials are nobody's bearer token.
        return service.operator(bearer if scheme.lower() == "bearer" else "")
    except errors.NotAdmitted:
        # Not in the log, which strangers would fill.
        log.warning("refused a stranger from %s", request.client.host if request.client else "?")
        raise


def _problem(refusal: errors.Refusal) -> Response:
    headers = {}
    if refusal.status == errors.NotAdmitted.status:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == errors.RateExceeded.status:
        headers["Retry-After"] = str(RATE_WINDOW)
    return _answer(
        refusal.status,
        code=refusal.code,
        title=refusal.title,
        detail=refusal.detail,
        fields=refusal.fields,
        headers=headers,
    )


def _answer(
    status: int,
    *,
    code: str,
    title: str,
    detail: str,
    fields: dict[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {
        "type": "about:blank" if code.startswith("http.") else error_page.type_of(code),
        "title": title,
        "detail": detail,
        "status": status,
        "code": code,
        "fields": fields or {},
    }
    return JSONResponse(body, status, headers, "application/problem+json")
