"""A party's desk: its system calls the API, its people sign with their own keys."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from scf.evidence.proofs import EvidencePending
from scf.http.idempotency import InFlight
from scf.kernel.errors import Conflict
from scf.parties import client as signing_client
from scf.parties.keystore import Identity
from scf.parties.rules import ROLES, STEPS
from scf.pledges.proof import NotProvable
from scf.story.journal import Journal
from scf.story.waiting import NotYet, Patience

API_AWAY: Final = "平台接口应答 / the platform's API"
COMES_LATER: Final = frozenset({InFlight.code, EvidencePending.code, NotProvable.code})
"""Refusals that pass: in flight, not published yet, a lock that a chain lost and takes anew."""

Body = Any


class StoryDiverged(Conflict):
    """The platform answers as the story expects."""

    code = "story.diverged"
    title = "演示结果与预期不符"
    title_en = "The story took another turn"


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody who signs: a key, and the mandate for each role."""

    person: str
    identity: Identity
    mandates: Mapping[str, str]


class Api:
    """The platform over HTTP, for one client.

    A request that found nobody, or a server that is busy, is sent again: its key makes that safe.
    """

    def __init__(self, url: str, client_id: str, client_secret: str, patience: Patience) -> None:
        """Prepare to call."""
        self.patience = patience
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
        """Send a request until it is answered; a token that ran out is renewed. Raises StoryStuck."""

        def attempt() -> httpx.Response:
            try:
                headers = {"Authorization": f"Bearer {self._bearer()}"}
                if key is not None:
                    headers["Idempotency-Key"] = key
                answer = self._http.request(
                    method, path, headers=headers, content=content, json=json, params=parameters
                )
            except httpx.TransportError as error:
                raise NotYet(f"{path}: {type(error).__name__}") from error
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                self._token = None
                raise NotYet(f"{path}: {answer.text[:200]}")
            if _comes_later(answer):
                raise NotYet(f"{path}: {answer.text[:200]}")
            return answer

        return self.patience.until(API_AWAY, attempt)

    def _bearer(self) -> str:
        if self._token is None:
            answer = self._http.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=self._credentials
            )
            if _comes_later(answer):
                raise NotYet(f"/oauth/token: {answer.status_code}")
            if not answer.is_success:
                raise StoryDiverged(path="/oauth/token", answer=answer.text[:200])
            self._token = str(answer.json()["access_token"])
        return self._token


def _comes_later(answer: httpx.Response) -> bool:
    """Say whether the same request may be answered otherwise in a moment."""
    if answer.status_code == httpx.codes.CONFLICT:
        return answer.json().get("code") in COMES_LATER
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE


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

    def upload(self, step: str, path: str, content: bytes, **parameters: Any) -> Any:
        """Send a file, once; return the answer. Raises StoryDiverged on a refusal."""

        def send() -> dict[str, Any]:
            key = _key(step, self._run())
            return _kept(self.api.send("POST", path, key=key, content=content, **parameters))

        answer = self.journal.once(step, send)
        if answer["status"] >= httpx.codes.BAD_REQUEST:
            raise StoryDiverged(step=step, code=answer["body"].get("code"), path=path)
        return answer["body"]

    def see(self, path: str, **parameters: Any) -> Any:
        """Read something as it is now. Raises StoryDiverged."""
        return self.read(path, **parameters).json()

    def read(self, path: str, **parameters: Any) -> httpx.Response:
        """Read bytes as they are now. Raises StoryDiverged."""
        answer = self.api.send("GET", path, **parameters)
        if answer.status_code != httpx.codes.OK:
            raise StoryDiverged(path=path, status=answer.status_code, answer=answer.text[:200])
        return answer

    def until(self, what: str, path: str, reached: Callable[[Any], bool]) -> httpx.Response:
        """Read until what workers do has been done. Raises StoryStuck, StoryDiverged."""

        def look() -> httpx.Response:
            answer = self.read(path)
            if not reached(answer.json()):
                raise NotYet(f"{path}: {answer.text[:250]}")
            return answer

        return self.api.patience.until(what, look)

    def awaited(self, step: str, what: str, path: str, reached: Callable[[Any], bool]) -> Any:
        """Wait for what workers do, once; return what was read then. Raises StoryStuck, StoryDiverged."""
        return self.journal.once(step, lambda: self.until(what, path, reached).json())

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

        def send() -> dict[str, Any]:
            key = _key(step, self._run())
            return _kept(self.api.send("POST", path, key=key, json=body))

        return self.journal.once(step, send)

    def _run(self) -> str:
        return str(self.journal.once("run", lambda: uuid.uuid4().hex))


def _key(step: str, run: str) -> str:
    return hashlib.sha256(f"{run}/{step}".encode()).hexdigest()


def _kept(answer: httpx.Response) -> dict[str, Any]:
    """Return an answer to keep. Raises StoryDiverged for a defect of the server's."""
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise StoryDiverged(path=str(answer.url.path), status=answer.status_code)
    return {"status": answer.status_code, "body": answer.json()}
