"""Who is calling: OAuth 2.0 client credentials (RFC 6749, 4.4) with opaque bearer tokens.

Secrets and tokens are random, so a plain SHA-256 is stored; revoking a client works at once because
every request reads it.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Text, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from scf.db.base import Base
from scf.kernel.errors import NotAllowed, Unauthenticated
from scf.kernel.ids import IdInvalid, new_id, parse_id, public_id

TOKEN_LIFETIME = timedelta(hours=1)
ACTING_PERSON = "Acting-Person"
"""The header in which a system says for whom it looks."""


class ClientInvalid(Unauthenticated):
    """A client must show its id and secret."""

    code = "auth.client_invalid"
    title = "客户端身份验证失败"
    title_en = "Client authentication failed"


class TokenInvalid(Unauthenticated):
    """A request must carry a live bearer token."""

    code = "auth.token_invalid"
    title = "访问令牌无效或已过期"
    title_en = "The access token is missing, expired or revoked"


class OperatorOnly(NotAllowed):
    """Some things belong to the platform's operator."""

    code = "auth.operator_only"
    title = "仅平台运营方可以操作"
    title_en = "Only the platform's operator may do this"


class ScopeInsufficient(NotAllowed):
    """A client that was admitted for one purpose does nothing else, and nobody else does that."""

    code = "auth.scope_insufficient"
    title = "客户端未获准访问该接口"
    title_en = "The client was not admitted for this"


class OAuthClient(Base):
    """A system that calls for a party; the operator's own has no party.

    `scope` names the one purpose that it was admitted for; null is all of its party's business. The secret
    before the last still opens until `former_ends_at`, real time.
    """

    __tablename__ = "oauth_clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    party_id: Mapped[UUID | None] = mapped_column(index=True)
    operator: Mapped[bool] = mapped_column(Boolean, default=False)
    name: Mapped[str] = mapped_column(Text)
    secret_sha256: Mapped[bytes]
    former_sha256: Mapped[bytes | None]
    former_ends_at: Mapped[datetime | None]
    scope: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class AccessToken(Base):
    """A live token, by its hash."""

    __tablename__ = "access_tokens"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


_CALLER = (
    select(OAuthClient.id, OAuthClient.party_id, OAuthClient.operator, OAuthClient.scope)
    .join(AccessToken, AccessToken.client_id == OAuthClient.id)
    .where(
        AccessToken.sha256 == bindparam("sha256"),
        AccessToken.expires_at > bindparam("now"),
        OAuthClient.revoked_at.is_(None),
    )
)
# Built once: every request asks it, and putting it together takes longer than its answer.


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls: a client, for a party or for the operator; `person_id` as the client says, not checked yet."""

    client_id: UUID
    party_id: UUID | None
    operator: bool = False
    scope: str | None = None
    person_id: UUID | None = None

    @property
    def party(self) -> UUID:
        """The party acted for. Raises NotAllowed for the operator, who is none."""
        if self.party_id is None:
            raise PartyOnly
        return self.party_id


class PartyOnly(NotAllowed):
    """Only a party can do business; the operator is none."""

    code = "auth.party_only"
    title = "仅业务参与方可以操作"
    title_en = "Only a party may do this"


def require_operator(actor: Actor) -> None:
    """Raise OperatorOnly for anyone else."""
    if not actor.operator:
        raise OperatorOnly


def require_scope(actor: Actor, scope: str | None) -> None:
    """Raise ScopeInsufficient where a client was not admitted for this."""
    if actor.scope != scope:
        raise ScopeInsufficient


def digest(secret: str) -> bytes:
    """Return SHA-256 of a secret's UTF-8 text."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def create_client(
    session: Session,
    *,
    name: str,
    party_id: UUID | None,
    now: datetime,
    operator: bool = False,
    scope: str | None = None,
) -> tuple[OAuthClient, str]:
    """Add a client and return it with its secret, which is shown once."""
    secret = secrets.token_urlsafe(32)
    client = OAuthClient(
        id=new_id(),
        party_id=party_id,
        operator=operator,
        name=name,
        secret_sha256=digest(secret),
        scope=scope,
        created_at=now,
    )
    session.add(client)
    session.flush()
    return client, secret


def issue_token(session: Session, client_id: str, secret: str, *, now: datetime) -> str:
    """Return a bearer token. Raises ClientInvalid; `now` is real time."""
    try:
        identity = parse_id("cli", client_id)
    except IdInvalid:
        raise ClientInvalid from None
    client = session.get(OAuthClient, identity)
    shown = digest(secret)
    opens = [secrets.compare_digest(known, shown) for known in _known(client, now)]
    if not any(opens) or client is None or client.revoked_at:
        raise ClientInvalid
    token = secrets.token_urlsafe(32)
    session.add(
        AccessToken(sha256=digest(token), client_id=client.id, expires_at=now + TOKEN_LIFETIME)
    )
    return token


def _known(client: OAuthClient | None, now: datetime) -> tuple[bytes, bytes]:
    """Return the hashes of what opens; what is none opens nothing, and costs the same."""
    if client is None:
        return bytes(32), bytes(32)
    former = client.former_sha256
    if former is None or client.former_ends_at is None or client.former_ends_at <= now:
        former = bytes(32)
    return client.secret_sha256, former


def authenticate(session: Session, authorization: str | None, *, now: datetime) -> Actor:
    """Return who carries this `Authorization` header. Raises TokenInvalid; `now` is real time."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenInvalid
    values = {"sha256": digest(token.strip()), "now": now}
    row = session.connection().execute(_CALLER, values).one_or_none()
    if row is None:
        raise TokenInvalid
    return Actor(*row)


def basic_credentials(authorization: str | None) -> tuple[str, str] | None:
    """Read HTTP Basic (RFC 7617), the way RFC 6749 2.3.1 wants clients to identify."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def client_public_id(client: OAuthClient) -> str:
    """Return the id a client logs in with."""
    return public_id("cli", client.id)
