"""Migrations make exactly what the mapped classes say, and can be taken back."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import scf.main  # noqa: F401 - every mapped class
from scf.db.base import Base
from scf.db.session import driver_url
from scf.migrations import downgrade, upgrade

CODE = """
SELECT 'function ' || p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
UNION ALL
SELECT 'trigger ' || t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT t.tgisinternal
UNION ALL
SELECT 'constraint ' || c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
  JOIN pg_namespace n ON n.oid = c.connamespace
  WHERE n.nspname = 'public' AND c.conname NOT LIKE 'alembic%'
UNION ALL
SELECT 'index ' || indexname, indexdef FROM pg_indexes
  WHERE schemaname = 'public' AND indexname NOT LIKE 'alembic%'
UNION ALL
SELECT 'column ' || table_name || '.' || column_name,
  concat_ws(' ', data_type, is_nullable, column_default, generation_expression, identity_generation)
  FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'alembic%'
"""


def schema(url):
    with psycopg.connect(url) as connection:
        return dict(connection.execute(CODE).fetchall())


def test_the_mapped_classes_have_nothing_that_migrations_lack(database_url):
    engine = create_engine(driver_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_triggers_functions_constraints_and_columns_are_the_same(database_url):
    migrated = schema(database_url)
    downgrade(database_url)
    engine = create_engine(driver_url(database_url))
    Base.metadata.create_all(engine)
    engine.dispose()

    assert schema(database_url) == migrated


def test_they_go_down_and_up_again_on_a_populated_database(database_url, tmp_path):
    from tests.support.actors import set_stage  # noqa: PLC0415 - the cast fills the tables

    with set_stage(database_url, tmp_path):
        pass
    before = schema(database_url)

    downgrade(database_url)

    with psycopg.connect(database_url) as connection:
        left = connection.execute(
            "SELECT count(*) FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        ).fetchone()
        assert left == (0,)
        functions = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert connection.execute(functions).fetchone() == (0,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM parties")
    upgrade(database_url)
    assert schema(database_url) == before
