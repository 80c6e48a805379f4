import datetime as dt
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from scf_ledger import certificates
from scf_ledger.errors import BadCertificate, LedgerError, Malformed
from scf_ledger.event_types import Scope
from tests.golden import formats as f
from tests.golden import story

PERSON = f.make_id("per", "clerk")
_, CERTIFICATE = f.make_certificate(story.BANK_CA, uscc=story.BANK, person=PERSON, word="clerk")
BANKS = certificates.load_authority(f.pem(story.BANK_CA[1]), Scope.BANK)
ENTERPRISES = certificates.load_authority(f.pem(story.ENTERPRISE_CA[1]), Scope.ENTERPRISE)


def odd(subject=(), extensions=(), key=None, issuer=None):
    """A certificate of the banks' authority with something odd about it."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(*pair) for pair in subject]))
        .issuer_name(issuer or story.BANK_CA[1].subject)
        .public_key((key or f.make_key("odd")).public_key())
        .serial_number(7)
        .not_valid_before(dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(story.BANK_CA[0], hashes.SHA256())


ORGANIZATION = (NameOID.ORGANIZATION_IDENTIFIER, "NTRCN-" + story.BANK)
NAME = (NameOID.COMMON_NAME, PERSON)


class TestHolder:
    def test_is_organisation_and_person(self):
        assert certificates.holder(CERTIFICATE) == certificates.Holder(story.BANK, PERSON)

    @pytest.mark.parametrize(
        "subject",
        [
            [],
            [NAME],
            [ORGANIZATION],
            [ORGANIZATION, ORGANIZATION, NAME],
            [ORGANIZATION, NAME, NAME],
            [(NameOID.ORGANIZATION_IDENTIFIER, story.BANK), NAME],
            [(NameOID.ORGANIZATION_IDENTIFIER, "VATCN-" + story.BANK), NAME],
            [(NameOID.ORGANIZATION_IDENTIFIER, "NTRCN-" + story.BANK[:-1] + "0"), NAME],
        ],
    )
    def test_of_other_subjects_there_is_none(self, subject):
        with pytest.raises(BadCertificate):
            certificates.holder(odd(subject))


class TestIssuer:
    def test_is_the_authority_that_signed(self):
        assert certificates.issuer(CERTIFICATE, [ENTERPRISES, BANKS]) is BANKS

    def test_that_is_not_listed_is_none(self):
        with pytest.raises(BadCertificate):
            certificates.issuer(CERTIFICATE, [ENTERPRISES])
        with pytest.raises(BadCertificate):
            certificates.issuer(CERTIFICATE, [])

    def test_with_the_same_name_and_another_key_is_none(self):
        key = f.make_key("mallory")
        _, false = f.make_certificate(
            (key, story.BANK_CA[1]), uscc=story.BANK, person=PERSON, word="clerk"
        )
        with pytest.raises(BadCertificate):
            certificates.issuer(false, [BANKS])

    @pytest.mark.parametrize(
        "extension",
        [
            (x509.NameConstraints([x509.DNSName("a")], None), True),
            (
                x509.KeyUsage(
                    digital_signature=False, content_commitment=False, key_encipherment=True,
                    data_encipherment=False, key_agreement=False, key_cert_sign=False,
                    crl_sign=False, encipher_only=False, decipher_only=False,
                ),
                True,
            ),
        ],
    )  # fmt: skip
    def test_does_not_help_a_certificate_for_other_uses(self, extension):
        with pytest.raises(BadCertificate):
            certificates.issuer(odd([ORGANIZATION, NAME], [extension]), [BANKS])


class TestAuthority:
    def test_is_one(self):
        with pytest.raises(BadCertificate):
            certificates.load_authority(f.pem(CERTIFICATE), Scope.BANK)
        with pytest.raises(BadCertificate):
            certificates.load_authority(f.pem(odd([NAME])), Scope.BANK)


class TestPublicKey:
    @pytest.mark.parametrize(
        "key",
        [
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            ec.generate_private_key(ec.SECP384R1()),
        ],
    )
    def test_is_on_p256(self, key):
        with pytest.raises(BadCertificate):
            certificates.public_key(odd([NAME], key=key))


class TestValidity:
    def test_includes_both_ends(self):
        first, last = CERTIFICATE.not_valid_before_utc, CERTIFICATE.not_valid_after_utc
        second = dt.timedelta(seconds=1)
        certificates.check_valid_at(CERTIFICATE, first)
        certificates.check_valid_at(CERTIFICATE, last)
        for outside in (first - second, last + second):
            with pytest.raises(BadCertificate):
                certificates.check_valid_at(CERTIFICATE, outside)


class TestPem:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x",
            f.pem(CERTIFICATE) * 2,
            f.pem(CERTIFICATE)[:-60],
            f.pem(CERTIFICATE).replace("CERTIFICATE", "PRIVATE KEY"),
            "\u00e9" + f.pem(CERTIFICATE),
            " " * 10_000 + f.pem(CERTIFICATE),
        ],
    )
    def test_is_one_certificate(self, text):
        with pytest.raises(Malformed):
            certificates.load_certificate(text)


class TestRevocations:
    def test_are_read_by_serial_number(self):
        der = f.make_crl(story.BANK_CA, [(CERTIFICATE, "2025-12-01")])
        found = certificates.load_revocations(der, [ENTERPRISES, BANKS])
        assert found.authority is BANKS
        assert found.issued_at == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        assert found.revoked_at == {
            CERTIFICATE.serial_number: dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
        }

    def test_by_nobody_listed_are_refused(self):
        with pytest.raises(BadCertificate):
            certificates.load_revocations(f.make_crl(story.BANK_CA), [ENTERPRISES])
        with pytest.raises(BadCertificate):
            certificates.load_revocations(
                f.make_crl((f.make_key("mallory"), story.BANK_CA[1])), [BANKS]
            )

    def test_that_cover_only_a_part_are_refused(self):
        partial = x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier("http://a")], relative_name=None,
            only_contains_user_certs=False, only_contains_ca_certs=True, only_some_reasons=None,
            indirect_crl=False, only_contains_attribute_certs=False,
        )  # fmt: skip
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(story.BANK_CA[1].subject)
            .last_update(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
            .next_update(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
            .add_extension(partial, critical=True)
            .sign(story.BANK_CA[0], hashes.SHA256())
        )
        der = crl.public_bytes(certificates.Encoding.DER)
        with pytest.raises(BadCertificate):
            certificates.load_revocations(der, [BANKS])

    def test_that_are_none_are_refused(self):
        good = f.make_crl(story.BANK_CA)
        for wrong in (b"", b"x", good[:-5], good + b"x", b"\0" * (certificates.CRL_BYTES_MAX + 1)):
            with pytest.raises(LedgerError):
                certificates.load_revocations(wrong, [BANKS])


class TestHostileBytes:
    """Anything in the DER may be changed: a rule is broken or not, and nothing else happens."""

    @pytest.mark.filterwarnings("ignore")
    def test_of_a_certificate_end_in_our_errors(self):
        der = CERTIFICATE.public_bytes(certificates.Encoding.DER)
        for changed in _changed(der):
            try:
                certificate = certificates.load_certificate(_pem(changed))
                certificates.issuer(certificate, [BANKS])
                certificates.public_key(certificate)
                certificates.holder(certificate)
            except LedgerError:
                continue
            # Only the frame around the signature may still pass; the thumbprint is another then.
            assert certificate.tbs_certificate_bytes == CERTIFICATE.tbs_certificate_bytes
            assert certificates.thumbprint(certificate) != certificates.thumbprint(CERTIFICATE)

    @pytest.mark.filterwarnings("ignore")
    def test_of_an_authority_end_in_our_errors(self):
        der = story.BANK_CA[1].public_bytes(certificates.Encoding.DER)
        for changed in _changed(der):
            with suppress(LedgerError):
                certificates.load_authority(_pem(changed), Scope.BANK)

    @pytest.mark.filterwarnings("ignore")
    def test_of_a_revocation_list_end_in_our_errors(self):
        der = f.make_crl(story.BANK_CA, [(CERTIFICATE, "2025-12-01")])
        good = x509.load_der_x509_crl(der)
        for changed in _changed(der):
            try:
                certificates.load_revocations(changed, [BANKS])
            except LedgerError:
                continue
            assert x509.load_der_x509_crl(changed).tbs_certlist_bytes == good.tbs_certlist_bytes


def _changed(der):
    for place in range(len(der)):
        for mask in (0x01, 0x80, 0xFF):
            yield der[:place] + bytes([der[place] ^ mask]) + der[place + 1 :]


def _pem(der):
    return f"-----BEGIN CERTIFICATE-----\n{f.b64(der)}\n-----END CERTIFICATE-----\n"
