"""The worker's part of a pledge that is played on chain: take the lock, hear of it, give it back.

The lock says on chain which platform encumbers an invoice; it conditions no right. One token for each
invoice; of several pledges that want a token the last one gives it back.

Where the value moves into another form the lock goes along: the new papers are locked first, and the former
ones given back once that is final.
"""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.db.outbox import EffectContext, enqueue
from scf.evidence import chain
from scf.evidence import service as evidence
from scf.evidence.keys import TOKEN_BEARER
from scf.evidence.models import ChainTransaction, Event
from scf.kernel.ids import public_id
from scf.pledges import grounds, rules, service
from scf.pledges.models import AssetToken, LockState, Pledge, PledgeLock, State
from scf.pledges.queries import Paper
from scf_ledger.tokens.client import Invoice, Ticket, TokenClient
from scf_ledger.tokens.errors import TokenServiceRefused, TokenServiceUnavailable

TOO_MANY: Final = 429
ATTEMPTS_MAX: Final = 5
"""Tries one after the other; then a sweep tries again from time to time."""
WANTED: Final = frozenset({LockState.NONE, LockState.LOST})

log = structlog.get_logger()


def take(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Get a fresh ticket and send the lock of every invoice behind an effective pledge."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        if not _wanted(pledge):
            return
        attempt = pledge.lock.attempts + 1
        papers = grounds.papers_now(session, pledge)
        invoices = [
            Invoice(paper.seller_uscc, paper.number, paper.original_sha256, paper.kind)
            for paper in papers
        ]
        own = rules.lock_expiry(
            pledge.principal_due_on,
            business_now=context.clock.now(),
            real_now=context.clock.real(),
        )
        # A lock taken again must not end before another pledge of the same invoices does.
        expiry = max(own, _latest_expiry(session, pledge))
        digest = _digest(papers)
    key = f"{public_id('plg', pledge_id)}-{attempt}-{expiry}-{digest.hex()[:16]}"
    ticket = _ticket(context, invoices, expiry=expiry, key=key)
    if isinstance(ticket, str):
        with context.database.transaction() as session:
            service.lock(session, pledge_id).lock.problem = ticket
        return
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not _wanted(pledge) or pledge.lock.attempts + 1 != attempt:
            return
        if _digest(grounds.papers_now(session, pledge)) != digest:  # the value moved on meanwhile
            enqueue(session, rules.LOCK, pledge_id=pledge_id)
        else:
            pledge.lock.papers_sha256 = digest
            _send(session, pledge, ticket, context=context)


def follow(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Take the lock again where a pledge's value now stands; what is locked stays so until that is final.

    The register, too, is told of other receipts.
    """
    with context.database.transaction() as session:
        if session.get(Pledge, UUID(payload["holder_id"])) is None:
            return
        pledge = service.lock(session, UUID(payload["holder_id"]))
        papers = grounds.papers_now(session, pledge)
        if pledge.state is not State.EFFECTIVE:
            return
        if pledge.receipt_id is not None:
            enqueue(session, rules.REDESCRIBE, pledge_id=pledge.id)
        if pledge.lock.papers_sha256 == _digest(papers):
            return
        if pledge.lock.state in (LockState.SENT, LockState.FINAL):
            pledge.lock.move(LockState.NONE, now=context.clock.now())
        enqueue(session, rules.LOCK, pledge_id=pledge.id)


def on_lock_final(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Hear that a lock is final; the second search comes next."""
    with context.database.transaction() as session:
        pledge = _meant(session, payload, LockState.SENT, LockState.LOST)
        if pledge is None:
            return
        now = context.clock.now()
        sent = session.get_one(ChainTransaction, payload["transaction_id"])
        pledge.lock.tx_hash = sent.tx_hash
        pledge.lock.move(LockState.FINAL, now=now)
        _give_former_back(session, pledge, _read_tokens(sent), context=context)
        pledge.lock_final_at = now
        _tell(session, pledge, "pledge.locked", now=now)
        enqueue(session, rules.SEARCH_SECOND, pledge_id=pledge.id)


def on_lock_failed(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Hear that the contract refused; with a fresh ticket it may not, unless another holds it."""
    with context.database.transaction() as session:
        pledge = _meant(session, payload, LockState.SENT, LockState.LOST)
        if pledge is None:
            return
        sent = session.get_one(ChainTransaction, payload["transaction_id"])
        problem = str((sent.error or {}).get("error", "unknown"))
        pledge.lock.move(LockState.NONE, now=context.clock.now(), problem=problem)
        if problem != rules.HELD_ELSEWHERE and pledge.lock.attempts < ATTEMPTS_MAX:
            enqueue(session, rules.LOCK, pledge_id=pledge.id)


def on_lock_lost(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Hear that the chain lost the block of a final lock: say so, and take it again."""
    with context.database.transaction() as session:
        pledge = _meant(session, payload, LockState.FINAL)
        if pledge is None:
            return
        now = context.clock.now()
        event = _tell(session, pledge, "pledge.lock_lost", now=now)
        service.notify(session, pledge, event, {}, now=now)
        pledge.lock.move(LockState.LOST, now=now)
        pledge.lock_final_at = pledge.ready_to_disburse_at = None
        enqueue(session, rules.LOCK, pledge_id=pledge.id)


def unlock(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Stop counting a released pledge among its tokens' holders; give back those it was last for."""
    with context.database.transaction() as session:
        pledge = service.lock(session, UUID(payload["pledge_id"]))
        entry, now = pledge.lock, context.clock.now()
        if pledge.state is not State.RELEASED or entry.tokens is None:
            return
        free = _give_back(session, entry.tokens)
        entry.tokens = None
        if free:
            entry.transaction_id = _send_unlock(session, pledge, free, context=context)
            entry.move(LockState.UNLOCKING, now=now)
        elif entry.state is not LockState.NONE:
            entry.move(LockState.NONE, now=now)


def on_unlock_final(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Hear that tokens are free on chain."""
    with context.database.transaction() as session:
        pledge = _meant(session, payload, LockState.UNLOCKING)
        if pledge is not None:
            pledge.lock.move(LockState.NONE, now=context.clock.now())
        sent = session.get_one(ChainTransaction, payload["transaction_id"])
        _forget(session, _read_tokens(sent))


def on_unlock_failed(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Hear that one of the tokens was not ours any more: give back the others one by one."""
    with context.database.transaction() as session:
        pledge = service.lock(session, UUID(payload["subject_id"]))
        sent = session.get_one(ChainTransaction, payload["transaction_id"])
        tokens = _read_tokens(sent)
        log.warning("lock.release_refused", pledge=public_id("plg", pledge.id), error=sent.error)
        if len(tokens) > 1:
            for token in _free(session, tokens):
                _send_unlock(session, pledge, [token], context=context)
        _forget(session, tokens)
        if _meant(session, payload, LockState.UNLOCKING) is not None:
            pledge.lock.move(LockState.NONE, now=context.clock.now())


def on_unlock_lost(_context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Hear that the block of a release was lost; the sender sends the same again by itself."""
    log.warning("lock.release_lost", transaction_id=payload["transaction_id"])


def _digest(papers: Sequence[Paper]) -> bytes:
    """Return a name of papers, in whatever order."""
    return hashlib.sha256(repr(sorted(map(astuple, papers))).encode()).digest()


def _wanted(pledge: Pledge) -> bool:
    return pledge.state is State.EFFECTIVE and pledge.lock.state in WANTED


def _ticket(
    context: EffectContext, invoices: Sequence[Invoice], *, expiry: int, key: str
) -> Ticket | str:
    """Return a ticket, or the service's code where it refuses. Raises TokenServiceUnavailable."""
    bearer = (context.settings.secrets / TOKEN_BEARER).read_text(encoding="ascii").strip()
    with TokenClient(context.settings.token_service_url, bearer) as tokens:
        try:
            return tokens.ticket(invoices, expiry=expiry, idempotency_key=key)
        except TokenServiceRefused as refusal:
            if refusal.status == TOO_MANY:
                raise TokenServiceUnavailable("busy", code=refusal.refused_code) from refusal
            log.warning("lock.ticket_refused", code=refusal.refused_code)
            return refusal.refused_code


def _send(session: Session, pledge: Pledge, ticket: Ticket, *, context: EffectContext) -> None:
    """Count the pledge among its tokens' holders and store the transaction to be sent."""
    entry = pledge.lock
    held = set(entry.tokens or ())
    _count(session, ticket, new=set(ticket.tokens) - held)
    sent = chain.prepare(
        session,
        purpose=chain.LOCK,
        subject_id=pledge.id,
        arguments={
            "tokens": [_hex(token) for token in ticket.tokens],
            "expiry": ticket.expiry,
            "valid_until": ticket.valid_until,
            "ticket": _hex(ticket.ticket),
        },
        now=context.clock.real(),
    )
    entry.attempts += 1
    entry.transaction_id = sent.id
    entry.tokens = [*ticket.tokens, *sorted(held - set(ticket.tokens))]
    entry.ticket_sha256 = hashlib.sha256(ticket.ticket).digest()
    entry.tx_hash = None
    entry.expires_at = datetime.fromtimestamp(ticket.expiry, UTC)
    entry.move(LockState.SENT, now=context.clock.now())


def _send_unlock(
    session: Session, pledge: Pledge, tokens: Sequence[bytes], *, context: EffectContext
) -> int:
    sent = chain.prepare(
        session,
        purpose=chain.UNLOCK,
        subject_id=pledge.id,
        arguments={"tokens": [_hex(token) for token in tokens]},
        now=context.clock.real(),
    )
    return sent.id


def _count(session: Session, ticket: Ticket, *, new: AbstractSet[bytes]) -> None:
    """Lock the tokens' rows in their order, and count one more holder of those that are new to it."""
    rows = [
        {"token": token, "holders": int(token in new), "expiry": ticket.expiry}
        for token in sorted(ticket.tokens)
    ]
    statement = insert(AssetToken).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[AssetToken.token],
            set_={
                "holders": AssetToken.holders + statement.excluded.holders,
                "expiry": func.greatest(AssetToken.expiry, statement.excluded.expiry),
            },
        )
    )


def _give_former_back(
    session: Session, pledge: Pledge, wanted: Sequence[bytes], *, context: EffectContext
) -> None:
    """Give back what a pledge held of former papers, now that those it stands on are locked."""
    former = [token for token in pledge.lock.tokens or () if token not in wanted]
    pledge.lock.tokens = list(wanted)
    free = _give_back(session, former) if former else []
    if free:
        _send_unlock(session, pledge, free, context=context)


def _give_back(session: Session, tokens: Sequence[bytes]) -> list[bytes]:
    """Count one holder less; return the tokens that nobody here wants locked any more."""
    rows = _locked(session, tokens)
    for row in rows:
        row.holders -= 1
    return [row.token for row in rows if row.holders == 0]


def _free(session: Session, tokens: Sequence[bytes]) -> list[bytes]:
    """Return those of some tokens that nobody here wants locked."""
    return [row.token for row in _locked(session, tokens) if row.holders == 0]


def _locked(session: Session, tokens: Sequence[bytes]) -> Sequence[AssetToken]:
    """Return the tokens' rows, locked in their order."""
    return session.scalars(
        select(AssetToken)
        .where(AssetToken.token.in_(tokens))
        .order_by(AssetToken.token)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _forget(session: Session, tokens: Sequence[bytes]) -> None:
    """Drop the rows of tokens that nobody holds; one that was taken meanwhile stays."""
    session.execute(delete(AssetToken).where(AssetToken.token.in_(tokens), AssetToken.holders == 0))


def _latest_expiry(session: Session, pledge: Pledge) -> int:
    """Return the latest expiry on chain of the tokens that pledges of the same values hold."""
    beside = pools.holders_beside(session, pledge.id)
    held = select(func.unnest(PledgeLock.tokens)).where(PledgeLock.pledge_id.in_(beside))
    latest = session.scalar(select(func.max(AssetToken.expiry)).where(AssetToken.token.in_(held)))
    return latest or 0


def _meant(session: Session, payload: Mapping[str, Any], *states: LockState) -> Pledge | None:
    """Return the locked pledge that news of a transaction is for; None where it is old news."""
    pledge = service.lock(session, UUID(payload["subject_id"]))
    newest = pledge.lock.transaction_id == payload["transaction_id"]
    return pledge if newest and pledge.lock.state in states else None


def _tell(session: Session, pledge: Pledge, type_: str, *, now: datetime) -> Event:
    entry = pledge.lock
    assert entry.tokens is not None
    assert entry.ticket_sha256 is not None
    assert entry.tx_hash is not None
    record = {
        "tokens": [_hex(token) for token in entry.tokens],
        "ticket_sha256": evidence.hash_text(entry.ticket_sha256),
        "tx": _hex(entry.tx_hash),
    }
    return service.tell(session, pledge, type_, record, now=now, actor=None)


def _read_tokens(sent: ChainTransaction) -> list[bytes]:
    return [bytes.fromhex(token.removeprefix("0x")) for token in sent.arguments["tokens"]]


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
