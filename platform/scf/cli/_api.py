"""A running installation's API, as commands use it."""

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx

from scf.kernel.errors import Invalid, NotAllowed, Unavailable
from scf.runtime import settings_here
from scf.settings import CLIENTS, OPERATOR

TIMEOUT_SECONDS = 60.0
ATTEMPTS_MAX = 4
PAUSE_SECONDS = 0.5  # before the second attempt, doubled before each one after
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ClientMissing(Invalid):
    """A command that uses the API shows whose it is: a client's id and secret."""

    code = "api.client_missing"
    title = "缺少客户端凭证：请用 --client 名称或文件，或设置 SCF_CLIENT_ID 和 SCF_CLIENT_SECRET"
    title_en = "Give --client NAME or FILE, or set SCF_CLIENT_ID and SCF_CLIENT_SECRET"


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
        """Read a JSON file `{"client_id", "client_secret"}`, else the environment.

        A bare name is that of a client of the installation under `SCF_DATA`. Raises ClientMissing.
        """
        found: Any = {
            "client_id": os.environ.get("SCF_CLIENT_ID"),
            "client_secret": os.environ.get("SCF_CLIENT_SECRET"),
        }
        if file is not None:
            try:
                found = json.loads(named(file).read_text())
            except (OSError, ValueError):
                raise ClientMissing(file=str(file), known=known()) from None
        match found:
            case {"client_id": str(identity), "client_secret": str(secret)} if identity and secret:
                return cls(identity, secret)
        raise ClientMissing(file=file and str(file), known=known())


def named(file: Path) -> Path:
    """Return the file of a client's credentials, given that file or the client's name."""
    if not _NAME.fullmatch(str(file)) or file.exists():
        return file
    data = Path(os.environ.get("SCF_DATA", ".scf"))
    operator = data / "secrets" / OPERATOR
    return operator if str(file) == operator.stem else data / CLIENTS / f"{file}.json"


def known() -> list[str]:
    """Return the names of the clients whose credentials this installation keeps."""
    data = Path(os.environ.get("SCF_DATA", ".scf"))
    files = [data / "secrets" / OPERATOR, *sorted((data / CLIENTS).glob("*.json"))]
    return [file.stem for file in files if file.exists()]


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
    """A session with an installation; the token is fetched at once, and again when it has run out.

    Without credentials it is a stranger's, who sees what is public.
    """

    def __init__(self, url: str, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)
        if credentials is not None:
            self._authenticate(credentials)

    @classmethod
    def here(cls, client_file: Path | None) -> Self:
        """Open a session with `SCF_API_URL`, else with the installation that runs under `SCF_DATA`.

        Raises ClientMissing, ClientRefused, ApiUnreachable, and NotRunning where there is neither.
        """
        credentials = Credentials.find(client_file)
        return cls(_address(), credentials)

    @classmethod
    def public(cls) -> Self:
        """Open a stranger's session with the same installation. Raises NotRunning."""
        return cls(_address(), None)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def post(
        self,
        path: str,
        body: bytes,
        *,
        key: str,
        params: Mapping[str, str] | None = None,
        media_type: str = "application/octet-stream",
    ) -> Answer:
        """Send a command, again where the platform was busy or out of reach; `key` makes that safe.

        Raises ApiUnreachable, ClientRefused.
        """
        headers = {"Idempotency-Key": key, "Content-Type": media_type}
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

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        params: Iterable[tuple[str, str]],
    ) -> httpx.Response:
        """Send any request, again where the platform was busy or out of reach.

        Raises ApiUnreachable, ClientRefused.
        """
        asked = partial(
            self._http.request, method, path, content=body, params=tuple(params), headers=headers
        )
        return self._send(asked)[0]

    def _send(self, request: Callable[[], httpx.Response]) -> tuple[httpx.Response, int]:
        """Return what was answered, and how many attempts it took before that one."""
        renewed = False
        for attempt in range(ATTEMPTS_MAX):
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1) if attempt else 0)
            try:
                response = request()
            except httpx.TransportError:
                continue
            credentials = self._credentials
            if response.status_code == httpx.codes.UNAUTHORIZED and credentials and not renewed:
                renewed = True
                self._authenticate(credentials)
            elif response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return response, attempt
        raise ApiUnreachable(url=str(self._http.base_url), attempts=ATTEMPTS_MAX)

    def _authenticate(self, credentials: Credentials) -> None:
        """Fetch a token (RFC 6749, 4.4). Raises ClientRefused, ApiUnreachable."""
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


def _address() -> str:
    return os.environ.get("SCF_API_URL") or settings_here().public_url


def _json(response: httpx.Response) -> dict[str, Any]:
    """Return the object answered, empty where it is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
