"""Answering by the basket: up to a thousand lines, one statement an act, each signed once.

What is confirmed, whole or part, is one 确权函; what is disputed one notice, and what is rejected another.
"""

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
from scf.parties.signing import Item, SignedAct, SignedLine, Signer
from scf.receivables import checks, permissions, queries, refusals, service
from scf.receivables.models import Receivable
from scf.receivables.permissions import Action
from scf.receivables.queries import Standing
from scf.receivables.refusals import Refusal
from scf.receivables.rules import AnswerUnclear
from scf.receivables.service import Confirmation, Sealed
from scf.receivables.submission import Mode

ACTS: Final = (Action.CONFIRM, Action.DISPUTE, Action.REJECT)
"""What a debtor answers, in the order in which a hand-back is taken."""
COMMON: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.CONFIRM: ("no_setoff", "consents"),
    Action.DISPUTE: (),
    Action.REJECT: (),
}
"""Keys of an act's content that a basket says once, for all of its lines."""


class BasketEmpty(Conflict):
    """A basket answers at least one line."""

    code = "receivable.basket_empty"
    title = "没有可以答复的应收账款"
    title_en = "There is no line left to answer"


class LineRepeated(Invalid):
    """A basket answers each receivable once."""

    code = "receivable.line_repeated"
    title = "同一笔应收账款在清单中重复出现"
    title_en = "The basket answers this receivable twice"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as it was filled in; where nothing is confirmed it is a refusal. `version` None: the latest."""

    receivable_id: UUID
    version: int | None
    confirmation: Confirmation

    @property
    def answer(self) -> Confirmation | Refusal:
        """The one act that the line amounts to. Raises AnswerUnclear."""
        said = self.confirmation
        disputed = said.disputed if said.disputed and said.disputed.minor else None
        rejected = said.rejected if said.rejected and said.rejected.minor else None
        if said.confirmed.minor or not (disputed or rejected):
            return said
        if (disputed and rejected) or said.reservations:
            raise AnswerUnclear(field="confirmed")
        act = Action.DISPUTE if disputed else Action.REJECT
        return Refusal(act, said.reason, disputed or rejected)


@dataclass(frozen=True, slots=True)
class Drafting:
    """How baskets are drafted: what a refused line does to the others, who signs, for which log, when.

    `signers` confirm; `refusers` dispute and reject.
    """

    mode: Mode
    signers: Sequence[Signer]
    origin: str
    now: datetime
    refusers: Sequence[Signer] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that was not taken in; `place` counts from 0 in the order that was asked, or signed in its act."""

    place: int
    receivable_id: UUID
    error: Refused


@dataclass(frozen=True, slots=True)
class Drafted:
    """An act's statements, and its lines with their disclosures."""

    act: Action
    statements: list[Statement]
    disclosures: list[str]
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Drafts:
    """A draft for each act that there is a line for, and what was left out."""

    drafted: list[Drafted]
    left_out: list[LeftOut]

    @property
    def items(self) -> list[Item]:
        """Every line that is drafted."""
        return [item for drafted in self.drafted for item in drafted.items]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a hand-back came to: by act the receivables that it answered, and what was left out."""

    receivables: Mapping[Action, list[Receivable]]
    left_out: list[LeftOut]


def draft(session: Session, actor: Actor, wanted: Sequence[Wanted], how: Drafting) -> Drafts:
    """Write a statement an act over many lines of a currency, whose terms are shared.

    CONTINUE leaves a refused line out and names it; ATOMIC raises the first refusal with its place. Raises
    what signing raises; the limits of the mandates hold for the sum of an act's lines. Where every line is
    left out there is nothing to sign.
    """
    debtor = parties.active_party(session, actor.party)
    locked = evidence.lock_all(session, Receivable, [one.receivable_id for one in wanted])
    facts = _Facts(
        queries.records(session, list(locked.values())),
        queries.standings(session, locked),
        parties.parties_of(session, locked.values()),
        how.now,
    )
    items: dict[Action, list[Item]] = {act: [] for act in ACTS}
    left_out: list[LeftOut] = []
    taken: set[UUID] = set()
    currency: str | None = None
    for place, one in enumerate(wanted):
        try:
            answer = one.answer
            act = answer.act if isinstance(answer, Refusal) else Action.CONFIRM
            receivable = _answerable(locked, one.receivable_id, one.version, actor, act)
            if receivable.id in taken:
                raise LineRepeated
            item = _item(receivable, answer, facts)
            if currency not in (None, item.amount.currency):
                raise CurrencyMismatch(left=currency, right=item.amount.currency, field="confirmed")
        except Refused as error:
            _leave_out(left_out, LeftOut(place, one.receivable_id, error), how.mode)
        else:
            taken.add(receivable.id)
            currency = item.amount.currency
            items[act].append(item)
    drafted = [_write(session, debtor, act, items[act], how) for act in ACTS if items[act]]
    return Drafts(drafted, left_out)


def answer(
    session: Session, actor: Actor, *, jws: Sequence[str], mode: Mode, now: datetime
) -> Answered:
    """Take signed baskets, one an act at most: every line is answered, pools are opened, in one transaction.

    A line that has moved since is left out and named, or refuses the whole, as `mode` says. Raises
    BasketEmpty where no line is left, and what signing raises.
    """
    debtor = parties.active_party(session, actor.party)
    handed = signing.by_act(jws, [act.value for act in ACTS])
    signed = [
        (Action(act), *signing.collect_basket(session, party=debtor, act=act, jws=own, now=now))
        for act, own in handed.items()
    ]
    ids = [line.subject_id for _, _, lines in signed for line in lines]
    locked = evidence.lock_all(session, Receivable, ids)
    facts = _Facts(
        {}, queries.standings(session, locked), parties.parties_of(session, locked.values()), now
    )
    answered: dict[Action, list[Receivable]] = {act: [] for act in ACTS}
    left_out: list[LeftOut] = []
    for act, whole, lines in signed:
        common = {key: whole.content[key] for key in COMMON[act]}
        keepers = _keepers(session, lines) if act is Action.CONFIRM else {}
        sealed: list[Sealed] = []
        for place, line in enumerate(lines):
            content = {**common, **line.content}
            try:
                receivable = _answerable(locked, line.subject_id, line.version, actor, act)
                _apply(receivable, act, content, facts, keepers)
            except Refused as error:
                _leave_out(left_out, LeftOut(place, line.subject_id, error), mode)
            else:
                sealed.append(Sealed(receivable, content, line.reserved))
        _seal(session, act, sealed, debtor, whole, now=now)
        answered[act] = [one.receivable for one in sealed]
    if not any(answered.values()):
        raise BasketEmpty(left_out=len(left_out))
    return Answered(answered, left_out)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known around locked receivables, by id: what was submitted, documents, parties; and the time."""

    records: Mapping[UUID, Mapping[str, Any]]
    standings: Mapping[UUID, Standing]
    sides: Mapping[UUID, Party]
    now: datetime


