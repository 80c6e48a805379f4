"""Alembic's home: `upgrade` brings a database to the newest schema, `downgrade` takes it back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from scf.db.session import Database, driver_url
from scf.kernel.errors import Conflict


class SchemaOther(Conflict):
    """A database is read by the program whose schema it has."""

    code = "platform.schema_other"
    title = (
        "数据库结构与本程序版本不一致，请先升级数据库（scf up 启动时自动升级）或换用相应版本的程序"
    )
    title_en = "The database has another schema than this program: upgrade it first (scf up does), or use the program of its version"


def configuration(database_url: str) -> Config:
    """Return Alembic's configuration for a database."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("sqlalchemy.url", driver_url(database_url).replace("%", "%%"))
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Apply every migration up to `revision`."""
    command.upgrade(configuration(database_url), revision)


def downgrade(database_url: str, revision: str = "base") -> None:
    """Take migrations back down to `revision`."""
    command.downgrade(configuration(database_url), revision)


def require_newest(database_url: str) -> None:
    """Raise SchemaOther where a database is not at the newest schema, DatabaseBusy where it is away."""
    expected = ScriptDirectory.from_config(configuration(database_url)).get_current_head()
    database = Database(database_url, pool_size=1)
    try:
        with database.reading() as session:
            stands = MigrationContext.configure(session.connection()).get_current_revision()
    finally:
        database.close()
    if stands != expected:
        raise SchemaOther(stands=stands, expected=expected)
