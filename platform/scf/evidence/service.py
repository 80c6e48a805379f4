"""Appending events, inside the transaction of the change they tell."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.bulk import copy_in
from scf.evidence.models import Event, EventReceipt, Subject
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict, Invalid, NotFound
from scf.kernel.ids import new_id, public_id
from scf_ledger.encoding import b64url
from scf_ledger.event import build_event, tag
from scf_ledger.event_types import EVENT_TYPES
from scf_ledger.receipt import Receipt

SECRET_LENGTH = 32

Kind = TypeVar("Kind", bound=Subject)


class VersionMoved(Conflict):
    """A command built on a version needs that version to be the latest."""

    code = "subject.version_moved"
    title = "数据已被更新，请刷新后重试"
    title_en = "It has changed since; read it again"


class SubjectNotFound(NotFound):
    """The thing must be there, for this party."""

    code = "subject.not_found"
    title = "未找到该记录"
    title_en = "No such record"


class RecordUnprovable(Invalid):
    """What is recorded fits the format of its event; no verifier would take anything else."""

    code = "evidence.record_unprovable"
    title = "记录内容超出存证格式的取值范围"
    title_en = "A value is outside what the record's format can carry"


def new_secret() -> bytes:
    """Return a subject's secret."""
    return os.urandom(SECRET_LENGTH)


def lock(
    session: Session,
    kind: type[Kind],
    identity: UUID,
    *,
    require: Callable[[Kind], object] | None = None,
) -> Kind:
    """Return a subject, its row locked and read afresh.

    `require` raises where the caller may not do what follows. It is asked before the lock too: a stranger
    waits for nobody, and so never learns by waiting that somebody is writing. Raises SubjectNotFound.
    """
    statement = select(kind).where(kind.id == identity).execution_options(populate_existing=True)
    if require is not None:
        require(_found(session.scalar(statement)))
    subject = _found(session.scalar(statement.with_for_update()))
    if require is not None:
        require(subject)
    return subject


def _found(subject: Kind | None) -> Kind:
    if subject is None:
        raise SubjectNotFound
    return subject


def lock_all(session: Session, kind: type[Kind], ids: Iterable[UUID]) -> dict[UUID, Kind]:
    """Return those of the subjects that are there, by id, their rows locked and read afresh."""
    statement = select(kind).where(kind.id.in_(list(ids))).order_by(kind.id).with_for_update()
    found = session.scalars(statement.execution_options(populate_existing=True))
    return {subject.id: subject for subject in found}


def require_version(subject: Subject, expected: int | None) -> None:
    """Raise VersionMoved where the caller built on another version."""
    if expected is not None and expected != subject.version:
        raise VersionMoved(version=subject.version, expected=expected)


@dataclass(frozen=True, slots=True)
class Fact:
    """What is about to be told of a locked subject.

    `record` is the subject as it stands after the change, in JSON values, without `id`, `actor` and `at`,
    which are added here; its fields are those of `EVENT_TYPES[type]`. `parties` may see it.
    """

    subject: Subject
    type: str
    record: Mapping[str, Any]
    parties: Iterable[UUID]
    authorizations: Sequence[bytes] = ()


def append(
    session: Session,
    subject: Subject,
    type_: str,
    record: Mapping[str, Any],
    *,
    now: datetime,
    actor: UUID | None,
    parties: Iterable[UUID],
    authorizations: Iterable[bytes] = (),
) -> Event:
    """Write the next event of a locked subject and move its head.

    See `Fact` for what is told; `now` is business time. Raises RecordUnprovable.
    """
    fact = Fact(subject, type_, record, parties, list(authorizations))
    event = Event(**_told(fact, now=now, actor=actor))
    session.add(event)
    session.flush()
    return event


def keep_receipt(session: Session, event: Event, receipt: Receipt | None) -> None:
    """Keep what was signed outside over what an event tells, where anything was."""
    if receipt is not None:
        session.add(EventReceipt(event_id=event.id, receipt=receipt.to_json()))


def append_all(
    session: Session, facts: Sequence[Fact], *, now: datetime, actor: UUID | None
) -> list[bytes]:
    """Write the next events of many locked subjects at once, each subject's one; return their hashes.

    The subjects' new versions are the caller's to flush. Raises RecordUnprovable.
    """
    rows = [_told(fact, now=now, actor=actor) for fact in facts]
    copy_in(session, Event, rows)
    return [row["body_hash"] for row in rows]


def _told(fact: Fact, *, now: datetime, actor: UUID | None) -> dict[str, Any]:
    """Make an event's row and move its subject's head."""
    subject, kind = fact.subject, EVENT_TYPES[fact.type]
    subject_text = public_id(kind.prefix, subject.id)
    whole = {
        **fact.record,
        "id": subject_text,
        "actor": public_id("pty", actor) if actor else None,
        "at": instant_text(now),
    }
    identity = new_id()
    version = subject.version + 1
    built = build_event(
        id=public_id("evt", identity),
        type=fact.type,
        subject=subject_text,
        version=version,
        occurred_at=whole["at"],
        previous=subject.head_hash,
        authorizations=fact.authorizations,
        record=whole,
        seed=os.urandom(SECRET_LENGTH),
    )
    for name, shape in kind.fields.items():
        if not shape(whole[name]):
            raise RecordUnprovable(field=name, type=fact.type)
    subject.version = version
    subject.head_hash = built.body_hash
    return {
        "id": identity,
        "type": fact.type,
        "subject_id": subject.id,
        "version": version,
        "occurred_at": now,
        "body": built.body,
        "body_hash": built.body_hash,
        "tag": tag(subject.secret, version),
        "disclosures": "~".join(built.disclosures),
        "authorizations": list(fact.authorizations),
        "parties": sorted(set(fact.parties)),
    }


def hash_text(value: bytes) -> str:
    """Return a hash as records and statements carry it."""
    return b64url(value)
