"""HOLD, COMMIT, RELEASE: what outside banks take of a paper, in the pool that pledges here take from too."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.access import service as access
from scf.access.models import Basis, Looked, Purpose
from scf.access.service import Asked, Look
from scf.blind import queries, rules
from scf.blind.models import TRANSITIONS, BlindHold, BlindToken, HoldEnded, State
from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.capacity.converting import Mark
from scf.capacity.edges import Side
from scf.capacity.models import Pool
from scf.capacity.service import CapacityInsufficient, NothingToConvert
from scf.documents.models import Document
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import CurrencyMismatch, Money
from scf.parties import queries as parties


@dataclass(frozen=True, slots=True)
class Ask:
    """A HOLD as it is asked for: `value` is what the bank says the whole paper is worth."""

    token: bytes
    amount: Money
    value: Money
    ttl: timedelta


@dataclass(frozen=True, slots=True)
class Times:
    """Business time of a command, and the real time that limits are about."""

    now: datetime
    real: datetime


def hold(session: Session, actor: Actor, ask: Ask, *, times: Times) -> BlindHold | None:
    """Hold a part of a paper's value, or None: it is over what is left, of whom and by how much unsaid.

    The question is recorded either way. Raises AboveValue, TtlOutOfRange, CurrencyUnknown, AskedTooOften,
    PartyRevoked.
    """
    rules.check_ask(ask.amount, ask.value, ask.ttl)
    party = parties.active_party(session, actor.party)
    token = _locked(session, ask, now=times.now)  # before counting: questions take turns
    since = times.real - rules.TOKEN_WINDOW
    asked = queries.asked_about(session, party.id, ask.token, since=since)
    rules.check_asked(asked, now=times.real)
    _keep_look(session, actor, token, Asked(ask.token, times.real), now=times.now)
    _expire(session, token, now=times.now)
    rules.check_currency(ask.value, known=token.document_id is not None)
    _declare(token, ask.value)
    try:
        with session.begin_nested():
            _take(session, token, ask)
            _grow(session, token, ask.value, now=times.now)
            return _place(session, party.id, token, ask, now=times.now)
    except (CapacityInsufficient, CurrencyMismatch):
        return None


def commit_hold(session: Session, actor: Actor, hold_id: UUID, *, now: datetime) -> BlindHold:
    """Let a hold stand until it is released: the loan was made. Raises SubjectNotFound, HoldEnded."""
    _, found = _own(session, actor, hold_id)
    found.require_move(State.COMMITTED)
    if found.expires_at <= now:
        raise HoldEnded(state=State.EXPIRED.value, asked=State.COMMITTED.value)
    found.state = State.COMMITTED
    _tell(session, found, "hold.committed", now=now)
    return found


def release(session: Session, actor: Actor, hold_id: UUID, *, now: datetime) -> BlindHold:
    """Give back what is held. Raises SubjectNotFound, HoldEnded."""
    token, found = _own(session, actor, hold_id)
    found.require_move(State.RELEASED)
    _end(session, token, found, State.RELEASED, now=now)
    return found


def expire(session: Session, token: bytes, *, now: datetime) -> None:
    """End the holds of a token that have run out. For a clock."""
    _expire(session, _lock_token(session, token), now=now)


def know(session: Session, document_id: UUID, token: bytes, *, now: datetime) -> None:
    """Take in the token of a document that is registered here.

    What is held under it already is, from then on, held of the document's claim: carried into its pool,
    and converted at once.
    """
    value = queries.value_of(session, document_id)
    statement = insert(BlindToken).values(
        token=token,
        document_id=document_id,
        currency=value.currency,
        value_minor=value.minor,
        held_minor=0,
        known_at=now,
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=[BlindToken.token]))
    found = _lock_token(session, token)
    if found.document_id is None:
        _register(session, found, document_id, value, now=now)
        for before in queries.looks_at(session, token):
            assert before.asked_at is not None, "a question about a paper has its time"
            actor, asked = Actor(before.client_id, before.by_id), Asked(token, before.asked_at)
            _keep_look(session, actor, found, asked, now=before.asked_at, look_id=before.look_id)
        merge(session, found, now=now)


def _register(
    session: Session, token: BlindToken, document_id: UUID, value: Money, *, now: datetime
) -> None:
    """Let the registered value replace what was declared, and take along what is held."""
    _declare(token, value)
    declared = token.value
    token.document_id, token.value_minor, token.currency = document_id, value.minor, value.currency
    if token.pool_id is None:
        return
    named = queries.mark(document_id, value, pool=True)
    if value == declared:
        capacity.mark(session, token.pool_id, [named], now=now)
        return
    _open_again(session, token, declared, [named], now=now)


def _grow(session: Session, token: BlindToken, value: Money, *, now: datetime) -> None:
    """Let a higher word make room beside what is held of a paper that nobody registered here."""
    declared = token.value
    if token.document_id is not None or token.pool_id is None or value <= declared:
        return
    token.value_minor = value.minor
    _open_again(session, token, declared, [], now=now)


def _open_again(
    session: Session, token: BlindToken, declared: Money, marks: list[Mark], *, now: datetime
) -> None:
    """Open a token's pool at its present value, and take along what is held of the one before."""
    assert token.pool_id is not None
    before = session.get_one(Pool, token.pool_id)
    capacity.mark(session, before.id, [queries.declared(token.token, Side.IS, declared)], now=now)
    token.pool_id = new_id()
    opening = capacity.Opening(
        pool_id=token.pool_id,
        secret=evidence.new_secret(),
        asset=before.asset,
        asset_id=before.asset_id,
        owner_id=None,
        confirmed=token.value,
        cause=pools.confirmation(session, before.id),
        parties=[],
        marks=[queries.declared(token.token, Side.OF, declared), *marks],
    )
    capacity.open_pools(session, [opening], now=now, actor=None)
    session.flush()
    _carry_over(session, before.id, token.pool_id, now=now)


