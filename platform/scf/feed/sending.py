"""Sending one webhook: resolve, check, call exactly that address, read a little of the answer, all in time."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scf.feed import addresses, signing
from scf.feed.addresses import AddressForbidden, Resolve, WebhookUrlRefused
from scf.feed.deliveries import Outcome

SECONDS_MAX: Final = 15.0  # for the whole attempt, resolving and answer included
EXCERPT_BYTES_MAX: Final = 1_024
RETRY_AFTER_DIGITS_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class Sender:
    """What attempts have in common. `verify` is what TLS certificates are held to."""

    loopback: bool
    resolve: Resolve = addresses.resolve
    verify: ssl.SSLContext = field(default_factory=httpx.create_ssl_context)
    seconds_max: float = SECONDS_MAX

    async def send(
        self,
        url: str,
        body: bytes,
        *,
        message_id: str,
        keys: Sequence[Ed25519PrivateKey],
        now: datetime,
    ) -> Outcome:
        """Make one attempt; whatever goes wrong is an outcome. `now` is real time."""
        timestamp = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "scf-webhooks/1",
            "connection": "close",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signing.signature(keys, message_id, timestamp, body),
        }
        began = time.monotonic()

        def ended(
            status: int | None = None,
            problem: str | None = None,
            excerpt: str | None = None,
            retry_after: timedelta | None = None,
        ) -> Outcome:
            spent = int((time.monotonic() - began) * 1_000)
            return Outcome(status, problem, excerpt, spent, retry_after)

        try:
            async with asyncio.timeout(self.seconds_max):
                status, asked, excerpt = await self._post(url, body, headers)
        except (AddressForbidden, WebhookUrlRefused):
            return ended(problem="address_forbidden")
        except TimeoutError:
            return ended(problem="timeout")
        except httpx.ConnectError as error:
            is_tls = "SSL" in str(error) or "certificate" in str(error)
            return ended(problem="tls_failed" if is_tls else "connection_failed")
        except OSError:
            return ended(problem="name_not_resolved")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return ended(problem="answer_invalid")
        return ended(status, None, excerpt, asked)

    async def _post(
        self, url: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, timedelta | None, str]:
        target = addresses.check_url(url, loopback=self.loopback)
        found = await self.resolve(target.host, target.port)
        address = addresses.choose(found, loopback=self.loopback)
        # The address that was checked is called; the name goes into Host, SNI and the certificate's check.
        async with httpx.AsyncClient(
            verify=self.verify, trust_env=False, follow_redirects=False, timeout=self.seconds_max
        ) as client:
            request = client.build_request(
                "POST",
                target.url.copy_with(host=address),
                content=body,
                headers={**headers, "host": target.url.netloc.decode("ascii")},
                extensions={"sni_hostname": target.host},
            )
            answer = await client.send(request, stream=True)
            try:
                return answer.status_code, _retry_after(answer), await _excerpt(answer)
            finally:
                await answer.aclose()


async def _excerpt(answer: httpx.Response) -> str:
    """Return the beginning of an answer as it came, as printable text; the rest is not read."""
    begin = bytearray()
    async for piece in answer.aiter_raw(EXCERPT_BYTES_MAX):
        begin += piece
        if len(begin) >= EXCERPT_BYTES_MAX:
            break
    shown = bytes(begin[:EXCERPT_BYTES_MAX]).decode("utf-8", "replace")
    return "".join(symbol if symbol.isprintable() else " " for symbol in shown)


def _retry_after(answer: httpx.Response) -> timedelta | None:
    """Read `Retry-After` in seconds (RFC 9110, 10.2.3); a date is not waited for."""
    value = answer.headers.get("retry-after", "")
    if not value.isascii() or not value.isdigit() or len(value) > RETRY_AFTER_DIGITS_MAX:
        return None
    return timedelta(seconds=int(value))
