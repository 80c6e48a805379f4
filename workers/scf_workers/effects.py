"""The one table from kinds of effects to their handlers."""

from typing import Final

from scf.financing import effects as financing
from scf.pledges import effects as pledges
from scf_workers.relay import Handler

HANDLERS: Final[dict[str, Handler]] = {}

for _table in (pledges.HANDLERS, financing.HANDLERS):
    assert not HANDLERS.keys() & _table.keys(), "an effect has one handler"
    HANDLERS.update(_table)
