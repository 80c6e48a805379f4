"""Alembic's home: `upgrade` brings a database to the newest schema, `downgrade` takes it back."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from scf.db.session import driver_url


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
