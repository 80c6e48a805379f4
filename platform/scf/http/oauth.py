"""The token endpoint: OAuth 2.0 client credentials (RFC 6749, 4.4 and 5)."""

from typing import Annotated
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from scf.http.auth import TOKEN_LIFETIME, ClientInvalid, basic_credentials, digest, issue_token
from scf.http.calls import Envelope, open_envelope
from scf.http.limits import Kind
from scf.settings import Settings

FORM_BYTES_MAX = 4_096
_FORM = "application/x-www-form-urlencoded"
_FIELDS = ("grant_type", "client_id", "client_secret", "scope")
_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}

router = APIRouter(tags=["身份 Access"])


class TokenOut(BaseModel):
    """A bearer token (RFC 6749, 5.1)."""

    access_token: str = Field(examples=["w1x7rWmY0kq0xjF0x1m5gqWJc3b5v7t2zq9f8a6s4d0"])
    token_type: str = "Bearer"  # noqa: S105 - the type's name
    expires_in: int = Field(examples=[3600], description="秒 seconds")


class TokenRefusal(BaseModel):
    """Why not (RFC 6749, 5.2), with the platform's own words beside."""

    error: str = Field(examples=["invalid_client"])
    error_description: str


_REQUEST_BODY = {
    "required": True,
    "content": {
        _FORM: {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "properties": {
                    "grant_type": {"type": "string", "enum": ["client_credentials"]},
                    "client_id": {"type": "string", "examples": ["cli_01k3e5m8q2x7v9b4c6d8f0g1h2"]},
                    "client_secret": {"type": "string"},
                },
            }
        }
    },
}


@router.post(
    "/oauth/token",
    response_model=TokenOut,
    responses={400: {"model": TokenRefusal}, 401: {"model": TokenRefusal}},
    openapi_extra={"requestBody": _REQUEST_BODY},
)
def token(envelope: Annotated[Envelope, Depends(open_envelope)]) -> Response:
    """Exchange a client's id and secret for a bearer token of an hour.

    So many a minute for a client, and for a network address. The client shows itself by HTTP Basic, or by `client_id` and `client_secret` in the form, never both.
    """
    form = _read_form(envelope)
    if form is None or "grant_type" not in form:
        return _refuse(400, "invalid_request", "请求格式不正确 The form is not valid")
    if form["grant_type"] != "client_credentials":
        return _refuse(400, "unsupported_grant_type", "仅支持 client_credentials")
    if form.get("scope"):
        return _refuse(400, "invalid_scope", "不支持 scope 参数 There are no scopes")
    authorization = envelope.header("authorization")
    if authorization is not None and ("client_id" in form or "client_secret" in form):
        return _refuse(400, "invalid_request", "只能使用一种身份验证方式 Authenticate in one way")
    basic = basic_credentials(authorization)
    if basic is not None:
        identity, secret = unquote_plus(basic[0]), unquote_plus(basic[1])
    else:
        identity, secret = form.get("client_id", ""), form.get("client_secret", "")
    _count(envelope, identity)
    return _issue(envelope, identity, secret)


def _count(envelope: Envelope, identity: str) -> None:
    """Count who asks, by address and by the name it gives. Raises TooManyRequests."""
    client = envelope.request.client
    envelope.limits.take(Kind.ADDRESS, client.host if client else "unknown")
    envelope.limits.take(Kind.TOKENS, digest(identity).hex())


def _issue(envelope: Envelope, identity: str, secret: str) -> Response:
    settings: Settings = envelope.request.app.state.settings
    try:
        with envelope.database.transaction() as session:
            issued = issue_token(session, identity, secret, now=settings.clock.real())
    except ClientInvalid as error:
        return _refuse(401, "invalid_client", f"{error.title} {error.title_en}")
    body = TokenOut(access_token=issued, expires_in=int(TOKEN_LIFETIME.total_seconds()))
    return JSONResponse(body.model_dump(), headers=_NOT_KEPT)


def _read_form(envelope: Envelope) -> dict[str, str] | None:
    """Return the form's fields, None where it is not a form or names a field twice."""
    media_type = (envelope.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != _FORM or len(envelope.body) > FORM_BYTES_MAX:
        return None
    try:
        pairs = parse_qsl(
            envelope.body.decode(), keep_blank_values=True, max_num_fields=10, errors="strict"
        )
    except ValueError:
        return None
    known = [(name, value) for name, value in pairs if name in _FIELDS]
    fields = dict(known)
    return fields if len(fields) == len(known) else None


def _refuse(status: int, error: str, description: str) -> Response:
    headers = {**_NOT_KEPT, "WWW-Authenticate": 'Basic realm="scf"'} if status == 401 else _NOT_KEPT  # noqa: PLR2004 - RFC 6749
    body = TokenRefusal(error=error, error_description=description)
    return JSONResponse(body.model_dump(), status, headers)