def _item(receivable: Receivable, answer: Confirmation | Refusal, facts: _Facts) -> Item:
    record = facts.records[receivable.id]
    if isinstance(answer, Refusal):
        item = refusals.refusal_item(receivable, answer, record=record)
        act = answer.act.value
        checks.require_refusable(receivable, act, item.content, facts.sides, now=facts.now)
        return item
    item = service.confirmation_item(
        receivable, answer, record=record, standing=facts.standings[receivable.id]
    )
    checks.require_confirmable(receivable, item.content, facts.sides, now=facts.now)
    return item


def _write(
    session: Session, debtor: Party, act: Action, items: Sequence[Item], how: Drafting
) -> Drafted:
    common = {key: items[0].content[key] for key in COMMON[act]}
    statements, lines = signing.draft_basket(
        session,
        origin=how.origin,
        party=debtor,
        act=act.value,
        prefix="rcv",
        items=[_without(item, common) for item in items],
        common=common,
        signers=how.signers if act is Action.CONFIRM else how.refusers,
        now=how.now,
    )
    return Drafted(act, statements, lines, list(items))


def _apply(
    receivable: Receivable,
    act: Action,
    content: Mapping[str, Any],
    facts: _Facts,
    keepers: Mapping[str, Party],
) -> None:
    """Take over what was signed of one line."""
    if act is not Action.CONFIRM:
        checks.require_refusable(receivable, act.value, content, facts.sides, now=facts.now)
        refusals.apply_refusal(receivable, act, content, now=facts.now)
        return
    checks.require_confirmable(receivable, content, facts.sides, now=facts.now)
    service.apply_confirmation(
        receivable,
        content,
        standing=facts.standings[receivable.id],
        keeper=keepers.get(content["pay_to"]["bank_uscc"]),
        now=facts.now,
    )


def _seal(
    session: Session,
    act: Action,
    sealed: Sequence[Sealed],
    debtor: Party,
    signed: SignedAct,
    *,
    now: datetime,
) -> None:
    """Tell of an act's lines; each row is written once, at the end."""
    hashes = signed.authorizations
    with session.no_autoflush:
        if act is Action.CONFIRM and sealed:
            service.seal(session, sealed, authorizations=hashes, actor=debtor.id, now=now)
        elif sealed:
            refused = [(one.receivable, one.content) for one in sealed]
            refusals.seal(session, act, refused, debtor, authorizations=hashes, now=now)


def _answerable(
    locked: Mapping[UUID, Receivable],
    identity: UUID,
    version: int | None,
    actor: Actor,
    act: Action,
) -> Receivable:
    """Return a locked receivable that the caller may answer so. Raises SubjectNotFound, VersionMoved."""
    receivable = locked.get(identity)
    if receivable is None:
        raise SubjectNotFound
    permissions.require(receivable, actor.party, act)
    require_version(receivable, version)
    return receivable


def _leave_out(left_out: list[LeftOut], one: LeftOut, mode: Mode) -> None:
    if mode is Mode.ATOMIC:
        one.error.field = f"items.{one.place}.{one.error.field or ''}".rstrip(".")
        raise one.error
    left_out.append(one)


def _without(item: Item, common: Mapping[str, Any]) -> Item:
    own = {key: value for key, value in item.content.items() if key not in common}
    return Item(item.subject, own, item.amount, item.reserved)


def _keepers(session: Session, lines: Iterable[SignedLine]) -> dict[str, Party]:
    """Return by USCC the banks that keep the accounts, as far as they are registered."""
    codes: set[Any] = {line.content["pay_to"]["bank_uscc"] for line in lines}
    return {party.uscc: party for party in parties.parties_by_uscc(session, codes)}
