"""The service's folder and its command line."""

import stat

import pytest
from eth_account import Account

from scf_ledger.chain.errors import ChainMisconfigured
from scf_ledger.tokens.__main__ import main
from scf_ledger.tokens.service import Terms
from scf_ledger.tokens.setup import SECRET, SIGNER, admit, initialise, open_service
from tests.unit.tokens.conftest import CONTRACT


def test_keys_are_made_once_and_are_private(tmp_path):
    folder = tmp_path / "deep" / "tokens"

    signer = initialise(folder)
    kept = {name: (folder / name).read_text() for name in (SIGNER, SECRET)}

    assert initialise(folder) == signer
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name, text in kept.items():
        assert (folder / name).read_text() == text
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert len(text.strip()) == 64


def test_an_admitted_operator_is_known(tmp_path):
    initialise(tmp_path)
    address = Account.create().address

    bearer = admit(tmp_path, name="示例平台", address=address.lower())

    found = open_service(tmp_path, Terms(1, CONTRACT)).operator(bearer)
    assert (found.address, found.name) == (address, "示例平台")
    with pytest.raises(ChainMisconfigured):
        admit(tmp_path, name="nobody", address="0x12")


@pytest.mark.parametrize("name", [SIGNER, SECRET])
def test_a_folder_that_is_not_right_is_refused(tmp_path, name):
    initialise(tmp_path)
    terms = Terms(1, CONTRACT)
    path = tmp_path / name
    good = path.read_text()

    for spoil in (
        lambda: path.chmod(0o644),
        lambda: path.write_text("zz"),
        lambda: path.write_text("ab" * 7),
        path.unlink,
    ):
        spoil()
        with pytest.raises(ChainMisconfigured):
            open_service(tmp_path, terms)
        path.write_text(good)
        path.chmod(0o600)
    open_service(tmp_path, terms)
    with pytest.raises(ChainMisconfigured):
        open_service(tmp_path, Terms(1, "0x00"))


def test_the_command_line(tmp_path, capsys):
    data = ["--data", str(tmp_path)]
    address = Account.create().address

    assert main([*data, "init"]) == 0
    assert capsys.readouterr().out.strip() == initialise(tmp_path)
    assert main([*data, "admit", "--name", "x", "--address", address]) == 0
    bearer = capsys.readouterr().out.strip()
    assert open_service(tmp_path, Terms(1, CONTRACT)).operator(bearer).address == address

    assert main([*data, "admit", "--name", "x", "--address", "y"]) == 2
    serve = ["serve", "--chain-id", "1", "--contract", CONTRACT]
    assert main(["--data", str(tmp_path / "absent"), *serve]) == 2
    error = capsys.readouterr().err
    assert "令牌服务无法运行" in error
    assert "Traceback" not in error
