"""What a worker does for pools: let free value follow into the forms that it became."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from scf.capacity import service
from scf.db.outbox import EffectContext, Handler


def follow(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Let what was given back of an earlier form be free in the later one."""
    with context.database.transaction() as session:
        service.follow(session, UUID(payload["pool_id"]), now=context.clock.now())


HANDLERS: Final[Mapping[str, Handler]] = {service.FOLLOW: follow}
