"""How an event looks from outside."""

from typing import Any, Self

from pydantic import Field

from scf.evidence.models import Event
from scf.http.schemas import DigestText, EventId, InstantText, Out
from scf_ledger.encoding import b64url
from scf_ledger.event import parse_disclosure, parse_event


class EventOut(Out):
    """An event as one of its parties sees it."""

    id: EventId
    type: str = Field(examples=["receivable.confirmed"])
    subject: str = Field(examples=["rcv_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    version: int = Field(examples=[2])
    occurred_at: InstantText
    hash: DigestText = Field(description="事件正文的 SHA-256")
    index: int | None = Field(description="在日志中的序号；尚未入日志为 null", examples=[41])
    record: dict[str, Any] = Field(description="该方可见的字段")

    @classmethod
    def of(cls, event: Event, index: int | None, shown: set[str]) -> Self:
        """Show the fields that this reader may see."""
        fields = map(parse_disclosure, event.disclosures.split("~"))
        return cls(
            id=event.id,
            type=event.type,
            subject=parse_event(event.body).subject,
            version=event.version,
            occurred_at=event.occurred_at,
            hash=b64url(event.body_hash),
            index=index,
            record={field.name: field.value for field in fields if field.name in shown},
        )


class FeedOut(Out):
    """A part of the feed; `next` is always there, since the log goes on."""

    items: list[EventOut]
    next: int = Field(description="下次以此作为 after", examples=[1041])
