"""A person at a terminal: makes a key, has it certified, reads a 确权函 and signs it."""

import io
import json
import sys

import pytest
from cryptography import x509

from scf import cli
from tests.support.actors import PASSPHRASE
from tests.support.receivables import confirmation, submit

USCC = "91500118MAYYC0A174"
PERSON = "psn_01k3e5m8q2x7v9b4c6d8f0g1h2"


@pytest.fixture
def scf(monkeypatch, capsys):
    """Run a command; return its exit code, stdout and stderr."""
    monkeypatch.setenv("SCF_PASSPHRASE", PASSPHRASE.decode())

    def run(*arguments, answer=None):
        terminal = Terminal(answer) if answer is not None else io.StringIO()
        monkeypatch.setattr(sys, "stdin", terminal)
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self):
        return True


@pytest.fixture
def ca(scf, tmp_path):
    folder = tmp_path / "ca"
    code, out, _ = scf("ca", "init", folder, "--scope", "enterprise", "--valid-from", "2025-01-01")
    assert (code, out.startswith("-----BEGIN CERTIFICATE-----")) == (0, True)
    return folder


def test_from_a_key_to_a_certificate_to_its_end(scf, ca, tmp_path):
    keys = tmp_path / "keys"
    new = ("keys", "new", "zhang", "--uscc", USCC, "--person", PERSON, "--keys", keys)
    code, request, _ = scf(*new)
    assert code == 0
    (tmp_path / "zhang.csr").write_text(request)
    csr = tmp_path / "zhang.csr"

    code, pem, said = scf("ca", "issue", ca, "--csr", csr, "--valid-from", "2025-01-01")
    assert code == 0
    certificate = x509.load_pem_x509_certificate(pem.encode())
    serial = said.split()[-1]
    assert int(serial, 16) == certificate.serial_number
    assert certificate.not_valid_before_utc.isoformat() == "2024-12-31T16:00:00+00:00"
    (tmp_path / "zhang.crt").write_text(pem)
    attach = ("keys", "attach", "zhang", "--certificate", tmp_path / "zhang.crt", "--keys", keys)
    assert scf(*attach)[0] == 0
    _, listed, _ = scf("keys", "list", "--keys", keys)
    assert listed.split("\t")[:4] == ["zhang", USCC, PERSON, "2027-12-31"]

    assert scf("ca", "revoke", ca, serial)[0] == 0
    assert scf("ca", "crl", ca, "--out", tmp_path / "list.crl")[0] == 0
    crl = x509.load_der_x509_crl((tmp_path / "list.crl").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    assert scf("ca", "crl", ca)[1].startswith("MII")


def test_mistakes_are_one_line_each(scf, ca, tmp_path, monkeypatch):
    keys = tmp_path / "keys"
    new = ("keys", "new", "zhang", "--keys", keys, "--person", PERSON)
    assert scf(*new, "--uscc", USCC)[0] == 0
    junk = tmp_path / "junk"
    junk.write_bytes(b"\xff\x00 junk")
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o644)

    for arguments, code in [
        ((*new, "--uscc", USCC), "key.exists"),
        ((*new, "--uscc", "91500118MAYYC0A175"), "uscc.invalid"),
        (("keys", "new", "li", "--keys", keys, "--person", "li", "--uscc", USCC), "id.invalid"),
        (("keys", "new", "../li", *new[3:], "--uscc", USCC), "key.unknown"),
        (("keys", "attach", "zhang", "--certificate", junk, "--keys", keys), "key.certificate"),
        (("keys", "attach", "li", "--certificate", junk, "--keys", keys), "key.unknown"),
        (("ca", "init", ca, "--scope", "bank"), "authority.exists"),
        (("ca", "issue", ca, "--csr", junk), "authority.request_invalid"),
        (("ca", "issue", ca, "--csr", tmp_path / "none"), "system"),
        (("ca", "issue", ca, "--csr", junk, "--days", "999999999999"), "value.invalid"),
        (("ca", "issue", ca, "--csr", junk, "--valid-from", "soon"), "value.invalid"),
        (("ca", "issue", tmp_path / "no", "--csr", junk), "authority.missing"),
        (("ca", "revoke", ca, "00"), "authority.serial_unknown"),
        (("ca", "crl", ca, "--passphrase-file", secret), "key.exposed"),
        (("ca", "crl", ca, "--passphrase-file", tmp_path / "none"), "key.unknown"),
    ]:
        exit_code, out, err = scf(*arguments)
        assert exit_code in (1, 2), arguments
        assert code in err, (arguments, err)
        assert (out, err.count("\n")) == ("", 1), arguments
    monkeypatch.setenv("SCF_PASSPHRASE", "another horse")
    assert "key.unreadable" in scf("ca", "crl", ca)[2]
    monkeypatch.delenv("SCF_PASSPHRASE")
    assert "key.passphrase_missing" in scf("ca", "crl", ca)[2]
    secret.chmod(0o600)
    assert scf("ca", "crl", ca, "--passphrase-file", secret)[0] == 0


