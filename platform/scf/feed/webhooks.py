"""Keeping webhooks: by their owner, one command a function."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.feed import deliveries, permissions
from scf.feed.addresses import check_url
from scf.feed.webhook_models import State, Webhook, WebhookDelivery
from scf.http.auth import Actor
from scf.kernel.errors import Invalid, LimitExceeded
from scf.kernel.ids import new_id, public_id
from scf.tasks import kinds
from scf.tasks import service as tasks
from scf_ledger.event_types import EVENT_TYPES

WEBHOOKS_MAX: Final = 10
_FAMILIES: Final = frozenset(name.partition(".")[0] for name in EVENT_TYPES)


class TooManyWebhooks(LimitExceeded):
    """A party has a few endpoints; what else wants events gets them from these, or polls."""

    code = "webhook.too_many"
    title = "推送地址数量已达上限"
    title_en = "This party has as many webhooks as it may"


class TypeUnknown(Invalid):
    """A filter names event types that there are: `pledge.released`, `pledge.*`, `*`."""

    code = "webhook.type_unknown"
    title = "事件类型不存在"
    title_en = "No such event type"


def create(
    session: Session,
    actor: Actor,
    *,
    url: str,
    types: Sequence[str],
    loopback: bool,
    now: datetime,
) -> Webhook:
    """Add an endpoint; it is sent what comes into the log from now on.

    Times of webhooks are real. Raises WebhookUrlRefused, TypeUnknown, TooManyWebhooks.
    """
    check_url(url, loopback=loopback)
    for one in types:
        family, _, rest = one.partition(".")
        if not (one in EVENT_TYPES or one == "*" or (rest == "*" and family in _FAMILIES)):
            raise TypeUnknown(field="types", type=one[:60])
    deliveries.lock_cursor(session)  # nobody queues, or counts endpoints, meanwhile
    own = select(func.count()).where(
        Webhook.party_id == actor.party, Webhook.state != State.DELETED
    )
    if (session.scalar(own) or 0) >= WEBHOOKS_MAX:
        raise TooManyWebhooks(webhooks_max=WEBHOOKS_MAX)
    webhook = Webhook(
        id=new_id(),
        party_id=actor.party,
        url=url,
        types=sorted(set(types)),
        state=State.ACTIVE,
        state_since=now,
        key_number=1,
        created_at=now,
    )
    session.add(webhook)
    session.flush()
    return webhook


def listed(session: Session, party_id: UUID) -> Sequence[Webhook]:
    """Return a party's endpoints, oldest first."""
    own = select(Webhook).where(Webhook.party_id == party_id, Webhook.state != State.DELETED)
    return session.scalars(own.order_by(Webhook.id)).all()


def visible(session: Session, party_id: UUID, webhook_id: UUID, *, lock: bool = False) -> Webhook:
    """Return an endpoint to its owner. Raises SubjectNotFound."""
    found = deliveries.lock(session, webhook_id) if lock else session.get(Webhook, webhook_id)
    if found is None or found.state is State.DELETED:
        raise SubjectNotFound
    permissions.require_owner(found.party_id, party_id)
    return found


def pause(session: Session, actor: Actor, webhook_id: UUID, *, now: datetime) -> Webhook:
    """Stop sending; what comes meanwhile is queued. Raises WebhookMoveRefused."""
    webhook = visible(session, actor.party, webhook_id, lock=True)
    webhook.move(State.PAUSED, now=now)
    session.flush()
    deliveries.hold(session, webhook)
    return webhook


def resume(session: Session, actor: Actor, webhook_id: UUID, *, now: datetime) -> Webhook:
    """Send again, also what came while it was disabled. Raises WebhookMoveRefused."""
    webhook = visible(session, actor.party, webhook_id, lock=True)
    stopped_at = webhook.stopped_at_index
    webhook.move(State.ACTIVE, now=now)
    session.flush()
    if stopped_at is not None:
        first, until = stopped_at + 1, deliveries.lock_cursor(session).index
        deliveries.catch_up(session, webhook, first=first, until=until, now=now)
        name = public_id("whk", webhook.id)
        tasks.close(session, kinds.WEBHOOK_MEND, name, now=now, by=actor.client_id)
    deliveries.let_go(session, webhook, now=now)
    return webhook


def delete(session: Session, actor: Actor, webhook_id: UUID, *, now: datetime) -> Webhook:
    """Take an endpoint away; what waits for it is never sent."""
    webhook = visible(session, actor.party, webhook_id, lock=True)
    webhook.move(State.DELETED, now=now)
    session.flush()
    deliveries.hold(session, webhook)
    name = public_id("whk", webhook.id)
    tasks.close(session, kinds.WEBHOOK_MEND, name, now=now, by=actor.client_id)
    return webhook


def rotate_key(
    session: Session, actor: Actor, webhook_id: UUID, *, overlap: timedelta, now: datetime
) -> Webhook:
    """Give an endpoint its next key; the present one signs too until the overlap is over."""
    webhook = visible(session, actor.party, webhook_id, lock=True)
    webhook.key_number += 1
    webhook.previous_key_until = now + overlap
    return webhook


def replay(
    session: Session, actor: Actor, webhook_id: UUID, *, from_index: int, now: datetime
) -> tuple[list[int], int]:
    """Queue all from a log index on once more; return the indexes, and up to where the log was queued.

    At most `deliveries.REPLAY_MAX`: behind the last of them one replays on.
    """
    webhook = visible(session, actor.party, webhook_id, lock=True)
    until = deliveries.lock_cursor(session).index
    return deliveries.again(session, webhook, first=from_index, until=until, now=now), until


def replay_one(
    session: Session, actor: Actor, webhook_id: UUID, delivery_id: UUID, *, now: datetime
) -> WebhookDelivery:
    """Queue one delivery once more, under its id. Raises SubjectNotFound."""
    webhook = visible(session, actor.party, webhook_id, lock=True)
    found = delivery(session, webhook, delivery_id)
    deliveries.again(session, webhook, first=found.index, until=found.index, now=now)
    session.refresh(found)
    return found


def delivery(session: Session, webhook: Webhook, delivery_id: UUID) -> WebhookDelivery:
    """Return one delivery of an endpoint. Raises SubjectNotFound."""
    found = session.scalar(
        select(WebhookDelivery).where(
            WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook.id
        )
    )
    if found is None:
        raise SubjectNotFound
    return found
