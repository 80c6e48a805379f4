"""A running installation's API, as commands use it."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx

from scf.kernel.errors import Invalid, NotAllowed, Unavailable
from scf.runtime import settings_here

TIMEOUT_SECONDS = 60.0
ATTEMPTS_MAX = 4
PAUSE_SECONDS = 0.5  # before the second attempt, doubled before each one after


class ClientMissing(Invalid):
    """A command that uses the API shows whose it is: a client's id and secret."""

    code = "api.client_missing"
    title = "缺少客户端凭证：请用 --client 文件，或设置 SCF_CLIENT_ID 和 SCF_CLIENT_SECRET"
    title_en = "Give --client FILE, or set SCF_CLIENT_ID and SCF_CLIENT_SECRET"


class ClientRefused(NotAllowed):
    """The installation knows the client and its secret."""

    code = "api.client_refused"
    title = "平台不接受该客户端凭证"
    title_en = "The platform does not accept these client credentials"


class ApiUnreachable(Unavailable):
    """The installation answers."""

    code = "api.unreachable"
    title = "平台接口无法访问"
    title_en = "The platform's API cannot be reached"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client's id and secret, as `POST /v1/clients` answered them."""

    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def find(cls, file: Path | None) -> Self:
        """Read a JSON file `{"client_id", "client_secret"}`, else the environment. Raises ClientMissing."""
        found: Any = {
            "client_id": os.environ.get("SCF_CLIENT_ID"),
            "client_secret": os.environ.get("SCF_CLIENT_SECRET"),
        }
        if file is not None:
            try:
                found = json.loads(file.read_text())
            except (OSError, ValueError):
                raise ClientMissing(file=str(file)) from None
        match found:
            case {"client_id": str(identity), "client_secret": str(secret)} if identity and secret:
                return cls(identity, secret)
        raise ClientMissing(file=file and str(file))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: `replayed` where this very request had been answered before this run.

    `content` is that of what was read, which may be a file.
    """

    status: int
    body: Mapping[str, Any]
    replayed: bool
    content: bytes = b""


class Api:
    """A session with an installation; the token is fetched at once, and again when it has run out."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._credentials = credentials
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)
        self._authenticate()

    @classmethod
    def here(cls, client_file: Path | None) -> Self:
        """Open a session with `SCF_API_URL`, else with the installation that runs under `SCF_DATA`.

        Raises ClientMissing, ClientRefused, ApiUnreachable, and NotRunning where there is neither.
        """
        credentials = Credentials.find(client_file)
        url = os.environ.get("SCF_API_URL") or settings_here().public_url
        return cls(url, credentials)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def post(
        self, path: str, body: bytes, *, key: str, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a command, again where the platform was busy or out of reach; `key` makes that safe.

        Raises ApiUnreachable, ClientRefused.
        """
        headers = {"Idempotency-Key": key, "Content-Type": "application/octet-stream"}
        request = partial(self._http.post, path, content=body, params=params, headers=headers)
        response, attempt = self._send(request)
        replayed = attempt == 0 and "Idempotency-Replayed" in response.headers
        return Answer(response.status_code, _json(response), replayed)

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Answer:
        """Read, again where the platform was busy or out of reach. Raises ApiUnreachable, ClientRefused."""
        response, _ = self._send(partial(self._http.get, path, params=params))
        return Answer(
            response.status_code, _json(response), replayed=False, content=response.content
        )

    def _send(self, request: Callable[[], httpx.Response]) -> tuple[httpx.Response, int]:
        """Return what was answered, and how many attempts it took before that one."""
        renewed = False
        for attempt in range(ATTEMPTS_MAX):
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1) if attempt else 0)
            try:
                response = request()
            except httpx.TransportError:
                continue
            if response.status_code == httpx.codes.UNAUTHORIZED and not renewed:
                renewed = True
                self._authenticate()
            elif response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return response, attempt
        raise ApiUnreachable(url=str(self._http.base_url), attempts=ATTEMPTS_MAX)

    def _authenticate(self) -> None:
        """Fetch a token (RFC 6749, 4.4). Raises ClientRefused, ApiUnreachable."""
        credentials = self._credentials
        try:
            response = self._http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(credentials.client_id, credentials.client_secret),
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ApiUnreachable(url=str(self._http.base_url)) from None
        token = _json(response).get("access_token")
        if not response.is_success or not isinstance(token, str):
            raise ClientRefused(client=credentials.client_id, status=response.status_code)
        self._http.headers["Authorization"] = f"Bearer {token}"


def _json(response: httpx.Response) -> dict[str, Any]:
    """Return the object answered, empty where it is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
