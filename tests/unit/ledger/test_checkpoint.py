import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from scf_ledger import checkpoint, note, tlog_proof
from scf_ledger.checkpoint import Checkpoint
from scf_ledger.errors import BadSignature, LedgerError, Malformed, TooLarge
from tests.golden import formats as f

HEAD = Checkpoint("scf.example/log", 7, f.sha256(b"root"))
LOG = note.Signer.generate(HEAD.origin)
WITNESS = note.Signer.generate("witness.example", note.KeyType.COSIGNATURE)
SIGNED = checkpoint.sign(HEAD, LOG)

GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)


class TestNote:
    def test_verifies_the_example_of_the_go_package(self):
        key = note.Verifier.parse(GO_VKEY)
        assert str(key) == GO_VKEY
        assert note.verified(note.parse(GO_NOTE), [key]) == {key: None}

    def test_is_what_openssl_verifies(self, tmp_path):
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        parsed = note.parse(SIGNED)
        (tmp_path / "text").write_text(parsed.text)
        (tmp_path / "signature").write_bytes(parsed.signatures[0][2])
        (tmp_path / "key.pem").write_bytes(
            LOG.private_key.public_key().public_bytes(
                Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
            )
        )
        subprocess.run(
            [
                "openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem",
                "-sigfile", "signature", "-in", "text",
            ],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip

    def test_keys_read_back(self):
        for signer in (LOG, WITNESS):
            assert note.Verifier.parse(str(signer.verifier)) == signer.verifier
            again = note.Signer.parse(signer.secret_text())
            assert again.verifier == signer.verifier

    @pytest.mark.parametrize(
        "vkey",
        [
            "",
            "name",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+AxpC",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "\u2003+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ],
    )
    def test_other_keys_are_refused(self, vkey):
        with pytest.raises(Malformed):
            note.Verifier.parse(vkey)
        with pytest.raises(Malformed):
            note.Signer.parse("PRIVATE+KEY+" + vkey)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "\n\n",
            "text\n",
            "text\n\n",
            "text\n\n\u2014 name\n",
            "text\n\n- name AAAAAAA=\n",
            "text\n\n\u2014 name AAAAAAA=",
            "text\n\n\u2014 name AAAA\n",
            "text\n\n\u2014  AAAAAAA=\n",
            "te\txt\n\n\u2014 name AAAAAAA=\n",
            "te\rxt\n\n\u2014 name AAAAAAA=\n",
            "te\ud800xt\n\n\u2014 name AAAAAAA=\n",
        ],
    )
    def test_other_texts_are_refused(self, text):
        with pytest.raises(Malformed):
            note.parse(text)

    def test_is_bounded(self):
        line = "\u2014 name AAAAAAA=\n"
        assert len(note.parse("text\n\n" + line * 16).signatures) == 16
        with pytest.raises(TooLarge):
            note.parse("text\n\n" + line * 33)
        with pytest.raises(TooLarge):
            note.parse("x" * 20_000 + "\n\n" + line)

    @given(st.text(max_size=100))
    def test_never_ends_in_another_error(self, text):
        with pytest.raises(LedgerError):
            checkpoint.parse(text)


