"""Fragment *record*: each body is a well-formed event, and what is shown of its record is in it."""

import hashlib

from scf_ledger.event import parse_disclosure, parse_event
from scf_ledger.proof import Proof, ProofEntry
from scf_ledger.verify.case import Read, at, place
from scf_ledger.verify.report import Failure, Skipped


def check(proof: Proof) -> tuple[Read, ...]:
    """Read every entry.

    :raises LedgerError: a body or a disclosure that is not what its format asks
    """
    if not proof.entries:
        raise Skipped("case.empty")
    reads = []
    for number, entry in enumerate(proof.entries):
        with at(place(number)):
            reads.append(_read(place(number), entry))
    return tuple(reads)


def _read(where: str, entry: ProofEntry) -> Read:
    body_hash = hashlib.sha256(entry.body).digest()
    event = parse_event(entry.body)
    digests = frozenset(event.digests)
    record = {}
    for text in entry.disclosures:
        field = parse_disclosure(text)
        shape = event.type.fields.get(field.name) or event.type.optional.get(field.name)
        if field.digest not in digests:
            raise Failure("record.not_in_event", field=field.name)
        if field.name in record:
            raise Failure("record.field_twice", field=field.name)
        if shape is None or not shape(field.value):
            raise Failure("record.field_malformed", field=field.name, type=event.type.name)
        record[field.name] = field.value
    for name, value in (("id", event.subject), ("at", event.occurred_at)):
        if record.get(name, value) != value:
            raise Failure("record.differs_from_body", field=name)
    return Read(where, entry, body_hash, event, record)
