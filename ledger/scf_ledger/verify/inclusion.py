"""Fragment *inclusion*: each entry, body hash and tag, stands in the tree of its checkpoint."""

import hashlib
import hmac
from collections.abc import Sequence

from scf_ledger import checkpoint, event, merkle, tlog_proof
from scf_ledger.errors import LedgerError
from scf_ledger.proof import Proof, ProofEntry
from scf_ledger.verify.case import Read, at, place
from scf_ledger.verify.report import Failure, Skipped


def check(proof: Proof, reads: Sequence[Read] | None) -> tuple[int, ...]:
    """Verify every inclusion proof, and every tag whose secret is given; return the log indices.

    :param reads: the parsed entries, or None when they could not be read: then tags are not checked
    :raises LedgerError: an entry is not in the tree, or its tag is not its subject's
    """
    if not proof.entries:
        raise Skipped("case.empty")
    heads: dict[str, checkpoint.Checkpoint] = {}
    indices = []
    for number, entry in enumerate(proof.entries):
        with at(place(number)):
            indices.append(_check_included(entry, heads))
            if reads is not None:
                _check_tag(reads[number])
    return tuple(indices)


def _check_included(entry: ProofEntry, heads: dict[str, checkpoint.Checkpoint]) -> int:
    if entry.tag is None:
        raise Failure("inclusion.tag_missing")
    if entry.tlog_proof is None:
        raise Failure("inclusion.proof_missing")
    proof = tlog_proof.parse(entry.tlog_proof)
    if proof.checkpoint not in heads:
        try:
            heads[proof.checkpoint] = checkpoint.parse(proof.checkpoint)
        except LedgerError as error:
            raise Skipped("inclusion.no_checkpoint") from error
    head = heads[proof.checkpoint]
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(event.entry(hashlib.sha256(entry.body).digest(), entry.tag)),
        index=proof.index,
        size=head.size,
        proof=proof.hashes,
        root=head.root,
    )
    return proof.index


def _check_tag(read: Read) -> None:
    secret, tag = read.entry.tag_secret, read.entry.tag
    if secret is None or tag is None:
        return
    if not hmac.compare_digest(event.tag(secret, read.event.version), tag):
        raise Failure("inclusion.wrong_tag", subject=read.event.subject, version=read.event.version)
