"""Ranks as they are shown: each place, and what every place gets out of a sum."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field
from sqlalchemy.orm import Session

from scf.http.schemas import InstantText, Line, MoneyOut, Out
from scf.kernel.money import AmountInvalid, Money
from scf.parties.queries import party
from scf.pledges import priority
from scf.pledges.priority import ClaimKind, Ranked
from scf.registrations.ranking import Ranking

SUMS_MAX: Final = 10
OTHER: Final = "其他权利人"
Sums = Annotated[list[Line] | None, Query(max_length=SUMS_MAX, examples=[["1000000.00"]])]
"""What the asset might bring, in yuan and fen, repeatable."""


class PlaceOut(Out):
    """One claim in its place. Another's is 其他权利人, with what the register shows of it to anyone.

    A keeper's lien is shown as what it is: whoever looks at the goods finds the keeper.
    """

    rank: int = Field(examples=[1])
    whose: Literal["own", "other", "keeper"]
    name: str = Field(examples=[OTHER])
    kind: ClaimKind | None = Field(description="他人的权利种类不显示 Not shown of another's")
    since: InstantText | None
    reg_no: str | None
    amount: MoneyOut
    amount_assumed: bool = Field(
        description="登记未载明金额，按全额推定 The register shows no amount: taken as the whole"
    )
    secured: bool
    article: str
    reason: str
    reason_en: str

    @classmethod
    def of(cls, one: Ranked, found: Ranking, names: Mapping[UUID, str]) -> Self:
        """Show a place; `names` are those that this viewer may read."""
        about = found.encumbrances[one.claim.ref]
        named = names.get(about.party_id) if about.party_id else None
        return cls(
            rank=one.rank,
            whose=whose(found, one.claim.ref),
            name=named or OTHER,
            kind=one.claim.kind if named else None,
            since=one.since,
            reg_no=about.reg_no,
            amount=one.claim.amount,
            amount_assumed=about.assumed,
            secured=one.secured,
            article=one.article,
            reason=one.reason,
            reason_en=one.reason_en,
        )


class ShareOut(Out):
    """What one place gets out of a sum, and what it lacks."""

    rank: int
    whose: Literal["own", "other", "keeper"]
    gets: MoneyOut
    lacks: MoneyOut


class RecoveryOut(Out):
    """A sum, run through the order to the fen; the surplus is the owner's."""

    total: MoneyOut
    shares: list[ShareOut]
    surplus: MoneyOut

    @classmethod
    def of(cls, found: Ranking, total: Money) -> Self:
        """Run a sum through an order and show it."""
        split = priority.recover(found.ranked, total)
        return cls(
            total=split.total,
            shares=[
                ShareOut(
                    rank=part.rank, whose=whose(found, part.ref), gets=part.gets, lacks=part.lacks
                )
                for part in split.parts
            ],
            surplus=split.surplus,
        )


def whose(found: Ranking, ref: str) -> Literal["own", "other", "keeper"]:
    """Return whose a claim is, as its viewer may know it."""
    if ref == found.own:
        return "own"
    return "keeper" if found.encumbrances[ref].is_lien else "other"


def read_sums(texts: Sequence[str] | None, currency: str) -> list[Money]:
    """Return the sums that were asked about. Raises AmountInvalid, also for one below zero."""
    given = [{"amount": text, "currency": currency} for text in texts or ()]
    sums = [Money.from_json(one, field="sum") for one in given]
    for total in sums:
        if total.minor < 0:
            raise AmountInvalid(field="sum", amount=total.text)
    return sums


def names(session: Session, found: Ranking, viewer: UUID) -> dict[UUID, str]:
    """Return the names that the viewer may read: a bank its own and the keeper's, the owner all it deals with."""
    known = [one for one in found.encumbrances.values() if one.party_id is not None]
    own = found.encumbrances[found.own].party_id if found.own else viewer
    readable = {
        one.party_id for one in known if viewer != own or one.party_id == own or one.is_lien
    }
    return {one: party(session, one).name for one in readable if one is not None}
