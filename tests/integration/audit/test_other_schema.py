"""`scf audit` over a database of another version: one line that says so, and nothing read."""

import argparse

import pytest
from sqlalchemy import text

from scf.cli import UNUSABLE, audit
from scf.db.session import Database
from scf.migrations import require_newest
from scf.settings import Settings
from tests.support.services import Servers, fresh_database

OLDER = "0001"


def test_an_older_schema_is_said_in_words(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with fresh_database(servers) as url:
        require_newest(url)
        database = Database(url, pool_size=1)
        with database.transaction() as session:
            newest = session.scalar(text("SELECT version_num FROM alembic_version"))
            session.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": OLDER})
        database.close()
        settings = Settings.model_validate({"DATABASE_URL": url})
        monkeypatch.setattr(audit, "settings_here", lambda: settings)

        code = audit.run(argparse.Namespace(json=False))

    shown = capsys.readouterr()
    assert (code, shown.out) == (UNUSABLE, "")
    assert "platform.schema_other" in shown.err
    assert "数据库结构与本程序版本不一致" in shown.err
    assert f"stands={OLDER}" in shown.err
    assert f"expected={newest}" in shown.err
    assert "ProgrammingError" not in shown.err
