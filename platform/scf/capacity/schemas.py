"""HTTP shapes of pools and notices."""

from typing import Any, Self
from uuid import UUID

from pydantic import Field

from scf.capacity.models import Notice, Pool, PoolState
from scf.http.schemas import EventId, InstantText, MeasureOut, Out, PoolId
from scf.kernel.ids import public_id
from scf.kernel.measure import Measure


class PoolOut(Out):
    """A pool as its reader may see it: the owner all numbers, a holder its own part.

    `confirmed` is known to creditor and debtor; `held` is what the reader itself holds.
    """

    id: PoolId
    version: int = Field(examples=[3])
    asset: str = Field(examples=["rcv_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    state: PoolState
    confirmed: MeasureOut | None
    used: MeasureOut | None
    free: MeasureOut | None
    shortfall: MeasureOut | None
    held: MeasureOut

    @classmethod
    def of(cls, pool: Pool, *, reader: UUID, held: Measure) -> Self:
        """Show a pool to one of its parties or holders."""
        owner = reader == pool.owner_id
        return cls(
            id=pool.id,
            version=pool.version,
            asset=pool.asset,
            state=pool.state,
            confirmed=pool.confirmed if reader in pool.parties else None,
            used=pool.measure(pool.used_minor) if owner else None,
            free=pool.free if owner else None,
            shortfall=pool.measure(pool.shortfall_minor) if owner else None,
            held=held,
        )


class NoticeOut(Out):
    """What a party was told about a value that it encumbers; `subject` is its own encumbrance."""

    id: str = Field(examples=["ntc_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    kind: str = Field(examples=["pool.diluted"])
    subject: str = Field(examples=["plg_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    event: EventId
    fields: dict[str, Any]
    told_at: InstantText

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """Show a notice to whom it was told."""
        return cls(
            id=public_id("ntc", notice.id),
            kind=notice.kind,
            subject=notice.subject,
            event=notice.event_id,
            fields=notice.fields,
            told_at=notice.told_at,
        )
