"""Endpoints of a regulator (监管部门): rules replayed over its district."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import Field

from scf.http.calls import Call, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    DateText,
    Out,
    PageSize,
    PartyId,
    UsccText,
)
from scf.kernel.clock import YEARS, parse_date
from scf.parties import supervision
from scf.parties.models import Party
from scf.parties.supervision import Tally
from scf.rules.book import shipped
from scf.rules.replay import amended

router = APIRouter(tags=["监管 Supervision"])


class TallyOut(Out):
    """What a replay comes to for one enterprise, as the one that owes: evaluations counted, none shown."""

    party: PartyId
    uscc: UsccText
    name: str
    examined: int
    changed: int
    breaks: int = Field(description="将被拒绝的笔数 how many would be refused now and were not")

    @classmethod
    def of(cls, party: Party, tally: Tally) -> Self:
        """Show a tally."""
        return cls(
            party=party.id,
            uscc=party.uscc,
            name=party.name,
            examined=tally.examined,
            changed=tally.changed,
            breaks=tally.breaks,
        )


@query(router, "/v1/rules/{rule_id}/district-replay")
def district_replay(
    call: Call,
    rule_id: str,
    *,
    first_on: DateText,
    last_on: DateText,
    effective_from: DateText | None = None,
    version: Annotated[int | None, Query(ge=1, le=1_000)] = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[TallyOut]:
    """辖区规则回放 A rule's other version over what the enterprises of a district did in a period, in numbers."""
    start = effective_from or parse_date(f"{YEARS.start}-01-01")
    book = amended(shipped(), rule_id, effective_from=start, version=version, parameters={})
    found = supervision.district(
        call.session, call.actor, after=read_cursor("pty", cursor), size=limit
    )
    tallies = supervision.tallies(
        call.session, found, rule_id, book, first_on=first_on, last_on=last_on
    )
    return Page[TallyOut](
        items=[TallyOut.of(one, tallies[one.id]) for one in found],
        next=next_cursor("pty", [one.id for one in found], limit),
    )
