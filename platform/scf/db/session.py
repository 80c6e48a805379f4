"""Sessions. One request or task is one transaction, and this is the only place that commits."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg.errors
import structlog
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from scf.kernel.errors import Unavailable

LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 60_000
ATTEMPTS_MAX = 3  # of a transaction that lost a race with another

Result = TypeVar("Result")
Item = TypeVar("Item")
log = structlog.get_logger()

RETRYABLE = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
BUSY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.AdminShutdown,
    psycopg.errors.CannotConnectNow,
    psycopg.errors.TooManyConnections,
)


class DatabaseBusy(Unavailable):
    """The database did not answer in time; nothing was stored."""

    code = "database.unavailable"
    title = "数据库繁忙，请稍后重试"
    title_en = "The database is busy, try again"


def driver_url(database_url: str) -> str:
    """Return the SQLAlchemy form of a plain PostgreSQL URL."""
    return database_url.replace("postgresql://", "postgresql+psycopg://", 1)


class Database:
    """An engine and its sessions."""

    def __init__(self, database_url: str, *, pool_size: int = 20) -> None:
        """Prepare to connect; nothing is opened yet."""
        self.engine: Engine = create_engine(
            driver_url(database_url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_pre_ping=False,
            hide_parameters=True,  # an error is logged, and names are no matter for a log
            connect_args={
                "options": f"-c lock_timeout={LOCK_TIMEOUT_MS}"
                f" -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
                "connect_timeout": 5,
            },
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, autoflush=True)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction; commit when the block ends well, roll back when it does not.

        Raises DatabaseBusy where the database cannot serve it now.
        """
        session = self._sessions()
        try:
            yield session
            session.commit()
        except DBAPIError as error:
            session.rollback()
            if is_transient(error):
                raise DatabaseBusy from error
            raise
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read-only transaction over one snapshot."""
        with self.transaction() as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield session

    def run(self, work: Callable[[Session], Result]) -> Result:
        """Do `work` in a transaction, again (three times at most) where it lost a race."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                with self.transaction() as session:
                    return work(session)
            except DBAPIError as error:
                if not isinstance(error.orig, RETRYABLE) or attempt == ATTEMPTS_MAX:
                    raise
        raise AssertionError("the loop above returns or raises")

    def each(
        self, items: Iterable[Item], work: Callable[[Session, Item], object], *, task: str
    ) -> None:
        """Do `work` on every item, each in a transaction of its own; one that fails is logged and stops no other.

        Raises DatabaseBusy.
        """
        for item in items:
            self._alone(item, work, task)

    def _alone(self, item: Item, work: Callable[[Session, Item], object], task: str) -> None:
        try:
            self.run(lambda session: work(session, item))
        except DatabaseBusy:
            raise
        except Exception:
            log.exception("turn.defect", task=task, item=str(item))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def is_transient(error: DBAPIError) -> bool:
    """Say whether the same statement may succeed when tried again later."""
    if isinstance(error.orig, BUSY):
        return True
    return isinstance(error, OperationalError) and not isinstance(error.orig, RETRYABLE)
