"""The certificates of a proof file: who each speaks for, which authority says so, what was revoked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from scf_ledger import certificates
from scf_ledger.certificates import Authority, Holder, RevocationList
from scf_ledger.proof import Proof
from scf_ledger.trust import Trust
from scf_ledger.verify.case import at
from scf_ledger.verify.report import Failure


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate that a listed authority issued."""

    certificate: x509.Certificate
    thumbprint: str
    key: ec.EllipticCurvePublicKey
    holder: Holder
    authority: Authority


@dataclass(frozen=True, slots=True)
class Signers:
    """Every signer of a file by thumbprint, and every revocation list."""

    by_thumbprint: Mapping[str, Signer]
    revocations: Sequence[RevocationList]

    def of(self, thumbprint: str) -> Signer:
        """Return the signer whose certificate a statement names."""
        signer = self.by_thumbprint.get(thumbprint)
        if signer is None:
            raise Failure("authorization.no_certificate", thumbprint=thumbprint)
        return signer

    def check_in_force(
        self, signer: Signer, *, issued_at: datetime, existed_by: datetime | None
    ) -> None:
        """Refuse a certificate that was not in force when the statement was issued.

        A revoked one still counts where the entry provably existed before the revocation.
        The file has to hold a list of the certificate's authority that is not older than the
        statement: leaving it out cannot hide a revocation.
        """
        certificates.check_valid_at(signer.certificate, issued_at)
        lists = [found for found in self.revocations if found.authority == signer.authority]
        if not any(found.issued_at >= issued_at for found in lists):
            raise Failure("authorization.no_revocation_list", issued_at=issued_at.isoformat())
        serial = signer.certificate.serial_number
        revoked_at = min(
            (found.revoked_at[serial] for found in lists if serial in found.revoked_at),
            default=None,
        )
        if revoked_at is not None and (existed_by is None or existed_by >= revoked_at):
            raise Failure("authorization.revoked", revoked_at=revoked_at.isoformat())


def load(proof: Proof, trust: Trust) -> Signers:
    """Read and check the certificates and revocation lists that a file carries.

    :raises LedgerError: one that no listed authority stands behind
    """
    signers = {}
    for number, pem in enumerate(proof.certificates):
        with at(f"certificates[{number}]"):
            signer = read(pem, trust.authorities)
            signers[signer.thumbprint] = signer
    revocations = []
    for number, der in enumerate(proof.revocations):
        with at(f"revocations[{number}]"):
            revocations.append(_revocations(der, trust.authorities))
    return Signers(signers, revocations)


@lru_cache(maxsize=1_024)
def read(pem: str, authorities: tuple[Authority, ...]) -> Signer:
    """Check a certificate; remembered, since one verifier sees the same people in file after file.

    :raises LedgerError: it cannot be read, or no listed authority issued it
    """
    certificate = certificates.load_certificate(pem)
    authority = certificates.issuer(certificate, authorities)
    return Signer(
        certificate,
        certificates.thumbprint(certificate),
        certificates.public_key(certificate),
        certificates.holder(certificate),
        authority,
    )


@lru_cache(maxsize=64)
def _revocations(der: bytes, authorities: tuple[Authority, ...]) -> RevocationList:
    """Check a revocation list; remembered like certificates."""
    return certificates.load_revocations(der, authorities)
