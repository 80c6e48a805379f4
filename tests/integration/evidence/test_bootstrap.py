"""An installation comes into being once; every later start changes nothing that is there."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scf.bootstrap import TRUST, bootstrap
from scf.db.session import Database
from scf.evidence import keys, queries
from scf.evidence.sequencing import OtherLog
from scf.http.auth import OAuthClient, issue_token
from scf.settings import OPERATOR, Settings
from scf_ledger import trust
from scf_ledger.note import Signer


@pytest.fixture
def settings(database_url: str, chain_url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "SCF_DATA": tmp_path / "scf",
            "DATABASE_URL": database_url,
            "CHAIN_RPC_URL": chain_url,
            "LOG_ORIGIN": "boot.example/log",
        }
    )


def files(settings: Settings) -> dict[str, bytes]:
    found = [*settings.secrets.iterdir(), *(settings.data / "tokens").glob("*.key")]
    return {path.name: path.read_bytes() for path in found}


def test_twice_is_once(settings: Settings, database: Database) -> None:
    bootstrap(settings)
    before = files(settings)
    bootstrap(settings)

    assert files(settings) == before
    assert before.keys() >= {
        keys.LOG_KEY,
        keys.CHAIN_KEY,
        keys.DEPLOYER_KEY,
        OPERATOR,
        keys.TOKEN_BEARER,
    }
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(OAuthClient)) == 1
        home, head = queries.chain_home(session), queries.head(session)
    assert home is not None
    believed = trust.parse((settings.data / TRUST).read_bytes())
    assert [(log.origin, str(log.verifier), log.origin_key) for log in believed.logs] == [
        ("boot.example/log", head.vkey, home.origin_key)
    ]
    assert believed.chains[0].anchor == home.anchor_address.lower()


def test_secrets_are_their_owners_alone(settings: Settings) -> None:
    bootstrap(settings)

    for path in settings.secrets.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(settings.secrets.stat().st_mode) == 0o700


def test_the_operator_can_log_in(settings: Settings, database: Database) -> None:
    bootstrap(settings)
    operator = json.loads((settings.secrets / OPERATOR).read_text())

    with database.transaction() as session:
        now = settings.clock.real()
        assert issue_token(session, operator["client_id"], operator["client_secret"], now=now)


def test_a_lost_operator_file_is_made_anew(settings: Settings, database: Database) -> None:
    bootstrap(settings)
    (settings.secrets / OPERATOR).unlink()

    bootstrap(settings)

    assert (settings.secrets / OPERATOR).exists()


def test_a_log_under_another_key_is_refused(settings: Settings) -> None:
    bootstrap(settings)
    other = Signer.generate(settings.log_origin)
    keys.write_secret(settings.secrets / keys.LOG_KEY, other.secret_text())

    with pytest.raises(OtherLog):
        bootstrap(settings)


def test_a_key_of_another_origin_is_refused(settings: Settings) -> None:
    bootstrap(settings)

    with pytest.raises(keys.KeyUnusable):
        bootstrap(settings.model_copy(update={"log_origin": "elsewhere.example/log"}))
