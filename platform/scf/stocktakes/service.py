"""Commands over random stocktakes: called, committed to, revealed, counted; a step not taken in time is failed.

Values are revealed only once the announced block is final: whoever makes blocks then cannot know what they mix
with, and whoever reveals last knows the draw but can only fail it.

A stocktake that failed is the bank's to repeat or to make good by looking itself (Civil Code 911), within three
working days, whoever failed. It disputes nothing: else either side could freeze a third party's goods by doing nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from secrets import compare_digest
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.devices import alarms, comparing
from scf.evidence import service as evidence
from scf.evidence.service import SubjectNotFound, hash_text
from scf.http.auth import Actor
from scf.kernel.calendar import CalendarUnpublished, add_working_days
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import Invalid
from scf.kernel.ids import new_id, public_id
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.receipts import queries as receipts
from scf.stock import service as stock
from scf.stock.models import Lot, PaperKind
from scf.stock.models import State as LotState
from scf.stocktakes.models import State, StepRefused, Stocktake, StocktakeCount, StocktakeSide
from scf.tasks import kinds
from scf.tasks import service as tasks
from scf_ledger import draw

COMMIT_WITHIN: Final = timedelta(hours=24)
REVEAL_WITHIN: Final = timedelta(hours=24)
COUNT_WITHIN: Final = timedelta(hours=48)  # a weekend's day between draw and count
REPEAT_WITHIN: Final = 3  # working days


class LotsMixed(Invalid):
    """A stocktake is over goods that lie with one keeper and one supervisor, each lot once."""

    code = "stocktake.lots_mixed"
    title = "盘点清单须为同一保管人、同一监管方的在库货物，且不得重复"
    title_en = "The lots are of several keepers or supervisors, not stored, or listed twice"


class DrawsTooMany(Invalid):
    """No more lots are drawn than are listed."""

    code = "stocktake.draws_too_many"
    title = "抽取数量超过清单数量"
    title_en = "More lots are to be drawn than are listed"


class CommitmentCopied(Invalid):
    """Each side commits to a value of its own."""

    code = "stocktake.commitment_copied"
    title = "承诺值与对方相同"
    title_en = "The other side committed to the same"


class RevealWrong(Invalid):
    """What is revealed is what was committed to: SHA-256(salt ‖ value)."""

    code = "stocktake.reveal_wrong"
    title = "披露的数值与承诺不符"
    title_en = "What is revealed is not what was committed to"


class NotDrawn(Invalid):
    """What was drawn is counted, each lot once."""

    code = "stocktake.not_drawn"
    title = "该批货物未被抽中，或已盘点"
    title_en = "The lot was not drawn, or is counted already"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found of a drawn lot, and the 巡库记录 that says so."""

    lot_id: UUID
    quantity: Quantity
    number: str
    made_on: date
    original: bytes


def call(
    session: Session, actor: Actor, lots: Sequence[UUID], draws: int, *, now: datetime
) -> Stocktake:
    """Call a stocktake over lots that the caller holds pledges on. By a bank.

    Raises SubjectNotFound for a lot that it has nothing in, LotsMixed, DrawsTooMany.
    """
    held = receipts.lies_in_lot(receipts.pledged_to(actor.party))
    own = select(Lot).where(Lot.id.in_(lots), held)
    listed = session.scalars(own.order_by(Lot.id)).all()
    if len(listed) != len(set(lots)):
        raise SubjectNotFound
    places = {(lot.keeper_id, lot.supervisor_id, lot.state) for lot in listed}
    keeper_id, supervisor_id, state = places.pop()
    if places or len(listed) != len(lots) or supervisor_id is None or state is not LotState.STORED:
        raise LotsMixed(field="lots")
    if draws > len(listed):
        raise DrawsTooMany(field="draws", draws=draws, lots=len(listed))
    found = Stocktake(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        bank_id=actor.party,
        supervisor_id=supervisor_id,
        keeper_id=keeper_id,
        lots=[lot.id for lot in listed],
        draws=draws,
        state=State.CALLED,
        state_since=now,
        due_at=now + COMMIT_WITHIN,
        called_at=now,
        failed=[],
    )
    session.add(found)
    session.flush()
    names = lot_names(found)
    record = {
        **_codes(session, bank=actor.party, supervisor=supervisor_id, keeper=keeper_id),
        "lots": names,
        "lots_sha256": hash_text(draw.list_hash(names)),
        "draws": draws,
        "commit_by": instant_text(now + COMMIT_WITHIN),
    }
    tell(session, found, "stocktake.called", record, now=now, actor=actor.party)
    return found


