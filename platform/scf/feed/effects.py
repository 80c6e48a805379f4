"""What a worker does for endpoints: queue what they missed while they were disabled, a part at a time."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from scf.db.outbox import EffectContext, Handler
from scf.feed import deliveries
from scf.feed.webhook_models import State


def catch_up(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Queue the next part of what an endpoint missed, unless it was taken away meanwhile."""
    with context.database.transaction() as session:
        webhook = deliveries.lock(session, UUID(payload["webhook_id"]))
        assert webhook is not None, "endpoints are never taken out"
        if webhook.state is State.DELETED:
            return
        deliveries.lock_cursor(session)
        stretch = {name: int(payload[name]) for name in ("first", "until")}
        deliveries.catch_up(session, webhook, **stretch, now=context.clock.real())


HANDLERS: Final[Mapping[str, Handler]] = {deliveries.CATCH_UP: catch_up}
