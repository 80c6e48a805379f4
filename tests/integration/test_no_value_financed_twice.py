"""The one promise, under random commands; `test_racing_for_a_pool` has it under 50 connections at once.

No consumption makes free negative; no fact is refused for being bad news; nothing moves outside the
tables; entries add up to rows; a refusal leaves nothing changed.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.capacity import queries
from scf.capacity.models import Pool, PoolEntry
from scf.db.outbox import EffectContext
from scf.documents import service as documents
from scf.documents.models import Document
from scf.documents.red_note_models import RedReason, RedState
from scf.documents.red_notes import Entry
from scf.evidence.models import Event
from scf.kernel.errors import Refused
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties.schemas import DraftOut, SignerIn
from scf.pledges import ending
from scf.pledges import rules as pledge_rules
from scf.pledges import service as pledges
from scf.pledges.models import TRANSITIONS as PLEDGE_TRANSITIONS
from scf.pledges.models import Pledge
from scf.pledges.models import State as PledgeState
from scf.pledges.service import Principal
from scf.receivables import basket, credit_notes, payments, refusals, service, submission
from scf.receivables import red_notes as red_forms
from scf.receivables.basket import Drafting, Wanted
from scf.receivables.models import GIVEN_UP, TRANSITIONS, Receivable, State
from scf.receivables.payments import Receipt
from scf.receivables.permissions import Action
from scf.receivables.service import Account, Confirmation
from scf.receivables.submission import Mode, Submission
from scf.registrations import link
from scf.registrations.effects import HANDLERS
from tests.support.actors import Company, Stage, set_stage
from tests.support.receivables import ACCOUNT, NUMBERS
from tests.support.reckoning import Bond, Claim, Register, written
from tests.support.services import Servers, fresh_database

ORIGIN = "test.example/log"
PAID_ON = date(2025, 11, 3)
DUE_ON = date(2025, 12, 19)
INSUFFICIENT = "capacity.insufficient"
NOT_SPLIT = "receivable.part_not_split"  # nobody splits a payment here: a claim is taken whole
AMOUNTS = st.integers(min_value=1, max_value=120)
SHARES = st.integers(min_value=1, max_value=105)  # per cent
CLAIMS_MAX = 3
Work = Callable[[Session, datetime], Any]


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found


@dataclass(frozen=True)
class Answer:
    """What a debtor wants to confirm of a claim, and the refusals that are foreseen."""

    claim: Claim
    confirmation: Confirmation
    state: State
    codes: set[str]


CLAIMS = st.runner().flatmap(lambda path: st.sampled_from(path.known))
BONDS = st.runner().flatmap(lambda path: st.sampled_from(path.pledged))
pledged = precondition(lambda path: path.pledged)


class Path(RuleBasedStateMachine):
    """Random commands of all parties over receivables, pools and pledges."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage, self.cast = stage, stage.cast
        self.context = EffectContext(stage.database, stage.settings, stage.clock)
        self.known: list[Claim] = []
        self.pledged: list[Bond] = []
        self.receipts = 0

    # --- commands ------------------------------------------------------------------------------

    @initialize(steps=st.integers(min_value=0, max_value=4))
    def begin(self, steps: int) -> None:
        self.submit(100)
        self.confirm(self.known[0], 80, whole=False)
        self.propose(self.known[0], 100, whole=True, second=False)
        for bond in self.pledged:
            self.go_on(bond, steps)

    @precondition(lambda self: len(self.known) < CLAIMS_MAX)
    @rule(fen=AMOUNTS)
    def submit(self, fen: int) -> None:
        number = next(NUMBERS)
        document = self.invoice(number, fen)
        submitted = Submission(
            self.cast.programme_id, f"M-{number}", [document], None, None, None, None, DUE_ON
        )
        line = self.done(
            lambda s, now: submission.submit(s, self.cast.supplier.actor, submitted, now=now)
        )
        self.known.append(Claim(line.id, document, number, fen))

    @rule(claim=CLAIMS, fen=AMOUNTS)
    def import_again(self, claim: Claim, fen: int) -> None:
        """The same invoice is known; with another amount it is none, and a second line it cannot carry."""
        count = self.events()
        assert self.invoice(claim.number, claim.claimed) == claim.document
        assert self.events() == count
        if fen != claim.claimed:
            other = written(self.cast, claim.number, fen)
            self.refused(partial(self.register_invoice, other), {"document.conflict"})
        if claim.state not in GIVEN_UP:
            line = f"M-{claim.number}-again"
            again = Submission(
                self.cast.programme_id, line, [claim.document], None, None, None, None, DUE_ON
            )
            self.refused(
                lambda s, now: submission.submit(s, self.cast.supplier.actor, again, now=now),
                {"receivable.document_in_use"},
            )

    @rule(claim=CLAIMS, share=SHARES, whole=st.booleans())
    def confirm(self, claim: Claim, share: int, whole: bool) -> None:
        answer = self.answer(claim, 100 if whole else share)
        shown = self.signed("confirm", claim, answer.codes, answer.confirmation)
        if shown is not None:
            self.promised(answer, shown.pool_id)

    @rule(share=SHARES, moved=st.booleans())
    def confirm_all(self, share: int, moved: bool) -> None:
        """By one basket; a line that may not be is left out, also one withdrawn before the signature."""
        anchor, now = self.cast.anchor, self.stage.clock.now()
        answers = [self.answer(claim, share) for claim in self.known]
        wanted = [Wanted(one.claim.id, None, one.confirmation) for one in answers]
        signers = [SignerIn.model_validate(signer) for signer in anchor.signers("confirm")]
        how = Drafting(Mode.CONTINUE, signers, ORIGIN, now)
        drafted = self.done(
            lambda s, _: (
                found := basket.draft(s, anchor.actor, wanted, how),
                [
                    DraftOut.of(one.statements, one.disclosures).model_dump(mode="json")
                    for one in found.drafted
                ],
            )
        )
        assert {
            answers[left.place].claim.id: {left.error.code} for left in drafted[0].left_out
        } == {one.claim.id: one.codes for one in answers if one.codes}
        good = [one for one in answers if not one.codes]
        if not good:
            assert drafted[1] == []
            return
        (whole,) = drafted[1]
        jws = anchor.sign_all(whole)
        if moved:
            self.withdraw(good[0].claim)
            good = [one for one in good if one.claim.state is not State.WITHDRAWN]

        def hand_back(session: Session, now: datetime) -> Any:
            return basket.answer(session, anchor.actor, jws=jws, mode=Mode.CONTINUE, now=now)

        if not good:
            self.refused(hand_back, {"receivable.basket_empty"})
            return
        pools = {one.id: one.pool_id for one in self.done(hand_back).receivables[Action.CONFIRM]}
        assert pools.keys() == {one.claim.id for one in good}
        for one in good:
            self.promised(one, pools[one.claim.id])

    def answer(self, claim: Claim, share: int) -> Answer:
        """A confirmation of a share of a claim, and what is expected to stand against it."""
        promised = max(claim.claimed * min(share, 100) // 100, 1)
        rest = claim.claimed - promised
        confirmation = Confirmation(
            Money(promised), Money(rest), None, "质量争议" if rest else None, None,
            Account("示例", ACCOUNT, "示例", self.cast.bank.uscc), True, ["pledge"],
        )  # fmt: skip
        state = State.PARTIALLY_CONFIRMED if rest else State.CONFIRMED
        codes = self.state_codes(claim, state)
        if not codes and (claim.waiting or claim.rest <= 0):
            codes = {"receivable.document_reversed"}
        elif not codes and promised > claim.rest:
            codes = {"receivable.confirmed_exceeds_documents"}
        return Answer(claim, confirmation, state, codes)

    def promised(self, answer: Answer, pool_id: UUID | None) -> None:
        claim = answer.claim
        claim.state, claim.pool = answer.state, pool_id
        claim.promised = claim.confirmed = answer.confirmation.confirmed.minor

    @rule(claim=CLAIMS)
    def withdraw(self, claim: Claim) -> None:
        def withdraw(session: Session, now: datetime) -> Any:
            actor = self.cast.supplier.actor
            return refusals.withdraw(session, actor, claim.id, reason="金额有误", now=now)

        if codes := self.state_codes(claim, State.WITHDRAWN):
            self.refused(withdraw, codes)
            return
        self.done(withdraw)
        claim.state = State.WITHDRAWN

    @rule(claim=CLAIMS, act=st.sampled_from(["dispute", "dispute", "reject"]))
    def refuse(self, claim: Claim, act: str) -> None:
        state = {"dispute": State.DISPUTED, "reject": State.REJECTED}[act]
        if self.signed(act, claim, self.state_codes(claim, state), None) is not None:
            claim.state = state

    @rule(claim=CLAIMS, fen=AMOUNTS, named=st.booleans(), again=st.booleans())
    def pay(self, claim: Claim, fen: int, named: bool, again: bool) -> None:
        self.receipts += 1
        account, keeper = ACCOUNT if named else "6222 9999", self.cast.bank.uscc
        receipt = Receipt(f"{id(self)}-{self.receipts}", Money(fen), PAID_ON, account, keeper)

        def report(session: Session, now: datetime) -> Any:
            return payments.report(session, self.cast.bank.actor, claim.id, receipt, now=now)

        if claim.pool is None:
            self.refused(report, {"subject.not_found"})
            return
        self.done(report)
        if named:
            claim.pay(fen)
        else:
            claim.confirmed -= min(fen, max(claim.confirmed, 0))
        if again:
            count = self.events()
            assert self.done(report).repeated
            assert self.events() == count

    @rule(claim=CLAIMS, share=st.integers(min_value=1, max_value=40), later=st.booleans())
    def take_back(self, claim: Claim, share: int, later: bool) -> None:
        fen = max(claim.claimed * share // 100, 1)
        note = self.invoice(next(NUMBERS), -fen, takes_back=claim.number)
        claim.waiting.append((note, fen))
        if not later:
            self.catch_up(claim)

    @rule(claim=CLAIMS, share=st.integers(min_value=1, max_value=40), agreed=st.booleans())
    def take_back_by_form(self, claim: Claim, share: int, agreed: bool) -> None:
        """The form first: who encumbers is asked, the buyer confirms all the same, the red invoice comes."""
        fen, cast = max(claim.claimed * share // 100, 1), self.cast
        number = f"5001{next(NUMBERS)}"
        entry = Entry(claim.document, number, RedReason.ALLOWANCE, Money(fen), Money(0), used=True)

        def enter(session: Session, now: datetime) -> Any:
            return red_forms.enter(session, cast.supplier.actor, entry, now=now)

        if claim.formed + fen > claim.claimed:
            self.refused(enter, {"red_note.exceeds_invoice"})
            return
        form = self.done(enter).id
        for bank in {b.bank.id: b.bank for b in self.pledged if claim.held.get(b.id)}.values():
            self.done(
                lambda s, now, bank=bank: red_forms.consent(
                    s, bank.actor, form, given=agreed, now=now
                )
            )
        self.done(
            lambda s, now: red_forms.answer(s, cast.anchor.actor, form, RedState.CONFIRMED, now=now)
        )
        note = self.invoice(next(NUMBERS), -fen, takes_back=claim.number)
        self.done(lambda s, now: red_forms.issue(s, s.get_one(Document, note), now=now))
        claim.formed += fen
        claim.waiting.append((note, fen))
        self.catch_up(claim)

    @rule(claim=CLAIMS)
    def catch_up(self, claim: Claim) -> None:
        """Record the red invoices that wait, the newest first: their order is nobody's promise."""
        while claim.waiting:
            note, fen = claim.waiting.pop()
            self.done(lambda s, now, note=note: credit_notes.record(s, note, now=now))
            if claim.state not in GIVEN_UP:
                claim.note(fen)

    @rule(claim=CLAIMS, share=SHARES, whole=st.booleans(), second=st.booleans())
    def propose(self, claim: Claim, share: int, whole: bool, second: bool) -> None:
        fen = max(claim.confirmed if whole else claim.promised * share // 100, 1)
        bank = self.cast.second_bank if second else self.cast.bank
        principal = Principal(os.urandom(32), Money(max(fen // 2, 1)), "0.0385", DUE_ON)

        def propose(session: Session, now: datetime) -> Pledge:
            return pledges.propose(
                session,
                parties.party(session, bank.party_id),
                service.lock(session, claim.id),
                principal=principal,
                amount=Money(fen),
                now=now,
            )

        if claim.pool is None or fen > claim.free:
            code = "pledge.receivable_not_confirmed" if claim.pool is None else INSUFFICIENT
            self.refused(propose, {code})
        elif fen != claim.confirmed:
            self.refused(propose, {NOT_SPLIT})
        else:
            self.pledged.append(Bond(self.done(propose).id, claim, bank, fen))

    @pledged
    @rule(bond=BONDS, steps=st.integers(min_value=2, max_value=4))
    def go_on(self, bond: Bond, steps: int) -> None:
        for step in (self.sign, self.accept, self.register, self.release)[:steps]:
            step(bond)

    @pledged
    @rule(bond=BONDS)
    def sign(self, bond: Bond) -> None:
        codes = self.pledge_codes(bond, PledgeState.SIGNED)
        if self.signed("pledge", bond, codes, None) is not None:
            bond.state = PledgeState.SIGNED

    @pledged
    @rule(bond=BONDS)
    def accept(self, bond: Bond) -> None:
        codes = self.pledge_codes(bond, PledgeState.RESERVED)
        if not codes and bond.amount > bond.claim.free:
            codes = {INSUFFICIENT}
        elif not codes and bond.amount != bond.claim.confirmed:
            codes = {NOT_SPLIT}
        if self.signed("accept", bond, codes, None) is not None:
            bond.state = PledgeState.RESERVED
            bond.claim.held[bond.id] = bond.amount

    @pledged
    @rule(bond=BONDS)
    def register(self, bond: Bond) -> None:
        for kind in (pledge_rules.PERFECT, pledge_rules.REGISTER):
            HANDLERS[kind](self.context, {"pledge_id": str(bond.id)})
        if bond.state is PledgeState.RESERVED:
            bond.state = PledgeState.EFFECTIVE

    @pledged
    @rule(bond=BONDS)
    def release(self, bond: Bond) -> None:
        codes = self.pledge_codes(bond, PledgeState.RELEASED)
        if self.signed("release", bond, codes, "主债权已清偿") is not None:
            bond.state = PledgeState.RELEASED
            bond.claim.held[bond.id] = 0

    @pledged
    @rule(bond=BONDS)
    def give_up(self, bond: Bond) -> None:
        def give_up(session: Session, now: datetime) -> Pledge:
            return ending.give_up(session, bond.bank.actor, bond.id, reason="不再办理", now=now)

        if codes := self.pledge_codes(bond, PledgeState.CANCELLED):
            self.refused(give_up, codes)
            return
        self.done(give_up)
        HANDLERS[pledge_rules.END](self.context, {"pledge_id": str(bond.id)})
        bond.state = PledgeState.CANCELLED
        if bond.id in bond.claim.held:
            bond.claim.held[bond.id] = 0

    # --- what must hold after each --------------------------------------------------------------

    @invariant()
    def rows_are_as_reckoned(self) -> None:
        with self.stage.database.reading() as session:
            for claim in self.known:
                row = session.get_one(Receivable, claim.id)
                assert (row.state, row.paid_minor) == (claim.state, claim.paid)
                if claim.pool is not None:
                    self.pool_is_as_reckoned(session, claim)
            for bond in self.pledged:
                assert session.get_one(Pledge, bond.id).state is bond.state

    def pool_is_as_reckoned(self, session: Session, claim: Claim) -> None:
        assert claim.pool is not None
        pool = session.get_one(Pool, claim.pool)
        assert (pool.confirmed_minor, pool.used_minor) == (claim.confirmed, claim.used)
        assert pool.free_minor == claim.free >= 0
        assert pool.shortfall_minor == max(claim.used - claim.confirmed, 0)
        assert (pool.state == "DILUTED") == (pool.shortfall_minor > 0)
        for holder, fen in claim.held.items():
            assert queries.held(session, pool, holder) == Money(fen)
        confirmed, used, last = session.execute(
            select(
                func.sum(PoolEntry.confirmed_delta_minor),
                func.sum(PoolEntry.used_delta_minor),
                func.max(PoolEntry.version),
            ).where(PoolEntry.pool_id == pool.id)
        ).one()
        assert (confirmed, used, last) == (pool.confirmed_minor, pool.used_minor, pool.version)

    # --- how it is done -------------------------------------------------------------------------

    def done(self, work: Work) -> Any:
        """Do it in a transaction; it must not be refused."""
        with self.stage.database.transaction() as session:
            return work(session, self.stage.clock.now())

    def refused(self, work: Work, codes: set[str]) -> None:
        """It must be refused, for such a reason, and leave nothing changed."""
        count = self.events()
        with pytest.raises(Refused) as refused:
            self.done(work)
        assert refused.value.code in codes
        assert self.events() == count

    def signed(self, act: str, about: Claim | Bond, codes: set[str], detail: Any) -> Any:
        """Draft, sign, hand back; None where it was refused, as `codes` foresaw."""
        draft, collect, who = self.papers(act, about, detail)
        signers = [SignerIn.model_validate(signer) for signer in who.signers(act)]

        def whole(session: Session, now: datetime) -> Any:
            drafted = draft(session, who.actor, about.id, signers=signers, origin=ORIGIN, now=now)
            jws = who.sign_all(DraftOut.of(drafted).model_dump(mode="json"))
            return collect(session, who.actor, about.id, jws=jws, now=now)

        if codes:
            return self.refused(whole, codes)
        return self.done(whole)

    def papers(self, act: str, about: Claim | Bond, detail: Any) -> tuple[Any, Any, Company]:
        cast = self.cast
        bank = about.bank if isinstance(about, Bond) else cast.bank
        match act:
            case "confirm":
                draft = partial(service.draft_confirmation, confirmation=detail)
                return draft, service.confirm, cast.anchor
            case "dispute":
                draft = partial(refusals.draft_dispute, reason="数量不符", amount=None)
                return draft, refusals.dispute, cast.anchor
            case "reject":
                draft = partial(refusals.draft_rejection, reason="非我司交易")
                return draft, refusals.reject, cast.anchor
            case "pledge":
                return pledges.draft_signature, pledges.sign, cast.supplier
            case "accept":
                return pledges.draft_acceptance, pledges.accept, bank
            case _:
                return partial(ending.draft_release, reason=detail), ending.release, bank

    def state_codes(self, claim: Claim, to: State) -> set[str]:
        return set() if to in TRANSITIONS[claim.state] else {"receivable.state_forbids"}

    def pledge_codes(self, bond: Bond, to: PledgeState) -> set[str]:
        return set() if to in PLEDGE_TRANSITIONS[bond.state] else {"pledge.state_forbids"}

    def invoice(self, number: int, fen: int, takes_back: int | None = None) -> UUID:
        original = written(self.cast, number, fen, takes_back)
        found: UUID = self.done(partial(self.register_invoice, original)).document.id
        return found

    def register_invoice(self, original: bytes, session: Session, now: datetime) -> Any:
        actor = self.cast.supplier.actor
        return documents.register(session, actor, original=original, filename=None, now=now)

    def events(self) -> int:
        with self.stage.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Event)) or 0


def test_random_commands_keep_every_promise(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(link, "HttpRegistry", lambda _: Register(stage.clock.now()))
    run_state_machine_as_test(
        lambda: Path(stage),
        settings=settings(
            max_examples=int(os.environ.get("EXAMPLES", "12")),
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
