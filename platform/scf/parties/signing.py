"""Statements: drafted here, signed by the party's own keys elsewhere, and taken back.

`draft` fixes the bytes and whom they bind; `collect` believes nothing but a signature over exactly those
bytes, by the person named, under a mandate and a certificate that hold at that moment. A basket is one statement
a signer over many subjects, each in a line of its own.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.bulk import copy_in
from scf.evidence.models import Statement, StatementLine, Subject
from scf.evidence.service import require_version
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict, Invalid, NotFound
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money
from scf.parties import queries, rules
from scf.parties.models import Certificate, Party
from scf_ledger import jws as ledger_jws
from scf_ledger import statement as ledger_statement
from scf_ledger.certificates import load_certificate
from scf_ledger.errors import LedgerError
from scf_ledger.event import disclosure_digest

SALT_BYTES: Final = 18  # of a line; base64url of 144 bits has no padding
DRAFT_TTL: Final = timedelta(hours=24)  # a clerk drafts, an approver signs before the next noon


class StatementUnknown(NotFound):
    """Only a statement that was drafted for this party and this act is taken back."""

    code = "statement.unknown"
    title = "未找到对应的待签署文件"
    title_en = "No such statement was drafted"


class StatementMalformed(Invalid):
    """A signed statement is a compact JWS with ES256 and a header of exactly three names."""

    code = "statement.malformed"
    title = "签名数据格式不正确"
    title_en = "The signed statement is not well-formed"


class StatementAltered(Invalid):
    """The bytes signed are the bytes drafted."""

    code = "statement.altered"
    title = "签署内容与平台出具的文件不一致"
    title_en = "The signed bytes are not those that were drafted"


class StatementExpired(Conflict):
    """A draft is signed before it expires."""

    code = "statement.expired"
    title = "待签署文件已过期，请重新生成"
    title_en = "The draft has expired"


class StatementUsed(Conflict):
    """A statement takes effect once."""

    code = "statement.already_used"
    title = "该文件已签署生效，不能重复使用"
    title_en = "The statement was used before"


class ContentUnwritable(Invalid):
    """What is to be signed fits one statement of 64 KiB, in canonical JSON."""

    code = "statement.unwritable"
    title = "文件内容过长或含有无法签署的内容"
    title_en = "The content is too long, or cannot be written"


class SignatureInvalid(Invalid):
    """A signature verifies under the certificate that it names."""

    code = "statement.signature_invalid"
    title = "电子签名验证不通过"
    title_en = "The signature does not verify"


class Signer(Protocol):
    """A person and the mandate under which they sign."""

    person: UUID
    mandate: UUID


@dataclass(frozen=True, slots=True)
class SignedAct:
    """What was signed, once every hand is believed."""

    draft_id: UUID
    act: str
    content: dict[str, Any]
    reserved: dict[str, Any]
    """What `draft` set aside, never shown to the signer (a pool's secret)."""
    authorizations: list[bytes]
    """Authorization hashes, in the order make, check."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a basket is to say of one subject; `reserved` is set aside and never shown."""

    subject: Subject
    content: Mapping[str, Any]
    amount: Money
    reserved: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SignedLine:
    """What a basket said of one subject, at that version."""

    subject_id: UUID
    version: int
    content: dict[str, Any]
    reserved: dict[str, Any]


def draft(
    session: Session,
    *,
    origin: str,
    party: Party,
    act: str,
    subject: Subject,
    prefix: str,
    content: Mapping[str, Any],
    amount: Money | None,
    signers: Sequence[Signer],
    now: datetime,
    reserved: Mapping[str, Any] | None = None,
) -> list[Statement]:
    """Write the statements that `signers` are to sign, in the order make, check.

    `origin` is the log's, `amount` what the act is about (held against each mandate's limit; None where
    it is about no amount), `now` business time. To `content` the names of the parties in it are added.
    Raises what `scf.parties.rules` raises.
    """
    rows = _draft(
        session,
        origin=origin,
        party=party,
        act=act,
        about=_about(prefix, subject),
        content={**content, "names": queries.names_in(session, {"party": party.uscc, **content})},
        amount=amount,
        signers=signers,
        now=now,
    )
    for row in rows:
        row.subject_id, row.subject_version = subject.id, subject.version
        row.reserved = dict(reserved or {})
    session.add_all(rows)
    session.flush()
    return rows


def draft_basket(
    session: Session,
    *,
    origin: str,
    party: Party,
    act: str,
    prefix: str,
    items: Sequence[Item],
    common: Mapping[str, Any],
    signers: Sequence[Signer],
    now: datetime,
) -> tuple[list[Statement], list[str]]:
    """Write one statement a signer over many subjects, at most `LINES_MAX`; see `draft`.

    What is said of each is a line of its own, which can be shown without the others; `common` goes with
    every line. The sum of the items' amounts is held against each mandate's limit. Returns the statements
    and the lines' disclosures, in the items' order.
    """
    contents = [item.content for item in items]
    names = queries.names_in(session, contents)
    lines = [
        ledger_statement.build_line(
            about=_about(prefix, item.subject),
            content={**item.content, "names": queries.mentioned(names, item.content)},
            salt=os.urandom(SALT_BYTES),
        )
        for item in items
    ]
    total = sum((item.amount for item in items[1:]), items[0].amount)
    basket = {"count": len(items), "total": total.to_json()}
    rows = _draft(
        session,
        origin=origin,
        party=party,
        act=act,
        about=None,
        content={**common, "basket": basket, "lines": sorted(map(disclosure_digest, lines))},
        amount=total,
        signers=signers,
        now=now,
    )
    session.add_all(rows)
    session.flush()
    copy_in(
        session,
        StatementLine,
        [
            {
                "draft_id": rows[0].draft_id,
                "subject_id": item.subject.id,
                "subject_version": item.subject.version,
                "disclosure": line,
                "reserved": Jsonb(dict(item.reserved)),
            }
            for item, line in zip(items, lines, strict=True)
        ],
    )
    return rows, lines


def collect(
    session: Session,
    *,
    party: Party,
    act: str,
    subject: Subject | None,
    jws: Sequence[str],
    now: datetime,
) -> SignedAct:
    """Take signed statements back, in any order; `subject` is locked by the caller, `now` business time.

    A basket has no one `subject`: see `collect_basket`. Raises StatementUnknown, StatementMalformed,
    StatementAltered, StatementExpired, StatementUsed, SignatureInvalid, `subject.version_moved`, and what `scf.parties.rules` raises. Stores each JWS in its
    normalised form, whose hash is the authorization.
    """
    rules.check_party(party, act)
    handed = _match(session, [_read(text) for text in jws], party=party, act=act, subject=subject)
    certificates = [_believe(session, row, parsed, now=now) for row, parsed in handed]
    for (row, parsed), certificate in zip(handed, certificates, strict=True):
        row.jws = parsed.text
        row.authorization_hash = ledger_statement.authorization_hash(parsed.text)
        row.certificate_id = certificate.id
    session.flush()
    first = handed[0][0]
    return SignedAct(
        draft_id=first.draft_id,
        act=act,
        content=dict(ledger_statement.parse_statement(first.payload).content),
        reserved=dict(first.reserved),
        authorizations=[row.authorization_hash for row, _ in handed if row.authorization_hash],
    )


def by_act(jws: Sequence[str], acts: Sequence[str]) -> dict[str, list[str]]:
    """Return signed statements by what they do, in the order of `acts`.

    Raises StatementMalformed, and StatementUnknown for any other act.
    """
    said = [(_read(text).statement.act, text) for text in jws]
    if {act for act, _ in said} - set(acts):
        raise StatementUnknown(field="authorizations")
    found = {act: [text for own, text in said if own == act] for act in acts}
    return {act: own for act, own in found.items() if own}


def collect_basket(
    session: Session, *, party: Party, act: str, jws: Sequence[str], now: datetime
) -> tuple[SignedAct, list[SignedLine]]:
    """Take a signed basket back: what is common to its lines, and the lines by subject.

    Whether a subject still stands at its line's version is for the caller to ask, who locks it. Raises
    what `collect` does.
    """
    signed = collect(session, party=party, act=act, subject=None, jws=jws, now=now)
    rows = session.scalars(
        select(StatementLine)
        .where(StatementLine.draft_id == signed.draft_id)
        .order_by(StatementLine.subject_id)
    )
    return signed, [
        SignedLine(
            row.subject_id,
            row.subject_version,
            dict(ledger_statement.parse_line(row.disclosure).content),
            dict(row.reserved),
        )
        for row in rows
    ]


def _about(prefix: str, subject: Subject) -> ledger_statement.About:
    assert subject.head_hash is not None, "a statement is about an existing version"
    return ledger_statement.About(public_id(prefix, subject.id), subject.version, subject.head_hash)


def _draft(
    session: Session,
    *,
    origin: str,
    party: Party,
    act: str,
    about: ledger_statement.About | None,
    content: Mapping[str, Any],
    amount: Money | None,
    signers: Sequence[Signer],
    now: datetime,
) -> list[Statement]:
    rules.check_party(party, act)
    rules.check_hands(act, [signer.person for signer in signers])
    draft_id, expires_at = new_id(), now + DRAFT_TTL
    statements = []
    for step, signer in zip(rules.STEPS[act], signers, strict=True):
        mandate = queries.mandate(session, signer.mandate)
        rules.check_mandate(
            mandate, party=party.id, person=signer.person, act=act, step=step, now=now
        )
        if amount is not None:
            rules.check_limit(mandate, amount)
        identity = new_id()
        payload = _build(
            id=public_id("stm", identity),
            origin=origin,
            act=act,
            party=party.uscc,
            person=public_id("psn", signer.person),
            mandate=public_id("mnd", mandate.id),
            about=about,
            issued_at=instant_text(now),
            expires_at=instant_text(expires_at),
            content=content,
            step=step,
        )
        statements.append(
            Statement(
                id=identity,
                draft_id=draft_id,
                act=act,
                step=step,
                party_id=party.id,
                person_id=signer.person,
                mandate_id=mandate.id,
                payload=payload,
                reserved={},
                expires_at=expires_at,
            )
        )
    return statements


def _build(**members: Any) -> bytes:
    try:
        return ledger_statement.build_statement(**members)
    except LedgerError as error:
        raise ContentUnwritable(field="content", rule=error.message, **error.fields) from error


@dataclass(frozen=True, slots=True)
class _Handed:
    """A JWS as it came, normalised and taken apart; nothing is verified yet."""

    text: str
    jws: ledger_jws.Jws
    statement: ledger_statement.Statement


def _read(text: str) -> _Handed:
    try:
        normal = ledger_jws.normalise(text)
        parsed = ledger_jws.parse(normal)
        return _Handed(normal, parsed, ledger_statement.parse_statement(parsed.payload))
    except LedgerError as error:
        raise StatementMalformed(field="authorizations", rule=error.message) from error


def _match(
    session: Session,
    handed: Sequence[_Handed],
    *,
    party: Party,
    act: str,
    subject: Subject | None,
) -> list[tuple[Statement, _Handed]]:
    """Pair each JWS with the row of its draft, in the order of the act's steps."""
    by_id = {parse_id("stm", one.statement.id): one for one in handed}
    rows = session.scalars(
        select(Statement)
        .where(
            Statement.id.in_(by_id),
            Statement.party_id == party.id,
            Statement.act == act,
            Statement.subject_id == (subject.id if subject else None),
        )
        .order_by(Statement.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if len(rows) != len(by_id):
        raise StatementUnknown(field="authorizations")
    pairs = {row.step: (row, by_id[row.id]) for row in rows}
    steps = rules.STEPS[act]
    if (
        len({row.draft_id for row in rows}) != 1
        or len(handed) != len(steps)
        or set(pairs) != set(steps)
    ):
        raise rules.HandsWrong(
            field="authorizations", act=act, needed=len(steps), given=len(handed)
        )
    for row in rows:
        if row.payload != by_id[row.id].jws.payload:
            raise StatementAltered(field="authorizations")
        if row.jws is not None:
            raise StatementUsed(field="authorizations")
        if subject is not None:
            require_version(subject, row.subject_version)
    return [pairs[step] for step in steps]


def _believe(session: Session, row: Statement, handed: _Handed, *, now: datetime) -> Certificate:
    """Return the certificate that a statement is signed with, once everything about it holds.

    Certificate and mandate are locked against revocation until this transaction ends.
    """
    if row.expires_at <= now:
        raise StatementExpired(field="authorizations", expired_at=instant_text(row.expires_at))
    mandate = queries.mandate(session, row.mandate_id, lock=True)
    rules.check_mandate(
        mandate, party=row.party_id, person=row.person_id, act=row.act, step=row.step, now=now
    )
    certificate = queries.certificate_by_thumbprint(session, handed.jws.thumbprint, lock=True)
    rules.check_certificate(
        certificate,
        party=row.party_id,
        person=row.person_id,
        issued_at=handed.statement.issued_at,
        now=now,
    )
    try:
        ledger_statement.verify(handed.text, load_certificate(certificate.pem))
    except LedgerError as error:
        raise SignatureInvalid(field="authorizations", rule=error.message) from error
    return certificate
