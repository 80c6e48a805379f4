"""The formats once more, written from their pages with hashlib, rfc8785 and joserfc.

Nothing here comes from ``scf_ledger``: what this code makes, the verifier has to accept, and where
the two differ one of them misreads the page.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey

P256_N = 2**256 - 2**224 + 2**192 - 0x4319055258E8617B0C46353D039CDAAF


def sha256(data):
    return hashlib.sha256(data).digest()


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def b64(data):
    return base64.b64encode(data).decode()


def cny(amount):
    return {"amount": amount, "currency": "CNY"}


def make_id(prefix, word):
    """A stable id: 26 symbols of lower-case Crockford base32 from the hash of a word."""
    number = int.from_bytes(sha256(word.encode())[:16], "big")
    symbols = "0123456789abcdefghjkmnpqrstvwxyz"
    return prefix + "_" + "".join(symbols[(number >> (5 * place)) & 31] for place in range(26))


def make_uscc(first_17):
    symbols = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(symbols.index(symbol) * 3**place for place, symbol in enumerate(first_17))
    return first_17 + symbols[(31 - total % 31) % 31]


# Events


def disclosure(name, value, seed):
    salt = b64u(hmac.new(seed, name.encode(), hashlib.sha256).digest()[:16])
    return b64u(rfc8785.dumps([salt, name, value]))


def make_event(*, word, type_, subject, version, occurred_at, previous, authorizations, record):
    shown = {name: disclosure(name, value, word.encode()) for name, value in record.items()}
    body = rfc8785.dumps(
        {
            "format": "scf-event/1",
            "id": make_id("evt", word),
            "type": type_,
            "subject": subject,
            "version": version,
            "occurred_at": occurred_at,
            "previous": None if previous is None else b64u(previous),
            "authorizations": [
                b64u(sha256(text.split("~")[0].encode())) for text in authorizations
            ],
            "_sd_alg": "sha-256",
            "record": {"_sd": sorted(b64u(sha256(text.encode())) for text in shown.values())},
        }
    )
    return body, shown


def make_tag(secret, version):
    return hmac.new(secret, version.to_bytes(8, "big"), hashlib.sha256).digest()


# Statements


def sign_statement(payload, key, certificate, typ="scf-statement+jws"):
    """Sign with a JOSE library, then take the lower s."""
    thumbprint = b64u(sha256(certificate.public_bytes(serialization.Encoding.DER)))
    header = {"alg": "ES256", "typ": typ, "x5t#S256": thumbprint}
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    made = jws.serialize_compact(
        header, payload, ECKey.import_key(pem), registry=jws.JWSRegistry(strict_check_header=False)
    )
    return low_s(made)


def low_s(compact):
    head, _, signature = compact.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    s = int.from_bytes(raw[32:], "big")
    return head + "." + b64u(raw[:32] + min(s, P256_N - s).to_bytes(32, "big"))


def high_s(compact):
    head, _, signature = low_s(compact).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    s = int.from_bytes(raw[32:], "big")
    return head + "." + b64u(raw[:32] + (P256_N - s).to_bytes(32, "big"))


# Certificates


def make_key(word):
    return ec.derive_private_key(int.from_bytes(sha256(word.encode()), "big") >> 1, ec.SECP256R1())


def make_ca(word, valid_from="2025-01-01"):
    key = make_key(word)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)])
    return key, _certificate(name, key.public_key(), name, key, ca=True, valid_from=valid_from)


def make_certificate(ca, *, uscc, person, word, valid_from="2025-01-01", valid_to="2028-01-01"):
    """A key and its certificate, for a person who signs for a party."""
    ca_key, ca_certificate = ca
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "NTRCN-" + uscc),
            x509.NameAttribute(NameOID.COMMON_NAME, person),
        ]
    )
    key = make_key(word)
    return key, _certificate(
        name,
        key.public_key(),
        ca_certificate.subject,
        ca_key,
        ca=False,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def make_crl(ca, revoked=(), issued_at="2026-01-01"):
    """A revocation list; ``revoked`` holds pairs of certificate and day."""
    key, certificate = ca
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(_day(issued_at))
        .next_update(_day(issued_at) + dt.timedelta(days=3650))
    )
    for gone, day in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(gone.serial_number)
            .revocation_date(_day(day))
            .build()
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _day(text):
    return dt.datetime.fromisoformat(text)


def _certificate(subject, key, issuer, issuer_key, *, ca, valid_from, valid_to="2035-01-01"):
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    serial = int.from_bytes(sha256(subject.public_bytes())[:8], "big") >> 1
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(_day(valid_from))
        .not_valid_after(_day(valid_to))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True,
        )
        .sign(issuer_key, hashes.SHA256())
    )


# Log


def leaf(entry):
    return sha256(b"\x00" + entry)


def tree_root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_root(leaves[:half]) + tree_root(leaves[half:]))


def audit_path(leaves, index):
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*audit_path(leaves[:half], index), tree_root(leaves[half:])]
    return [*audit_path(leaves[half:], index - half), tree_root(leaves[:half])]


def bundle(entries):
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


class NoteKey:
    """An Ed25519 key of signed notes; ``kind`` is 1 for a log, 4 for a witness."""

    def __init__(self, name, kind=1):
        self.name, self.type = name, kind
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(sha256(name.encode()))
        public = self.key.public_key().public_bytes_raw()
        self.typed = bytes([kind]) + public
        self.id = sha256(name.encode() + b"\n" + self.typed)[:4]

    @property
    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{b64(self.typed)}"

    def line(self, text, time=None):
        if self.type == 1:
            signature = self.key.sign(text.encode())
        else:
            signature = time.to_bytes(8, "big")
            signature += self.key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        return f"\u2014 {self.name} {b64(self.id + signature)}\n"


def checkpoint(origin, size, root, key, *, witnesses=(), time=None):
    text = f"{origin}\n{size}\n{b64(root)}\n"
    return text + "\n" + key.line(text) + "".join(w.line(text, time) for w in witnesses)


def tlog_proof(index, path, note):
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *map(b64, path)]
    return "\n".join(lines) + "\n\n" + note


def as_json(value):
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
