"""Keys are kept encrypted and private; a local authority certifies whoever holds them."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from scf.parties import authority as authorities
from scf.parties import keystore
from scf.parties.authority import LocalAuthority, subject_name
from scf.parties.keystore import KeyStore
from scf.parties.models import serial_text
from scf_ledger import certificates
from scf_ledger.errors import BadCertificate
from scf_ledger.event_types import Scope

USCC = "91500118MAYYC0A174"
PERSON = "psn_01k3e5m8q2x7v9b4c6d8f0g1h2"
BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2025, 11, 3, tzinfo=UTC)
PASSPHRASE = b"correct horse"
SUBJECT = subject_name(code=USCC, person=PERSON)


@pytest.fixture
def ca(tmp_path):
    return LocalAuthority.init(
        tmp_path / "ca", scope=Scope.ENTERPRISE, valid_from=BEGINS, passphrase=PASSPHRASE
    )


@pytest.fixture
def keys(tmp_path):
    return KeyStore(tmp_path / "keys")


def certified(ca, keys, name="zhang"):
    request = keys.new(name, subject=SUBJECT, passphrase=PASSPHRASE)
    pem = ca.issue(request, valid_from=BEGINS).public_bytes(Encoding.PEM).decode()
    return keys.attach(name, pem, passphrase=PASSPHRASE)


class TestAuthority:
    def test_its_certificate_names_code_and_person_for_any_verifier(self, ca, keys):
        identity = certified(ca, keys)

        listed = [certificates.load_authority(ca.pem, Scope.ENTERPRISE)]
        assert certificates.issuer(identity.certificate, listed).scope is Scope.ENTERPRISE
        assert certificates.holder(identity.certificate) == certificates.Holder(USCC, PERSON)
        certificates.check_valid_at(identity.certificate, NOW)
        assert "示例" not in identity.certificate.subject.rfc4514_string()

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
    def test_openssl_believes_it_until_the_list_says_otherwise(self, ca, keys, tmp_path):
        identity = certified(ca, keys)
        leaf, listing = tmp_path / "keys" / "zhang.pem", tmp_path / "list.pem"
        at = str(int(NOW.timestamp()))
        check = ["openssl", "verify", "-attime", at, "-crl_check", "-x509_strict"]
        check += ["-CAfile", ca.folder / "ca.pem", "-CRLfile", listing, leaf]

        def openssl_verdict():
            crl = x509.load_der_x509_crl(ca.crl(at=NOW - timedelta(hours=1)))
            listing.write_bytes(crl.public_bytes(Encoding.PEM))
            return subprocess.run(check, capture_output=True, text=True, check=False)

        before = openssl_verdict()
        ca.revoke(serial_text(identity.certificate.serial_number), at=NOW - timedelta(days=1))
        after = openssl_verdict()

        assert before.returncode == 0, before.stderr
        assert after.returncode != 0
        assert "certificate revoked" in after.stderr

    def test_its_list_carries_every_revocation_and_a_rising_number(self, ca, keys):
        first, second = certified(ca, keys, "zhang"), certified(ca, keys, "li")
        listed = [certificates.load_authority(ca.pem, Scope.ENTERPRISE)]
        serial = serial_text(first.certificate.serial_number)

        ca.revoke(serial, at=NOW, reason="left")
        ca.revoke(serial, at=NOW + timedelta(days=1))
        der = ca.crl(at=NOW), ca.crl(at=NOW + timedelta(days=1))

        revoked = certificates.load_revocations(der[1], listed).revoked_at
        assert revoked == {first.certificate.serial_number: NOW}
        assert second.certificate.serial_number not in revoked
        numbers = [
            x509.load_der_x509_crl(one).extensions.get_extension_for_class(x509.CRLNumber).value
            for one in der
        ]
        assert [number.crl_number for number in numbers] == [1, 2]

    def test_it_is_opened_again_with_its_passphrase_only(self, ca):
        assert LocalAuthority.open(ca.folder, passphrase=PASSPHRASE).pem == ca.pem

        with pytest.raises(keystore.KeyUnreadable):
            LocalAuthority.open(ca.folder, passphrase=b"another one")
        with pytest.raises(authorities.AuthorityMissing):
            LocalAuthority.open(ca.folder / "none", passphrase=PASSPHRASE)
        with pytest.raises(authorities.AuthorityExists):
            LocalAuthority.init(
                ca.folder, scope=Scope.BANK, valid_from=BEGINS, passphrase=PASSPHRASE
            )

    @pytest.mark.parametrize(
        "request_pem",
        [
            b"",
            b"not a request",
            b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        ],
    )
    def test_rubbish_is_no_request(self, ca, request_pem):
        with pytest.raises(authorities.RequestUnsigned):
            ca.issue(request_pem, valid_from=BEGINS)

    @pytest.mark.parametrize(
        ("curve", "code", "person"),
        [
            (ec.SECP384R1(), USCC, PERSON),
            (ec.SECP256R1(), "91500118MAYYC0A175", PERSON),
            (ec.SECP256R1(), "", PERSON),
        ],
    )
    def test_a_request_is_on_the_curve_and_names_a_code(self, ca, curve, code, person):
        key = ec.generate_private_key(curve)
        name = subject_name(code=code, person=person)
        builder = x509.CertificateSigningRequestBuilder().subject_name(name)
        request = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)

        with pytest.raises(authorities.RequestUnsigned):
            ca.issue(request, valid_from=BEGINS)

    def test_a_certificate_lives_within_its_authority(self, ca, keys):
        request = keys.new("zhang", subject=SUBJECT, passphrase=PASSPHRASE)

        with pytest.raises(authorities.ValidityOutside):
            ca.issue(request, valid_from=BEGINS - timedelta(days=1))
        long = ca.issue(request, valid_from=BEGINS, lifetime=timedelta(days=99_999))
        assert long.not_valid_after_utc == ca.certificate.not_valid_after_utc

    def test_only_its_own_certificates_are_revoked(self, ca):
        with pytest.raises(authorities.SerialUnknown):
            ca.revoke("00" * 20, at=NOW)

    def test_another_authority_of_the_same_name_is_not_it(self, ca, keys, tmp_path):
        other = LocalAuthority.init(
            tmp_path / "other", scope=Scope.ENTERPRISE, valid_from=BEGINS, passphrase=PASSPHRASE
        )
        identity = certified(other, keys)

        with pytest.raises(BadCertificate):
            certificates.issuer(
                identity.certificate, [certificates.load_authority(ca.pem, Scope.ENTERPRISE)]
            )


class TestKeyStore:
    def test_a_key_on_disk_is_encrypted_and_private(self, ca, keys):
        identity = certified(ca, keys)
        path = keys.folder / "zhang.key"

        assert path.stat().st_mode & 0o777 == 0o600
        assert keys.folder.stat().st_mode & 0o777 == 0o700
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        opened = keys.open("zhang", passphrase=PASSPHRASE)
        assert opened.key.private_numbers() == identity.key.private_numbers()
        assert keys.names() == ["zhang"]

    @pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660, 0o666, 0o601])
    def test_a_key_that_others_may_touch_is_refused(self, ca, keys, mode):
        certified(ca, keys)
        (keys.folder / "zhang.key").chmod(mode)

        with pytest.raises(keystore.KeyExposed):
            keys.open("zhang", passphrase=PASSPHRASE)

    @pytest.mark.parametrize("passphrase", [b"", b"wrong horse", b"correct horse "])
    def test_a_key_opens_with_its_passphrase_only(self, ca, keys, passphrase):
        certified(ca, keys)

        with pytest.raises(keystore.KeyUnreadable):
            keys.open("zhang", passphrase=passphrase)

    def test_a_key_is_never_overwritten(self, ca, keys):
        certified(ca, keys)
        before = (keys.folder / "zhang.key").read_bytes()

        with pytest.raises(keystore.KeyExists):
            keys.new("zhang", subject=SUBJECT, passphrase=PASSPHRASE)
        assert (keys.folder / "zhang.key").read_bytes() == before

    def test_a_damaged_or_unencrypted_key_is_refused(self, ca, keys):
        certified(ca, keys)
        path = keys.folder / "zhang.key"
        path.write_bytes(path.read_bytes()[:-60])

        with pytest.raises(keystore.KeyUnreadable):
            keys.open("zhang", passphrase=PASSPHRASE)

    def test_a_certificate_is_for_its_key(self, ca, keys):
        certified(ca, keys, "zhang")
        keys.new("li", subject=SUBJECT, passphrase=PASSPHRASE)

        with pytest.raises(keystore.CertificateNotForKey):
            keys.attach("li", (keys.folder / "zhang.pem").read_text(), passphrase=PASSPHRASE)
        with pytest.raises(keystore.CertificateNotForKey):
            keys.attach("li", "nonsense", passphrase=PASSPHRASE)
        with pytest.raises(keystore.KeyUnknown):
            keys.open("li", passphrase=PASSPHRASE)

    @pytest.mark.parametrize("name", ["", "../zhang", "a/b", ".hidden", "张三", "x" * 65, "a\0b"])
    def test_a_name_is_a_plain_file_name(self, keys, name):
        with pytest.raises(keystore.KeyUnknown):
            keys.new(name, subject=SUBJECT, passphrase=PASSPHRASE)

    def test_a_passphrase_is_long_enough(self, keys):
        with pytest.raises(keystore.PassphraseWeak):
            keys.new("zhang", subject=SUBJECT, passphrase=b"1234567")
        assert keys.names() == []
