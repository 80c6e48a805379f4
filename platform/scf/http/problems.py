"""RFC 9457 problem details, and the only table from kinds of error to HTTP."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from scf.kernel import errors
from scf_ledger import canonical, error_page

MEDIA_TYPE = "application/problem+json"
STATUS: list[tuple[type[errors.SCFError], int]] = [
    (errors.Unauthenticated, 401),
    (errors.NotAllowed, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.LimitExceeded, 409),
    (errors.TooLarge, 413),
    (errors.Invalid, 422),
    (errors.Throttled, 429),
    (errors.Unavailable, 503),
]
INTEGER_LIMIT = 2**53  # beyond it a JSON number means different things to different readers
log = structlog.get_logger()


class RequestInvalid(errors.Invalid):
    """A request must fit the endpoint's schema."""

    code = "request.invalid"
    title = "请求内容不符合接口要求"
    title_en = "The request does not fit the endpoint"


class Problem(BaseModel):
    """What every refusal looks like."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/docs/errors#capacity.exceeded"])
    title: str = Field(examples=["可用额度不足"])
    detail: str
    status: int
    code: str = Field(examples=["capacity.exceeded"])
    field: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)


def status_of(error: errors.SCFError) -> int:
    """Return the HTTP status of an expected error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def render(error: errors.SCFError) -> Response:
    """Return the problem document of an expected error, with its numbers."""
    status = status_of(error)
    body = {
        "type": error_page.type_of(error.code),
        "title": error.title,
        "detail": error.title_en,
        "status": status,
        "code": error.code,
        "fields": plain(error.fields),
    }
    if error.field is not None:
        body["field"] = clean(error.field)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004 - RFC 6750
    if isinstance(error, errors.Unavailable):
        headers["Retry-After"] = "1"
    if isinstance(error, errors.Throttled):
        headers |= {**error.headers, "Retry-After": str(error.retry_after)}
    return Response(canonical.encode(body), status, headers, MEDIA_TYPE)


def plain(value: Any) -> Any:
    """Return a value as JSON carries it; money in its wire form, what has none as text."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < INTEGER_LIMIT else str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return plain(value.to_json()) if hasattr(value, "to_json") else str(value)


def clean(value: str) -> str:
    """Return text that any JSON reader takes: no lone surrogates."""
    return value.encode("utf-8", "replace").decode()


NO_BODY: Final = "请求体缺失：请发送 JSON 对象，无内容时发送 {} · The body is missing: send a JSON object, {} where there is nothing to say"


PLACES: Final = ("body", "query", "path", "header")
"""Where a value came from, which is not part of its name."""


def _from_validation(error: RequestValidationError) -> RequestInvalid:
    faults = [_fault(one["loc"], one["type"], one["msg"]) for one in error.errors()[:20]]
    return RequestInvalid(field=faults[0]["field"] or None, faults=faults)


def _fault(loc: Sequence[int | str], kind: str, message: str) -> dict[str, str]:
    """Say which field or parameter breaks which rule; a body that is not there at all is named as such."""
    if (*loc, kind) == ("body", "missing"):
        return {"field": "body", "rule": NO_BODY}
    named = loc[1:] if loc and loc[0] in PLACES else loc
    return {"field": ".".join(map(str, named)), "rule": message[:200]}


def concrete() -> list[type[errors.SCFError]]:
    """Return every error with a code of its own that this process has loaded, by code."""
    found = {error for error in _below(errors.SCFError) if "code" in vars(error)}
    return sorted(found, key=lambda error: error.code)


def _below(kind: type[errors.SCFError]) -> Iterator[type[errors.SCFError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def explained(error: type[errors.SCFError]) -> error_page.Row:
    """Return what a page of errors says of one: of what has no status of its own, that it is a defect."""
    status = next((status for kind, status in STATUS if issubclass(error, kind)), 500)
    rule = " ".join((error.__doc__ or "").split())
    return error_page.Row(error.code, status, error.title, error.title_en, rule)


router = APIRouter()


@router.get(error_page.PATH, include_in_schema=False)
def explain() -> HTMLResponse:
    """Say what each refusal means: where a problem's `type` leads."""
    return HTMLResponse(error_page.render(map(explained, concrete())))


def install(app: FastAPI) -> None:
    """Make the application answer every error as a problem, and never with a stack trace."""

    async def expected(_: Request, error: Exception) -> Response:
        assert isinstance(error, errors.SCFError)
        return render(error)

    async def malformed(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(_from_validation(error))

    async def framework(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body = {
            "type": "about:blank",
            "title": {404: "未找到", 405: "不支持的请求方法"}.get(error.status_code, "请求被拒绝"),
            "detail": str(error.detail),
            "status": error.status_code,
            "code": f"http.{error.status_code}",
            "fields": {},
        }
        return Response(
            canonical.encode(body), error.status_code, dict(error.headers or {}), MEDIA_TYPE
        )

    async def defect(request: Request, error: Exception) -> Response:
        log.error("request.defect", path=request.url.path, exc_info=error)
        body = {
            "type": "about:blank",
            "title": "系统内部错误",
            "detail": "Internal error; nothing was stored",
            "status": 500,
            "code": "internal",
            "fields": {},
        }
        return Response(canonical.encode(body), 500, media_type=MEDIA_TYPE)

    app.add_exception_handler(errors.SCFError, expected)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Exception, defect)
