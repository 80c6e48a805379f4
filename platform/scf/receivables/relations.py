"""What is known of the two sides of a claim, and of their other dealings: related, listed, sizes, set-off, bans.

Parties are held to be related where their legal representatives bear the same name. That is a hint and no
proof: two people may share a name. Shareholdings are not on file here, and not covered.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties.models import Party
from scf.receivables import block_list
from scf.receivables.models import GIVEN_UP, Receivable, State
from scf.rules.predicates import LARGE, PUBLIC_BODY, SMES

Found = tuple[str, dict[str, Any]]
"""The code of a finding, and its figures."""
Sides = tuple[UUID, UUID]
"""Creditor and debtor."""
_SETTLED: Final = (*GIVEN_UP, State.PAID)


@dataclass(slots=True)
class Dealings:
    """What else stands between a creditor and its debtor, by receivable or by currency."""

    banned: dict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    """Contract -> confirmed receivables whose debtor said that it bans assignment."""
    counterclaims: dict[UUID, Money] = field(default_factory=dict)
    """Receivable -> what its debtor said it may set off."""
    owed_back: dict[str, Money] = field(default_factory=dict)
    """Currency -> what the creditor owes the debtor under receivables of its own."""


def findings(
    session: Session, receivables: Sequence[Receivable], sides: Mapping[UUID, Party]
) -> dict[UUID, list[Found]]:
    """Return by claim what is to be looked at."""
    pairs = {(one.creditor_id, one.debtor_id) for one in receivables}
    blocks = block_list.listed(session, {debtor for _, debtor in pairs})
    representatives = parties.legal_representatives(
        session, {one for pair in pairs for one in pair}
    )
    dealings = _dealings(session, pairs)
    found = {}
    for one in receivables:
        pair = (one.creditor_id, one.debtor_id)
        own = found[one.id] = _sizes(sides[one.creditor_id], sides[one.debtor_id])
        if related(*(representatives.get(party_id) for party_id in pair)):
            own.append(("parties.related", {"by": "legal_representative"}))
        if block := blocks.get(one.debtor_id):
            own.append(("debtor.blocked", {"source": block.source, "reason": block.reason}))
        own += _between(one, dealings[pair])
    return found


def related(one: str | None, other: str | None) -> bool:
    """Say whether two legal representatives bear one name; unknown ones are not compared."""
    return bool(one and other) and _plain(one or "") == _plain(other or "")


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _sizes(creditor: Party, debtor: Party) -> list[Found]:
    """Say where 保障中小企业款项支付条例 (国务院令第802号) art. 3 does not reach, by sizes as registered."""
    obliged, protected = debtor.size_class, creditor.size_class
    if obliged in (LARGE, PUBLIC_BODY) and protected in SMES:
        return []
    return [("parties.sizes", {"debtor_size": obliged, "creditor_size": protected})]


def _between(receivable: Receivable, dealings: Dealings) -> list[Found]:
    found: list[Found] = []
    banned = [
        one for one in dealings.banned.get(receivable.contract_no or "", ()) if one != receivable.id
    ]
    if banned:
        found.append(("contract.assignment_banned", {"contract_no": receivable.contract_no}))
    claims = [
        amount
        for identity, amount in dealings.counterclaims.items()
        if identity != receivable.id and amount.currency == receivable.currency
    ]
    owed_back = dealings.owed_back.get(receivable.currency)
    if claims or owed_back:
        figures = {
            "counterclaims": receivable.money(sum(one.minor for one in claims)).to_json(),
            "owed_back": (owed_back or receivable.money(0)).to_json(),
        }
        found.append(("setoff.open", figures))
    return found


def _dealings(session: Session, pairs: set[Sides]) -> Mapping[Sides, Dealings]:
    found: dict[Sides, Dealings] = defaultdict(Dealings)
    sides = tuple_(Receivable.creditor_id, Receivable.debtor_id)
    said = session.scalars(
        select(Receivable).where(
            sides.in_(pairs),
            Receivable.state.not_in(_SETTLED),
            Receivable.assignment_banned.is_(True)
            | (func.jsonb_array_length(Receivable.counterclaims) > 0),
        )
    )
    for one in said:
        own = found[one.creditor_id, one.debtor_id]
        if one.assignment_banned and one.contract_no:
            own.banned[one.contract_no].append(one.id)
        if one.counterclaims:
            own.counterclaims[one.id] = one.confirmed - one.free_of_defence
    owed = func.sum(
        func.greatest(Receivable.confirmed_minor, Receivable.claimed_minor) - Receivable.paid_minor
    )
    rows = session.execute(
        select(Receivable.debtor_id, Receivable.creditor_id, Receivable.currency, owed)
        .where(
            tuple_(Receivable.debtor_id, Receivable.creditor_id).in_(pairs),
            Receivable.state.not_in(_SETTLED),
        )
        .group_by(Receivable.debtor_id, Receivable.creditor_id, Receivable.currency)
    )
    for creditor_id, debtor_id, currency, minor in rows:
        found[creditor_id, debtor_id].owed_back[currency] = Money(int(minor), currency)
    return found
