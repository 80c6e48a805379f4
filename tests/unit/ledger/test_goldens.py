"""The golden files, made by other code, mean the same to ours."""

import json
from pathlib import Path

import pytest
import rfc8785
from cryptography import x509

from scf_ledger import (
    asset,
    canonical,
    checkpoint,
    event,
    jws,
    merkle,
    statement,
    tlog_proof,
    trust,
)
from scf_ledger.encoding import b64url, from_b64, from_b64url
from scf_ledger.errors import BadSignature
from scf_ledger.verify import verify_file

GOLDEN = Path(__file__).parents[2] / "golden"


def read(name):
    return (GOLDEN / name).read_bytes()


def load(name):
    return json.loads(read(name))


class TestProofs:
    @pytest.mark.parametrize(
        ("name", "believed"),
        [
            ("pledge.scfproof", "trust.json"),
            ("event.scfproof", "trust.json"),
            ("basket.scfproof", "basket-trust.json"),
            ("factoring.scfproof", "factoring-trust.json"),
            ("disputed-basket.scfproof", "refusals-trust.json"),
            ("rejected-basket.scfproof", "refusals-trust.json"),
        ],
    )
    def test_verify(self, name, believed):
        report = verify_file(read(name), trust.parse(read(believed)))
        assert report.verdict == "pass", report.as_json()

    def test_say_when_they_existed(self):
        report = verify_file(read("pledge.scfproof"), trust.parse(read("trust.json")))
        assert report.facts["existed_by"] == "2026-01-01T00:00:00+00:00"
        assert report.facts["pledge"]["amount"] == {"amount": "1245000.00", "currency": "CNY"}

    def test_say_what_was_taken(self):
        believed = trust.parse(read("factoring-trust.json"))
        report = verify_file(read("factoring.scfproof"), believed)
        taken = {"kind": "factoring", "recourse": True, "disclosed": False}
        assert report.facts["pledge"]["security"] == taken


class TestEvent:
    def test_reads_back(self):
        golden = load("event.json")
        read_back = event.parse_event(golden["body"].encode())
        assert read_back.type.name == "document.registered"
        assert event.record_of(golden["disclosures"]) == golden["record"]
        digests = sorted(map(event.disclosure_digest, golden["disclosures"]))
        assert list(read_back.digests) == digests

    def test_is_built_alike_but_for_the_salts(self):
        golden = load("event.json")
        head = json.loads(golden["body"])
        built = event.build_event(
            id=head["id"],
            type=head["type"],
            subject=head["subject"],
            version=1,
            occurred_at=head["occurred_at"],
            previous=None,
            authorizations=[],
            record=golden["record"],
            seed=b"seed",
        )
        assert event.record_of(built.disclosures) == golden["record"]
        digests = sorted(map(event.disclosure_digest, built.disclosures))
        assert built.body == rfc8785.dumps({**head, "record": {"_sd": digests}})


class TestEntry:
    def test_is_body_hash_and_tag(self):
        golden = {
            key: from_b64url(value) if isinstance(value, str) else value
            for key, value in load("entry.json").items()
        }
        tag = event.tag(golden["secret"], golden["version"])
        assert tag == golden["tag"]
        assert event.entry(golden["body_sha256"], tag) == golden["entry"]
        assert merkle.leaf_hash(golden["entry"]) == golden["leaf"]


class TestStatement:
    def test_verifies_and_hashes(self):
        golden = load("statement.json")
        certificate = x509.load_pem_x509_certificate(golden["certificate"].encode())
        read_back = statement.verify(golden["jws"], certificate)
        assert read_back.act == "confirm"
        assert read_back.content == golden["payload"]["content"]
        assert b64url(statement.authorization_hash(golden["jws"])) == golden["authorization"]
        assert jws.parse(golden["jws"]).payload == canonical.encode(golden["payload"])

    def test_with_the_higher_s_is_refused_until_normalised(self):
        golden = load("statement.json")
        certificate = x509.load_pem_x509_certificate(golden["certificate"].encode())
        with pytest.raises(BadSignature):
            statement.verify(golden["jws_high_s"], certificate)
        assert statement.normalise(golden["jws_high_s"]) == golden["jws"]
        assert statement.normalise(golden["jws"]) == golden["jws"]


class TestLog:
    def test_checkpoint_opens_and_proof_leads_to_it(self):
        believed = trust.parse(read("trust.json"))
        signed = read("checkpoint.txt").decode()
        opened = checkpoint.open_signed(signed, believed.logs[0].verifier, believed.witnesses)
        assert set(opened.witnessed_at.values()) == {1_767_225_600}
        entries = list(map(from_b64, load("log.json")["entries"]))
        assert merkle.root(list(map(merkle.leaf_hash, entries))) == opened.checkpoint.root
        proof = tlog_proof.parse(read("tlog-proof.txt").decode())
        assert proof.checkpoint == signed
        merkle.verify_inclusion(
            leaf=merkle.leaf_hash(entries[proof.index]),
            index=proof.index,
            size=opened.checkpoint.size,
            proof=proof.hashes,
            root=opened.checkpoint.root,
        )
        assert tlog_proof.build(proof.index, proof.hashes, signed).encode() == read(
            "tlog-proof.txt"
        )


class TestAsset:
    def test_identities(self):
        for vector in load("asset.json")["invoices"]:
            made = asset.invoice(seller=vector["seller"], number=vector["number"])
            assert made.hex() == vector["identity"]
