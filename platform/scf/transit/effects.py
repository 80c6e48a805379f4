"""What time and banks bring to consignments and bills; a turn may run twice."""

from collections.abc import Mapping
from typing import Final

from scf.db.outbox import EffectContext, Handler
from scf.settlement import transfers
from scf.transit import liens, netting, watching


def turn(context: EffectContext) -> None:
    """Read the devices that travel along, and let storage bills fall due."""
    watching.watch(context.database, now=context.clock.now())
    liens.turn(context)


HANDLERS: Final[Mapping[str, Handler]] = {transfers.TOLD: netting.learn}
