"""What goes out is weighed by its keeper and by whoever supervises it, as what comes in is; a difference is told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence.models import Event
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.receipts.models import WarehouseReceipt, Withdrawal
from scf.stock import queries as stock
from scf.stock import rules as stock_rules
from scf.stock.models import Lot, LotPaper

DIFFERS: Final = "receipt.exit_differs"
"""The notice that what was weighed out is not what was ordered."""


class ExitUnweighed(Conflict):
    """What goes out is weighed or tallied by its keeper, and by whoever supervises it."""

    code = "receipt.exit_unweighed"
    title = "出库前须由保管人和监管方分别登记该提货通知书的磅单或码单"
    title_en = "Keeper and supervisor each weigh or tally what goes out for the order first"


def scales(session: Session, receipt: WarehouseReceipt, withdrawal: Withdrawal) -> list[LotPaper]:
    """Return by which papers an order was weighed out, each source's newest. Raises ExitUnweighed."""
    lots = [part.lot_id for part in receipt.lots]
    found = stock.weighed_out(session, withdrawal.id, lots)
    watching = [receipt.keeper_id, *supervisors(session, receipt)]
    needed = {parties.party(session, one).uscc for one in watching}
    missing = needed - {paper.source for paper in found}
    if missing:
        raise ExitUnweighed(field="order_no", missing=sorted(missing))
    return found


def seen(receipt: WarehouseReceipt, papers: Sequence[LotPaper]) -> list[dict[str, Any]]:
    """Return what each source saw leave, of all lots together, as records say it."""
    total = Counter[str]()
    for paper in papers:
        assert paper.quantity_minor is not None, "a weighing says how much"
        total[paper.source] += paper.quantity_minor
    return [
        {"source": source, "quantity": receipt.measure(total[source]).to_json()}
        for source in sorted(total)
    ]


def differs(ordered: Quantity, weighed: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether any two of what was ordered and what was seen differ by more than scales may."""
    minors = [ordered.minor, *(Quantity.from_json(one["quantity"]).minor for one in weighed)]
    return stock_rules.disagree(min(minors), max(minors))


def tell_difference(
    session: Session,
    receipt: WarehouseReceipt,
    event: Event,
    said: dict[str, Any],
    concerned: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    """Alarm everybody with a part in the goods: more, or less, went out than was ordered."""
    key = public_id("whr", receipt.id)
    for party in sorted({receipt.holder_id, receipt.keeper_id, *concerned}):
        capacity.notify(
            session,
            event,
            party,
            kind=DIFFERS,
            subject=key,
            fields={"receipt": key, **said},
            now=now,
        )


def supervisors(session: Session, receipt: WarehouseReceipt) -> list[UUID]:
    """Return who supervises the lots that a receipt has goods in."""
    lots = [part.lot_id for part in receipt.lots if part.quantity_minor]
    found = select(Lot.supervisor_id).where(Lot.id.in_(lots), Lot.supervisor_id.is_not(None))
    return [one for one in session.scalars(found.distinct()) if one is not None]
