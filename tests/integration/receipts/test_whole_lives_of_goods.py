"""Random lives of stored goods: under receipts, pledged, passed on, divided, handed over, lost, found.

What the model below reckons, ton by ton, is what every row says after each command: nothing is there twice, nothing
pledged leaves, nothing that happened is refused, and what is refused changes no row.
"""

import os
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy.orm import Session

from scf.audit.service import audit
from scf.capacity import queries as pools
from scf.capacity.models import Pool
from scf.db.outbox import EffectContext
from scf.evidence import service as evidence
from scf.evidence.sequencing import open_log
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.parties import countersigning
from scf.parties import queries as parties
from scf.parties.schemas import DraftOut
from scf.pledges import ending
from scf.pledges import rules as pledge_rules
from scf.pledges import service as pledges
from scf.pledges.models import Pledge
from scf.pledges.models import State as PledgeState
from scf.pledges.service import Principal
from scf.receipts import delivering, dividing, endorsing, issuing, losses, queries, restraining
from scf.receipts.delivering import Order
from scf.receipts.dividing import Part
from scf.receipts.models import Basis, RestraintKind, State, WarehouseReceipt
from scf.registrations import link
from scf.registrations.effects import HANDLERS
from scf_ledger.note import Signer
from tests.support.actors import Company
from tests.support.commands import ORIGIN, Commands, run_random
from tests.support.reckoning import Register
from tests.support.stored import Bond, Heap, Title, receipt_terms, shared_out, weighed_out
from tests.support.warehouse import Yard, found

KILOGRAMS = st.integers(1, 120)
SHARES = st.integers(1, 110)  # per cent
WHICH = st.integers(0, 9)


def kilograms(minor: int) -> Quantity:
    return Quantity(minor, "TNE")


some_title = precondition(lambda lives: lives.titles)
some_bond = precondition(lambda lives: lives.bonds)