def merge_token(session: Session, token: bytes, *, now: datetime) -> None:
    """Convert what is held under a token into its claim's pool. For a clock."""
    merge(session, _lock_token(session, token), now=now)


def merge(session: Session, token: BlindToken, *, now: datetime) -> None:
    """Convert what is held in a locked token's own pool into its claim's, as far as that carries it."""
    claim = queries.claim_pool(session, token)
    if claim is None or token.pool_id is None:
        return
    _carry_over(session, token.pool_id, claim, now=now)


def _carry_over(session: Session, own: UUID, to: UUID, *, now: datetime) -> None:
    with suppress(NothingToConvert):  # once what is carried is used up
        for holder_id in queries.carried_holders(session, own, to):
            capacity.convert(session, to, holder_id=holder_id, amount=None, now=now)


def _keep_look(
    session: Session,
    actor: Actor,
    token: BlindToken,
    asked: Asked,
    *,
    now: datetime,
    look_id: UUID | None = None,
) -> None:
    """Keep that a paper was asked about, for its seller once it is known here; by whom is not told."""
    about, subject = [], token.token.hex()
    if token.document_id is not None:
        document = session.get_one(Document, token.document_id)
        about, subject = [document.seller_id], public_id("doc", document.id)
    purpose, basis = Purpose.DOUBLE_FINANCING, Basis.PAPER
    look = Look(Looked.BLIND_REGISTRY, subject, purpose, basis, named=False, asked=asked)
    access.record(session, actor, about, look, now=now, look_id=look_id)


def _locked(session: Session, ask: Ask, *, now: datetime) -> BlindToken:
    """Return a token's row, made where nobody asked before, locked."""
    found = session.scalar(_locking(ask.token))
    if found is not None:
        return found
    statement = insert(BlindToken).values(
        token=ask.token,
        currency=ask.value.currency,
        value_minor=ask.value.minor,
        held_minor=0,
        known_at=now,
    )
    session.execute(statement.on_conflict_do_nothing())
    return _lock_token(session, ask.token)


def _declare(token: BlindToken, value: Money) -> None:
    """Take a bank's word for what a locked token's paper is worth: while it is not known, nor held."""
    if token.document_id is None and token.held_minor == 0 and token.value != value:
        token.value_minor, token.currency = value.minor, value.currency
        token.pool_id = None


def _lock_token(session: Session, token: bytes) -> BlindToken:
    return session.scalars(_locking(token)).one()


def _locking(token: bytes) -> Select[BlindToken]:
    statement = select(BlindToken).where(BlindToken.token == token).with_for_update()
    return statement.execution_options(populate_existing=True)


