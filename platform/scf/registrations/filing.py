"""What is filed for a pledge, from stored facts; stored as sent, so that it is the same however often it is sent."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, union, update
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.db.outbox import EffectContext
from scf.evidence.service import hash_text
from scf.kernel.clock import business_date, parse_date
from scf.kernel.ids import new_id
from scf.kernel.money import Money
from scf.kernel.quantity import UNITS
from scf.parties import queries as parties
from scf.pledges import grounds
from scf.pledges.kinds import SecurityKind
from scf.pledges.models import Pledge, PledgeRegistration
from scf.pledges.queries import Goods
from scf.registrations.models import Change, RegistryFiling
from scf.registry.certificates import enrolled_facts, read_enrolled
from scf.registry.port import Business, Enrolled, Filing, Registration, RegistryRefused
from scf.registry.rules import term_months
from scf.registry.texts import Collateral, collateral_text, receipts_text
from scf.registry.texts import WarehouseReceipt as StoredGoods

BUSINESS: Final[Mapping[SecurityKind, Business]] = {
    SecurityKind.PLEDGE: Business.RECEIVABLE_PLEDGE,
    SecurityKind.ASSIGNMENT: Business.RECEIVABLE_ASSIGNMENT,
    SecurityKind.FACTORING: Business.FACTORING,
}
"""What the register calls a kind of security."""


def filing_of(session: Session, pledge: Pledge, *, reference: str | None = None) -> Filing:
    """Return what ought to stand at the register for a pledge that was accepted, as facts are today."""
    assert pledge.reserved_at is not None
    business, description, items = _described(session, pledge)
    return Filing(
        reference=reference or pledge.registration.reference,
        secured_party=enrolled(session, pledge.pledgee_id),
        grantor=enrolled(session, pledge.pledgor_id),
        description=description,
        items=items,
        amount=pledge.principal,
        contract_no=hash_text(pledge.contract_sha256),
        term_months=term_months(business_date(pledge.reserved_at), pledge.principal_due_on),
        business=business,
    )


def wanted(session: Session, pledge: Pledge, *, number: str | None = None) -> Filing:
    """Return what is to be filed now, or what a certificate of this number has to say.

    What was filed under the number, what waits, what stands, or else what will be filed.
    """
    known = numbered(session, pledge.id, number) if number is not None else None
    known = known or waiting(session, pledge.id)
    if known is not None and known.change is not Change.EXTENDED:
        return of_json(known.content)
    return standing(session, pledge.id) or filing_of(session, pledge)


def _described(session: Session, pledge: Pledge) -> tuple[Business, str, tuple[str, ...]]:
    """Return under which business, in which words and by which numbers a register tells the collateral."""
    if pledge.receipt_id is not None:
        goods = grounds.goods_now(session, pledge)
        pledgor = parties.party(session, pledge.pledgor_id).name
        text = receipts_text(pledgor, [_stored(session, one) for one in goods])
        return Business.WAREHOUSE_RECEIPT_PLEDGE, text, tuple(one.receipt.number for one in goods)
    claim = collateral(session, pledge)
    return claim.business, collateral_text(claim), tuple(claim.invoices)


def _stored(session: Session, goods: Goods) -> StoredGoods:
    """Return a receipt's goods as a registration describes them: of how much of them it is."""
    receipt = goods.receipt
    return StoredGoods(
        number=receipt.number,
        keeper=parties.party(session, receipt.keeper_id).name,
        goods=receipt.goods,
        specification=receipt.grade or "见仓单",
        quantity=Decimal(goods.quantity.text),
        unit=UNITS[goods.quantity.code][0],
        location=f"{receipt.items['warehouse']} {receipt.items['location']}",
        issued_on=parse_date(receipt.items["issued_on"]),
    )


def collateral(session: Session, pledge: Pledge) -> Collateral:
    """Return the claim that a pledge is about, as a registration describes it."""
    claim = grounds.of(session, pledge)
    assert isinstance(claim.confirmed, Money), "goods are described by their receipts"
    return Collateral(
        business=BUSINESS[pledge.kind],
        creditor=parties.party(session, pledge.pledgor_id).name,
        debtor=parties.party(session, claim.debtor_id).name,
        contract_no=claim.contract_no,
        invoices=claim.invoices,
        amount=claim.confirmed,
        taken=pledge.money,
        due_on=claim.due_on,
    )


def enrolled(session: Session, party_id: UUID) -> Enrolled:
    """Return a party as the register names it."""
    party = parties.party(session, party_id)
    return Enrolled(party.name, party.uscc)


