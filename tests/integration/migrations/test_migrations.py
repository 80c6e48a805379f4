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


def test_look_ups_of_three_tables_become_one_and_come_apart_again(database_url):
    """Two questions about a known paper, one about a paper of nobody's, a dossier taken twice."""
    downgrade(database_url, "0001")
    with psycopg.connect(database_url) as connection:
        connection.execute("SET session_replication_role = replica")  # rows without what they name
        connection.execute(LOOKS)
    before = looks(database_url)

    upgrade(database_url)

    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT kind, count(*), count(DISTINCT look_id), count(party_id), count(asked_at),"
            " count(taken_size) FROM look_ups GROUP BY kind ORDER BY kind"
        ).fetchall()
        taken = "SELECT array_agg(taken_size ORDER BY id) FROM look_ups WHERE kind = 'dossier'"
        sizes = connection.execute(taken).fetchone()
    assert found == [("blind_registry", 3, 3, 2, 3, 0), ("dossier", 4, 2, 4, 0, 4)]
    assert sizes == ([100, 100, 200, 200],)
    downgrade(database_url, "0001")
    assert looks(database_url) == before


LOOKS = """
CREATE TEMPORARY VIEW an AS SELECT '018f0000-0000-7000-8000-00000000000' AS id,
  '2025-11-03T02:00:00Z'::timestamptz AS instant;
INSERT INTO parties (id, uscc, name, kind, registered_at)
  SELECT (id || 'b')::uuid, 'b', 'b', 'bank', instant FROM an;
INSERT INTO oauth_clients (id, operator, name, secret_sha256, created_at)
  SELECT (id || 'c')::uuid, false, 'c', '', instant FROM an;
INSERT INTO blind_tokens (token, document_id, currency, value_minor, held_minor, known_at)
  SELECT decode(repeat('01', 32), 'hex'), (id || 'd')::uuid, 'CNY', 100, 0, instant FROM an;
INSERT INTO blind_probes (id, token, client_id, party_id, caller, asked_at)
  SELECT (id || n)::uuid, decode(repeat(token, 32), 'hex'), (id || 'c')::uuid, (id || 'b')::uuid,
    'outside_bank', instant + n * interval '1 minute'
  FROM an, (VALUES (1, '01'), (2, '01'), (3, '02')) AS asked (n, token);
INSERT INTO financings (id, version, secret, borrower_id, lender_id, receivable_id, receivable_event,
    currency, requested_minor, requested_days, state, state_since)
  SELECT (id || 'f')::uuid, 1, '', (id || 'a')::uuid, (id || 'b')::uuid, (id || 'c')::uuid, '',
    'CNY', 1, 1, 'REQUESTED', instant FROM an;
INSERT INTO dossier_downloads (id, financing_id, party_id, client_id, sha256, size, downloaded_at)
  SELECT (id || n)::uuid, (id || 'f')::uuid, (id || 'b')::uuid, (id || 'c')::uuid,
    decode(repeat('0' || n, 32), 'hex'), n * 100, instant
  FROM an, generate_series(1, 2) AS n;
INSERT INTO look_ups (id, by_id, client_id, named, party_id, kind, subject, purpose, basis, made_at)
  SELECT (left(id, 34) || '2' || n)::uuid, (id || 'b')::uuid, (id || 'c')::uuid, kind = 'dossier',
    (id || party)::uuid, kind, subject, purpose, basis, instant
  FROM an, (VALUES
    (1, 'a', 'blind_registry', 'doc_01hw000000e00800000000000d', 'double_financing', 'paper'),
    (2, 'a', 'blind_registry', 'doc_01hw000000e00800000000000d', 'double_financing', 'paper'),
    (3, 'a', 'dossier', 'fin_01hw000000e00800000000000f', 'loan_file', 'relation'),
    (4, 'e', 'dossier', 'fin_01hw000000e00800000000000f', 'loan_file', 'relation'),
    (5, 'a', 'dossier', 'fin_01hw000000e00800000000000f', 'loan_file', 'relation'),
    (6, 'e', 'dossier', 'fin_01hw000000e00800000000000f', 'loan_file', 'relation')
  ) AS looked (n, party, kind, subject, purpose, basis);
DROP VIEW an
"""


def looks(url):
    with psycopg.connect(url) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
            for table in ("blind_probes", "dossier_downloads", "look_ups")
        ]
