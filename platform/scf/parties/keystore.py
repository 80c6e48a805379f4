"""A signer's keys on a signer's machine: PKCS#8 under a passphrase, one file a key, for the owner only.

`NAME.key` is encrypted (PBES2), `NAME.csr` asks an authority for a certificate, `NAME.pem` is that
certificate once it is issued.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from scf.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from scf_ledger.certificates import Holder, holder, load_certificate
from scf_ledger.errors import LedgerError

PASSPHRASE_LENGTH_MIN: Final = 8
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


class KeyExposed(NotAllowed):
    """A key file is readable by its owner alone (mode 0600)."""

    code = "key.exposed"
    title = "密钥文件可被他人读取，请先执行 chmod 600"
    title_en = "The key file is readable by others"


class KeyUnknown(NotFound):
    """A key is made, or brought here, before it signs."""

    code = "key.unknown"
    title = "未找到该密钥"
    title_en = "No such key"


class KeyExists(Conflict):
    """A key is never overwritten."""

    code = "key.exists"
    title = "同名密钥已存在"
    title_en = "A key of that name exists"


class KeyUnreadable(Invalid):
    """A key opens with its passphrase, and is on P-256."""

    code = "key.unreadable"
    title = "密钥口令错误或文件损坏"
    title_en = "Wrong passphrase, or a damaged key file"


class PassphraseWeak(Invalid):
    """A passphrase has at least eight characters."""

    code = "key.passphrase_weak"
    title = "口令过短"
    title_en = "The passphrase is too short"


class CertificateNotForKey(Invalid):
    """A certificate belongs to the key beside it."""

    code = "key.certificate_mismatch"
    title = "证书与密钥不匹配"
    title_en = "The certificate is not for this key"


@dataclass(frozen=True, slots=True)
class Identity:
    """A key with its certificate: somebody who can sign."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def holder(self) -> Holder:
        """The party and person that the certificate names."""
        return holder(self.certificate)


@dataclass(frozen=True, slots=True)
class KeyStore:
    """A folder of keys."""

    folder: Path

    def new(self, name: str, *, subject: x509.Name, passphrase: bytes) -> bytes:
        """Make a key; return the request (PKCS#10, PEM) for its certificate.

        Raises KeyExists, PassphraseWeak, KeyUnknown for a name that is not a plain file name.
        """
        path = self._path(name, ".key")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        write_key(path, key, passphrase)
        request = (
            x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        ).public_bytes(Encoding.PEM)
        self._path(name, ".csr").write_bytes(request)
        return request

    def attach(self, name: str, pem: str, *, passphrase: bytes) -> Identity:
        """Keep the certificate of a key. Raises CertificateNotForKey and what `read_key` raises."""
        key = read_key(self._path(name, ".key"), passphrase)
        identity = Identity(key, _certificate(pem))
        if identity.certificate.public_key() != key.public_key():
            raise CertificateNotForKey(field=name)
        self._path(name, ".pem").write_text(pem)
        return identity

    def open(self, name: str, *, passphrase: bytes) -> Identity:
        """Open a key with its certificate. Raises KeyUnknown and what `read_key` raises."""
        key = read_key(self._path(name, ".key"), passphrase)
        try:
            pem = self._path(name, ".pem").read_text()
        except FileNotFoundError:
            raise KeyUnknown(field=name, missing="certificate") from None
        return Identity(key, _certificate(pem))

    def names(self) -> list[str]:
        """Return the names of the keys here."""
        return sorted(path.stem for path in self.folder.glob("*.key"))

    def certificate(self, name: str) -> x509.Certificate | None:
        """Return a key's certificate, if it has come."""
        path = self._path(name, ".pem")
        return _certificate(path.read_text()) if path.exists() else None

    def _path(self, name: str, suffix: str) -> Path:
        if not _NAME.fullmatch(name):
            raise KeyUnknown(field="name", value=name[:64])
        return self.folder / f"{name}{suffix}"


def write_key(path: Path, key: ec.EllipticCurvePrivateKey, passphrase: bytes) -> None:
    """Write a key encrypted, for its owner alone. Raises KeyExists, PassphraseWeak."""
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise PassphraseWeak(length_min=PASSPHRASE_LENGTH_MIN)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyExists(field=path.name) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def check_private(path: Path) -> None:
    """Raise KeyUnknown where there is no such file, KeyExposed where others may read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        raise KeyUnknown(field=path.name) from None
    if mode & _OTHERS:
        raise KeyExposed(field=path.name, mode=f"{mode:04o}")


def read_key(path: Path, passphrase: bytes) -> ec.EllipticCurvePrivateKey:
    """Read an encrypted key. Raises KeyUnknown, KeyExposed, KeyUnreadable."""
    check_private(path)
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase)
    except (ValueError, TypeError) as error:
        raise KeyUnreadable(field=path.name) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise KeyUnreadable(field=path.name)
    return key


def _certificate(pem: str) -> x509.Certificate:
    try:
        return load_certificate(pem)
    except LedgerError as error:
        raise CertificateNotForKey(rule=error.message) from error
