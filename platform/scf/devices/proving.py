"""The proof of one reading: its hour's event, its device's registration, its place, the batch as signed."""

from sqlalchemy.orm import Session

from scf.devices import queries
from scf.devices.models import Device
from scf.evidence import proofs
from scf.evidence import queries as evidence
from scf_ledger import merkle
from scf_ledger.proof import ProvenReading
from scf_ledger.verify.reading import KIND


def prove(session: Session, device: Device, seq: int) -> bytes:
    """Return a proof file of kind `reading`. Raises ReadingNotFound, EvidencePending.

    The device's registration is its first event: what it is, and the key that it signs with.
    """
    hour, closing, reading = queries.closing_of(session, device, seq)
    covered = queries.covered(session, hour, closing.number)
    index = [number for number, _ in covered].index(seq)
    leaves = [merkle.leaf_hash(body) for _, body in covered]
    (registered,) = evidence.history(session, device.id, up_to=1)
    told = [evidence.event(session, closing.event_id), registered]
    return proofs.pack(
        session,
        KIND,
        [proofs.entry(session, event) for event in told],
        reading=ProvenReading(
            body=reading.body,
            index=index,
            path=tuple(merkle.inclusion_proof(leaves, index)),
            batch=queries.batch(session, reading).jws,
        ),
    )
