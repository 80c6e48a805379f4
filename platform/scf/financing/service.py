"""Asking a bank for money, its offer or refusal, and the contract with its pledge."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.approvals import gates
from scf.approvals.gates import Gate
from scf.approvals.rules import Loan
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.financing import checks, contracts, desk, offers, permissions, ranking, rules
from scf.financing.models import OVER, Contract, Financing, MoveRefused, RankStep, State
from scf.financing.offers import Offer, Trade
from scf.financing.permissions import Action
from scf.http.auth import Actor
from scf.kernel.clock import business_date, parse_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.pledges import ending
from scf.pledges import service as pledges
from scf.pledges.models import OVER as PLEDGE_OVER
from scf.pledges.models import Pledge
from scf.pledges.models import State as PledgeState
from scf.pledges.service import NotConfirmed, Principal
from scf.programmes.models import MemberRole
from scf.programmes.service import require_allowed, require_member
from scf.receivables import permissions as receivable_permissions
from scf.receivables import service as receivables
from scf.receivables.models import Receivable
from scf.registrations import searching
from scf_ledger.encoding import from_b64url

REPAYMENT = "到期一次还本付息（利随本清）"


class AlreadyRequested(Conflict):
    """One bank is asked once at a time for money on one claim."""

    code = "financing.already_requested"
    title = "已就该应收账款向该银行提出申请"
    title_en = "This bank has been asked for money on this claim"


class PledgeOpen(Conflict):
    """One pledge at a time secures a financing."""

    code = "financing.pledge_open"
    title = "该融资已有进行中的质押"
    title_en = "A pledge for this financing is open"


class PledgeMissing(Conflict):
    """A contract is signed with its pledge, which the bank proposes first."""

    code = "financing.pledge_missing"
    title = "银行尚未发起质押"
    title_en = "The bank has not proposed the pledge yet"


def request(
    session: Session,
    actor: Actor,
    *,
    receivable_id: UUID,
    lender_id: UUID,
    amount: Money,
    days: int,
    now: datetime,
    trade: Trade | None = None,
) -> Financing:
    """Ask one bank of the programme for money on a confirmed claim, and show it the claim.

    Raises SubjectNotFound, `pledge.receivable_not_confirmed`, `programme.not_member`, AlreadyRequested,
    AboveClaim, DaysOutOfRange.
    """

    def require(receivable: Receivable) -> None:
        if receivable.creditor_id != actor.party:
            receivable_permissions.relation(receivable, actor.party)
            raise permissions.ActionNotAllowed(action="request")

    receivable = evidence.lock(session, Receivable, receivable_id, require=require)
    if receivable.confirmed_event_hash is None:
        raise NotConfirmed
    lender = parties.active_party(session, lender_id)
    require_member(session, receivable.programme_id, lender.id, MemberRole.FUNDER)
    rules.check_days(days)
    _check_claim(receivable, amount)
    if _is_open(session, receivable.id, lender.id):
        raise AlreadyRequested
    financing = Financing(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        borrower_id=receivable.creditor_id,
        lender_id=lender.id,
        receivable_id=receivable.id,
        receivable_event=receivable.confirmed_event_hash,
        currency=amount.currency,
        requested_minor=amount.minor,
        requested_days=days,
        trade=None if trade is None else asdict(trade),
        repaid_minor=0,
        state=State.REQUESTED,
        state_since=now,
    )
    session.add(financing)
    session.flush()
    receivables.show_to(receivable, lender.id)
    tell(session, financing, "financing.requested", now=now, actor=actor.party)
    desk.opened(session, financing, now=now)
    return financing


def search(
    session: Session, actor: Actor, financing_id: UUID, *, linked: bool, now: datetime
) -> Financing:
    """Have the register searched for entries against the borrower. Raises MoveRefused, NoLink."""
    financing = lock_for(session, actor, financing_id, Action.SEARCH)
    if financing.state in OVER:
        raise MoveRefused(state=financing.state.value, asked="search")
    borrower_id = financing.borrower_id
    searching.ask_before_lending(
        session, actor, financing_id, borrower_id=borrower_id, linked=linked, now=now
    )
    return financing


def draft_offer(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    offer: Offer,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the contract and the offer over its hash, for the bank's maker and checker to sign.

    Raises MoveRefused, AboveRequested, AboveClaim, `programme.security_not_allowed`, DatesDoNotFit,
    DayCountUnknown, RuleBlocks, and as signing.
    """
    financing = lock_for(session, actor, financing_id, Action.OFFER, expected_version)
    financing.require_move(State.APPROVED)
    receivable = session.get_one(Receivable, financing.receivable_id)
    if offer.amount > financing.requested:
        raise rules.AboveRequested(
            field="amount", requested=financing.requested, asked=offer.amount
        )
    _check_claim(receivable, offer.amount)
    require_allowed(session, receivable.programme_id, offer.security.kind.value)
    checks.check_offer(session, financing, offer.security, now=now)
    due_on = offer.due_on or receivable.due_on
    starts_on = due_on - timedelta(days=offer.days)
    rules.check_dates(days=offer.days, starts_on=starts_on, due_on=due_on, today=business_date(now))
    terms = offers.terms(session, financing, receivable, offer, starts_on=starts_on, due_on=due_on)
    text = contracts.render(terms)
    sha256 = contracts.sha256(text)
    loan = Loan(financing.id, offer.amount, offer.days, offer.rate, due_on, sha256)
    gates.gate(session, loan, Gate.OFFER, now=now)
    session.execute(
        insert(Contract)
        .values(sha256=sha256, financing_id=financing.id, body=text)
        .on_conflict_do_nothing()
    )
    content = {
        "lender": terms.lender.uscc,
        "borrower": terms.borrower.uscc,
        "receivable_event": evidence.hash_text(financing.receivable_event),
        "amount": offer.amount.to_json(),
        "rate": offer.rate,
        "day_count": offer.day_count,
        "days": offer.days,
        "starts_on": starts_on.isoformat(),
        "due_on": due_on.isoformat(),
        "interest": terms.quote.interest.to_json(),
        "repayment": REPAYMENT,
        "contract_sha256": evidence.hash_text(sha256),
        **({"security": offer.security.to_json()} if offer.security.transfers else {}),
    }
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="offer",
        subject=financing,
        prefix="fin",
        content=content,
        amount=offer.amount,
        signers=signers,
        now=now,
    )