def to_json(filing: Filing) -> dict[str, Any]:
    """Return a filing as it is stored."""
    return {
        "reference": filing.reference,
        "secured_party": enrolled_facts(filing.secured_party),
        "grantor": enrolled_facts(filing.grantor),
        "description": filing.description,
        "items": list(filing.items),
        "amount": filing.amount.to_json(),
        "contract_no": filing.contract_no,
        "term_months": filing.term_months,
        "business": filing.business.value,
    }


def of_json(stored: Mapping[str, Any]) -> Filing:
    """Return a filing as it was stored."""
    return Filing(
        reference=stored["reference"],
        secured_party=read_enrolled(stored["secured_party"]),
        grantor=read_enrolled(stored["grantor"]),
        description=stored["description"],
        items=tuple(stored["items"]),
        amount=Money.from_json(stored["amount"]),
        contract_no=stored["contract_no"],
        term_months=stored["term_months"],
        business=Business(stored["business"]),
    )


def first(session: Session, pledge_id: UUID) -> RegistryFiling | None:
    """Return the filing that registers a pledge, if it was made."""
    return session.scalar(
        select(RegistryFiling).where(
            RegistryFiling.pledge_id == pledge_id, RegistryFiling.change == Change.REGISTERED
        )
    )


def waiting(session: Session, pledge_id: UUID) -> RegistryFiling | None:
    """Return the filing of a pledge that the register has not answered yet."""
    return session.scalar(
        select(RegistryFiling).where(
            RegistryFiling.pledge_id == pledge_id,
            RegistryFiling.number.is_(None),
            RegistryFiling.problem.is_(None),
        )
    )


def numbered(session: Session, pledge_id: UUID, number: str) -> RegistryFiling | None:
    """Return the filing of which the register made this number."""
    return session.scalar(
        select(RegistryFiling).where(
            RegistryFiling.pledge_id == pledge_id, RegistryFiling.number == number
        )
    )


def standing(session: Session, pledge_id: UUID) -> Filing | None:
    """Return what stands at the register for a pledge, by the newest filing that was taken."""
    newest = session.scalar(
        select(RegistryFiling)
        .where(
            RegistryFiling.pledge_id == pledge_id,
            RegistryFiling.number.is_not(None),
            RegistryFiling.change != Change.EXTENDED,
        )
        .order_by(RegistryFiling.id.desc())
        .limit(1)
    )
    return of_json(newest.content) if newest else None


def numbers_over(session: Session, pool_ids: Collection[UUID]) -> list[str]:
    """Return the numbers of our own entries over these pools: they share them, they do not overlap."""
    holders = select(PoolEntry.holder_id).where(PoolEntry.pool_id.in_(pool_ids))
    first = select(PledgeRegistration.reg_no).where(PledgeRegistration.pledge_id.in_(holders))
    changes = select(RegistryFiling.number).where(RegistryFiling.pledge_id.in_(holders))
    numbers = session.scalars(
        union(
            first.where(PledgeRegistration.reg_no.is_not(None)),
            changes.where(RegistryFiling.number.is_not(None)),
        )
    )
    return [number for number in numbers if number is not None]


def store(
    session: Session,
    pledge: Pledge,
    change: Change,
    content: dict[str, Any],
    *,
    now: datetime,
    reason: str = "",
    by: UUID | None = None,
) -> RegistryFiling:
    """Store what is about to be filed; the row is there before anything is sent."""
    row = RegistryFiling(
        id=new_id(),
        pledge_id=pledge.id,
        change=change,
        reference=content["reference"],
        content=content,
        reason=reason,
        asked_at=now,
        asked_by=by,
    )
    session.add(row)
    session.flush()
    return row


def take(row: RegistryFiling, found: Registration) -> None:
    """Keep what the register made of a filing."""
    row.number, row.registered_at = found.content.number, found.registered_at
    row.expires_on, row.certificate = found.expires_on, found.certificate


@contextmanager
def keeping_problems(context: EffectContext, reference: str) -> Iterator[None]:
    """Keep the register's word for refusing what is filed under a reference, and let the refusal through."""
    try:
        yield
    except RegistryRefused as error:
        with context.database.transaction() as session:
            session.execute(
                update(RegistryFiling)
                .where(RegistryFiling.reference == reference, RegistryFiling.number.is_(None))
                .values(problem=str(error.fields["register_code"]))
            )
        raise