def _take(session: Session, token: BlindToken, ask: Ask) -> None:
    """Take of a token's value; the database refuses what is more than is left. Raises CapacityInsufficient.

    Whoever asks is held to its own word: what everybody holds is within what it says. Nobody is held to the
    word of another, who may be a stranger to the paper; only to what the paper says, once it is known here.
    """
    known = token.document_id is not None
    most = min(token.value_minor, ask.value.minor) if known else ask.value.minor
    taken = session.execute(
        update(BlindToken)
        .where(
            BlindToken.token == token.token,
            BlindToken.currency == ask.amount.currency,
            BlindToken.held_minor + ask.amount.minor <= most,
        )
        .values(held_minor=BlindToken.held_minor + ask.amount.minor)
        .returning(BlindToken.held_minor)
    )
    if taken.one_or_none() is None:
        raise CapacityInsufficient


def _place(
    session: Session, party_id: UUID, token: BlindToken, ask: Ask, *, now: datetime
) -> BlindHold:
    found = BlindHold(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        token=token.token,
        party_id=party_id,
        currency=ask.amount.currency,
        amount_minor=ask.amount.minor,
        state=State.HELD,
        placed_at=now,
        expires_at=now + ask.ttl,
    )
    session.add(found)
    placed = _tell(session, found, "hold.placed", now=now)
    pool = _pool(session, token, found, cause=placed.body_hash, now=now)
    capacity.reserve(
        session,
        pool,
        holder_id=found.id,
        holder=public_id("hld", found.id),
        amount=found.amount,
        cause=placed.body_hash,
        now=now,
        actor=party_id,
    )
    return found


def _pool(
    session: Session, token: BlindToken, first: BlindHold, *, cause: bytes, now: datetime
) -> Pool:
    """Return the locked pool that a token is held of: its claim's, else one of its own, opened at need."""
    claim = queries.claim_pool(session, token)
    if claim is None and token.pool_id is None:
        token.pool_id = new_id()
        value = token.value
        marks: list[Mark] = []
        if token.document_id is not None:
            marks.append(queries.mark(token.document_id, value, pool=True))
        opening = capacity.Opening(
            pool_id=token.pool_id,
            secret=evidence.new_secret(),
            asset=public_id("hld", first.id),
            asset_id=first.id,
            owner_id=None,
            confirmed=value,
            cause=cause,
            parties=[],
            marks=marks,
        )
        capacity.open_pools(session, [opening], now=now, actor=None)
        session.flush()
    if claim is not None:
        merge(session, token, now=now)
    chosen = claim or token.pool_id
    assert chosen is not None
    (pool,) = capacity.lock_pools(session, [chosen])
    return pool


def _own(session: Session, actor: Actor, hold_id: UUID) -> tuple[BlindToken, BlindHold]:
    """Return a hold of the caller's, locked after its token. Raises SubjectNotFound."""
    seen = session.get(BlindHold, hold_id)
    if seen is None or seen.party_id != actor.party:
        raise SubjectNotFound
    token = _lock_token(session, seen.token)
    return token, evidence.lock(session, BlindHold, hold_id)


def _expire(session: Session, token: BlindToken, *, now: datetime) -> None:
    for hold_id in queries.over(session, token.token, now):
        found = evidence.lock(session, BlindHold, hold_id)
        _end(session, token, found, State.EXPIRED, now=now)


def _end(
    session: Session, token: BlindToken, found: BlindHold, to: State, *, now: datetime
) -> None:
    assert to in TRANSITIONS[found.state]
    found.state = to
    found.ended_at = now
    token.held_minor -= found.amount_minor
    event = _tell(session, found, "hold.ended", now=now)
    capacity.release_all(session, holder_id=found.id, cause=event.body_hash, now=now, actor=None)


def _tell(session: Session, found: BlindHold, type_: str, *, now: datetime) -> Event:
    """Append an event of a hold; only its own bank sees it."""
    running = found.state is State.HELD
    record = {
        "token": f"0x{found.token.hex()}",
        "amount": found.amount.to_json(),
        "state": found.state.value,
        "expires_at": instant_text(found.expires_at) if running else None,
    }
    parties_ = [found.party_id]
    return evidence.append(
        session, found, type_, record, now=now, actor=found.party_id, parties=parties_
    )
