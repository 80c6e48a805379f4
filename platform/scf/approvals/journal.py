"""Writing a case's records, and reading back what they came to."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.approvals import work
from scf.approvals.models import Case, Kind, Policy, Record, State
from scf.approvals.policy import Content
from scf.evidence import service as evidence
from scf.kernel.clock import instant_text
from scf.kernel.errors import NotAllowed
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import rules as party_rules
from scf.parties.models import Mandate
from scf_ledger import canonical

FORMAT: Final = "scf-approval-record/1"
POLICY_FORMAT: Final = "scf-approval-policy/1"
RECORD: Final = (
    *("case_id", "seq", "kind", "state", "person_id", "mandate_id", "inputs", "recorded_at"),
)
"""The columns that a record's hash covers."""
POLICY: Final = (
    *("id", "bank_id", "number", "effective_on", "content", "maker_id", "maker_mandate_id"),
    *("checker_id", "checker_mandate_id", "recorded_at"),
)
"""The columns that a policy's hash covers."""
DECIDERS: Final = (Kind.VOTED, Kind.DECIDED)


class HandsNotSeparate(NotAllowed):
    """Who investigates does not review, who reviews does not decide, who investigated clears no payment."""

    code = "approval.hands_not_separate"
    title = "同一人不能兼任调查、审查、审批或放款审核"
    title_en = "One person does not take two of these steps (审贷分离)"


class NotNamed(NotAllowed):
    """Where a policy names who takes a step, nobody else does."""

    code = "approval.not_named"
    title = "该人员不在本环节的指定人员之列"
    title_en = "The policy names others for this step"


class Hand(Protocol):
    """A person of the bank, and the mandate under which they act."""

    person: UUID
    mandate: UUID


@dataclass(frozen=True, slots=True)
class Open:
    """A locked case with its policy and its records so far, oldest first."""

    case: Case
    content: Content
    records: list[Record]

    def last(self, *kinds: Kind) -> Record | None:
        """Return the newest record of some kinds."""
        return next((one for one in reversed(self.records) if one.kind in kinds), None)

    def of(self, *kinds: Kind, since: int = 0) -> list[Record]:
        """Return the records of some kinds after a number."""
        return [one for one in self.records if one.kind in kinds and one.seq > since]

    @property
    def entered(self) -> int:
        """The number of the record by which the case came into its state."""
        state, found = self.case.state, 0
        for one in reversed(self.records):
            if one.state is not state:
                break
            found = one.seq
        return found


def lock(session: Session, case_id: UUID) -> Open:
    """Return a case, locked, with all that is known of it. Raises SubjectNotFound."""
    return read(session, evidence.lock(session, Case, case_id))


def lock_of(session: Session, financing_id: UUID) -> Open | None:
    """Return the case for a financing, locked; None where its bank asked for none."""
    identity = session.scalar(select(Case.id).where(Case.financing_id == financing_id))
    return None if identity is None else lock(session, identity)


def read(session: Session, case: Case) -> Open:
    """Return a case with its policy and its records."""
    policy = session.get_one(Policy, case.policy_id)
    return Open(case, Content.model_validate(policy.content), records_of(session, case.id))


def records_of(session: Session, case_id: UUID) -> list[Record]:
    """Return a case's records, oldest first."""
    return list(
        session.scalars(select(Record).where(Record.case_id == case_id).order_by(Record.seq))
    )


def believe(
    session: Session,
    bank_id: UUID,
    hand: Hand,
    act: str,
    *,
    step: party_rules.Step,
    now: datetime,
    amount: Money | None = None,
    named: Sequence[UUID] = (),
) -> Mandate:
    """Return the mandate of a person who may act, held against revocation until this commits.

    Raises what `scf.parties.rules` raises, NotNamed where others are named, CurrencyMismatch.
    """
    mandate = parties.mandate(session, hand.mandate, lock=True)
    party_rules.check_mandate(
        mandate, party=bank_id, person=hand.person, act=act, step=step, now=now
    )
    if amount is not None:
        party_rules.check_limit(mandate, amount)
    if named and hand.person not in named:
        raise NotNamed(person=public_id("psn", hand.person))
    return mandate