def commit_to(
    session: Session, actor: Actor, stocktake_id: UUID, commitment: bytes, *, now: datetime
) -> Stocktake:
    """Commit to a value, by bank or supervisor. Raises SubjectNotFound, StepRefused, CommitmentCopied."""
    found = _locked(session, actor, stocktake_id)
    found.require(State.CALLED)
    _require_time(found, now)
    sides = sides_of(session, found)
    if actor.party in sides:
        raise StepRefused(state=found.state.value, asked="commit")
    if any(compare_digest(one.commitment, commitment) for one in sides.values()):
        raise CommitmentCopied(field="commitment")
    session.add(
        StocktakeSide(
            stocktake_id=found.id,
            party_id=actor.party,
            commitment=commitment,
            committed_at=now,
        )
    )
    record = {**_codes(session, party=actor.party), "commitment": hash_text(commitment)}
    tell(session, found, "stocktake.committed", record, now=now, actor=actor.party)
    if len(sides) + 1 == len(found.sides):
        found.move(State.COMMITTED, now=now)
        session.flush()
    return found


def reveal(
    session: Session, actor: Actor, stocktake_id: UUID, salt: bytes, value: bytes, *, now: datetime
) -> Stocktake:
    """Reveal what one committed to; the second reveal draws. Raises SubjectNotFound, StepRefused, RevealWrong."""
    found = _locked(session, actor, stocktake_id)
    found.require(State.SEALED)
    _require_time(found, now)
    sides = sides_of(session, found)
    own = sides[actor.party]
    if own.value is not None:
        raise StepRefused(state=found.state.value, asked="reveal")
    if not compare_digest(draw.commitment(salt, value), own.commitment):
        raise RevealWrong(field="value")
    own.salt, own.value, own.revealed_at = salt, value, now
    record = {
        **_codes(session, party=actor.party),
        "salt": hash_text(salt),
        "value": hash_text(value),
    }
    tell(session, found, "stocktake.revealed", record, now=now, actor=actor.party)
    values = [sides[party].value for party in found.sides]
    if None not in values:
        _draw(session, found, [one for one in values if one is not None], now=now)
    return found


def count(
    session: Session, actor: Actor, stocktake_id: UUID, counted: Counted, *, now: datetime
) -> Stocktake:
    """Record what the supervisor counted; a difference disputes the receipts like any other.

    Raises SubjectNotFound, StepRefused, NotDrawn, and what adding a paper raises.
    """
    found = _locked(session, actor, stocktake_id)
    if actor.party != found.supervisor_id:
        raise StepRefused(state=found.state.value, asked="count")
    found.require(State.DRAWN)
    _require_time(found, now)
    done = counts_of(session, found)
    if counted.lot_id not in (found.drawn or ()) or counted.lot_id in done:
        raise NotDrawn(field="lot")
    paper = stock.Paper(
        PaperKind.PATROL, counted.number, counted.made_on, counted.quantity, None, counted.original
    )
    lot = stock.add_paper(session, actor, counted.lot_id, paper, now=now)
    compared = comparing.compare(session, [lot], counted.quantity.minor, now=now)
    said = f"盘点 {counted.number} stocktake {public_id('stk', found.id)}"
    if not compared.agrees:
        alarms.raise_alarm(session, lot.id, public_id("stk", found.id), said, compared, now=now)
    record = {
        **_codes(session, supervisor=actor.party),
        "lot": public_id("lot", lot.id),
        "book": lot.quantity(compared.book).to_json(),
        "counted": counted.quantity.to_json(),
        "tolerance": lot.quantity(compared.tolerance).to_json(),
        "paper_sha256": hash_text(sha256(counted.original).digest()),
    }
    event = tell(session, found, "stocktake.counted", record, now=now, actor=actor.party)
    session.add(
        StocktakeCount(
            stocktake_id=found.id,
            lot_id=lot.id,
            event_id=event.id,
            paper_number=counted.number,
            book_minor=compared.book,
            counted_minor=compared.counted,
            tolerance_minor=compared.tolerance,
            counted_at=now,
        )
    )
    if len(done) + 1 == found.draws:
        _end(session, found, State.DONE, (), None, now=now)
    return found


def lapse(session: Session, stocktake_id: UUID, *, now: datetime) -> None:
    """Fail a stocktake whose step was not taken in time; who did not take it is named."""
    found = evidence.lock(session, Stocktake, stocktake_id)
    if found.due_at is None or found.due_at > now:
        return
    sides = sides_of(session, found)
    missing = {
        State.CALLED: [party for party in found.sides if party not in sides],
        State.SEALED: [p for p in found.sides if p in sides and sides[p].value is None],
        State.DRAWN: [found.supervisor_id],
    }[found.state]
    _end(session, found, State.FAILED, missing, f"not in time: {found.state.value}", now=now)


