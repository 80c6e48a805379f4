"""Many rows at once, through COPY."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from scf.db.base import Base


def copy_in(session: Session, kind: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns, in the session's transaction; triggers see them as one.

    Values are psycopg's: UUIDs, bytes, instants, lists; JSON wrapped in `Jsonb`. Raises DBAPIError.
    """
    if not rows:
        return
    names = list(rows[0])
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(kind.__tablename__), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection), "the engine's driver is psycopg"
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
    except psycopg.Error as error:
        raise DBAPIError.instance(
            f"COPY {kind.__tablename__}", None, error, psycopg.Error
        ) from error
