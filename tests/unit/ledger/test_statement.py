import json
import shutil
import subprocess

import pytest
import rfc8785
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as other_jws
from joserfc.jwk import ECKey

from scf_ledger import certificates, jws, statement
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.errors import (
    BadCertificate,
    BadSignature,
    LedgerError,
    Malformed,
    NotCanonical,
    TooLarge,
)
from scf_ledger.statement import About
from tests.golden import formats as f
from tests.golden import story

PERSON = f.make_id("per", "clerk")
KEY, CERTIFICATE = f.make_certificate(
    story.ENTERPRISE_CA, uscc=story.CAR_MAKER, person=PERSON, word="clerk"
)
ABOUT = About(f.make_id("rcv", "one"), 1, bytes(32))


def draft(**changes):
    values = {
        "id": f.make_id("stm", "one"),
        "origin": story.ORIGIN,
        "act": "confirm",
        "party": story.CAR_MAKER,
        "person": PERSON,
        "mandate": None,
        "about": ABOUT,
        "issued_at": "2025-11-03T02:00:00Z",
        "expires_at": "2025-11-03T02:00:00.000001Z",
        "content": {"amount": f.cny("1.00")},
        "step": "make",
    }
    return statement.build_statement(**(values | changes))


def value_of(payload, **changes):
    return rfc8785.dumps({**json.loads(payload), **changes})


class TestStatement:
    def test_is_canonical_and_reads_back(self):
        payload = draft()
        assert payload == rfc8785.dumps(json.loads(payload))
        read = statement.parse_statement(payload)
        assert (read.about, read.step, read.party) == (ABOUT, "make", story.CAR_MAKER)
        assert read.content == {"amount": f.cny("1.00")}

    def test_of_one_signer_has_no_step(self):
        assert "step" not in json.loads(draft(step=None))
        assert statement.parse_statement(draft(step=None)).step is None

    @pytest.mark.parametrize(
        "changes",
        [
            {"id": f.make_id("evt", "one")},
            {"origin": ""},
            {"act": "promise"},
            {"party": story.CAR_MAKER[:-1] + "A"},
            {"person": ""},
            {"mandate": ""},
            {"about": None},
            {"about": About("one", 1, bytes(32))},
            {"about": About(ABOUT.subject, 0, bytes(32))},
            {"about": About(ABOUT.subject, 1, b"short")},
            {"issued_at": "2025-11-03"},
            {"expires_at": "2025-11-03T02:00:00Z"},
            {"step": "approve"},
            {"content": {"lines": []}},
            {"content": {"lines": ["A" * 43]}},
        ],
    )
    def test_no_verifier_would_accept_is_not_drafted(self, changes):
        with pytest.raises(Malformed):
            draft(**changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"format": "scf-statement/2"},
            {"extra": 1},
            {"step": None},
            {"content": []},
            {"act": ["confirm"]},
            {"version": True},
            {"subject": None},
        ],
    )
    def test_of_another_shape_is_refused(self, changes):
        with pytest.raises(Malformed):
            statement.parse_statement(value_of(draft(), **changes))

    def test_of_other_bytes_is_refused(self):
        with pytest.raises(NotCanonical):
            statement.parse_statement(json.dumps(json.loads(draft())).encode())
        with pytest.raises(TooLarge):
            statement.parse_statement(b" " * (statement.PAYLOAD_BYTES_MAX + 1))

    @given(st.binary(max_size=100))
    def test_never_ends_in_another_error(self, data):
        with pytest.raises(LedgerError):
            statement.parse_statement(data)


class TestBasket:
    def lines(self, count=3):
        return [
            statement.build_line(
                about=About(f.make_id("rcv", str(n)), n + 1, bytes(32)),
                content={"amount": f.cny(f"{n}.00")},
                salt=bytes([n]) * 16,
            )
            for n in range(count)
        ]

    def test_shows_one_line_of_several(self):
        lines = self.lines()
        digests = sorted(statement.parse_line(line).digest for line in lines)
        payload = draft(about=None, content={"lines": digests, "pay_to": "x"})
        read = statement.parse_statement(payload)
        assert read.about is None
        authorization = statement.with_line(statement.sign(payload, KEY, CERTIFICATE), lines[1])
        signed, shown = statement.split_authorization(authorization)
        assert list(shown) == [lines[1]]
        line = statement.parse_line(shown[0])
        assert line.digest in read.content["lines"]
        assert (line.about.version, line.content) == (2, {"amount": f.cny("1.00")})
        assert statement.verify(signed, CERTIFICATE) == read

    def test_lines_are_sorted_and_distinct(self):
        digests = sorted(statement.parse_line(line).digest for line in self.lines())
        for wrong in ([*digests, digests[-1]], digests[::-1], ["x"], "x", {}, digests * 400):
            with pytest.raises(Malformed):
                draft(about=None, content={"lines": wrong})
        with pytest.raises(Malformed):
            draft(content={"lines": digests})

    def test_line_says_its_subject_once_and_is_salted(self):
        with pytest.raises(Malformed):
            statement.build_line(about=ABOUT, content={"version": 2}, salt=bytes(16))
        with pytest.raises(Malformed):
            statement.build_line(about=ABOUT, content={}, salt=bytes(15))

    @pytest.mark.parametrize(
        "array",
        [{}, ["A" * 22], ["A" * 20, {}], ["A" * 22, []], ["A" * 22, {"subject": 1}], [1, {}]],
    )
    def test_refuses_other_lines(self, array):
        with pytest.raises(Malformed):
            statement.parse_line(b64url(rfc8785.dumps(array)))

    def test_authorization_ends_in_a_tilde(self):
        with pytest.raises(Malformed):
            statement.split_authorization("a.b.c~line")
        assert statement.split_authorization("a.b.c") == ("a.b.c", [])


