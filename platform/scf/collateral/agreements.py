"""Control agreements: proposed by the bank, signed by three, then led by the bank: goods, debt, insurance, end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.collateral import alarms, calling, defaults, marking, permissions
from scf.collateral.calls import Stage
from scf.collateral.models import (
    ControlAgreement,
    ControlDebt,
    ControlInsurance,
    MoveRefused,
    PledgeKind,
    State,
)
from scf.collateral.permissions import Action
from scf.collateral.valuation import WHOLE_BPS, WORTH_MAX, Terms
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import CurrencyMismatch, Money, parse_rate
from scf.parties import queries as parties
from scf.parties.countersigning import Kind, Turn
from scf.parties.models import Party, PartyKind
from scf.parties.service import insert
from scf.prices import queries as prices
from scf.rules import service as rules
from scf.tasks import kinds
from scf.tasks import service as tasks
from scf.tasks.models import State as TaskState
from scf_ledger.encoding import b64url

PREFIX: Final = "ctl"
TERMS: Final = (
    *("pledgor", "pledgee", "supervisor", "contract_sha256", "kind", "currency", "shares_bps"),
    *("days", "floor", "insured", "goods"),
)


class AgreementExists(Conflict):
    """One debt has one control agreement in force."""

    code = "collateral.agreement_exists"
    title = "该主债权已有监管协议"
    title_en = "There is a control agreement for this debt already"


class PartiesWrong(Invalid):
    """Pledgor, pledgee and supervisor are three: two enterprises and the bank that proposes."""

    code = "collateral.parties_wrong"
    title = "出质人、质权人、监管方须为三方，且监管方不得为保管人"
    title_en = (
        "Pledgor, pledgee and supervisor are three, and the supervisor keeps none of the goods"
    )


class GoodsUnpriced(Invalid):
    """Each kind of goods has a series of the debt's currency and the goods' unit, with a quote."""

    code = "collateral.goods_unpriced"
    title = "该货物没有可用的价格序列或报价"
    title_en = "There is no fitting series, or no quote, for these goods"


class DebtOutOfRange(Invalid):
    """A debt is no more than one agreement's goods can come to, at a rate of a hundred per cent at most."""

    code = "collateral.debt_out_of_range"
    title = "债务金额或利率超出允许范围"
    title_en = "The debt or its rate is out of range"


class DebtUntimely(Invalid):
    """What the bank says of a debt is of a day that has come, none before what it said last."""

    code = "collateral.debt_untimely"
    title = "债务余额日期不正确"
    title_en = "The day of the debt is in the future, or before what was said last"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the bank proposes; shares and days that are not said are the customary ones."""

    pledgor_id: UUID
    supervisor_id: UUID
    contract_sha256: bytes
    kind: PledgeKind
    currency: str
    shares: Mapping[str, int]
    days: Mapping[str, int]
    without_price_fall: bool
    floor: Money | None
    insured: bool
    goods: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed on a day; interest runs on from there at the rate."""

    as_of_on: date
    principal: Money
    interest: Money
    reserve: Money
    rate: str
    receipt_no: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """An insurance policy over the goods."""

    insurer: str
    policy: str
    amount: Money
    first_on: date
    last_on: date


def propose(
    session: Session, actor: Actor, proposal: Proposal, *, now: datetime
) -> ControlAgreement:
    """Propose a control agreement, as the bank.

    Raises PartiesWrong, TermsMeaningless, GoodsUnpriced, CurrencyMismatch, AgreementExists.
    """
    bank = parties.active_party(session, actor.party)
    pledgor, supervisor = _two_enterprises(session, bank, proposal)
    customary = defaults.on(business_date(now))
    shares = {name: customary[name] for name in defaults.SHARES} | dict(proposal.shares)
    days = {name: customary[name] for name in defaults.DAYS} | dict(proposal.days)
    if proposal.without_price_fall:
        del shares["price_fall_bps"]
    Terms(
        shares["advance_bps"],
        shares["warning_bps"],
        shares["disposal_bps"],
        shares.get("price_fall_bps"),
    )
    _require_priced(session, proposal)
    content = {
        "pledgor": pledgor.uscc,
        "pledgee": bank.uscc,
        "supervisor": supervisor.uscc,
        "contract_sha256": b64url(proposal.contract_sha256),
        "kind": proposal.kind.value,
        "currency": proposal.currency,
        "shares_bps": shares,
        "days": days,
        "floor": proposal.floor.to_json() if proposal.floor else None,
        "insured": proposal.insured,
        "goods": [
            {**one, "series": public_id("prs", one["series"])}
            for one in sorted(proposal.goods, key=lambda one: str(one["goods"]))
        ],
    }
    agreement = ControlAgreement(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        pledgor_id=pledgor.id,
        pledgee_id=bank.id,
        supervisor_id=supervisor.id,
        contract_sha256=proposal.contract_sha256,
        kind=proposal.kind,
        currency=proposal.currency,
        **{name: shares.get(name) for name in defaults.SHARES},
        **days,
        floor_minor=proposal.floor.minor if proposal.floor else None,
        insured=proposal.insured,
        goods=content["goods"],
        content=content,
        state=State.PROPOSED,
        state_since=now,
        proposed_at=now,
        signed=[],
        authorizations=[],
    )
    insert(session, agreement, else_=AgreementExists(field="contract_sha256"))
    tell(session, agreement, "control.proposed", content, now=now, actor=bank.id)
    return agreement


