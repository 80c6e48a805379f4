"""What time brings to devices: hours are closed, months opened ahead and dropped; every turn may run twice."""

from scf.db.outbox import EffectContext
from scf.devices import closing, months


def turn(context: EffectContext) -> None:
    """Close the hours whose time has come."""
    closing.close_due(context.database, now=context.clock.now())


def keep_months(context: EffectContext) -> None:
    """Open the months to come, and drop those that were kept for long enough."""
    with context.database.transaction() as session:
        months.open_ahead(session, now=context.clock.now())
        months.drop_kept(session, now=context.clock.now())
