"""Proof and trust files, strict JSON, asset identities."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf_ledger import asset, proof, strict_json, trust
from scf_ledger.errors import BadCertificate, LedgerError, Malformed, TooLarge
from scf_ledger.event_types import Scope
from scf_ledger.proof import Anchor, ProofEntry
from scf_ledger.trust import Fragment
from tests.golden import formats as f
from tests.golden import story

ANCHOR = Anchor(
    chain_id=31337,
    contract="0x" + "a1" * 20,
    origin=story.ORIGIN,
    size=7,
    root=f.sha256(b"root"),
    tx_hash="0x" + "01" * 32,
    block_number=3,
    block_hash="0x" + "02" * 32,
)
FULL = ProofEntry(b"body", bytes(32), b"\1" * 32, ("a", "b"), ("c~d~",), "proof\n")
BARE = ProofEntry(b"body", None, None, (), (), None)


class TestProofFile:
    @pytest.mark.parametrize("anchor", [None, ANCHOR])
    @pytest.mark.parametrize("kind", ["event", "pledge"])
    def test_reads_back(self, kind, anchor):
        data = proof.build(
            kind=kind,
            entries=[FULL, BARE],
            certificates=["PEM"],
            revocations=[b"DER"],
            anchor=anchor,
        )
        assert proof.parse(data) == proof.Proof(kind, (FULL, BARE), ("PEM",), (b"DER",), anchor)

    def test_is_read_as_another_maker_writes_it(self):
        told = story.tell(noise=2)
        read = proof.parse(told.proof_bytes)
        built = proof.build(
            kind=read.kind,
            entries=read.entries,
            certificates=read.certificates,
            revocations=read.revocations,
            anchor=read.anchor,
        )
        assert json.loads(built) == told.proof

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("entries", [{"body": "AAAA"}] * (proof.ENTRIES_MAX + 1)),
            ("certificates", ["x"] * (proof.CERTIFICATES_MAX + 1)),
            ("revocations", ["AAAA"] * (proof.REVOCATIONS_MAX + 1)),
            ("entries", [{"body": "AAAA", "disclosures": ["x"] * (proof.DISCLOSURES_MAX + 1)}]),
        ],
    )
    def test_is_bounded(self, key, value):
        data = {"format": "scf-proof/1", "kind": "event", "entries": [], key: value}
        with pytest.raises(TooLarge):
            proof.parse(f.as_json(data))


class TestTrustFile:
    def test_reads_back(self):
        data = trust.build(
            logs=[(story.ORIGIN, story.LOG_KEY.vkey, story.ORIGIN_KEY)],
            authorities=[(f.pem(story.BANK_CA[1]), Scope.BANK)],
            chains=[(31337, story.CONTRACT.upper().replace("0X", "0x"), story.REGISTRY)],
            witnesses=[witness.vkey for witness in story.WITNESSES],
            witnesses_needed=1,
            require={"pledge": [Fragment.RECORD, Fragment.ANCHOR]},
        )
        read = trust.parse(data)
        assert read.logs[0].origin_key == story.ORIGIN_KEY
        assert read.chains == (trust.TrustedChain(31337, story.CONTRACT, story.REGISTRY),)
        assert read.authorities[0].scope is Scope.BANK
        assert (read.witnesses_needed, len(read.witnesses)) == (1, 2)
        assert read.required("pledge") == (Fragment.RECORD, Fragment.ANCHOR)
        assert read.required("event") == trust.OFFLINE

    def test_of_a_log_without_a_chain(self):
        data = trust.build(logs=[(story.ORIGIN, story.LOG_KEY.vkey, None)], authorities=[])
        assert trust.parse(data).logs[0].origin_key is None

    @pytest.mark.parametrize(
        "change",
        [
            lambda v: v.update(format="scf-trust/2"),
            lambda v: v.update(more=1),
            lambda v: v.pop("logs"),
            lambda v: v.pop("cas"),
            lambda v: v["logs"][0].update(origin="other.example/log"),
            lambda v: v["logs"][0].update(vkey=story.WITNESSES[0].vkey),
            lambda v: v["logs"][0].update(origin_key="0x00"),
            lambda v: v["logs"][0].pop("vkey"),
            lambda v: v["witnesses"].update(need=3),
            lambda v: v["witnesses"].update(need=-1),
            lambda v: v["witnesses"].update(need=True),
            lambda v: v["witnesses"].update(vkeys=[story.LOG_KEY.vkey]),
            lambda v: v["witnesses"].update(vkeys=[story.WITNESSES[0].vkey] * 2, need=2),
            lambda v: v["chains"][0].update(anchor="0x12"),
            lambda v: v["chains"][0].update(chain_id="1"),
            lambda v: v["cas"][0].update(scope="everything"),
            lambda v: v["cas"][0].update(pem="x"),
            lambda v: v.update(require={"loan": ["record"]}),
            lambda v: v.update(require={"pledge": ["mood"]}),
            lambda v: v.update(require={"pledge": "record"}),
            lambda v: v.update(webauthn=[{"rp_id": "a"}]),
            lambda v: v.update(logs=[v["logs"][0]] * 65),
        ],
    )
    def test_of_another_shape_is_refused(self, change):
        value = copy.deepcopy(story.make_trust(story.WITNESSES))
        trust.parse(f.as_json(value))
        change(value)
        with pytest.raises(LedgerError):
            trust.parse(f.as_json(value))

    def test_lists_authorities_only(self):
        _, certificate = f.make_certificate(
            story.BANK_CA, uscc=story.BANK, person="per", word="somebody"
        )
        with pytest.raises(BadCertificate):
            trust.build(logs=[], authorities=[(f.pem(certificate), Scope.BANK)])


class TestStrictJson:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xef\xbb\xbf{}",
            b"\xff",
            b'{"a":1,"a":1}',
            b'[{"b":{"a":1,"a":2}}]',
            b"1.0",
            b"1e3",
            b"NaN",
            b"Infinity",
            b"9007199254740992",
            b"1" * 5_000,
            b"[" * 50 + b"]" * 50,
            b"[" * 500_000,
            b'"\\ud800"',
            b'{"\\udfff":1}',
            b"{} {}",
        ],
    )
    def test_refuses(self, data):
        with pytest.raises(Malformed):
            strict_json.loads(data, max_bytes=1_000_000)

    def test_is_bounded(self):
        with pytest.raises(TooLarge):
            strict_json.loads(b"[1]", max_bytes=2)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
            max_leaves=8,
        )
    )
    def test_reads_what_people_write(self, value):
        assert strict_json.loads(json.dumps(value, indent=2).encode(), max_bytes=10**6) == value

    @given(st.binary(max_size=60))
    def test_never_ends_in_another_error(self, data):
        try:
            strict_json.loads(data, max_bytes=100)
        except LedgerError:
            return


class TestAsset:
    @given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
    def test_two_papers_never_share_an_identity(self, seller, number, seller2, number2):
        def identity(*pair):
            try:
                return asset.invoice(seller=pair[0], number=pair[1])
            except Malformed:
                return None

        one, two = identity(seller, number), identity(seller2, number2)
        if one is not None and one == two:
            assert [asset._normal(text) for text in (seller, number)] == [
                asset._normal(text) for text in (seller2, number2)
            ]

    def test_separators_cannot_be_forged(self):
        assert asset.invoice(seller="AB", number="C") != asset.invoice(seller="A", number="BC")

    @pytest.mark.parametrize("number", ["", "  ", "a\x00b", "\x7f", "1" * 256, "\u53d1" * 100])
    def test_refuses(self, number):
        with pytest.raises(Malformed):
            asset.invoice(seller="A", number=number)