class TestSignature:
    def test_is_one_that_a_jose_library_verifies(self):
        signed = statement.sign(draft(), KEY, CERTIFICATE)
        key = ECKey.import_key(
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        registry = other_jws.JWSRegistry(strict_check_header=False)
        found = other_jws.deserialize_compact(signed, key, registry=registry)
        assert found.payload == draft()
        assert found.headers() == {
            "alg": "ES256",
            "typ": "scf-statement+jws",
            "x5t#S256": certificates.thumbprint(CERTIFICATE),
        }

    def test_is_one_that_openssl_verifies(self, tmp_path):
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        signed = statement.sign(draft(), KEY, CERTIFICATE)
        head, payload, signature = signed.split(".")
        raw = from_b64url(signature)
        der = b"".join(_der_integer(part) for part in (raw[:32], raw[32:]))
        (tmp_path / "signature").write_bytes(b"\x30" + bytes([len(der)]) + der)
        (tmp_path / "input").write_text(f"{head}.{payload}")
        (tmp_path / "key.pem").write_bytes(
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        subprocess.run(
            [
                "openssl",
                "dgst",
                "-sha256",
                "-verify",
                "key.pem",
                "-signature",
                "signature",
                "input",
            ],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    def test_by_a_jose_library_is_one_that_we_verify_once_normalised(self):
        for number in range(8):
            payload = draft(id=f.make_id("stm", str(number)))
            made = f.sign_statement(payload, KEY, CERTIFICATE)
            assert statement.verify(made, CERTIFICATE).id == f.make_id("stm", str(number))
            high = f.high_s(made)
            with pytest.raises(BadSignature):
                statement.verify(high, CERTIFICATE)
            assert statement.normalise(high) == made

    def test_is_low_and_hashed_as_ascii(self):
        for _ in range(20):
            signed = statement.sign(draft(), KEY, CERTIFICATE)
            assert jws.parse(signed).s <= jws.P256_ORDER // 2
            assert statement.authorization_hash(signed) == f.sha256(signed.encode())

    def test_by_another_key_is_refused(self):
        with pytest.raises(BadSignature):
            statement.verify(
                statement.sign(draft(), f.make_key("mallory"), CERTIFICATE), CERTIFICATE
            )

    def test_under_another_certificate_is_refused(self):
        _, other = f.make_certificate(
            story.ENTERPRISE_CA, uscc=story.CAR_MAKER, person=PERSON, word="other"
        )
        with pytest.raises(BadCertificate):
            statement.verify(statement.sign(draft(), KEY, CERTIFICATE), other)

    @pytest.mark.parametrize("changes", [{"party": story.BANK}, {"person": f.make_id("per", "x")}])
    def test_in_another_name_is_refused(self, changes):
        with pytest.raises(BadCertificate):
            statement.verify(statement.sign(draft(**changes), KEY, CERTIFICATE), CERTIFICATE)

    @pytest.mark.parametrize(
        "header",
        [
            {},
            {"alg": "none"},
            {"alg": "HS256"},
            {"typ": "JWT"},
            {"kid": "1"},
            {"x5t#S256": "short"},
            {"x5t#S256": None},
            {"crit": ["exp"]},
            {"alg": 5},
        ],
    )
    def test_header_is_exactly_three_members(self, header):
        good = {
            "alg": "ES256",
            "typ": "scf-statement+jws",
            "x5t#S256": certificates.thumbprint(CERTIFICATE),
        }
        value = good | header if header else {}
        with pytest.raises(LedgerError):
            jws.parse(f"{b64url(rfc8785.dumps(value))}.{b64url(draft())}.{b64url(bytes(64))}")

    @pytest.mark.parametrize(
        "text", ["", "a.b", "a.b.c.d", "..", "!.!.!", "\u00e9.a.b", "x" * (jws.JWS_BYTES_MAX + 1)]
    )
    def test_refuses_other_serializations(self, text):
        with pytest.raises(LedgerError):
            jws.parse(text)

    @pytest.mark.parametrize("s", [0, jws.P256_ORDER, 2**256 - 1])
    def test_s_outside_the_order_is_refused(self, s):
        head = statement.sign(draft(), KEY, CERTIFICATE).rpartition(".")[0]
        signature = b64url((1).to_bytes(32, "big") + s.to_bytes(32, "big"))
        with pytest.raises(Malformed):
            statement.normalise(f"{head}.{signature}")
        with pytest.raises(BadSignature):
            statement.verify(f"{head}.{signature}", CERTIFICATE)


def _der_integer(data):
    data = data.lstrip(b"\0") or b"\0"
    data = b"\0" + data if data[0] & 0x80 else data
    return b"\x02" + bytes([len(data)]) + data
