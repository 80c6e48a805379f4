"""HTTP shapes of webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from scf.feed import signing
from scf.feed.addresses import URL_LENGTH_MAX
from scf.feed.webhook_models import (
    DeliveryState,
    State,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
)
from scf.http.schemas import DeliveryId, EventId, In, InstantText, Out, WebhookId

_TYPE = r"^(\*|[a-z_]+\.([a-z_]+|\*))$"


class WebhookIn(In):
    """Where events of these types are sent."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=URL_LENGTH_MAX)] = Field(
        examples=["https://events.bank.example/scf"]
    )
    types: list[Annotated[str, StringConstraints(pattern=_TYPE, max_length=60)]] = Field(
        min_length=1, max_length=50, examples=[["pledge.*", "debtor_notice.acknowledged"]]
    )


class RotateIn(In):
    """How long the present key signs too."""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24


class ReplayIn(In):
    """From which log index on."""

    from_index: Annotated[int, Field(ge=0, lt=2**53)]


class KeyOut(Out):
    """A public key that verifies `webhook-signature` (Ed25519, `v1a`)."""

    number: int
    public_key: str = Field(examples=["whpk_" + "A" * 43 + "="])
    until: InstantText | None = Field(description="轮换后旧密钥停用时间 When it signs no more")


class WebhookOut(Out):
    """An endpoint as its owner sees it."""

    id: WebhookId
    url: str
    types: list[str]
    state: State
    state_since: InstantText
    reason: str | None = Field(description="停用原因 failing, gone")
    failing_since: InstantText | None
    keys: list[KeyOut]
    created_at: InstantText

    @classmethod
    def of(cls, webhook: Webhook, secret: bytes, *, now: datetime) -> Self:
        """Show an endpoint with the keys that sign now."""

        def key(number: int, until: datetime | None) -> KeyOut:
            public = signing.public_text(signing.derive(secret, webhook.id, number))
            return KeyOut(number=number, public_key=public, until=until)

        keys = [key(webhook.key_number, None)]
        if webhook.previous_key_until is not None and webhook.previous_key_until > now:
            keys.append(key(webhook.key_number - 1, webhook.previous_key_until))
        return cls(
            id=webhook.id,
            url=webhook.url,
            types=webhook.types,
            state=webhook.state,
            state_since=webhook.state_since,
            reason=webhook.reason,
            failing_since=webhook.failing_since,
            keys=keys,
            created_at=webhook.created_at,
        )


class AttemptOut(Out):
    """One attempt: a status, or the problem that there was none."""

    at: InstantText
    duration_ms: int
    status: int | None = Field(examples=[204])
    problem: str | None = Field(examples=["timeout"])
    excerpt: str | None = Field(description="应答开头 The beginning of the answer")

    @classmethod
    def of(cls, row: WebhookAttempt) -> Self:
        """Show an attempt."""
        return cls(
            at=row.at,
            duration_ms=row.duration_ms,
            status=row.status,
            problem=row.problem,
            excerpt=row.excerpt,
        )


class DeliveryOut(Out):
    """One event on its way to one endpoint; `id` is its `webhook-id`."""

    id: DeliveryId
    index: int
    event: EventId
    type: str
    state: DeliveryState
    attempts: int
    next_attempt_at: InstantText | None
    done_at: InstantText | None

    @classmethod
    def of(cls, row: WebhookDelivery) -> Self:
        """Show a delivery."""
        return cls(
            id=row.id,
            index=row.index,
            event=row.event_id,
            type=row.type,
            state=row.state,
            attempts=row.attempts,
            next_attempt_at=row.next_attempt_at,
            done_at=row.done_at,
        )


class DeliveryLogOut(Out):
    """A delivery with everything that was tried."""

    delivery: DeliveryOut
    log: list[AttemptOut]

    @classmethod
    def of_all(cls, row: WebhookDelivery, made: Sequence[WebhookAttempt]) -> Self:
        """Show a delivery with its attempts, oldest first."""
        return cls(delivery=DeliveryOut.of(row), log=[AttemptOut.of(one) for one in made])


class DeliveriesOut(Out):
    """A part of an endpoint's deliveries; `next` is always there, since the log goes on."""

    items: list[DeliveryOut]
    next: int = Field(description="下次以此作为 after")


class ReplayOut(Out):
    """What is sent once more; behind `next` one replays on, where it is not null."""

    queued: int
    next: int | None
