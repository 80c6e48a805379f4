"""Endpoints of webhooks, for their owner."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from scf.evidence import keys
from scf.feed import deliveries, webhooks
from scf.feed.webhook_models import DeliveryState, Webhook
from scf.feed.webhook_schemas import (
    DeliveriesOut,
    DeliveryLogOut,
    DeliveryOut,
    ReplayIn,
    ReplayOut,
    RotateIn,
    WebhookIn,
    WebhookOut,
)
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE
from scf.http.schemas import DeliveryId, NothingIn, PageSize, WebhookId

router = APIRouter(tags=["webhooks 事件推送"])

After = Annotated[int, Query(ge=-1, lt=2**53, description="日志序号；-1 为从头开始")]


@command(router, "/v1/webhooks", status=201)
def create(call: Call, body: WebhookIn) -> WebhookOut:
    """新增推送地址 Have events of these types sent to an https address, signed by a key of its own."""
    found = webhooks.create(
        call.session,
        call.actor,
        url=body.url,
        types=body.types,
        loopback=call.settings.webhooks_loopback,
        now=call.clock.real(),
    )
    return _shown(call, [found])[0]


@query(router, "/v1/webhooks")
def listed(call: Call) -> list[WebhookOut]:
    """推送地址列表 One's endpoints, with the keys that sign now."""
    return _shown(call, webhooks.listed(call.session, call.actor.party))


@query(router, "/v1/webhooks/{webhook_id}")
def webhook(call: Call, webhook_id: WebhookId) -> WebhookOut:
    """查看推送地址 One endpoint."""
    return _shown(call, [webhooks.visible(call.session, call.actor.party, webhook_id)])[0]


@command(router, "/v1/webhooks/{webhook_id}/pause")
def pause(call: Call, webhook_id: WebhookId, body: NothingIn) -> WebhookOut:
    """暂停推送 Stop sending; what comes meanwhile waits."""
    del body
    found = webhooks.pause(call.session, call.actor, webhook_id, now=call.clock.real())
    return _shown(call, [found])[0]


@command(router, "/v1/webhooks/{webhook_id}/resume")
def resume(call: Call, webhook_id: WebhookId, body: NothingIn) -> WebhookOut:
    """恢复推送 Send again, with all that came meanwhile."""
    del body
    found = webhooks.resume(call.session, call.actor, webhook_id, now=call.clock.real())
    return _shown(call, [found])[0]


@command(router, "/v1/webhooks/{webhook_id}/delete")
def delete(call: Call, webhook_id: WebhookId, body: NothingIn) -> WebhookOut:
    """删除推送地址 Take an endpoint away, for good."""
    del body
    found = webhooks.delete(call.session, call.actor, webhook_id, now=call.clock.real())
    return _shown(call, [found])[0]


@command(router, "/v1/webhooks/{webhook_id}/rotate-key")
def rotate_key(call: Call, webhook_id: WebhookId, body: RotateIn) -> WebhookOut:
    """轮换签名密钥 A new key; until the overlap is over both sign."""
    found = webhooks.rotate_key(
        call.session,
        call.actor,
        webhook_id,
        overlap=timedelta(hours=body.overlap_hours),
        now=call.clock.real(),
    )
    return _shown(call, [found])[0]


@command(router, "/v1/webhooks/{webhook_id}/replay", status=202)
def replay(call: Call, webhook_id: WebhookId, body: ReplayIn) -> ReplayOut:
    """重新推送 Send everything from a log index on once more, each under the id that it had."""
    queued, until = webhooks.replay(
        call.session, call.actor, webhook_id, from_index=body.from_index, now=call.clock.real()
    )
    more = len(queued) == deliveries.REPLAY_MAX and queued[-1] < until
    return ReplayOut(queued=len(queued), next=queued[-1] + 1 if more else None)


@query(router, "/v1/webhooks/{webhook_id}/deliveries")
def log(
    call: Call,
    webhook_id: WebhookId,
    after: After = -1,
    state: DeliveryState | None = None,
    limit: PageSize = PAGE_SIZE,
) -> DeliveriesOut:
    """推送记录 What was sent, waits or has failed, in the order of the log."""
    owned = webhooks.visible(call.session, call.actor.party, webhook_id)
    found = deliveries.page(call.session, owned, after=after, size=limit, state=state)
    return DeliveriesOut(
        items=[DeliveryOut.of(one) for one in found], next=found[-1].index if found else after
    )


@query(router, "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}")
def delivery(call: Call, webhook_id: WebhookId, delivery_id: DeliveryId) -> DeliveryLogOut:
    """查看推送 One delivery with every attempt."""
    owned = webhooks.visible(call.session, call.actor.party, webhook_id)
    found = webhooks.delivery(call.session, owned, delivery_id)
    return DeliveryLogOut.of_all(found, deliveries.attempts(call.session, found.id))


@command(router, "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", status=202)
def replay_one(
    call: Call, webhook_id: WebhookId, delivery_id: DeliveryId, body: NothingIn
) -> DeliveryOut:
    """重新推送一条 Send one event once more, under the id that it had."""
    del body
    found = webhooks.replay_one(
        call.session, call.actor, webhook_id, delivery_id, now=call.clock.real()
    )
    return DeliveryOut.of(found)


def _shown(call: Call, found: Sequence[Webhook]) -> list[WebhookOut]:
    secret, now = keys.webhook_secret(call.settings), call.clock.real()
    return [WebhookOut.of(one, secret, now=now) for one in found]