def _open(session: Session, actor: Actor, agreement_id: UUID) -> Turn[ControlAgreement]:
    """Return a proposed agreement that waits for the caller. Raises SubjectNotFound, MoveRefused."""
    agreement = lock_for(session, actor, agreement_id, Action.SIGN)
    if actor.party in agreement.signed or agreement.state is not State.PROPOSED:
        raise MoveRefused(state=agreement.state.value, asked="sign")
    side = permissions.require(agreement, actor.party, Action.SIGN)
    acts = {"pledgor": "entrust", "supervisor": "supervise", "pledgee": "appoint"}
    return Turn(
        paper=agreement,
        signers=agreement.parties,
        act=acts[side.value],
        subject=agreement,
        prefix=PREFIX,
        content=agreement.content,
        amount=None,
    )


def _finish(session: Session, _: Actor, turn: Turn[ControlAgreement], now: datetime) -> None:
    """Let the agreement stand, with everybody's signature. Raises RuleBlocks."""
    agreement = turn.paper
    said = agreement.content
    rules.evaluate(
        session,
        "control.agree",
        public_id(PREFIX, agreement.id),
        {"terms": {**said["shares_bps"], **said["days"]}},
        on=business_date(now),
        now=now,
        parties=agreement.parties,
    )
    agreement.move(State.AGREED, now=now)
    tell(
        session,
        agreement,
        "control.agreed",
        agreement.content,
        now=now,
        actor=agreement.pledgee_id,
        authorizations=agreement.authorizations,
    )


SIGNED: Final = Kind(open=_open, finish=_finish)
"""How agreements are signed."""


def state_debt(
    session: Session, actor: Actor, agreement_id: UUID, debt: Debt, *, now: datetime
) -> ControlAgreement:
    """Take the bank's word of what is owed; a call that cash has cured ends here.

    Raises MoveRefused, DebtUntimely, DebtOutOfRange, CurrencyMismatch.
    """
    agreement = lock_for(session, actor, agreement_id, Action.LEAD)
    agreement.require_agreed()
    for amount in (debt.principal, debt.interest, debt.reserve):
        if amount.currency != agreement.currency:
            raise CurrencyMismatch(left=agreement.currency, right=amount.currency)
    owed = sum(one.minor for one in (debt.principal, debt.interest, debt.reserve))
    if owed > WORTH_MAX or parse_rate(debt.rate) > 1:
        most = Money(WORTH_MAX, agreement.currency)
        raise DebtOutOfRange(field="principal", most=most, rate_most="1")
    last = session.get(ControlDebt, agreement.debt_id) if agreement.debt_id else None
    before = last is not None and debt.as_of_on < last.as_of_on
    if debt.as_of_on > business_date(now) or before:
        raise DebtUntimely(field="as_of_on", as_of_on=debt.as_of_on.isoformat())
    record = {
        "as_of_on": debt.as_of_on.isoformat(),
        "principal": debt.principal.to_json(),
        "interest": debt.interest.to_json(),
        "reserve": debt.reserve.to_json(),
        "rate": debt.rate,
        "receipt_no": debt.receipt_no,
    }
    event = tell(session, agreement, "control.debt_stated", record, now=now, actor=actor.party)
    row = ControlDebt(
        id=new_id(),
        agreement_id=agreement.id,
        event_id=event.id,
        as_of_on=debt.as_of_on,
        principal_minor=debt.principal.minor,
        interest_minor=debt.interest.minor,
        reserve_minor=debt.reserve.minor,
        rate=debt.rate,
        receipt_no=debt.receipt_no,
        stated_at=now,
    )
    session.add(row)
    session.flush()
    agreement.debt_id = row.id
    remark(session, agreement, now=now)
    return agreement


