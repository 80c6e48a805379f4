"""Endpoints of alarms over goods: seen by whom they were told, lifted by signature."""

from typing import Self

from fastapi import APIRouter
from pydantic import Field

from scf.devices import alarms
from scf.devices.alarm_models import StockAlarm
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    AlarmId,
    In,
    InstantText,
    Line,
    LotId,
    Out,
    PageSize,
    PartyId,
    QuantityOut,
    WarehouseReceiptId,
)
from scf.parties import countersigning
from scf.parties.schemas import DraftOut, SignedIn, SignerIn

router = APIRouter(tags=["库存预警 Stock alarms"])


class LiftingIn(In):
    """Why an alarm is to be lifted: what was found to be its cause."""

    reason: Line


class SignersIn(In):
    """Who is going to sign, in the order make, check; or one signer."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class AlarmOut(Out):
    """A difference beyond the tolerance; `signers` lift it once somebody of their side proposed to."""

    id: AlarmId
    version: int
    lot: LotId
    evidence: str
    book: QuantityOut
    counted: QuantityOut
    tolerance: QuantityOut
    receipts: list[WarehouseReceiptId]
    raised_at: InstantText
    lift_reason: str | None
    signers: list[PartyId]
    signed: list[PartyId]
    lifted_at: InstantText | None

    @classmethod
    def of(cls, alarm: StockAlarm) -> Self:
        """Show an alarm."""
        return cls(
            id=alarm.id,
            version=alarm.version,
            lot=alarm.lot_id,
            evidence=alarm.evidence,
            book=alarm.quantity(alarm.book_minor),
            counted=alarm.quantity(alarm.counted_minor),
            tolerance=alarm.quantity(alarm.tolerance_minor),
            receipts=alarm.receipts,
            raised_at=alarm.raised_at,
            lift_reason=alarm.lift_reason,
            signers=[*alarm.owners, *alarm.holders],
            signed=alarm.signed,
            lifted_at=alarm.lifted_at,
        )


@query(router, "/v1/stock-alarms")
def stock_alarms(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[AlarmOut]:
    """库存预警列表 The alarms that one was told, oldest first."""
    after = read_cursor("alm", cursor)
    found = alarms.page(call.session, call.actor.party, after=after, size=limit)
    return Page[AlarmOut](
        items=[AlarmOut.of(one) for one in found],
        next=next_cursor("alm", [one.id for one in found], limit),
    )


@query(router, "/v1/stock-alarms/{alarm_id}")
def stock_alarm(call: Call, alarm_id: AlarmId) -> AlarmOut:
    """查看库存预警 An alarm: what the book says, what was found, which receipts are disputed."""
    return AlarmOut.of(alarms.visible(call.session, call.actor.party, alarm_id))


@command(router, "/v1/stock-alarms/{alarm_id}/lifting")
def propose_lifting(call: Call, alarm_id: AlarmId, body: LiftingIn) -> AlarmOut:
    """提出解除 Propose to lift it. By keeper or supervisor, who both sign; or by a pledgee."""
    found = alarms.propose_lifting(
        call.session, call.actor, alarm_id, reason=body.reason, now=call.now
    )
    return AlarmOut.of(found)


@command(router, "/v1/stock-alarms/{alarm_id}/draft")
def draft_lifting(call: Call, alarm_id: AlarmId, body: SignersIn) -> DraftOut:
    """生成解除文件 Write one's part of the lifting, to sign."""
    return DraftOut.of(
        countersigning.draft(
            call.session,
            call.actor,
            alarms.LIFTING,
            alarm_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/stock-alarms/{alarm_id}/sign")
def sign_lifting(call: Call, alarm_id: AlarmId, body: SignedIn) -> AlarmOut:
    """签署解除 Hand one's part back, signed; with the last signature the receipts have their effect again."""
    found = countersigning.sign(
        call.session, call.actor, alarms.LIFTING, alarm_id, jws=body.jws, now=call.now
    )
    return AlarmOut.of(found)
