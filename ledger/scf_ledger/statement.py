"""Statements (``scf-statement/1``): what a party binds itself to, signed with its own key.

The platform drafts the bytes, the party signs them (compact JWS, ES256), the platform hands the
signature back out. A basket is one statement over many subjects: its ``content.lines`` are digests
of lines (RFC 9901 section 4.2.2), and an authorization shows one line by appending its disclosure:
``<jws>~<disclosure>~``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509

from scf_ledger import canonical, certificates, jws, shapes, uscc
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.errors import BadCertificate, Malformed
from scf_ledger.event import disclosure_digest
from scf_ledger.event_types import ACTS
from scf_ledger.jws import normalise, sign

__all__ = [
    "About",
    "Line",
    "Statement",
    "authorization_hash",
    "build_line",
    "build_statement",
    "check_holder",
    "normalise",
    "parse_line",
    "parse_statement",
    "sign",
    "split_authorization",
    "verify",
    "with_line",
]

FORMAT: Final = "scf-statement/1"
PAYLOAD_BYTES_MAX: Final = 65_536
LINES_MAX: Final = 1_000

_REQUIRED: Final = frozenset(
    {
        "format",
        "id",
        "origin",
        "act",
        "party",
        "person",
        "mandate",
        "subject",
        "version",
        "subject_event",
        "issued_at",
        "expires_at",
        "content",
    }
)
_LINE_KEYS: Final = frozenset({"subject", "version", "subject_event"})


@dataclass(frozen=True, slots=True)
class About:
    """The version of a subject that a statement speaks about."""

    subject: str
    version: int
    event: bytes
    """SHA-256 of the body of that version's event."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement; ``about`` is None for a basket, whose lines say it."""

    id: str
    origin: str
    act: str
    party: str
    person: str
    mandate: str | None
    about: About | None
    issued_at: datetime
    expires_at: datetime
    step: str | None
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a basket, as shown."""

    about: About
    content: Mapping[str, Any]
    digest: str


def build_statement(
    *,
    id: str,  # noqa: A002 - the name in the format
    origin: str,
    act: str,
    party: str,
    person: str,
    mandate: str | None,
    about: About | None,
    issued_at: str,
    expires_at: str,
    content: Mapping[str, Any],
    step: str | None = None,
) -> bytes:
    """Draft the bytes that a party signs; ``step`` is ``make`` or ``check`` where two sign.

    :raises Malformed: a statement that no verifier would accept
    """
    value = {
        "format": FORMAT,
        "id": id,
        "origin": origin,
        "act": act,
        "party": party,
        "person": person,
        "mandate": mandate,
        "subject": about and about.subject,
        "version": about and about.version,
        "subject_event": about and b64url(about.event),
        "issued_at": issued_at,
        "expires_at": expires_at,
        "content": dict(content),
    }
    if step is not None:
        value["step"] = step
    payload = canonical.encode(value)
    parse_statement(payload)
    return payload


def parse_statement(payload: bytes) -> Statement:
    """Read a statement strictly.

    :raises TooLarge: more than ``PAYLOAD_BYTES_MAX``
    :raises NotCanonical: not canonical bytes
    :raises Malformed: another shape than ``scf-statement/1``
    """
    value = canonical.decode(payload, max_bytes=PAYLOAD_BYTES_MAX)
    if type(value) is not dict or value.keys() - {"step"} != _REQUIRED:
        raise Malformed("a statement has exactly the keys of its format")
    _check_members(value)
    issued_at, expires_at = shapes.instant(value["issued_at"]), shapes.instant(value["expires_at"])
    if issued_at >= expires_at:
        raise Malformed("a statement expires after it is issued")
    is_basket = "lines" in value["content"]
    if is_basket:
        _check_lines(value)
    return Statement(
        id=value["id"],
        origin=value["origin"],
        act=value["act"],
        party=value["party"],
        person=value["person"],
        mandate=value["mandate"],
        about=None if is_basket else _about(value),
        issued_at=issued_at,
        expires_at=expires_at,
        step=value.get("step"),
        content=value["content"],
    )


def build_line(*, about: About, content: Mapping[str, Any], salt: bytes) -> str:
    """Make the disclosure of one line of a basket; ``disclosure_digest`` of it goes into ``lines``.

    :raises Malformed: a salt of less than 128 bits, or content that says what ``about`` says
    """
    if not shapes.SALT.fullmatch(b64url(salt)) or _LINE_KEYS & content.keys():
        raise Malformed("a line has a salt of 128 bits, and its subject once")
    value = {
        **content,
        "subject": about.subject,
        "version": about.version,
        "subject_event": b64url(about.event),
    }
    return b64url(canonical.encode([b64url(salt), value]))


def parse_line(disclosure: str) -> Line:
    """Read the disclosure of one line: base64url of the canonical array ``[salt, line]``.

    :raises Malformed: not such an array
    :raises NotCanonical: not canonical bytes
    """
    array = canonical.decode(from_b64url(disclosure), max_bytes=PAYLOAD_BYTES_MAX)
    if type(array) is not list or len(array) != 2:  # noqa: PLR2004 - salt, line
        raise Malformed("a line is an array of salt and line")
    salt, value = array
    if type(salt) is not str or not shapes.SALT.fullmatch(salt):
        raise Malformed("a line begins with a salt of 128 bits")
    if type(value) is not dict or not value.keys() >= _LINE_KEYS:
        raise Malformed("a line names its subject, version and event")
    content = {key: item for key, item in value.items() if key not in _LINE_KEYS}
    return Line(_about(value), content, disclosure_digest(disclosure))


def verify(signed: str, certificate: x509.Certificate) -> Statement:
    """Verify that the holder of ``certificate`` signed, and return what it says.

    Whether the certificate is trusted, and was valid then, is asked in ``certificates``.

    :raises Malformed: not a compact JWS of a statement
    :raises BadSignature: the signature does not verify or is not normalised
    :raises BadCertificate: another certificate, or one of another party or person
    """
    parsed = jws.parse(signed)
    if parsed.thumbprint != certificates.thumbprint(certificate):
        raise BadCertificate("the statement names another certificate")
    jws.verify(parsed, certificates.public_key(certificate))
    statement = parse_statement(parsed.payload)
    check_holder(statement, certificates.holder(certificate))
    return statement


def check_holder(statement: Statement, holder: certificates.Holder) -> None:
    """Refuse a statement in another's name.

    :raises BadCertificate: the party or the person is not the certificate's holder
    """
    if (statement.party, statement.person) != (holder.uscc, holder.person):
        raise BadCertificate("the certificate names another party or person", party=holder.uscc)


def authorization_hash(signed: str) -> bytes:
    """Hash a normalised compact JWS, as an event body lists it: SHA-256 of its ASCII bytes."""
    return hashlib.sha256(signed.encode("ascii")).digest()


def with_line(signed: str, line: str) -> str:
    """Return the authorization that shows one line of a basket."""
    return f"{signed}~{line}~"


def split_authorization(authorization: str) -> tuple[str, Sequence[str]]:
    """Return the JWS of an authorization and the lines it shows.

    :raises Malformed: disclosures that do not end in ``~``
    """
    signed, *lines = authorization.split("~")
    if lines and lines.pop():
        raise Malformed("disclosures after a JWS end in ~")
    return signed, lines


def _about(value: Mapping[str, Any]) -> About:
    subject, version, event = value["subject"], value["version"], value["subject_event"]
    if not shapes.is_public_id(subject) or not shapes.is_digest(event):
        raise Malformed("a statement names its subject and that version's event")
    if type(version) is not int or version < 1:
        raise Malformed("versions count from one", version=version)
    return About(subject, version, from_b64url(event))


def _check_members(value: Mapping[str, Any]) -> None:
    if value["format"] != FORMAT or not shapes.is_text(value["origin"]):
        raise Malformed("another format, or no origin")
    if not shapes.is_public_id(value["id"]) or not value["id"].startswith("stm_"):
        raise Malformed("the id of a statement begins with stm_")
    if type(value["act"]) is not str or value["act"] not in ACTS:
        raise Malformed("unknown act", act=value["act"])
    if type(value["party"]) is not str or not uscc.is_valid(value["party"]):
        raise Malformed("the party is a USCC", party=value["party"])
    if not shapes.is_text(value["person"]) or not shapes.nullable(shapes.is_text)(value["mandate"]):
        raise Malformed("person and mandate are texts")
    if not shapes.is_instant(value["issued_at"]) or not shapes.is_instant(value["expires_at"]):
        raise Malformed("times of a statement are instants in UTC")
    if "step" in value and value["step"] not in ("make", "check"):
        raise Malformed("a step is make or check", step=value["step"])
    if type(value["content"]) is not dict:
        raise Malformed("content is an object")


def _check_lines(value: Mapping[str, Any]) -> None:
    lines = value["content"]["lines"]
    if any(value[key] is not None for key in _LINE_KEYS):
        raise Malformed("a basket names its subjects in its lines only")
    if type(lines) is not list or not 0 < len(lines) <= LINES_MAX:
        raise Malformed("lines are an array of digests", limit=LINES_MAX)
    if not all(map(shapes.is_digest, lines)) or lines != sorted(set(lines)):
        raise Malformed("lines are digests, sorted and distinct")
