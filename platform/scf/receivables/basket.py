"""Confirming by the basket: one 确权函 over up to a thousand lines, signed once by maker and checker."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.evidence.models import Statement
from scf.evidence.service import SubjectNotFound, require_version
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, Refused
from scf.kernel.money import CurrencyMismatch
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.models import Party
from scf.parties.signing import Item, SignedLine, Signer
from scf.receivables import checks, permissions, queries, service
from scf.receivables.models import Receivable
from scf.receivables.permissions import Action
from scf.receivables.service import Confirmation, Sealed
from scf.receivables.submission import Mode

COMMON: Final = ("no_setoff", "consents")
"""Keys of a 确权函 that a basket says once, for all of its lines."""


class BasketEmpty(Conflict):
    """A basket confirms at least one line."""

    code = "receivable.basket_empty"
    title = "没有可以确认的应收账款"
    title_en = "There is no line left to confirm"


class LineRepeated(Invalid):
    """A basket answers each receivable once."""

    code = "receivable.line_repeated"
    title = "同一笔应收账款在清单中重复出现"
    title_en = "The basket answers this receivable twice"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that is to be confirmed. `version` None: whichever it stands at."""

    receivable_id: UUID
    version: int | None
    confirmation: Confirmation


@dataclass(frozen=True, slots=True)
class Drafting:
    """How a basket is drafted: what a refused line does to the others, who signs, for which log, when."""

    mode: Mode
    signers: Sequence[Signer]
    origin: str
    now: datetime


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that was not taken in; `place` counts from 0 in the order that was asked or signed."""

    place: int
    receivable_id: UUID
    error: Refused


@dataclass(frozen=True, slots=True)
class Drafted:
    """A basket's statements, its lines' disclosures, and what was left out."""

    statements: list[Statement]
    disclosures: list[str]
    items: list[Item]
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a signed basket came to."""

    receivables: list[Receivable]
    left_out: list[LeftOut]


def draft(session: Session, actor: Actor, wanted: Sequence[Wanted], how: Drafting) -> Drafted:
    """Write one 确权函 over many lines of a currency, whose confirmations share `no_setoff` and `consents`.

    CONTINUE leaves a refused line out and names it; ATOMIC raises the first refusal with its place. Raises
    what signing raises; the limits of the mandates hold for the sum of the lines. Where every line is left
    out there is nothing to sign.
    """
    debtor = parties.active_party(session, actor.party)
    locked = evidence.lock_all(session, Receivable, [one.receivable_id for one in wanted])
    records = queries.records(session, list(locked.values()))
    standings = queries.standings(session, locked)
    sides = parties.parties_of(session, locked.values())
    items: list[Item] = []
    left_out: list[LeftOut] = []
    taken: set[UUID] = set()
    for place, one in enumerate(wanted):
        try:
            receivable = _answerable(locked, one.receivable_id, one.version, actor)
            if receivable.id in taken:
                raise LineRepeated
            item = service.confirmation_item(
                receivable,
                one.confirmation,
                record=records[receivable.id],
                standing=standings[receivable.id],
            )
            checks.require_confirmable(receivable, item.content, sides, now=how.now)
            if items and item.amount.currency != items[0].amount.currency:
                raise CurrencyMismatch(
                    left=items[0].amount.currency, right=item.amount.currency, field="confirmed"
                )
        except Refused as error:
            _leave_out(left_out, LeftOut(place, one.receivable_id, error), how.mode)
        else:
            taken.add(receivable.id)
            items.append(item)
    if not items:
        return Drafted([], [], [], left_out)
    statements, lines = signing.draft_basket(
        session,
        origin=how.origin,
        party=debtor,
        act="confirm",
        prefix="rcv",
        items=[_without_common(item) for item in items],
        common={key: items[0].content[key] for key in COMMON},
        signers=how.signers,
        now=how.now,
    )
    return Drafted(statements, lines, items, left_out)


def confirm(
    session: Session, actor: Actor, *, jws: Sequence[str], mode: Mode, now: datetime
) -> Confirmed:
    """Take a signed basket: every line is confirmed and its pool opened, in one transaction.

    A line that has moved since is left out and named, or refuses the whole, as `mode` says. Raises
    BasketEmpty where no line is left, and what signing raises.
    """
    debtor = parties.active_party(session, actor.party)
    act, lines = signing.collect_basket(session, party=debtor, act="confirm", jws=jws, now=now)
    locked = evidence.lock_all(session, Receivable, [line.subject_id for line in lines])
    standings = queries.standings(session, locked)
    sides = parties.parties_of(session, locked.values())
    common = {key: act.content[key] for key in COMMON}
    keepers = _keepers(session, lines)
    sealed: list[Sealed] = []
    left_out: list[LeftOut] = []
    for place, line in enumerate(lines):
        content = {**common, **line.content}
        try:
            receivable = _answerable(locked, line.subject_id, line.version, actor)
            checks.require_confirmable(receivable, content, sides, now=now)
            service.apply_confirmation(
                receivable,
                content,
                standing=standings[receivable.id],
                keeper=keepers.get(content["pay_to"]["bank_uscc"]),
                now=now,
            )
        except Refused as error:
            _leave_out(left_out, LeftOut(place, line.subject_id, error), mode)
        else:
            sealed.append(Sealed(receivable, content, line.reserved))
    if not sealed:
        raise BasketEmpty(left_out=len(left_out))
    with session.no_autoflush:  # each row is written once, at the end
        service.seal(session, sealed, authorizations=act.authorizations, actor=debtor.id, now=now)
    return Confirmed([one.receivable for one in sealed], left_out)


def _answerable(
    locked: Mapping[UUID, Receivable], identity: UUID, version: int | None, actor: Actor
) -> Receivable:
    """Return a locked receivable that the caller may confirm. Raises SubjectNotFound, VersionMoved."""
    receivable = locked.get(identity)
    if receivable is None:
        raise SubjectNotFound
    permissions.require(receivable, actor.party, Action.CONFIRM)
    require_version(receivable, version)
    return receivable


def _leave_out(left_out: list[LeftOut], one: LeftOut, mode: Mode) -> None:
    if mode is Mode.ATOMIC:
        one.error.field = f"items.{one.place}.{one.error.field or ''}".rstrip(".")
        raise one.error
    left_out.append(one)


def _without_common(item: Item) -> Item:
    own = {key: value for key, value in item.content.items() if key not in COMMON}
    return Item(item.subject, own, item.amount, item.reserved)


def _keepers(session: Session, lines: Iterable[SignedLine]) -> dict[str, Party]:
    """Return by USCC the banks that keep the accounts, as far as they are registered."""
    codes: set[Any] = {line.content["pay_to"]["bank_uscc"] for line in lines}
    return {party.uscc: party for party in parties.parties_by_uscc(session, codes)}
