"""The signer's side believes the bytes, not the platform's words about them."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws as jose
from joserfc.jwk import ECKey

from scf.parties.authority import LocalAuthority, subject_name
from scf.parties.client import DraftMalformed, NothingToSign, for_identity, read_draft, sign_all
from scf.parties.keystore import KeyStore
from scf_ledger.encoding import b64url
from scf_ledger.event_types import Scope
from scf_ledger.jws import TYP
from scf_ledger.statement import About, build_statement, verify

USCC = "91500118MAYYC0A174"
CLERK, APPROVER = "psn_01k3e5m8q2x7v9b4c6d8f0g1h2", "psn_01k3e5m8q2x7v9b4c6d8f0g1h3"
SUFFIX = "01k3e5m8q2x7v9b4c6d8f0g1h2"
BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
PASSPHRASE = b"correct horse"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    ca = LocalAuthority.init(
        folder / "ca", scope=Scope.ENTERPRISE, valid_from=BEGINS, passphrase=PASSPHRASE
    )
    keys = KeyStore(folder / "keys")

    def certify(name, person):
        subject = subject_name(code=USCC, person=person)
        request = keys.new(name, subject=subject, passphrase=PASSPHRASE)
        pem = ca.issue(request, valid_from=BEGINS).public_bytes(Encoding.PEM).decode()
        return keys.attach(name, pem, passphrase=PASSPHRASE)

    return {person: certify(person[-3:], person) for person in (CLERK, APPROVER)}


def payload(person, step):
    return build_statement(
        id=f"stm_{SUFFIX[:-1]}{'2' if step == 'make' else '3'}",
        origin="test.example/log",
        act="confirm",
        party=USCC,
        person=person,
        mandate=f"mnd_{SUFFIX}",
        about=About(f"rcv_{SUFFIX}", 1, bytes(32)),
        issued_at="2025-11-03T02:15:00Z",
        expires_at="2025-11-04T02:15:00Z",
        content={"confirmed": {"amount": "1245000.00", "currency": "CNY"}},
        step=step,
    )


def a_draft(**changes):
    statements = [
        {"payload": b64url(payload(CLERK, "make")), "text": "确认金额 1.00"},
        {"payload": b64url(payload(APPROVER, "check")), "text": "确认金额 1.00"},
    ]
    return {"draft": "dft_…", "statements": statements} | changes


def test_everybody_signs_their_own_statement(people):
    signed = sign_all(a_draft(), list(people.values()))

    for text, (person, identity) in zip(signed, people.items(), strict=True):
        assert verify(text, identity.certificate).person == person


def test_another_library_believes_the_signature(people):
    """joserfc, given the certified key, verifies what we sign and reads the same bytes."""
    for text, identity in zip(
        sign_all(a_draft(), list(people.values())), people.values(), strict=True
    ):
        key = ECKey.import_key(identity.certificate.public_key())
        registry = jose.JWSRegistry(
            {
                "typ": jose.JWSRegistry.default_header_registry["typ"],
                "x5t#S256": jose.JWSRegistry.default_header_registry["x5t#S256"],
            }
        )
        found = jose.deserialize_compact(text, key, algorithms=["ES256"], registry=registry)
        assert found.protected["typ"] == TYP
        assert found.payload in (payload(CLERK, "make"), payload(APPROVER, "check"))


def test_the_text_shown_comes_from_the_bytes(people):
    (mine,) = for_identity(a_draft(), people[CLERK])

    assert "壹佰贰拾肆万伍仟元整" in mine.text
    assert "1.00 元" not in mine.text


def test_a_key_signs_nothing_in_anothers_name(people):
    only_clerk = a_draft(statements=a_draft()["statements"][:1])

    with pytest.raises(NothingToSign):
        for_identity(only_clerk, people[APPROVER])
    with pytest.raises(NothingToSign):
        sign_all(a_draft(), [people[CLERK]])


@pytest.mark.parametrize(
    "draft",
    [
        {},
        {"statements": None},
        {"statements": [{}]},
        {"statements": [{"payload": 1}]},
        {"statements": [{"payload": "a+b="}]},
        {"statements": [{"payload": b64url(b"{}")}]},
        {"statements": ["x"]},
        {"statements": [{"payload": b64url(payload(CLERK, "make") + b" ")}]},
    ],
)
def test_rubbish_is_no_draft(draft):
    with pytest.raises(DraftMalformed):
        read_draft(draft)
