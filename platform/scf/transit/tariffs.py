"""Tariffs of storage (仓储费率协议): proposed by a keeper, signed by both over the same content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties.countersigning import Kind, Turn
from scf.parties.models import PartyKind
from scf.transit.bill_models import StorageTariff


class TermsInvalid(Invalid):
    """A tariff is between two enterprises, for a price above nothing, and ends after it begins."""

    code = "storage_tariff.terms_invalid"
    title = "费率协议的双方须为两家企业，费率须大于零，止期不早于起期"
    title_en = (
        "A tariff is between two enterprises, above nothing, and does not end before it begins"
    )


class TariffSigned(Conflict):
    """Each side signs a tariff once."""

    code = "storage_tariff.signed_already"
    title = "您已签署该费率协议，或协议已生效"
    title_en = "You have signed, or the tariff is agreed on"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a keeper proposes; `client` by USCC, `rate` for a whole unit and day."""

    client: str
    unit: str
    rate: Money
    payment_days: int
    first_on: date
    last_on: date | None


def propose(session: Session, actor: Actor, wanted: Terms, *, now: datetime) -> StorageTariff:
    """Propose a tariff; both are to sign it. By the keeper. Raises SubjectNotFound, TermsInvalid."""
    keeper = parties.active_party(session, actor.party)
    client = parties.party_by_uscc(session, wanted.client)
    if client is None:
        raise evidence.SubjectNotFound
    kinds = {keeper.kind, parties.active_party(session, client.id).kind}
    backward = wanted.last_on is not None and wanted.last_on < wanted.first_on
    if client.id == keeper.id or kinds != {PartyKind.ENTERPRISE} or backward:
        raise TermsInvalid(field="last_on" if backward else "client")
    tariff = StorageTariff(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        keeper_id=keeper.id,
        client_id=client.id,
        unit=wanted.unit,
        rate_minor=wanted.rate.minor,
        payment_days=wanted.payment_days,
        first_on=wanted.first_on,
        last_on=wanted.last_on,
        proposed_at=now,
        signed=[],
        authorizations=[],
    )
    session.add(tariff)
    session.flush()
    content = _content(session, tariff, wanted.rate)
    evidence.append(
        session,
        tariff,
        "storage_tariff.proposed",
        content,
        now=now,
        actor=keeper.id,
        parties=tariff.parties,
    )
    return tariff


def visible(session: Session, party_id: UUID, tariff_id: UUID) -> StorageTariff:
    """Return a tariff to one of its two sides. Raises SubjectNotFound."""
    found = session.get(StorageTariff, tariff_id)
    if found is None or party_id not in found.parties:
        raise evidence.SubjectNotFound
    return found


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[StorageTariff]:
    """Return a party's tariffs, oldest first."""
    own = or_(StorageTariff.keeper_id == party_id, StorageTariff.client_id == party_id)
    statement = select(StorageTariff).where(own).order_by(StorageTariff.id).limit(size)
    if after is not None:
        statement = statement.where(StorageTariff.id > after)
    return session.scalars(statement).all()


def in_force(
    session: Session, keeper_id: UUID, client_id: UUID, unit: str, on: date
) -> StorageTariff | None:
    """Return the tariff between two for a unit on a day: of several the one that begins last, agreed on last."""
    found = select(StorageTariff).where(
        StorageTariff.keeper_id == keeper_id,
        StorageTariff.client_id == client_id,
        StorageTariff.unit == unit,
        StorageTariff.agreed_at.is_not(None),
        StorageTariff.first_on <= on,
        or_(StorageTariff.last_on.is_(None), StorageTariff.last_on >= on),
    )
    newest = (
        StorageTariff.first_on.desc(),
        StorageTariff.agreed_at.desc(),
        StorageTariff.id.desc(),
    )
    return session.scalars(found.order_by(*newest).limit(1)).one_or_none()


def _open(session: Session, actor: Actor, tariff_id: UUID) -> Turn[StorageTariff]:
    """Open a tariff to one of its two sides. Raises SubjectNotFound, TariffSigned."""
    visible(session, actor.party, tariff_id)
    tariff = evidence.lock(session, StorageTariff, tariff_id)
    if tariff.agreed_at is not None or actor.party in tariff.signed:
        raise TariffSigned
    content = _content(session, tariff, Money(tariff.rate_minor))
    return Turn(tariff, tariff.parties, "tariff", tariff, "trf", content, None)


def _finish(session: Session, actor: Actor, turn: Turn[StorageTariff], now: datetime) -> None:
    turn.paper.agreed_at = now
    evidence.append(
        session,
        turn.paper,
        "storage_tariff.agreed",
        turn.content,
        now=now,
        actor=actor.party,
        parties=turn.signers,
        authorizations=turn.paper.authorizations,
    )


def _content(session: Session, tariff: StorageTariff, rate: Money) -> dict[str, Any]:
    keeper, client = (parties.party(session, one).uscc for one in tariff.parties)
    return {
        "parties": sorted([keeper, client]),
        "keeper": keeper,
        "client": client,
        "rate": rate.to_json(),
        "unit": tariff.unit,
        "payment_days": tariff.payment_days,
        "first_on": tariff.first_on.isoformat(),
        "last_on": tariff.last_on.isoformat() if tariff.last_on else None,
    }


SIGNED: Final = Kind(open=_open, finish=_finish)
"""How tariffs are signed."""
