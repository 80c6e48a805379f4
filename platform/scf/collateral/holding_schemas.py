"""HTTP shapes of the goods under an agreement: what is held of which receipts, what was heard last, rank, proof."""

from typing import Literal, Self

from pydantic import Field

from scf.collateral.holdings import Held, Holding
from scf.devices.queries import LastReading
from scf.http.schemas import (
    DateText,
    DeviceId,
    InstantText,
    LotId,
    MoneyOut,
    Out,
    PartyId,
    PledgeId,
    PriceSeriesId,
    QuantityOut,
    WarehouseReceiptId,
)
from scf.kernel.ids import public_id
from scf.pledges.models import State as PledgeState
from scf.receipts.models import State as ReceiptState


class LastReadingOut(Out):
    """What was heard last of goods: a device's level at their place, or the keeper's daily stock report."""

    source: Literal["device", "daily_report"]
    lot: LotId
    device: DeviceId | None
    said_by: str = Field(description="设备编号或库存日报编号", examples=["GQ-SC-07"])
    seq: int | None = Field(description="读数序号；库存日报为空")
    at: InstantText
    quantity: QuantityOut

    @classmethod
    def of(cls, last: LastReading) -> Self:
        """Show a reading."""
        return cls(
            source="device" if last.device_id else "daily_report",
            lot=last.lot_id,
            device=last.device_id,
            said_by=last.said_by,
            seq=last.seq,
            at=last.at,
            quantity=last.quantity,
        )


class HeldOut(Out):
    """What a pledge holds of one receipt, and where its goods lie."""

    receipt: WarehouseReceiptId
    state: ReceiptState
    quantity: QuantityOut
    warehouse: str
    stored_until: DateText
    last_reading: LastReadingOut | None

    @classmethod
    def of(cls, held: Held) -> Self:
        """Show a part of a holding."""
        receipt = held.receipt
        return cls(
            receipt=receipt.id,
            state=receipt.state,
            quantity=receipt.measure(held.minor),
            warehouse=str(receipt.items["warehouse"]),
            stored_until=receipt.stored_until,
            last_reading=LastReadingOut.of(held.last) if held.last else None,
        )


class GoodsLinksOut(Out):
    """Where to go on: paths of this API."""

    pledge: str = Field(examples=["/v1/pledges/plg_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    proof: str
    standing: str = Field(description="次序及依据 Who stands where, and by which article")


class WatchedOut(Out):
    """A pledge that an agreement watches, and its goods as they stand.

    `rank` counts the keeper's lien for unpaid storage; null where nothing is left. `realise_from`: the goods may be
    taken from that day on, before the debt falls due (Civil Code 442); null where the debt falls due first.
    """

    pledge: PledgeId
    pledge_state: PledgeState
    keeper: PartyId
    goods: str
    warehouse: str
    unit: str
    series: PriceSeriesId
    quality_bps: int
    liquidity_bps: int
    price_at_pledge: MoneyOut
    invoice_price: MoneyOut | None
    covered_at: InstantText
    replaces: PledgeId | None
    quantity: QuantityOut
    value: MoneyOut | None
    held: list[HeldOut]
    last_reading: LastReadingOut | None
    rank: int | None
    realise_from: DateText | None
    links: GoodsLinksOut

    @classmethod
    def of(cls, holding: Holding) -> Self:
        """Show a pledge under an agreement."""
        row, money, last = holding.watched, holding.agreement.money, holding.last
        ref = public_id("plg", row.pledge_id)
        return cls(
            pledge=row.pledge_id,
            pledge_state=holding.pledge.state,
            keeper=row.keeper_id,
            goods=row.goods,
            warehouse=row.warehouse,
            unit=row.unit,
            series=row.series_id,
            quality_bps=row.quality_bps,
            liquidity_bps=row.liquidity_bps,
            price_at_pledge=money(row.pledged_minor),
            invoice_price=None if row.invoice_minor is None else money(row.invoice_minor),
            covered_at=row.covered_at,
            replaces=row.replaces_id,
            quantity=holding.quantity,
            value=money(holding.line.value_minor) if holding.line else None,
            held=[HeldOut.of(one) for one in holding.held],
            last_reading=LastReadingOut.of(last) if last else None,
            rank=holding.rank,
            realise_from=holding.realise_from,
            links=GoodsLinksOut(
                pledge=f"/v1/pledges/{ref}",
                proof=f"/v1/pledges/{ref}/proof",
                standing=f"/v1/pledge-records/{ref}",
            ),
        )
