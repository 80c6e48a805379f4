"""Verifying entries offline, against nothing but the signatures in the same file.

The file is the pledge proof of `tests/golden`: seven entries from the debtor's confirmation to the
lock, its head signed by the log and two witnesses. The verifier has met its people before, as a bank's
has. Time is the processor's, so that the figure is one core's whatever else runs.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from scf_ledger import certificates, jws, note, proof, tlog_proof, trust
from scf_ledger.proof import Proof
from scf_ledger.statement import split_authorization
from scf_ledger.trust import Trust
from scf_ledger.verify import verify_file
from tests.benchmarks.figures import Row, at_least, middle, seconds

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = 100  # of one round
ROUNDS = 5

Check = Callable[[], object]


def measure() -> Iterator[Row]:
    data = (GOLDEN / "pledge.scfproof").read_bytes()
    believed = trust.parse((GOLDEN / "trust.json").read_bytes())
    parsed = proof.parse(data)
    assert verify_file(data, believed).verdict == "pass"
    raw = [*signatures(parsed), *cosignatures(parsed, believed)]
    whole, least = [], []
    for _ in range(ROUNDS):
        whole.append(entries_per_second(parsed, [lambda: verify_file(data, believed)]))
        least.append(entries_per_second(parsed, raw))
    yield Row(
        "离线验证，单核 verifying offline, one core",
        middle(whole),
        "条目/s entries/s",
        middle(least),
        at_least(1_000, of="value"),
    )


def entries_per_second(parsed: Proof, checks: list[Check]) -> float:
    """Do all that one file asks, again and again."""

    def work() -> None:
        for _ in range(FILES):
            for check in checks:
                check()

    return FILES * len(parsed.entries) / seconds(work, time.process_time)


def signatures(parsed: Proof) -> Iterator[Check]:
    """Every P-256 signature of the file, ready to be verified."""
    people = {}
    for pem in parsed.certificates:
        certificate = certificates.load_certificate(pem)
        people[certificates.thumbprint(certificate)] = certificates.public_key(certificate)
    for entry in parsed.entries:
        for text in entry.authorizations:
            signed = jws.parse(split_authorization(text)[0])
            yield p256(people[signed.thumbprint], signed)


def p256(key: ec.EllipticCurvePublicKey, signed: jws.Jws) -> Check:
    signature, algorithm = encode_dss_signature(signed.r, signed.s), ec.ECDSA(hashes.SHA256())
    return lambda: key.verify(signature, signed.signing_input, algorithm)


def cosignatures(parsed: Proof, believed: Trust) -> Iterator[Check]:
    """The Ed25519 signatures of the file's one head."""
    head = note.parse(tlog_proof.parse(parsed.entries[0].tlog_proof).checkpoint)
    for verifier in (believed.logs[0].verifier, *believed.witnesses):
        for name, _, signature in head.signatures:
            if name == verifier.name:
                yield ed25519(verifier, head.text, signature)


def ed25519(verifier: note.Verifier, text: str, signature: bytes) -> Check:
    return lambda: verifier.verify(text, signature)
