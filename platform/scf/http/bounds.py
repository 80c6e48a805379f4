"""What a request may cost before anyone knows who sends it: its body is bounded in bytes and in time."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scf.http import problems
from scf.kernel.errors import Invalid, TooLarge

BODY_BYTES_MAX: Final = 16 * 1024 * 1024  # ten thousand lines in bulk take half of it
BODY_SECONDS_MAX: Final = 60.0  # for the whole of it to arrive


class BodyTooLarge(TooLarge):
    """A request's body stays under its bound, whatever it holds."""

    code = "request.too_large"
    title = "请求内容过大"
    title_en = "The request's body is too large"


class BodyTooSlow(Invalid):
    """A request's body arrives within its time."""

    code = "request.too_slow"
    title = "请求内容未在限定时间内送达"
    title_en = "The request's body did not arrive in time"


class Bounded:
    """ASGI middleware that takes a body in, whole and bounded, before anything else is done."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        bytes_max: int = BODY_BYTES_MAX,
        seconds_max: float = BODY_SECONDS_MAX,
    ) -> None:
        """Wrap an application."""
        self.app = app
        self.bytes_max = bytes_max
        self.seconds_max = seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.seconds_max):
                body = await self._body(scope, receive)
        except TimeoutError:
            refusal = problems.render(BodyTooSlow(seconds_max=int(self.seconds_max)))
            await refusal(scope, receive, send)
        except BodyTooLarge as error:
            await problems.render(error)(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await self.app(scope, _again(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Read the body. Raises BodyTooLarge, at once where its length is announced."""
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and len(length) < 20 and int(length) > self.bytes_max:  # noqa: PLR2004 - digits of 2^64
            raise BodyTooLarge(bytes_max=self.bytes_max)
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.bytes_max:
                raise BodyTooLarge(bytes_max=self.bytes_max)
            more = message.get("more_body", False)
        return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body already read, then whatever else comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