class TestCheckpoint:
    def test_opens_for_the_log_that_signed_it(self):
        opened = checkpoint.open_signed(SIGNED, LOG.verifier)
        assert opened.checkpoint == HEAD == checkpoint.parse(SIGNED)
        assert opened.witnessed_at == {}

    def test_is_what_the_other_maker_writes(self):
        key = f.NoteKey(HEAD.origin)
        signer = note.Signer._of(HEAD.origin, note.KeyType.ED25519, key.key)
        assert str(signer.verifier) == key.vkey
        assert checkpoint.sign(HEAD, signer) == f.checkpoint(HEAD.origin, 7, HEAD.root, key)

    def test_says_when_witnesses_saw_it(self):
        cosigned = SIGNED + WITNESS.sign(HEAD.text, time=1_760_000_000)
        opened = checkpoint.open_signed(cosigned, LOG.verifier, [WITNESS.verifier])
        assert opened.witnessed_at == {"witness.example": 1_760_000_000}

    def test_passes_unknown_signatures_over(self):
        stranger = note.Signer.generate("stranger.example", note.KeyType.COSIGNATURE)
        cosigned = SIGNED + stranger.sign(HEAD.text, time=1)
        assert checkpoint.open_signed(cosigned, LOG.verifier, [WITNESS.verifier])

    def test_is_spoilt_by_a_false_signature_of_a_known_key(self):
        other = Checkpoint(HEAD.origin, 8, HEAD.root)
        line = WITNESS.sign(other.text, time=5)
        with pytest.raises(BadSignature):
            checkpoint.open_signed(SIGNED + line, LOG.verifier, [WITNESS.verifier])
        assert checkpoint.open_signed(SIGNED + line, LOG.verifier)

    def test_cosignature_of_another_time_is_false(self):
        line = WITNESS.sign(HEAD.text, time=5)
        data = bytearray(note.from_b64(line.split(" ")[2].strip()))
        data[11] ^= 1
        forged = f"\u2014 witness.example {note.b64(bytes(data))}\n"
        with pytest.raises(BadSignature):
            checkpoint.open_signed(SIGNED + forged, LOG.verifier, [WITNESS.verifier])

    def test_log_key_does_not_count_as_a_witness_nor_a_witness_as_the_log(self):
        unsigned = f"{HEAD.text}\n{WITNESS.sign(HEAD.text, time=5)}"
        with pytest.raises(BadSignature):
            checkpoint.open_signed(unsigned, LOG.verifier, [WITNESS.verifier])

    def test_of_another_origin_is_refused(self):
        other = Checkpoint("other.example/log", 7, HEAD.root)
        with pytest.raises(Malformed):
            checkpoint.sign(other, LOG)
        with pytest.raises(BadSignature):
            checkpoint.open_signed(f"{other.text}\n{LOG.sign(other.text)}", LOG.verifier)

    @pytest.mark.parametrize(
        "text",
        [
            "o\n1\n",
            "o\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "o\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "o\n\u0661\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "o\n1\nAAAA\n",
            "o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n",
            "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        ],
    )
    def test_of_other_lines_is_refused(self, text):
        with pytest.raises(Malformed):
            checkpoint.parse(f"{text}\n{LOG.sign(text)}")

    def test_times_belong_to_witnesses_only(self):
        with pytest.raises(Malformed):
            LOG.sign(HEAD.text, time=5)
        with pytest.raises(Malformed):
            WITNESS.sign(HEAD.text)


class TestTlogProof:
    @given(st.integers(0, 2**60), st.lists(st.binary(min_size=32, max_size=32), max_size=64))
    def test_reads_back(self, index, hashes):
        text = tlog_proof.build(index, hashes, SIGNED)
        assert text == f.tlog_proof(index, hashes, SIGNED)
        assert tlog_proof.parse(text) == tlog_proof.TlogProof(index, tuple(hashes), SIGNED)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "c2sp.org/tlog-proof@v1",
            "c2sp.org/tlog-proof@v1\n\n" + SIGNED,
            "c2sp.org/tlog-proof@v2\nindex 1\n\n" + SIGNED,
            "c2sp.org/tlog-proof@v1\nindex 01\n\n" + SIGNED,
            "c2sp.org/tlog-proof@v1\nindex -1\n\n" + SIGNED,
            "c2sp.org/tlog-proof@v1\nindex 1 \n\n" + SIGNED,
            "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\n" + SIGNED,
            "c2sp.org/tlog-proof@v1\nindex 1\nAAA\n\n" + SIGNED,
            "c2sp.org/tlog-proof@v1\nindex 1\n",
            "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\n" + SIGNED,
        ],
    )
    def test_refuses(self, text):
        with pytest.raises(Malformed):
            tlog_proof.parse(text)

    def test_is_bounded(self):
        with pytest.raises(TooLarge):
            tlog_proof.parse(tlog_proof.build(1, [bytes(32)] * 65, SIGNED))
        with pytest.raises(TooLarge):
            tlog_proof.parse(tlog_proof.build(1, [], SIGNED) + "x" * 30_000)