def approve(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Financing:
    """Take the bank's signed offer: its terms stand. Raises MoveRefused, RuleBlocks, and as signing."""
    financing = lock_for(session, actor, financing_id, Action.OFFER, expected_version)
    financing.require_move(State.APPROVED)
    act = signing.collect(
        session,
        party=parties.active_party(session, actor.party),
        act="offer",
        subject=financing,
        jws=jws,
        now=now,
    )
    content = act.content
    financing.amount_minor = Money.from_json(content["amount"]).minor
    financing.rate = content["rate"]
    financing.day_count = content["day_count"]
    financing.days = content["days"]
    financing.starts_on = parse_date(content["starts_on"])
    financing.due_on = parse_date(content["due_on"])
    financing.contract_sha256 = from_b64url(content["contract_sha256"])
    financing.security = content.get("security")
    financing.offer_authorizations = act.authorizations
    checks.check_approval(session, financing, now=now)
    ranking.state(session, financing, RankStep.OFFER, now=now)
    desk.offered(session, financing, now=now)
    financing.move(State.APPROVED, now=now)
    tell(
        session,
        financing,
        "financing.approved",
        now=now,
        actor=actor.party,
        authorizations=act.authorizations,
    )
    return financing


def refuse(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    reason: str,
    note: str | None,
    now: datetime,
    expected_version: int | None = None,
) -> Financing:
    """Say no, at the latest before the money is paid; a pledge not yet effective is given up with it.

    An effective pledge is released by its own signed release. Raises ReasonNotAllowed, MoveRefused.
    """
    financing = lock_for(session, actor, financing_id, Action.REFUSE, expected_version)
    text = rules.check_reason(reason, note)
    decline(session, financing, reason=text, now=now, actor=actor.party)
    pledge = _open_pledge(session, financing)
    if pledge is not None and pledge.ending is None and pledge.may_become(PledgeState.CANCELLED):
        ending.begin_ending(session, pledge, reason=text, lapsed=False, now=now, actor=actor.party)
    return financing


def decline(
    session: Session, financing: Financing, *, reason: str, now: datetime, actor: UUID | None
) -> None:
    """Close a locked financing that is not going to happen. Raises MoveRefused."""
    financing.move(State.REFUSED, now=now)
    financing.reason = reason
    tell(session, financing, "financing.refused", now=now, actor=actor)
    desk.finished(session, financing, now=now)


def propose_pledge(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    amount: Money | None,
    now: datetime,
) -> Pledge:
    """Propose the pledge that secures an approved loan: of the whole claim unless `amount` says less.

    Raises MoveRefused, PledgeOpen, and what `scf.pledges.service.propose` raises.
    """
    financing = lock_for(session, actor, financing_id, Action.PROPOSE_PLEDGE)
    financing.require_move(State.CONTRACTED)
    if _open_pledge(session, financing) is not None:
        raise PledgeOpen
    assert financing.contract_sha256 is not None
    assert financing.rate is not None
    assert financing.due_on is not None
    pledge = pledges.propose(
        session,
        parties.active_party(session, actor.party),
        receivables.lock(session, financing.receivable_id),
        principal=Principal(
            financing.contract_sha256, financing.amount, financing.rate, financing.due_on
        ),
        amount=amount,
        security=financing.taken,
        now=now,
    )
    financing.pledge_id = pledge.id
    return pledge


def draft_contract(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the pledge over the contract's hash, for the borrower to sign. Raises PledgeMissing."""
    financing = lock_for(session, actor, financing_id, Action.CONTRACT, expected_version)
    financing.require_move(State.CONTRACTED)
    if financing.pledge_id is None:
        raise PledgeMissing
    return pledges.draft_signature(
        session, actor, financing.pledge_id, signers=signers, origin=origin, now=now
    )


def contract(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Financing:
    """Take the borrower's signature: pledge signed and contract made, in one transaction.

    Raises MoveRefused, PledgeMissing, and as signing.
    """
    financing = lock_for(session, actor, financing_id, Action.CONTRACT, expected_version)
    financing.require_move(State.CONTRACTED)
    if financing.pledge_id is None:
        raise PledgeMissing
    _, act = pledges.sign(session, actor, financing.pledge_id, jws=jws, now=now)
    financing.move(State.CONTRACTED, now=now)
    tell(
        session,
        financing,
        "financing.contracted",
        now=now,
        actor=actor.party,
        authorizations=[*financing.offer_authorizations, *act.authorizations],
    )
    return financing


def tell(
    session: Session,
    financing: Financing,
    type_: str,
    *,
    now: datetime,
    actor: UUID | None,
    authorizations: Sequence[bytes] = (),
    amount: Money | None = None,
    receipt_no: str | None = None,
) -> Event:
    """Append an event of a locked financing; a receipt's carries its own amount and number."""
    sha256 = financing.contract_sha256
    record: dict[str, Any] = {
        "borrower": parties.party(session, financing.borrower_id).uscc,
        "lender": parties.party(session, financing.lender_id).uscc,
        "receivable_event": evidence.hash_text(financing.receivable_event),
        "amount": (amount or financing.amount).to_json(),
        "rate": financing.rate,
        "day_count": financing.day_count,
        "days": financing.requested_days if financing.days is None else financing.days,
        "dates": {
            name: day and day.isoformat()
            for name, day in (
                ("starts_on", financing.starts_on),
                ("due_on", financing.due_on),
                ("disbursed_on", financing.disbursed_on),
                ("repaid_on", financing.repaid_on),
            )
        },
        "reason": financing.reason,
        "contract_sha256": None if sha256 is None else evidence.hash_text(sha256),
        "receipt_no": receipt_no,
    }
    return evidence.append(
        session,
        financing,
        type_,
        record,
        now=now,
        actor=actor,
        parties=financing.parties,
        authorizations=authorizations,
    )


def lock_for(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    action: Action,
    expected_version: int | None = None,
) -> Financing:
    """Return a financing, locked, for an action that this party may take."""
    financing = evidence.lock(
        session,
        Financing,
        financing_id,
        require=lambda found: permissions.require(found, actor.party, action),
    )
    evidence.require_version(financing, expected_version)
    return financing


def _check_claim(receivable: Receivable, amount: Money) -> None:
    left = receivable.money(receivable.confirmed_minor - receivable.paid_minor)
    if amount > left:
        raise rules.AboveClaim(field="amount", asked=amount, claim=left)


def _is_open(session: Session, receivable_id: UUID, lender_id: UUID) -> bool:
    found = session.scalar(
        select(Financing.id).where(
            Financing.receivable_id == receivable_id,
            Financing.lender_id == lender_id,
            Financing.state.not_in(OVER),
        )
    )
    return found is not None


def _open_pledge(session: Session, financing: Financing) -> Pledge | None:
    """Return the financing's pledge, locked, while it can still become anything."""
    if financing.pledge_id is None:
        return None
    pledge = pledges.lock(session, financing.pledge_id)
    return None if pledge.state in PLEDGE_OVER else pledge
