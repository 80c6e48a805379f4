"""Vectors that others made, through our own functions."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from scf_ledger import canonical, jws, merkle, note, tiles, uscc
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.errors import BadProof, BadSignature, LedgerError, Malformed, Unencodable
from tests.unit.ledger import third_party


def _has_floats(value):
    if isinstance(value, dict):
        return any(map(_has_floats, value.values()))
    if isinstance(value, list):
        return any(map(_has_floats, value))
    return isinstance(value, float)


def _has_wide_keys(value):
    if isinstance(value, dict):
        return any(not key.isascii() or _has_wide_keys(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_wide_keys, value))


class TestRfc8785:
    @pytest.mark.parametrize(
        "name", ["arrays", "french", "structures", "unicode", "values", "weird"]
    )
    def test_writes_the_published_output_or_nothing(self, name):
        folder = third_party.folder("jcs/testdata")
        value = third_party.load(folder / "input" / f"{name}.json")
        expected = (folder / "output" / f"{name}.json").read_bytes().rstrip(b"\n")
        outhex = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())
        assert outhex == expected
        if _has_floats(value) or _has_wide_keys(value):
            with pytest.raises(Unencodable):
                canonical.encode(value)
        else:
            assert canonical.encode(value) == expected
            assert canonical.decode(expected, max_bytes=10_000) == value

    def test_some_of_them_are_in_our_value_space(self):
        folder = third_party.folder("jcs/testdata/input")
        inputs = map(third_party.load, folder.glob("*.json"))
        usable = [value for value in inputs if not (_has_floats(value) or _has_wide_keys(value))]
        assert len(usable) >= 2


def _merkle_cases(kind):
    with suppress(BaseException):
        root = third_party.DATA / "merkle/transparency-dev-merkle/testdata" / kind
        return sorted(root.rglob("*.json"))
    return []


class TestRfc6962:
    def test_reference_tree(self):
        tree = third_party.load(third_party.folder("merkle/c2sp") / "rfc6962_reference_tree.json")
        leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in tree["leaves_hex"]]
        assert merkle.EMPTY_ROOT.hex() == tree["empty_root"]
        edge = tiles.EMPTY
        for size, expected in enumerate(tree["roots_hex"], start=1):
            appended = tiles.append(edge, [bytes.fromhex(tree["leaves_hex"][size - 1])])
            edge = appended.edge
            assert merkle.root(leaves[:size]).hex() == expected
            assert appended.root.hex() == expected

    @pytest.mark.parametrize("path", _merkle_cases("inclusion"), ids=lambda p: p.stem)
    def test_inclusion(self, path):
        case = third_party.load(path)

        def verify():
            merkle.verify_inclusion(
                leaf=base64.b64decode(case["leafHash"] or ""),
                index=case["leafIdx"],
                size=case["treeSize"],
                proof=[base64.b64decode(hash_) for hash_ in case["proof"] or []],
                root=base64.b64decode(case["root"] or ""),
            )

        if case["wantErr"]:
            with pytest.raises(BadProof):
                verify()
        else:
            verify()

    @pytest.mark.parametrize("path", _merkle_cases("consistency"), ids=lambda p: p.stem)
    def test_consistency(self, path):
        case = third_party.load(path)

        def verify():
            merkle.verify_consistency(
                old_size=case["size1"],
                new_size=case["size2"],
                old_root=base64.b64decode(case["root1"] or ""),
                new_root=base64.b64decode(case["root2"] or ""),
                proof=[base64.b64decode(hash_) for hash_ in case["proof"] or []],
            )

        if case["wantErr"]:
            with pytest.raises(BadProof):
                verify()
        else:
            verify()

    def test_vectors_were_there(self):
        third_party.folder("merkle/transparency-dev-merkle")
        assert len(_merkle_cases("inclusion")) > 40
        assert len(_merkle_cases("consistency")) > 20


class TestWycheproof:
    def test_p256_through_the_jws_verifier(self):
        folder = third_party.folder("wycheproof/testvectors_v1")
        cases = 0
        for group in third_party.load(folder / "ecdsa_secp256r1_sha256_test.json")["testGroups"]:
            point = bytes.fromhex(group["publicKey"]["uncompressed"])
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            for test in group["tests"]:
                cases += 1
                accepted = self._accepts(key, bytes.fromhex(test["msg"]), test["sig"])
                assert accepted == (test["result"] == "valid"), test
        assert cases > 400

    def _accepts(self, key, message, signature):
        """Take a DER signature into the one form that we keep, and verify it there."""
        try:
            r, s = decode_dss_signature(bytes.fromhex(signature))
            if not (0 <= r < 1 << 256 and 0 <= s < 1 << 256):
                return False
            low = min(s, jws.P256_ORDER - s) if 0 < s < jws.P256_ORDER else s
            jws.verify(jws.Jws("", b"", message, r, low), key)
        except (ValueError, LedgerError):
            return False
        return True

    def test_p256_high_s_is_refused_even_where_it_verifies(self):
        folder = third_party.folder("wycheproof/testvectors_v1")
        group = third_party.load(folder / "ecdsa_secp256r1_sha256_test.json")["testGroups"][0]
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        for test in group["tests"]:
            if test["result"] != "valid":
                continue
            r, s = decode_dss_signature(bytes.fromhex(test["sig"]))
            high = max(s, jws.P256_ORDER - s)
            with pytest.raises(BadSignature):
                jws.verify(jws.Jws("", b"", bytes.fromhex(test["msg"]), r, high), key)

    def test_ed25519_through_the_note_verifier(self):
        folder = third_party.folder("wycheproof/testvectors_v1")
        cases = 0
        for group in third_party.load(folder / "ed25519_test.json")["testGroups"]:
            key = bytes.fromhex(group["publicKey"]["pk"])
            for test in group["tests"]:
                cases += 1
                signature, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
                assert note._verifies(key, signature, message) == (test["result"] == "valid"), test
        assert cases > 100


class TestUscc:
    def test_agrees_with_every_verdict(self):
        path = third_party.folder("ids") / "uscc.dev.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines()
        cases = [third_party.json.loads(line) for line in lines if line]
        assert len(cases) > 20
        for case in cases:
            assert uscc.is_valid(case["code"]) == case["valid"], case

    def test_standard_example(self):
        assert uscc.check_digit("91350100M000100Y4") == "3"


class TestBase64url:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"", ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy"),
            (b"\xfb\xff", "-_8"),
        ],
    )
    def test_rfc_4648_vectors(self, data, text):
        assert b64url(data) == text
        assert from_b64url(text) == data

    @pytest.mark.parametrize(
        "text", ["Zg==", "Zh", "Zm9", "+/8", "A", "Zg\n", " Zg", "Zm9v!", "\u00e9"]
    )
    def test_one_text_for_each_byte_string(self, text):
        with pytest.raises(Malformed):
            from_b64url(text)