class TestSign:
    @pytest.fixture
    def receivable(self, stage):
        """A line that the supplier has submitted: where it is."""
        return f"/v1/receivables/{submit(stage, total='1286400.00')}"

    @pytest.fixture
    def draft(self, stage, receivable, tmp_path):
        """Its 确权函, drafted by the platform for clerk and approver."""
        body = confirmation(stage, "1245000.00", disputed="41400.00", reason="质量争议")
        answer = stage.post(stage.cast.anchor, f"{receivable}/confirmation-draft", body)
        assert answer.status_code == 200, answer.text
        path = tmp_path / "draft.json"
        path.write_bytes(answer.content)
        return path

    def sign(self, scf, stage, draft, title, *more, answer=None):
        keys = stage.cast.keys.folder
        return scf("sign", draft, "--key", f"anchor-{title}", "--keys", keys, *more, answer=answer)

    def test_clerk_and_approver_read_agree_and_sign(self, scf, stage, receivable, draft, tmp_path):
        code, out, shown = self.sign(scf, stage, draft, "clerk", answer="是\n")
        assert code == 0
        assert "应收账款确权函" in shown
        assert "人民币 1,245,000.00 元（大写：人民币壹佰贰拾肆万伍仟元整）" in shown
        assert "经办" in shown
        assert "复核" not in shown
        made = tmp_path / "made.json"
        made.write_text(out)

        code, out, shown = self.sign(scf, stage, draft, "approver", "--with", made, "--yes")

        assert code == 0
        assert "复核" in shown
        confirmed = stage.post(stage.cast.anchor, f"{receivable}/confirm", json.loads(out))
        assert confirmed.status_code == 200, confirmed.text
        assert confirmed.json()["confirmed"] == {"amount": "1245000.00", "currency": "CNY"}

    def test_the_checker_fetches_the_draft_at_another_desk(self, stage, draft):
        first = json.loads(draft.read_bytes())
        path = f"/v1/drafts/{first['draft']}"

        assert stage.get(stage.cast.anchor, path).json() == first
        for stranger in (stage.cast.supplier, stage.cast.bank):
            assert stage.get(stranger, path).json()["code"] == "subject.not_found"

    @pytest.mark.parametrize("answer", ["n\n", "\n", "", "no\n", "yess\n"])
    def test_without_agreement_nothing_is_signed(self, scf, stage, draft, answer):
        code, out, err = self.sign(scf, stage, draft, "clerk", answer=answer)

        assert (code, out) == (1, "")
        assert err.rstrip().endswith("sign.not_confirmed")

    def test_without_a_terminal_agreement_is_given_in_advance(self, scf, stage, draft):
        code, out, err = self.sign(scf, stage, draft, "clerk")

        assert (code, out) == (2, "")
        assert err.rstrip().endswith("sign.nobody_to_ask")

    def test_a_key_signs_its_own_papers_only(self, scf, stage, draft):
        code, out, err = scf(
            "sign", draft, "--key", "bank-officer", "--keys", stage.cast.keys.folder, "--yes"
        )

        assert (code, out) == (2, "")
        assert "draft.nothing_to_sign" in err

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{}", b"\xff", b'{"statements": 5}', b"[" * 100_000]
    )
    def test_rubbish_is_no_draft(self, scf, stage, draft, content):
        draft.write_bytes(content)

        code, out, err = self.sign(scf, stage, draft, "clerk", "--yes")

        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "draft.malformed" in err

    def test_an_exposed_key_does_not_sign(self, scf, stage, draft):
        (stage.cast.keys.folder / "anchor-clerk.key").chmod(0o640)

        code, out, err = self.sign(scf, stage, draft, "clerk", "--yes")

        assert (code, out) == (1, "")
        assert "key.exposed" in err
