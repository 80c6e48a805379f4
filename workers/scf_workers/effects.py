"""The one table from kinds of effects to their handlers."""

from collections.abc import Mapping
from typing import Final

from scf.capacity import effects as capacity
from scf.db.outbox import Handler
from scf.feed import effects as feed
from scf.financing import effects as financing
from scf.pledges import effects as pledges
from scf.receivables import effects as receivables
from scf.registrations import effects as registrations
from scf.settlement import effects as settlement
from scf.transit import effects as transit

HANDLERS: Final[Mapping[str, Handler]] = {
    **capacity.HANDLERS,
    **receivables.HANDLERS,
    **pledges.HANDLERS,
    **registrations.HANDLERS,
    **financing.HANDLERS,
    **settlement.HANDLERS,
    **transit.HANDLERS,
    **feed.HANDLERS,
}
