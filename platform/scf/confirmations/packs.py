"""The pack of evidence (证据包) over a request: its facts as canonical JSON, every event with its proof."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.confirmations import queries
from scf.confirmations.letters import LAW
from scf.confirmations.models import Moment, MomentKind
from scf.confirmations.queries import ANSWERS, Found
from scf.confirmations.rules import LINE_WITHDRAWN, TERM
from scf.documents.models import Document
from scf.evidence import log, proofs
from scf.evidence import queries as events
from scf.evidence.models import Event
from scf.evidence.service import hash_text
from scf.kernel.clock import business_date, instant_text
from scf.kernel.ids import parse_id, public_id
from scf.parties import queries as parties
from scf.parties.models import Party
from scf.receivables import queries as receivables
from scf.receivables.models import Receivable
from scf.rules.book import shipped
from scf_ledger import canonical
from scf_ledger.event import parse_disclosure

FORMAT: Final = "scf-confirmation-evidence/1"
PACK_FORMAT: Final = "scf-confirmation-pack/1"
TOLD: Final = ("receivable.submitted", "receivable.requested", LINE_WITHDRAWN, *ANSWERS)


@dataclass(frozen=True, slots=True)
class Pack:
    """The facts of a request as canonical bytes, and the events that they rest on."""

    content: dict[str, Any]
    facts: bytes
    events: Sequence[Event]
    at: datetime
    """When the newest of it was recorded."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of the facts, in hexadecimal as tools print it."""
        return hashlib.sha256(self.facts).hexdigest()


def collect(session: Session, found: Found) -> Pack:
    """Gather what a request came to. Raises EvidencePending until all of its events are published."""
    told = [
        event
        for event in events.history(session, found.request.receivable_id)
        if event.type in TOLD and _belongs(found, event)
    ]
    published = log.indexes(session, [event.body_hash for event in told])
    if len(published) != len(told):
        raise proofs.EvidencePending(events=len(told), published=len(published), retry_after=1)
    content = _content(session, found, told)
    times = [event.occurred_at for event in told] + [one.recorded_at for one in found.moments]
    return Pack(content, canonical.encode(content), told, max(times))


def to_json(session: Session, pack: Pack) -> bytes:
    """Return the pack with the proof file of every event, as `GET /v1/events/{id}/proof` gives it."""
    return canonical.encode(
        {
            "format": FORMAT,
            "pack": pack.content,
            "pack_sha256": pack.sha256,
            "proofs": [_proof(session, event) for event in pack.events],
        }
    )


def _belongs(found: Found, event: Event) -> bool:
    """Say whether an event came before the request, is it, or answers it; what follows is another story."""
    if event.version <= found.request.event_version:
        return True
    return any(event.id == answer.event_id for answer in found.followed)


def _proof(session: Session, event: Event) -> dict[str, str]:
    content = proofs.pack(
        session,
        "event",
        [proofs.entry(session, event)],
        certificates=parties.certificates_for(session, event.authorizations),
        revocations=parties.revocations(session),
    )
    name = f"{public_id('evt', event.id)}.scfproof"
    return {
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "base64": base64.b64encode(content).decode(),
    }


def _content(session: Session, found: Found, told: Sequence[Event]) -> dict[str, Any]:
    request, receivable = found.request, session.get_one(Receivable, found.request.receivable_id)
    sides = parties.parties_of(session, [request])
    letter = queries.letter(session, request.id)
    return {
        "format": PACK_FORMAT,
        "request": public_id("cfr", request.id),
        "receivable": public_id("rcv", request.receivable_id),
        "state": found.progress.state.value,
        "statutory": request.statutory,
        "conditions": request.conditions,
        "requested_on": request.requested_on.isoformat(),
        "days": request.days,
        "deadline_on": request.deadline_on and request.deadline_on.isoformat(),
        "creditor": _side(sides[request.creditor_id]),
        "debtor": _side(sides[request.debtor_id]),
        "claimed": request.claimed.to_json(),
        "note": request.note,
        "line_no": receivable.line_no,
        "contract_no": receivable.contract_no,
        "receipt_no": receivable.receipt_no,
        "delivered_on": receivables.date_text(receivable.delivered_on),
        "due_on": receivable.due_on.isoformat(),
        "documents": _documents(session, receivable),
        "timeline": _timeline(found, told),
        "letter_sha256": letter and letter.sha256.hex(),
        "articles": _articles(found),
        "events": [
            {
                "id": public_id("evt", event.id),
                "type": event.type,
                "version": event.version,
                "hash": hash_text(event.body_hash),
            }
            for event in told
        ],
    }


def _side(party: Party) -> dict[str, str]:
    return {"uscc": party.uscc, "name": party.name}


def _documents(session: Session, receivable: Receivable) -> list[dict[str, str]]:
    """Return the documents with the event that registered each and the hash of its original file."""
    named = receivables.documents_of(session, [receivable.id])[receivable.id]
    ids = [parse_id("doc", one["id"]) for one in named]
    rows = session.execute(
        select(Document.id, Document.original_sha256).where(Document.id.in_(ids))
    )
    originals = {public_id("doc", identity): sha256 for identity, sha256 in rows}
    return [{**one, "original_sha256": hash_text(originals[one["id"]])} for one in named]


def _timeline(found: Found, told: Sequence[Event]) -> list[dict[str, Any]]:
    """Return everything in the order of its time: a day's reminder stands at that day's beginning."""
    compliant = {answer.event_id: answer.compliant for answer in found.answers}
    steps = [_told(event, compliant.get(event.id)) for event in told]
    steps += [_recorded(found, moment) for moment in found.moments]
    return sorted(steps, key=lambda step: (step["on"], step["at"] or ""))


def _told(event: Event, compliant: bool | None) -> dict[str, Any]:
    record = {field.name: field.value for field in map(parse_disclosure, proofs.disclosed(event))}
    return {
        "on": business_date(event.occurred_at).isoformat(),
        "at": instant_text(event.occurred_at),
        "what": event.type,
        "day": None,
        "by": "creditor" if event.type not in ANSWERS else "debtor",
        "reason": record.get("reason"),
        "compliant": compliant,
        "event": public_id("evt", event.id),
    }


def _recorded(found: Found, moment: Moment) -> dict[str, Any]:
    request = found.request
    by = {request.creditor_id: "creditor", request.debtor_id: "debtor"}
    due = moment.kind in (MomentKind.REMINDER, MomentKind.CONFIRM_OVERDUE)
    who = "operator" if moment.kind is MomentKind.DECIDED else "platform"
    return {
        "on": moment.due_on.isoformat(),
        "at": None if due else instant_text(moment.recorded_at),
        "what": moment.kind.value,
        "day": moment.day,
        "by": by[moment.actor_id] if moment.actor_id else who,
        "reason": moment.reason,
        "upheld": moment.upheld,
        "event": None,
    }


def _articles(found: Found) -> list[dict[str, Any]]:
    """Return the articles that the request rests on, with how well their text is known."""
    if found.request.rule_version is None:
        return []
    rule = shipped().rule(TERM)
    version = rule.at(found.request.rule_version)
    return [
        {
            "law": LAW,
            "article": version.article,
            "says": rule.title_zh,
            "rule": f"{rule.id}/{version.version}",
            "source": version.source,
            "known": version.known.value,
        }
    ]
