"""Run migrations: one connection, one transaction, one runner at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

import scf.main  # noqa: F401 - imports every feature's mapped classes
from scf.db.base import Base

ADVISORY_LOCK = 7_207_201  # any number, the same for every runner


def run() -> None:
    """Apply or take back migrations online."""
    engine = create_engine(
        context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
        with context.begin_transaction():
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
            context.run_migrations()


run()