def sides_of(session: Session, stocktake: Stocktake) -> dict[UUID, StocktakeSide]:
    """Return what each side committed to so far."""
    own = select(StocktakeSide).where(StocktakeSide.stocktake_id == stocktake.id)
    return {one.party_id: one for one in session.scalars(own)}


def counts_of(session: Session, stocktake: Stocktake) -> dict[UUID, StocktakeCount]:
    """Return what was counted so far, by lot."""
    own = select(StocktakeCount).where(StocktakeCount.stocktake_id == stocktake.id)
    return {one.lot_id: one for one in session.scalars(own)}


def lot_names(stocktake: Stocktake) -> list[str]:
    """Return the listed lots as the draw knows them, sorted."""
    return sorted(public_id("lot", one) for one in stocktake.lots)


def tell(
    session: Session,
    stocktake: Stocktake,
    type_: str,
    record: Mapping[str, Any],
    *,
    now: datetime,
    actor: UUID | None,
) -> Any:
    """Append an event of a locked stocktake; the keeper, who is counted, learns of it at its end."""
    told = [*stocktake.sides, *([stocktake.keeper_id] if type_ == "stocktake.ended" else [])]
    return evidence.append(session, stocktake, type_, record, now=now, actor=actor, parties=told)


def _locked(session: Session, actor: Actor, stocktake_id: UUID) -> Stocktake:
    seen = session.get(Stocktake, stocktake_id)
    if seen is None or actor.party not in seen.sides:
        raise SubjectNotFound
    return evidence.lock(session, Stocktake, stocktake_id)


def _require_time(stocktake: Stocktake, now: datetime) -> None:
    if stocktake.due_at is not None and stocktake.due_at <= now:
        raise StepRefused(state=stocktake.state.value, due_at=instant_text(stocktake.due_at))


def _draw(session: Session, found: Stocktake, values: Sequence[bytes], *, now: datetime) -> None:
    assert found.block_hash is not None, "values are revealed once the block is final"
    seed = draw.seed(values[0], values[1], found.block_hash)
    by_name = {public_id("lot", one): one for one in found.lots}
    drawn = draw.draw(seed, list(by_name), found.draws)
    found.seed, found.drawn = seed, [by_name[name] for name in drawn]
    found.move(State.DRAWN, now=now, due_at=now + COUNT_WITHIN)
    record = {
        "seed": hash_text(seed),
        "drawn": drawn,
        "count_by": instant_text(now + COUNT_WITHIN),
    }
    tell(session, found, "stocktake.drawn", record, now=now, actor=None)


def _end(
    session: Session,
    found: Stocktake,
    to: State,
    failed: Sequence[UUID],
    reason: str | None,
    *,
    now: datetime,
) -> None:
    found.move(to, now=now)
    found.failed = list(failed)
    codes = sorted(parties.party(session, one).uscc for one in failed)
    record = {"state": to.value, "failed": codes, "reason": reason}
    tell(session, found, "stocktake.ended", record, now=now, actor=None)
    if to is State.FAILED:
        _ask_to_repeat(session, found, codes, now=now)
    else:
        _settle_repeats(session, found, now=now)


def _ask_to_repeat(
    session: Session, found: Stocktake, failed: Sequence[str], *, now: datetime
) -> None:
    """Give the bank the stocktake to repeat; it is told who failed, and at which step."""
    tasks.raise_task(
        session,
        kinds.STOCKTAKE_REPEAT,
        public_id("stk", found.id),
        party_id=found.bank_id,
        role="risk",
        due_on=_repeat_by(now),
        now=now,
        fields={"failed": list(failed), "lots": lot_names(found)},
    )


def _repeat_by(now: datetime) -> date | None:
    """Return the day by which a failed one is repeated; None where the working days are not published yet."""
    try:
        return add_working_days(business_date(now), REPEAT_WITHIN)
    except CalendarUnpublished:
        return None


def _settle_repeats(session: Session, found: Stocktake, *, now: datetime) -> None:
    """Close what a finished stocktake repeats: failed ones of the same bank, over no other lots than it listed."""
    repeated = select(Stocktake.id).where(
        Stocktake.bank_id == found.bank_id,
        Stocktake.state == State.FAILED,
        Stocktake.lots.contained_by(found.lots),
    )
    for identity in session.scalars(repeated):
        tasks.close(session, kinds.STOCKTAKE_REPEAT, public_id("stk", identity), now=now)


def _codes(session: Session, **ids: UUID) -> dict[str, str]:
    return {name: parties.party(session, identity).uscc for name, identity in ids.items()}
