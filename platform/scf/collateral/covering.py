"""Bringing pledges under a control agreement: first goods, a top-up, a substitute for goods that are to go."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.collateral import agreements, holdings
from scf.collateral.models import ControlAgreement, ControlledPledge
from scf.collateral.permissions import Action
from scf.evidence import service as evidence
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.kernel.money import CurrencyMismatch, Money
from scf.parties import queries as parties
from scf.parties.service import insert
from scf.pledges.models import Pledge
from scf.pledges.models import State as PledgeState
from scf.prices import queries as prices
from scf.prices.models import PriceSeries
from scf.receipts.models import WarehouseReceipt


class PledgeUnfit(Conflict):
    """What is watched is an effective pledge of a receipt, for this debt, between these two."""

    code = "collateral.pledge_unfit"
    title = "该质押不能纳入本监管协议"
    title_en = "The pledge does not come under this agreement"


def cover(
    session: Session,
    actor: Actor,
    agreement_id: UUID,
    pledge_id: UUID,
    *,
    invoice_price: Money | None,
    replaces: UUID | None = None,
    now: datetime,
) -> ControlAgreement:
    """Bring an effective pledge of a receipt under a control agreement: first goods, a top-up, or a substitute.

    `replaces` is the watched pledge that a substitute is for: of that one, goods of the substitute's value may go.
    Raises MoveRefused, PledgeUnfit, PartiesWrong where the supervisor keeps the goods, GoodsUnpriced.
    """
    agreements.require_permitted(session, actor, agreement_id, Action.LEAD)
    pledge = evidence.lock(  # before the agreement, as a release does
        session, Pledge, pledge_id, require=lambda one: _require_own(one, actor)
    )
    agreement = agreements.lock_for(session, actor, agreement_id, Action.LEAD)
    agreement.require_agreed()
    receipt = _watched(session, agreement, pledge)
    if receipt.keeper_id == agreement.supervisor_id:
        raise agreements.PartiesWrong(field="supervisor")
    term, spot = _priced(session, agreement, receipt, now=now)
    if invoice_price is not None and invoice_price.currency != agreement.currency:
        raise CurrencyMismatch(left=agreement.currency, right=invoice_price.currency)
    if replaces is not None and session.get(ControlledPledge, (agreement.id, replaces)) is None:
        raise PledgeUnfit(field="replaces", state=pledge.state.value)
    warehouse = str(receipt.items["warehouse"])
    quantity = receipt.measure(holdings.held(session, pledge.id))
    record = {
        "pledge": public_id("plg", pledge.id),
        "receipt": public_id("whr", receipt.id),
        "keeper": parties.party(session, receipt.keeper_id).uscc,
        "goods": receipt.goods,
        "warehouse": warehouse,
        "quantity": quantity.to_json(),
        "series": term["series"],
        "price": spot.to_json(),
        "invoice_price": invoice_price.to_json() if invoice_price else None,
        "replaces": public_id("plg", replaces) if replaces else None,
    }
    event = agreements.tell(
        session, agreement, "control.covered", record, now=now, actor=actor.party
    )
    row = ControlledPledge(
        pledge_id=pledge.id,
        agreement_id=agreement.id,
        event_id=event.id,
        keeper_id=receipt.keeper_id,
        goods=receipt.goods,
        warehouse=warehouse,
        unit=receipt.unit,
        series_id=agreements.series_of(term),
        quality_bps=term["quality_bps"],
        liquidity_bps=term["liquidity_bps"],
        quantity_minor=quantity.minor,
        invoice_minor=invoice_price.minor if invoice_price else None,
        pledged_minor=spot.minor,
        replaces_id=replaces,
        covered_at=now,
    )
    insert(session, row, else_=PledgeUnfit(field="pledge", covered=True))
    agreements.remark(session, agreement, now=now)
    return agreement


def _priced(
    session: Session, agreement: ControlAgreement, receipt: WarehouseReceipt, *, now: datetime
) -> tuple[Mapping[str, Any], Money]:
    """Return what an agreement says of a receipt's kind of goods, and what they cost now. Raises GoodsUnpriced."""
    term = next((one for one in agreement.goods if one["goods"] == receipt.goods), None)
    if term is None:
        raise agreements.GoodsUnpriced(field="goods", goods=receipt.goods)
    series = agreements.series_of(term)
    reading = prices.readings(session, [series], now).get(series)
    if reading is None or session.get_one(PriceSeries, series).unit != receipt.unit:
        raise agreements.GoodsUnpriced(field="goods", goods=receipt.goods, unit=receipt.unit)
    return term, reading.spot


def _require_own(pledge: Pledge, actor: Actor) -> None:
    """Raise SubjectNotFound where a pledge is another's."""
    if pledge.pledgee_id != actor.party:
        raise SubjectNotFound


def _watched(session: Session, agreement: ControlAgreement, pledge: Pledge) -> WarehouseReceipt:
    """Return the receipt of a bank's pledge that comes under its agreement. Raises PledgeUnfit."""
    unfit = {
        "ground": pledge.receipt_id is None,
        "contract": pledge.contract_sha256 != agreement.contract_sha256,
        "pledgor": pledge.pledgor_id != agreement.pledgor_id,
        "state": pledge.state is not PledgeState.EFFECTIVE,
    }
    for field, wrong in unfit.items():
        if wrong:
            raise PledgeUnfit(field=field, state=pledge.state.value)
    return session.get_one(WarehouseReceipt, pledge.receipt_id)
