"""From the outbox to the handlers: each effect at least once, tried again with growing patience.

The outbox in PostgreSQL is the truth. Handing an effect over moves its next attempt a lease ahead, so
what a killed worker or a lost message left undone is offered again when the lease runs out.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import func, text, update

from scf.db.outbox import Effect, EffectContext, Handler
from scf.db.session import Database
from scf.kernel.errors import SCFError, Unavailable
from scf_ledger.chain.errors import ChainUnavailable
from scf_ledger.tokens.errors import TokenServiceUnavailable

BATCH_MAX: Final = 200  # effects handed over in one go
LEASE: Final = timedelta(seconds=20)  # a handler has this long; its remote calls give up after 5
BACKOFF_FIRST: Final = timedelta(seconds=0.5)
BACKOFF_MAX: Final = timedelta(minutes=1)
ATTEMPTS_MAX: Final = 60  # close to an hour; then it waits for a person, with its error

TRANSIENT = (Unavailable, ChainUnavailable, TokenServiceUnavailable)

log = structlog.get_logger()

_TAKE = text("""
UPDATE outbox SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + :lease
WHERE id IN (
  SELECT id FROM outbox WHERE done_at IS NULL AND next_attempt_at <= clock_timestamp()
  ORDER BY next_attempt_at LIMIT :batch FOR UPDATE SKIP LOCKED
)
RETURNING id
""")


class HandlerMissing(Unavailable):
    """Every kind of effect has a handler; a newer worker may have the one that is missing here."""

    code = "effect.handler_missing"
    title = "后台任务类型未知"
    title_en = "No handler for this kind of effect"


def relay(database: Database, hand_over: Callable[[int], object]) -> int:
    """Hand over every effect that is due; return how many."""
    with database.transaction() as session:
        due = sorted(session.scalars(_TAKE, {"lease": LEASE, "batch": BATCH_MAX}))
    for identity in due:
        hand_over(identity)
    return len(due)


def bring_about(context: EffectContext, identity: int, handlers: Mapping[str, Handler]) -> None:
    """Run one effect's handler and record how it ended; done already, it is not run again."""
    with context.database.reading() as session:
        effect = session.get(Effect, identity)
    if effect is None or effect.done_at is not None:
        return
    try:
        handlers.get(effect.kind, _unknown)(context, effect.payload)
    except TRANSIENT as error:
        _put_off(context.database, effect, error)
    except SCFError as error:
        log.warning("effect.refused", id=identity, kind=effect.kind, code=error.code)
        _close(context.database, identity, error=describe(error))
    except Exception as error:
        log.exception("effect.defect", id=identity, kind=effect.kind)
        _put_off(context.database, effect, error)
    else:
        _close(context.database, identity, error=None)


def backoff(attempts: int) -> timedelta:
    """Return the pause after so many attempts."""
    doublings = min(max(attempts - 1, 0), 16)
    return min(BACKOFF_FIRST * (1 << doublings), BACKOFF_MAX)


def describe(error: Exception) -> str:
    """Return one line about an error, for whoever looks at the outbox."""
    line = error.line() if isinstance(error, SCFError) else f"{type(error).__name__}: {error}"
    return line[:2_000]


def _unknown(_context: EffectContext, _payload: Mapping[str, Any]) -> None:
    raise HandlerMissing


def _put_off(database: Database, effect: Effect, error: Exception) -> None:
    if effect.attempts >= ATTEMPTS_MAX:
        log.error("effect.given_up", id=effect.id, kind=effect.kind, attempts=effect.attempts)
        _close(database, effect.id, error=describe(error))
        return
    with database.transaction() as session:
        session.execute(
            update(Effect)
            .where(Effect.id == effect.id)
            .values(
                next_attempt_at=func.clock_timestamp() + backoff(effect.attempts),
                error=describe(error),
            )
        )


def _close(database: Database, identity: int, *, error: str | None) -> None:
    with database.transaction() as session:
        session.execute(
            update(Effect)
            .where(Effect.id == identity)
            .values(done_at=func.clock_timestamp(), error=error)
        )
