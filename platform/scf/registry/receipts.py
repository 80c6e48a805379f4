"""The simulated register's own key: it signs a receipt over every entry, under an authority of its own.

`registry/ca/ca.pem` of the data folder is what a trust file lists with scope `registry`.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from scf.evidence.service import hash_text
from scf.kernel.clock import Clock, instant_text
from scf.kernel.ids import new_id, public_id
from scf.parties.authority import LocalAuthority, subject_name
from scf.parties.keystore import Identity, KeyStore
from scf.registry.port import Certificate
from scf_ledger import receipt, uscc
from scf_ledger.event_types import Scope
from scf_ledger.receipt import Receipt

AUTHORITY: Final = Path("registry", "ca")
BEGINS: Final = datetime(2025, 1, 1, tzinfo=UTC)
KEY: Final = "receipts"
_CODE: Final = "12100000MA0REG1X2"


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """The register's key with its certificate, and the authority that says what is revoked."""

    authority: LocalAuthority
    identity: Identity
    clock: Clock

    @classmethod
    def open(cls, data: Path, clock: Clock) -> Self:
        """Open the key of a data folder; made the first time."""
        folder = data / AUTHORITY
        passphrase = _passphrase(folder)
        if (folder / "ca.pem").exists():
            authority = LocalAuthority.open(folder, passphrase=passphrase)
        else:
            authority = LocalAuthority.init(
                folder, scope=Scope.REGISTRY, valid_from=BEGINS, passphrase=passphrase
            )
        keys = KeyStore(folder / "keys")
        if KEY not in keys.names():
            code = _CODE + uscc.check_digit(_CODE)
            subject = subject_name(code=code, person=public_id("per", new_id()))
            keys.new(KEY, subject=subject, passphrase=passphrase)
        if keys.certificate(KEY) is None:
            request = (keys.folder / f"{KEY}.csr").read_bytes()
            issued = authority.issue(request, valid_from=BEGINS)
            keys.attach(KEY, _pem(issued), passphrase=passphrase)
        return cls(authority, keys.open(KEY, passphrase=passphrase), clock)

    def sign(self, reference: str, entry: Certificate, certificate: bytes) -> Receipt:
        """Sign over an entry, filed under a reference and certified by these bytes."""
        said = {
            "reference": reference,
            "number": entry.number,
            "initial_no": entry.initial_no,
            "registered_at": instant_text(entry.registered_at),
            "expires_on": entry.expires_on.isoformat(),
            "secured_party": entry.secured_party.uscc,
            "grantor": entry.grantor.uscc,
            "contract_no": entry.contract_no,
            "amount": entry.amount.to_json(),
            "certificate_sha256": hash_text(hashlib.sha256(certificate).digest()),
        }
        own = self.identity.certificate
        return Receipt(
            jws=receipt.sign(said, self.identity.key, own),
            certificate=_pem(own),
            revocations=self.authority.crl(at=entry.registered_at),
        )


def _passphrase(folder: Path) -> bytes:
    """Return the passphrase of a stand-in's keys, which lies beside them; made the first time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "passphrase"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_bytes()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