class Lives(Commands, RuleBasedStateMachine):
    """Random commands of keeper, holders and banks over two lots, their receipts and pledges."""

    def __init__(self, yard: Yard, other: Company) -> None:
        RuleBasedStateMachine.__init__(self)
        self.yard, self.stage, self.other = yard, yard.stage, other
        self.context = EffectContext(self.stage.database, self.stage.settings, self.stage.clock)
        self.heaps: list[Heap] = []
        self.titles: list[Title] = []
        self.bonds: list[Bond] = []

    # --- commands ------------------------------------------------------------------------------

    @initialize(first=st.integers(60, 120), second=st.integers(60, 120), share=SHARES)
    def begin(self, first: int, second: int, share: int) -> None:
        for minor in (first, second):
            lot = self.yard.stored(kilograms(minor).text, loss_standard="0.05")
            ids = parse_id("lot", lot["id"]), parse_id("cap", lot["pool"])
            self.heaps.append(Heap(*ids, stored=minor, there=minor))
        self.issue(0, first * 3 // 4)
        self.encumber(0, share, second=False)

    @rule(which=WHICH, minor=KILOGRAMS)
    def issue(self, which: int, minor: int) -> None:
        heap = self.heaps[which % len(self.heaps)]
        terms = receipt_terms(heap.id, kilograms(minor))
        codes = set() if minor <= self.free(heap) else {"capacity.exceeded"}
        made = self.signed(
            self.yard.keeper,
            "issue",
            partial(issuing.draft_issue, terms=terms),
            partial(issuing.issue, lot_id=heap.id),
            codes,
        )
        if made is not None:
            self.keep(made, {heap.id: minor})

    @some_title
    @rule(which=WHICH, share=SHARES, second=st.booleans())
    def encumber(self, which: int, share: int, second: bool) -> None:
        """A pledge of a part of a receipt: proposed, signed, accepted, registered."""
        title = self.title(which)
        bank = self.stage.cast.second_bank if second else self.stage.cast.bank
        minor = max(title.there * share // 100, 1)
        principal = Principal(os.urandom(32), Money(100), "0.0435", date(2026, 5, 3))

        def propose(session: Session, now: datetime) -> Pledge:
            return pledges.propose(
                session,
                parties.party(session, bank.party_id),
                evidence.lock(session, WarehouseReceipt, title.id),
                principal=principal,
                amount=kilograms(minor),
                now=now,
            )

        codes = title.kept_still
        if not codes and minor > title.free:
            codes = {"capacity.insufficient"}
        if codes:
            self.refused(propose, codes)
            return
        bond = Bond(self.done(propose).id, bank)
        sign = partial(pledges.draft_signature, pledge_id=bond.id)
        self.signed(title.holder, "pledge", sign, partial(pledges.sign, pledge_id=bond.id))
        accept = partial(pledges.draft_acceptance, pledge_id=bond.id)
        self.signed(bank, "accept", accept, partial(pledges.accept, pledge_id=bond.id))
        for kind in (pledge_rules.PERFECT, pledge_rules.REGISTER):
            HANDLERS[kind](self.context, {"pledge_id": str(bond.id)})
        self.bonds.append(bond)
        title.held[bond.id] = minor

    @some_bond
    @rule(which=WHICH)
    def release(self, which: int) -> None:
        bond = self.bonds[which % len(self.bonds)]
        codes = {"pledge.state_forbids"} if bond.is_over else set()
        draft = partial(ending.draft_release, pledge_id=bond.id, reason="结清")
        collect = partial(ending.release, pledge_id=bond.id)
        if self.signed(bond.bank, "release", draft, collect, codes) is not None:
            bond.is_over = True
            for title in self.titles:
                title.held.pop(bond.id, None)

    @some_bond
    @rule(which=WHICH, minor=KILOGRAMS)
    def release_part(self, which: int, minor: int) -> None:
        bond = self.bonds[which % len(self.bonds)]
        standing = [one for one in self.titles if one.held.get(bond.id)]
        codes = {"pledge.state_forbids"} if bond.is_over else set()
        if not codes and minor >= sum(one.held[bond.id] for one in standing):
            codes = {"pledge.part_too_large"}
        draft = partial(
            ending.draft_part_release, pledge_id=bond.id, released=kilograms(minor), reason="还款"
        )
        collect = partial(ending.release_part, pledge_id=bond.id)
        if self.signed(bond.bank, "release", draft, collect, codes) is None:
            return
        for title in sorted(standing, key=lambda one: one.pool):
            given = min(minor, title.held[bond.id])
            title.held[bond.id] -= given
            minor -= given

    @some_title
    @rule(which=WHICH, share=SHARES)
    def order(self, which: int, share: int) -> None:
        title = self.title(which)
        minor = max(title.there * share // 100, 1)
        number = f"TH-{uuid.uuid4().hex[:8]}"
        order = Order(number, kilograms(minor), "渝川物流")
        draft = partial(delivering.draft_withdrawal, receipt_id=title.id, order=order)
        collect = partial(delivering.order_withdrawal, receipt_id=title.id)
        codes = title.kept_still or self.not_takeable(title, minor)
        if self.signed(title.holder, "withdraw", draft, collect, codes) is not None:
            title.orders[number] = minor

    @precondition(lambda self: any(title.orders for title in self.titles))
    @rule(which=WHICH)
    def hand_over(self, which: int) -> None:
        """An order is carried out, however much has happened since it was given."""
        ordered = [(title, number) for title in self.titles for number in title.orders]
        title, number = ordered[which % len(ordered)]
        minor = title.orders[number]
        codes = title.kept_still or self.not_takeable(title, minor)
        self.done(partial(weighed_out, self.yard, title.id, number))
        draft = partial(
            delivering.draft_delivery, receipt_id=title.id, order_no=number, papers=[b"x"]
        )
        collect = partial(delivering.deliver, receipt_id=title.id)
        if self.signed(self.yard.keeper, "deliver", draft, collect, codes) is None:
            return
        del title.orders[number]
        for lot in sorted(title.parts):
            taken = min(minor, title.parts[lot])
            title.parts[lot] -= taken
            heap = next(one for one in self.heaps if one.id == lot)
            heap.there -= taken
            heap.delivered += taken
            minor -= taken
        if title.there == 0:
            title.end = State.DELIVERED
            title.orders.clear()

    @some_title
    @rule(which=WHICH)
    def take_back(self, which: int) -> None:
        title = self.title(which)
        if title.orders:
            number = min(title.orders)
            actor = title.holder.actor
            self.done(lambda s, now: delivering.take_back(s, actor, title.id, number, now=now))
            del title.orders[number]

    @some_title
    @rule(which=WHICH)
    def pass_on(self, which: int) -> None:
        title = self.title(which)
        to = self.other if title.holder is self.yard.trader else self.yard.trader
        codes = title.kept_still or self.not_free(title)
        draft = partial(endorsing.draft, receipt_id=title.id, to=to.uscc)
        collect = partial(endorsing.sign, receipt_id=title.id, passing=True)
        if self.signed(title.holder, "endorse", draft, collect, codes) is not None:
            self.answer(title, "attest")
            title.holder = to

    @some_title
    @rule(which=WHICH)
    def hand_in(self, which: int) -> None:
        title = self.title(which)
        codes = title.kept_still or self.not_free(title)
        draft = partial(endorsing.draft, receipt_id=title.id, to=None)
        collect = partial(endorsing.sign, receipt_id=title.id, passing=False)
        if self.signed(title.holder, "surrender", draft, collect, codes) is not None:
            self.answer(title, "cancel")
            title.end = State.CANCELLED
            title.parts = dict.fromkeys(title.parts, 0)

    def answer(self, title: Title, act: str) -> None:
        draft = partial(endorsing.draft_answer, receipt_id=title.id)
        assert self.signed(
            self.yard.keeper, act, draft, partial(endorsing.answer, receipt_id=title.id)
        )

    @some_title
    @rule(which=WHICH, share=st.integers(1, 99), beyond=st.sampled_from([0, 0, 0, 1]))
    def split(self, which: int, share: int, beyond: int) -> None:
        title = self.title(which)
        one = {lot: minor * share // 100 for lot, minor in title.parts.items()}
        two = {lot: minor - one[lot] for lot, minor in title.parts.items()}
        if sum(one.values()) == 0 or sum(two.values()) == 0:
            return
        two[max(two, key=lambda lot: two[lot])] += beyond
        self.divide([title], [one, two], even=not beyond)

    @precondition(lambda self: len(self.titles) > 1)
    @rule(which=WHICH, with_=WHICH)
    def merge(self, which: int, with_: int) -> None:
        first, second = self.title(which), self.title(with_)
        if first is second or first.holder is not second.holder or not first.there + second.there:
            return
        whole = {
            heap.id: first.parts.get(heap.id, 0) + second.parts.get(heap.id, 0)
            for heap in self.heaps
        }
        self.divide([first, second], [whole], even=True)

    def divide(self, old: Sequence[Title], into: Sequence[dict[UUID, int]], *, even: bool) -> None:
        """Asked for, signed by holder and pledgees, done by the keeper; what is pledged fills the new in order."""
        parts = [
            Part(
                f"FG-{uuid.uuid4().hex[:12]}",
                [(lot, kilograms(minor)) for lot, minor in sorted(one.items()) if minor],
            )
            for one in into
        ]
        codes = set().union(*(one.kept_still for one in old))
        if any(one.orders for one in old):
            codes.add("receipt.orders_open")
        if not codes and not even:
            codes = {"receipt.division_uneven"}
        holder, ids = old[0].holder, [one.id for one in old]

        def ask(session: Session, now: datetime) -> Any:
            return dividing.ask(session, holder.actor, ids, parts, now=now)

        if codes:
            self.refused(ask, codes)
            return
        division = self.done(ask).id
        held = [bond for one in old for bond in one.held if one.held[bond]]
        banks = {bond.bank.id: bond.bank for bond in self.bonds if bond.id in held}
        for who, act in [(holder, "divide"), *((bank, "consent") for bank in banks.values())]:
            self.signed(
                who,
                act,
                partial(countersigning.draft, kind=dividing.SIGNING, identity=division),
                partial(countersigning.sign, kind=dividing.SIGNING, identity=division),
            )
        made = self.carried_out(division)
        new = [
            self.keep(row, {k: v for k, v in one.items() if v}, holder)
            for row, one in zip(made, into, strict=True)
        ]
        for one in old:
            one.end = State.DIVIDED
            one.parts = dict.fromkeys(one.parts, 0)
            for bond in one.held:
                for title in new:
                    moved = min(one.held[bond], title.free)
                    one.held[bond] -= moved
                    title.held[bond] = title.held.get(bond, 0) + moved

    def carried_out(self, division: UUID) -> list[WarehouseReceipt]:
        keeper = self.yard.keeper
        signers = self.signers(keeper, "issue")

        def carry_out(session: Session, now: datetime) -> list[WarehouseReceipt]:
            drafts = dividing.draft_issues(
                session, keeper.actor, division, signers=signers, origin=ORIGIN, now=now
            )
            jws = [keeper.sign_all(DraftOut.of(one).model_dump(mode="json")) for one in drafts]
            return dividing.carry_out(session, keeper.actor, division, jws=jws, now=now)

        made: list[WarehouseReceipt] = self.done(carry_out)
        return made

    # --- facts ---------------------------------------------------------------------------------

    @rule(which=WHICH, minor=KILOGRAMS)
    def lose(self, which: int, minor: int) -> None:
        """However much stands on it: only what is not there cannot be lost."""
        heap = self.heaps[which % len(self.heaps)]
        actor, lost = self.yard.supervisor.actor, kilograms(minor)

        def lose(session: Session, now: datetime) -> Any:
            return losses.lose(session, actor, heap.id, lost, "盘点短少", now=now)

        if minor > heap.there:
            self.refused(lose, {"lot.more_than_there"})
            return
        beyond = max(minor - self.free(heap), 0)
        self.done(lose)
        heap.there -= minor
        heap.lost += minor
        live = self.live(heap)
        shares = [one.parts[heap.id] for one in live]
        for title, hit in zip(live, shared_out(beyond, shares), strict=True):
            title.parts[heap.id] -= hit
            title.lost[heap.id] = title.lost.get(heap.id, 0) + hit
            if hit and heap.is_beyond:
                title.disputed.add(heap.id)

    @rule(which=WHICH, minor=KILOGRAMS)
    def find(self, which: int, minor: int) -> None:
        heap = self.heaps[which % len(self.heaps)]
        actor, back = self.yard.supervisor.actor, kilograms(minor)

        def find(session: Session, now: datetime) -> Any:
            return losses.find(session, actor, heap.id, back, "复磅找回", now=now)

        if minor > heap.lost:
            self.refused(find, {"lot.more_than_there"})
            return
        self.done(find)
        heap.there += minor
        heap.lost -= minor
        live = self.live(heap)
        shares = [one.lost.get(heap.id, 0) for one in live]
        for title, given in zip(live, shared_out(minor, shares), strict=True):
            title.parts[heap.id] += given
            title.lost[heap.id] = title.lost.get(heap.id, 0) - given
            if not heap.is_beyond:
                title.disputed.discard(heap.id)

    @precondition(lambda self: any(title.disputed for title in self.titles))
    @rule(which=WHICH)
    def clear(self, which: int) -> None:
        """Keeper and supervisor let go of what they dispute of a receipt."""
        disputed = [title for title in self.titles if title.disputed]
        title = disputed[which % len(disputed)]
        for one in self.standing(title, RestraintKind.DISPUTE):
            for who in (self.yard.keeper, self.yard.supervisor):
                self.done(
                    lambda s, now, who=who, one=one: restraining.clear(
                        s, who.actor, title.id, one, now=now
                    )
                )
        title.disputed.clear()

    @some_title
    @rule(which=WHICH)
    def freeze(self, which: int) -> None:
        """By a court's order; lifted the next time."""
        title, actor = self.title(which), self.yard.keeper.actor
        if title.end:
            return
        if title.frozen:
            for one in self.standing(title, RestraintKind.FREEZE):
                self.done(
                    lambda s, now, one=one: restraining.thaw(
                        s, actor, title.id, one, "解除", now=now
                    )
                )
        else:
            self.done(
                lambda s, now: restraining.freeze(
                    s, actor, title.id, Basis.COURT, "(2025)渝0118财保1号", now=now
                )
            )
        title.frozen = not title.frozen

    # --- what must hold after each --------------------------------------------------------------

    @invariant()
    def every_kilogram_is_there_once(self) -> None:
        with self.stage.database.reading() as session:
            for heap in self.heaps:
                taken = sum(title.parts.get(heap.id, 0) for title in self.titles)
                assert self.sums(session, heap.pool) == (heap.there, taken, heap.there - taken)
                assert heap.stored == self.free(heap) + taken + heap.delivered + heap.lost
                assert losses.lost_of(session, heap.id) == heap.lost

    @invariant()
    def receipts_are_as_reckoned(self) -> None:
        with self.stage.database.reading() as session:
            for title in self.titles:
                row = session.get_one(WarehouseReceipt, title.id)
                assert (row.state, row.holder_id) == (title.state, title.holder.party_id)
                parts = {part.lot_id: (part.quantity_minor, part.lost_minor) for part in row.lots}
                assert parts == {
                    lot: (minor, title.lost.get(lot, 0)) for lot, minor in title.parts.items()
                }
                pool = session.get_one(Pool, title.pool)
                assert pool.owner_id == row.holder_id
                assert self.sums(session, title.pool) == (title.there, title.used, title.free)
                held = {one.holder_id: one.minor for one in pools.direct(session, title.pool)}
                assert held == {bond: minor for bond, minor in title.held.items() if minor}

    @invariant()
    def pledges_are_as_reckoned(self) -> None:
        with self.stage.database.reading() as session:
            for bond in self.bonds:
                state = session.get_one(Pledge, bond.id).state
                assert state is (PledgeState.RELEASED if bond.is_over else PledgeState.EFFECTIVE)

    # --- how it is done -------------------------------------------------------------------------

    def title(self, which: int) -> Title:
        return self.titles[which % len(self.titles)]

    def free(self, heap: Heap) -> int:
        return heap.there - sum(title.parts.get(heap.id, 0) for title in self.titles)

    def live(self, heap: Heap) -> list[Title]:
        found = [one for one in self.titles if heap.id in one.parts and one.end is None]
        return sorted(found, key=lambda one: one.id)

    def standing(self, title: Title, kind: RestraintKind) -> list[UUID]:
        with self.stage.database.reading() as session:
            found = queries.restraints(session, title.id)
            return [one.id for one in found if one.kind is kind and one.lifted_at is None]

    def keep(
        self, row: WarehouseReceipt, parts: dict[UUID, int], holder: Company | None = None
    ) -> Title:
        self.titles.append(Title(row.id, row.pool_id, holder or self.yard.trader, parts))
        return self.titles[-1]

    def not_takeable(self, title: Title, minor: int) -> set[str]:
        if minor <= title.free:
            return set()
        return {"receipt.goods_pledged" if title.used else "capacity.exceeded"}

    def not_free(self, title: Title) -> set[str]:
        if title.used:
            return {"receipt.encumbered"}
        return {"receipt.orders_open"} if title.orders else set()


def test_whole_lives_keep_every_promise(yard: Yard, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(link, "HttpRegistry", lambda _: Register(yard.stage.clock.now()))
    other = found(yard.stage, "second_trader")
    with yard.stage.database.transaction() as session:
        open_log(session, Signer.generate(ORIGIN), now=yard.stage.clock.real())
    run_random(lambda: Lives(yard, other), examples=6, steps=24)
    with yard.stage.database.reading() as session:
        assert audit(session).difference is None
