"""`scf join`: an invited enterprise comes on board with a key of its own, in two runs."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from scf import cli
from scf.kernel.ids import parse_id
from scf.programmes.invitation_models import Invitation
from scf_ledger.event_types import Scope
from tests.support.actors import AUTHORITY_BEGINS, PASSPHRASE
from tests.support.invitations import invited
from tests.support.serving import served


@pytest.fixture
def home(tmp_path):
    """The guest's own machine."""
    folder = tmp_path / "guest"
    folder.mkdir()
    return folder


@pytest.fixture
def join(stage, monkeypatch, capsys, home):
    """Run `scf join` as somebody who has the link: exit code, stdout, stderr."""
    monkeypatch.setenv("SCF_PASSPHRASE", PASSPHRASE.decode())
    with served(stage) as url:
        monkeypatch.setenv("SCF_API_URL", url)

        def run(guest, *, token=None):
            link = [guest.id, "--token", token or guest.token, "--key", "owner", "--size", "micro"]
            kept = ["--client", str(home / "erp.json"), "--keys", str(home / "keys")]
            code = cli.main(["join", *link, "--representative", "赵六(示例)", *kept])
            return code, *capsys.readouterr()

        yield run


def certify(stage, folder, capsys):
    authority = stage.cast.authorities[Scope.ENTERPRISE]
    certificate = authority.issue((folder / "owner.csr").read_bytes(), valid_from=AUTHORITY_BEGINS)
    (folder / "owner.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    attach = ["keys", "attach", "owner", "--certificate", str(folder / "owner.crt")]
    assert cli.main([*attach, "--keys", str(folder)]) == 0
    capsys.readouterr()


def test_first_a_request_then_on_board(stage, join, home, capsys, monkeypatch):
    guest = invited(stage)

    first, again = join(guest), join(guest)

    assert first[:2] == again[:2] == (0, (home / "keys" / "owner.csr").read_text())
    assert not (home / "erp.json").exists()
    certify(stage, home / "keys", capsys)
    code, said, _ = join(guest)
    assert code == 0
    party, _, file = said.strip().split("\t")
    assert sorted(one.name for one in home.glob("erp*")) == ["erp.json"]
    assert (home / "erp.json").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("SCF_CLIENT_ID", "")
    assert cli.main(["call", "GET", f"/v1/parties/{party}", "--as", file, "--pick", "uscc"]) == 0
    assert capsys.readouterr().out == f"{guest.uscc}\n"
    assert join(guest)[0] == 1  # its client's file is not written over


def test_the_platform_refuses_and_nothing_is_left(stage, join, home, capsys):
    guest = invited(stage)
    code, said, refused = join(guest, token="guess")
    assert (code, said, list(home.iterdir())) == (1, "", [])
    assert "subject.not_found" in refused
    join(guest)
    certify(stage, home / "keys", capsys)
    with stage.database.transaction() as session:
        row = session.get_one(Invitation, parse_id("inv", guest.id))
        row.expires_at = stage.clock.real() - timedelta(seconds=1)

    code, said, refused = join(guest)

    assert (code, said) == (1, "")
    assert "invitation.expired" in refused
    assert sorted(one.name for one in home.iterdir()) == ["keys"]
