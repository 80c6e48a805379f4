"""What time brings to consignments: their devices are read; a turn may run twice."""

from scf.db.outbox import EffectContext
from scf.transit import watching


def turn(context: EffectContext) -> None:
    """Read the devices that travel along."""
    watching.watch(context.database, now=context.clock.now())
