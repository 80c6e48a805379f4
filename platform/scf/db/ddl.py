"""What the database itself holds to, whatever the code does; written beside the mapped classes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import DDL, Enum, event

from scf.db.base import Base

State = TypeVar("State", bound=StrEnum)


def text_enum(kind: type[StrEnum]) -> Enum:
    """Map an enumeration to its values as text, checked by the database."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def before_tables(statement: str) -> None:
    """Run a statement before the first table is created."""
    event.listen(Base.metadata, "before_create", _ddl(statement))


def after_table(mapped: type[Base], *statements: str) -> None:
    """Run statements when a class's table has been created."""
    for statement in statements:
        event.listen(mapped.__table__, "after_create", _ddl(statement))


def append_only(*kinds: type[Base]) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE of classes' tables."""
    for kind in kinds:
        table = kind.__tablename__
        after_table(
            kind,
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()",
        )


def guard_states(mapped: type[Base], moves: Mapping[State, frozenset[State]]) -> None:
    """Hold a class's rows to the moves of their state machine."""
    table = mapped.__tablename__
    after_table(
        mapped,
        f"""
CREATE FUNCTION guard_{table}_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN ({pairs(moves)}) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '{table}: % does not become %', OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$
""",
        f"CREATE TRIGGER {table}_guard_state BEFORE UPDATE OF state ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION guard_{table}_state()",
    )


def pairs(moves: Mapping[State, frozenset[State]]) -> str:
    """Return the moves of a state machine as SQL rows (before, after)."""
    return ", ".join(
        f"('{before.value}', '{after.value}')"
        for before, allowed in moves.items()
        for after in sorted(allowed)
    )


def _ddl(statement: str) -> DDL:
    # DDL puts values in with %, of which these statements have none.
    return DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]


before_tables("""
CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
""")