def standing(session: Session, records: Iterable[Record]) -> list[Record]:
    """Return the records whose mandates have not been revoked since, held so until this commits."""
    wanted = list(records)
    live = set(
        session.scalars(
            select(Mandate.id)
            .where(Mandate.id.in_({one.mandate_id for one in wanted}), Mandate.revoked_at.is_(None))
            .order_by(Mandate.id)
            .with_for_update(read=True)
        )
    )
    return [one for one in wanted if one.mandate_id in live]


def keep_apart(found: Open, hand: Hand, *others: Kind) -> None:
    """Raise HandsNotSeparate where this person has done one of the other steps of the case."""
    for one in found.of(*others):
        if one.person_id == hand.person:
            raise HandsNotSeparate(person=public_id("psn", hand.person), step=one.kind.value)


def record(
    session: Session,
    found: Open,
    kind: Kind,
    inputs: Mapping[str, Any],
    *,
    now: datetime,
    hand: Hand | None = None,
    to: State | None = None,
    by: UUID | None = None,
) -> Record:
    """Write what was done, move the case, and say who is next.

    `inputs` are JSON values; `by` is the client whose act it was. Raises MoveRefused.
    """
    case = found.case
    moves = to is not None and to is not case.state
    if to is not None and moves:
        case.require_move(to)
        case.state, case.state_since = to, now
    values: dict[str, Any] = {
        "case_id": case.id,
        "seq": case.version + 1,
        "kind": kind,
        "state": case.state,
        "person_id": hand.person if hand else None,
        "mandate_id": hand.mandate if hand else None,
        "inputs": dict(inputs),
        "recorded_at": now,
    }
    sha256 = hashlib.sha256(content(**values)).digest()
    event = evidence.append(
        session,
        case,
        "approval.recorded",
        {
            "bank": parties.party(session, case.bank_id).uscc,
            "financing": public_id("fin", case.financing_id),
            "step": kind.value,
            "record_sha256": evidence.hash_text(sha256),
        },
        now=now,
        actor=case.bank_id,
        parties=[case.bank_id],
    )
    row = Record(id=new_id(), sha256=sha256, event_id=event.id, **values)
    session.add(row)
    session.flush()
    found.records.append(row)
    entered = moves or row.seq == 1
    work.hand_on(session, case, found.content, row, entered=entered, by=by)
    return row


def content(
    *,
    case_id: UUID,
    seq: int,
    kind: Kind,
    state: State,
    person_id: UUID | None,
    mandate_id: UUID | None,
    inputs: Mapping[str, Any],
    recorded_at: datetime,
) -> bytes:
    """Return a record as canonical bytes, whose SHA-256 its event carries."""
    return canonical.encode(
        {
            "format": FORMAT,
            "case": public_id("apc", case_id),
            "seq": seq,
            "kind": kind.value,
            "state": state.value,
            "person": person_id and public_id("psn", person_id),
            "mandate": mandate_id and public_id("mnd", mandate_id),
            "at": instant_text(recorded_at),
            "inputs": dict(inputs),
        }
    )


def content_of(row: Record) -> bytes:
    """Return a stored record as the bytes that were hashed."""
    return content(**{name: getattr(row, name) for name in RECORD})


def policy_content(
    *,
    id: UUID,  # noqa: A002 - the column's name
    bank_id: UUID,
    number: int,
    effective_on: date,
    content: Mapping[str, Any],
    maker_id: UUID,
    maker_mandate_id: UUID,
    checker_id: UUID,
    checker_mandate_id: UUID,
    recorded_at: datetime,
) -> bytes:
    """Return a policy as canonical bytes, whose SHA-256 every case that begins with it names."""
    return canonical.encode(
        {
            "format": POLICY_FORMAT,
            "id": public_id("app", id),
            "bank": public_id("pty", bank_id),
            "number": number,
            "effective_on": effective_on.isoformat(),
            "content": dict(content),
            "maker": [public_id("psn", maker_id), public_id("mnd", maker_mandate_id)],
            "checker": [public_id("psn", checker_id), public_id("mnd", checker_mandate_id)],
            "at": instant_text(recorded_at),
        }
    )