def insure(
    session: Session, actor: Actor, agreement_id: UUID, policy: Policy, *, now: datetime
) -> ControlAgreement:
    """Put a policy over the goods on record, as the bank or the pledgor. Raises MoveRefused, CurrencyMismatch."""
    agreement = lock_for(session, actor, agreement_id, Action.INSURE)
    agreement.require_agreed()
    if policy.amount.currency != agreement.currency:
        raise CurrencyMismatch(left=agreement.currency, right=policy.amount.currency)
    if policy.first_on > policy.last_on:
        raise DebtUntimely(field="last_on", last_on=policy.last_on.isoformat())
    record = {
        "insurer": policy.insurer,
        "policy": policy.policy,
        "amount": policy.amount.to_json(),
        "first_on": policy.first_on.isoformat(),
        "last_on": policy.last_on.isoformat(),
    }
    event = tell(session, agreement, "control.insured", record, now=now, actor=actor.party)
    session.add(
        ControlInsurance(
            id=new_id(),
            agreement_id=agreement.id,
            event_id=event.id,
            insurer=policy.insurer,
            policy=policy.policy,
            amount_minor=policy.amount.minor,
            first_on=policy.first_on,
            last_on=policy.last_on,
            told_at=now,
        )
    )
    session.flush()
    alarms.insured(session, agreement, now=now)
    return agreement


def end(
    session: Session, actor: Actor, agreement_id: UUID, *, reason: str, now: datetime
) -> ControlAgreement:
    """End an agreement, as the bank: nothing is watched any more, its call lapses. Raises MoveRefused, CallUnderWay."""
    agreement = lock_for(session, actor, agreement_id, Action.LEAD)
    calling.lapse(session, agreement, now=now, actor=actor.party)
    subject = public_id(PREFIX, agreement.id)
    tasks.close(session, kinds.INSURANCE_RENEW, subject, now=now, state=TaskState.VOID)
    agreement.move(State.ENDED, now=now)
    tell(session, agreement, "control.ended", {"reason": reason}, now=now, actor=actor.party)
    return agreement


def remark(session: Session, agreement: ControlAgreement, *, now: datetime) -> list[Stage]:
    """Mark a locked agreement now, and move its call as that says; nothing before the debt is known."""
    if agreement.debt_id is None:
        return []
    session.flush()
    marking.mark(session, [agreement.id], now=now)
    session.refresh(agreement)
    return calling.judge(session, agreement, now=now)


def lock_for(
    session: Session, actor: Actor, agreement_id: UUID, action: Action
) -> ControlAgreement:
    """Return an agreement, locked, for an action that this party may take; a stranger waits for nobody.

    Raises SubjectNotFound, ControlActionNotAllowed.
    """
    require_permitted(session, actor, agreement_id, action)
    return evidence.lock(session, ControlAgreement, agreement_id)


def require_permitted(session: Session, actor: Actor, agreement_id: UUID, action: Action) -> None:
    """Raise SubjectNotFound or ControlActionNotAllowed before anything is locked."""
    found = session.get(ControlAgreement, agreement_id)
    if found is None:
        raise SubjectNotFound
    permissions.require(found, actor.party, action)


def tell(
    session: Session,
    agreement: ControlAgreement,
    type_: str,
    record: Mapping[str, Any],
    *,
    now: datetime,
    actor: UUID | None,
    authorizations: Sequence[bytes] = (),
) -> Event:
    """Write an agreement's event, for its three parties."""
    return evidence.append(
        session,
        agreement,
        type_,
        record,
        now=now,
        actor=actor,
        parties=agreement.parties,
        authorizations=authorizations,
    )


def series_of(term: Mapping[str, Any]) -> UUID:
    """Return the series that prices one kind of goods."""
    return parse_id("prs", term["series"])


def _two_enterprises(session: Session, bank: Party, proposal: Proposal) -> tuple[Party, Party]:
    """Return pledgor and supervisor, asked for at once. Raises PartiesWrong, also for whom nobody knows."""
    wanted = [proposal.pledgor_id, proposal.supervisor_id]
    fit = (Party.kind == PartyKind.ENTERPRISE, Party.revoked_at.is_(None))
    asked = select(Party).where(Party.id.in_(wanted), *fit)
    found = {one.id: one for one in session.scalars(asked)}
    if bank.kind is not PartyKind.BANK or len(found) != len(wanted):
        raise PartiesWrong
    return found[wanted[0]], found[wanted[1]]


def _require_priced(session: Session, proposal: Proposal) -> None:
    names = [one["goods"] for one in proposal.goods]
    if len(set(names)) != len(names):
        raise GoodsUnpriced(field="goods", goods=min(names))
    if proposal.floor is not None and proposal.floor.currency != proposal.currency:
        raise CurrencyMismatch(left=proposal.currency, right=proposal.floor.currency)
    for one in proposal.goods:
        series = prices.series(session, one["series"])
        if series.currency != proposal.currency:
            raise GoodsUnpriced(field="goods", goods=one["goods"], currency=series.currency)
        assert max(one["quality_bps"], one["liquidity_bps"]) <= WHOLE_BPS, "bounded at the edge"
