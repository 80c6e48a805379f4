"""What is asked for and offered, and the terms that a contract takes from it."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.financing import rules
from scf.financing.contracts import Named, Terms
from scf.financing.models import Financing
from scf.kernel.ids import public_id
from scf.kernel.money import Money, parse_rate
from scf.parties import queries as parties
from scf.parties.models import Party
from scf.pledges import queries as pledge_queries
from scf.pledges.kinds import PLEDGE, Security
from scf.receivables.models import Receivable


@dataclass(frozen=True, slots=True)
class Trade:
    """What a borrower declares of the trade behind its claim; bank factoring needs an answer to each."""

    future: bool
    consignment: bool
    title_clear: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What a bank offers. `due_on` None: the day on which the claim is due."""

    amount: Money
    rate: str
    days: int
    day_count: str
    due_on: date | None
    security: Security = PLEDGE


def terms(
    session: Session,
    financing: Financing,
    receivable: Receivable,
    offer: Offer,
    *,
    starts_on: date,
    due_on: date,
) -> Terms:
    """Return everything that the contract of an offer says."""
    return Terms(
        financing=public_id("fin", financing.id),
        lender=_named(parties.party(session, financing.lender_id)),
        borrower=_named(parties.party(session, financing.borrower_id)),
        debtor=_named(parties.party(session, receivable.debtor_id)),
        amount=offer.amount,
        rate=offer.rate,
        day_count=offer.day_count,
        days=offer.days,
        starts_on=starts_on,
        due_on=due_on,
        quote=rules.quote(
            offer.amount, parse_rate(offer.rate), offer.days, day_count=offer.day_count
        ),
        receivable=public_id("rcv", receivable.id),
        receivable_event=evidence.hash_text(financing.receivable_event),
        receivable_confirmed=receivable.confirmed,
        receivable_due_on=receivable.due_on,
        contract_no=receivable.contract_no,
        invoices=[paper.number for paper in pledge_queries.papers(session, receivable.id)],
        pay_to=receivable.pay_to or {},
        security=offer.security,
    )


def _named(party: Party) -> Named:
    return Named(party.name, party.uscc)
