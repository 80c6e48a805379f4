"""What time brings to devices: goods are compared, hours closed, months opened ahead and dropped; every turn may run twice."""

from scf.db.outbox import EffectContext
from scf.devices import closing, comparing, listening, months


def turn(context: EffectContext) -> None:
    """Hold what came in to the book, tell whom nothing is heard of, close the hours whose time has come."""
    now = context.clock.now()
    comparing.turn(context.database, now=now)
    listening.turn(context.database, now=now)
    closing.close_due(context.database, now=now)


def keep_months(context: EffectContext) -> None:
    """Open the months to come, and drop those that were kept for long enough."""
    with context.database.transaction() as session:
        months.open_ahead(session, now=context.clock.now())
        months.drop_kept(session, now=context.clock.now())
