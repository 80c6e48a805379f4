"""Suppliers invited by link, and what they hand in, for tests."""

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding

from scf.http.auth import Actor, digest
from scf.kernel.clock import parse_date
from scf.kernel.ids import parse_id
from scf.parties.authority import subject_name
from scf.parties.keystore import Identity
from scf.parties.models import SizeClass
from scf.programmes import declaration
from scf.programmes.declaration import Declaration
from scf_ledger import uscc
from scf_ledger.encoding import b64url
from scf_ledger.event_types import Scope
from tests.support.actors import AUTHORITY_BEGINS, PASSPHRASE, Company, Stage, pem_of


def fresh_uscc() -> str:
    """A valid code that nobody has."""
    body = f"91500118{secrets.randbelow(10**9):09}"
    return body + uscc.check_digit(body)


@dataclass(frozen=True)
class Guest:
    """An invited enterprise with the link's token, and its future system's secret."""

    stage: Stage
    id: str
    uscc: str
    token: str
    secret: str

    @property
    def path(self) -> str:
        return f"/v1/invitations/{self.id}"

    def letter(self, token: str | None = None) -> httpx.Response:
        headers = {"Invitation-Token": token or self.token}
        return self.stage.http.get(f"{self.path}/letter", headers=headers)

    def identity(self, *, code: str | None = None, person: str | None = None) -> Identity:
        """A key certified for the enterprise and the person that the letter names."""
        keys, name = self.stage.cast.keys, uuid.uuid4().hex
        subject = subject_name(
            code=code or self.uscc, person=person or self.letter().json()["person"]
        )
        request = keys.new(name, subject=subject, passphrase=PASSPHRASE)
        authority = self.stage.cast.authorities[Scope.ENTERPRISE]
        certificate = authority.issue(request, valid_from=AUTHORITY_BEGINS)
        pem = certificate.public_bytes(Encoding.PEM).decode()
        return keys.attach(name, pem, passphrase=PASSPHRASE)

    def acceptance(self, identity: Identity | None = None, **changes: Any) -> dict[str, Any]:
        """An `AcceptanceIn`."""
        letter, identity = self.letter().json(), identity or self.identity()
        said = {
            "origin": letter["origin"],
            "invitation": self.id,
            "challenge": letter["challenge"],
            "uscc": self.uscc,
            "name": "永川恒兴模具(示例)",
            "size_class": SizeClass.MICRO,
            "size_declared_on": parse_date("2025-10-31"),
            "client_name": "ERP",
            "client_secret_sha256": b64url(digest(self.secret)),
            **changes,
        }
        signed = declaration.sign(Declaration(**said), identity.key, identity.certificate)
        return {
            "token": self.token,
            "jws": signed,
            "certificate": pem_of(identity),
            "legal_representative": "赵六(示例)",
        }

    def accept(self, body: dict[str, Any]) -> httpx.Response:
        return self.stage.http.post(f"{self.path}/accept", json=body)

    def come_in(self) -> Actor:
        """Accept; return who the new system calls as."""
        answer = self.accept(self.acceptance())
        assert answer.status_code == 201, answer.text
        came = answer.json()
        return Actor(parse_id("cli", came["client"]), parse_id("pty", came["party"]))


def invitation_body(stage: Stage, token: str, code: str, **other: Any) -> dict[str, Any]:
    """An `InvitationIn`."""
    return {
        "programme": stage.cast.programme,
        "uscc": code,
        "name": "永川恒兴模具(示例)",
        "contact": "王五(示例)",
        "token_sha256": b64url(digest(token)),
        **other,
    }


def invited(stage: Stage, code: str | None = None, who: Company | None = None) -> Guest:
    """Have the anchor invite somebody new."""
    token, code = secrets.token_urlsafe(32), code or fresh_uscc()
    body = invitation_body(stage, token, code)
    answer = stage.post(who or stage.cast.anchor, "/v1/invitations", body)
    assert answer.status_code == 201, answer.text
    return Guest(stage, answer.json()["id"], code, token, secrets.token_urlsafe(32))
