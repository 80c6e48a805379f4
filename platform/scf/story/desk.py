"""A party's desk: its system calls the API, its people sign with their own keys."""

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from scf.kernel.errors import Conflict, Unavailable
from scf.parties import client as signing_client
from scf.parties.keystore import Identity
from scf.parties.rules import ROLES, STEPS
from scf.story.journal import Journal

PATIENCE_SECONDS: Final = 120
POLL_SECONDS: Final = 0.25

Body = Any


class StoryDiverged(Conflict):
    """The platform answers as the story expects."""

    code = "story.diverged"
    title = "演示结果与预期不符"
    title_en = "The story took another turn"


class StoryStuck(Unavailable):
    """What workers do is done within two minutes."""

    code = "story.stuck"
    title = "等待后台处理超时"
    title_en = "The workers did not get there in time"


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody who signs: a key, and the mandate for each role."""

    person: str
    identity: Identity
    mandates: Mapping[str, str]


class Api:
    """The platform over HTTP, for one client. Tokens are fetched anew when they have run out."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        """Prepare to call."""
        self._http = httpx.Client(base_url=url, timeout=60)
        self._credentials = (client_id, client_secret)
        self._token: str | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        content: bytes | None = None,
        json: Body = None,
        **parameters: Any,
    ) -> httpx.Response:
        """Send one request; a token that ran out is renewed once."""
        for fresh in (False, True):
            headers = {"Authorization": f"Bearer {self._bearer(fresh=fresh)}"}
            if key is not None:
                headers["Idempotency-Key"] = key
            answer = self._http.request(
                method, path, headers=headers, content=content, json=json, params=parameters
            )
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                break
        return answer

    def _bearer(self, *, fresh: bool) -> str:
        if self._token is None or fresh:
            answer = self._http.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=self._credentials
            )
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
        return str(self._token)


class Desk:
    """One party (or the operator) at work, each command named by its step in the story."""

    def __init__(
        self, api: Api, journal: Journal, *, name: str, hands: Mapping[str, Hand] | None = None
    ) -> None:
        """Sit down."""
        self.api = api
        self.journal = journal
        self.name = name
        self.hands = hands or {}

    def do(self, step: str, path: str, make: Callable[[], Body] | None = None) -> Any:
        """Carry a command out, once; return its answer. Raises StoryDiverged on a refusal."""
        answer = self._send(step, path, make)
        if answer["status"] >= httpx.codes.BAD_REQUEST:
            raise StoryDiverged(step=step, code=answer["body"].get("code"), path=path)
        return answer["body"]

    def refused(self, step: str, path: str, make: Callable[[], Body] | None = None) -> Any:
        """Carry out a command that is refused; return the problem. Raises StoryDiverged otherwise."""
        answer = self._send(step, path, make)
        if answer["status"] < httpx.codes.BAD_REQUEST:
            raise StoryDiverged(step=step, expected="a refusal", path=path)
        return answer["body"]

    def upload(self, step: str, path: str, content: bytes, **parameters: Any) -> dict[str, Any]:
        """Send a file, once; return status and answer, whatever it is."""
        key = _key(step, self._run())

        def send() -> dict[str, Any]:
            return _kept(self.api.send("POST", path, key=key, content=content, **parameters))

        answer: dict[str, Any] = self.journal.once(step, send)
        return answer

    def see(self, path: str, **parameters: Any) -> Any:
        """Read something as it is now. Raises StoryDiverged."""
        return self.read(path, **parameters).json()

    def read(self, path: str, **parameters: Any) -> httpx.Response:
        """Read bytes as they are now. Raises StoryDiverged."""
        answer = self.api.send("GET", path, **parameters)
        if answer.status_code != httpx.codes.OK:
            raise StoryDiverged(path=path, status=answer.status_code, answer=answer.text[:200])
        return answer

    def until(self, path: str, reached: Callable[[Any], bool]) -> Any:
        """Read until what workers do has been done. Raises StoryStuck."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.api.send("GET", path)
            if answer.status_code == httpx.codes.OK and reached(answer.json()):
                return answer.json()
            if time.monotonic() > deadline:
                raise StoryStuck(path=path, status=answer.status_code, answer=answer.text[:300])
            time.sleep(POLL_SECONDS)

    def awaited(self, step: str, path: str, reached: Callable[[Any], bool]) -> Any:
        """Wait for what workers do, once; return what was read then. Raises StoryStuck."""
        return self.journal.once(step, lambda: self.until(path, reached))

    def signers(self, act: str) -> list[dict[str, str]]:
        """Return who signs an act, in the order make, check."""
        roles = [ROLES[step].value for step in STEPS[act]]
        hands = [next(h for h in self.hands.values() if role in h.mandates) for role in roles]
        return [
            {"person": hand.person, "mandate": hand.mandates[role]}
            for hand, role in zip(hands, roles, strict=True)
        ]

    def sign(self, draft: Mapping[str, Any]) -> dict[str, Any]:
        """Sign a draft with the keys of everybody it names."""
        identities = [hand.identity for hand in self.hands.values()]
        return {"authorizations": signing_client.sign_all(draft, identities)}

    def _send(self, step: str, path: str, make: Callable[[], Body] | None) -> Any:
        body = self.journal.once(f"{step}:body", make) if make is not None else None
        key = _key(step, self._run())

        def send() -> dict[str, Any]:
            return _kept(self.api.send("POST", path, key=key, json=body))

        return self.journal.once(step, send)

    def _run(self) -> str:
        return str(self.journal.once("run", lambda: uuid.uuid4().hex))


def _key(step: str, run: str) -> str:
    return hashlib.sha256(f"{run}/{step}".encode()).hexdigest()


def _kept(answer: httpx.Response) -> dict[str, Any]:
    """Return an answer to keep. Raises StoryStuck for what may succeed when tried again."""
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise StoryStuck(path=str(answer.url.path), status=answer.status_code)
    return {"status": answer.status_code, "body": answer.json()}
