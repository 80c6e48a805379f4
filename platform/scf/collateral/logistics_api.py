"""The endpoint of logistics firms' exposure by role."""

from typing import Self

from fastapi import APIRouter

from scf.collateral import logistics
from scf.http.calls import Call, query
from scf.http.schemas import MoneyOut, Out, PartyId
from scf.transit.rules import RoleKind

router = APIRouter(tags=["collateral 动态质押"])


class LogisticsExposureOut(Out):
    """What a logistics firm's roles of one kind towards one bank come to."""

    firm: PartyId
    bank: PartyId
    kind: RoleKind
    deals: int
    outstanding: MoneyOut
    exposure: MoneyOut

    @classmethod
    def of(cls, one: logistics.Exposure) -> Self:
        """Show one."""
        names = ("firm", "bank", "kind", "deals", "outstanding", "exposure")
        return cls(**{name: getattr(one, name) for name in names})


@query(router, "/v1/logistics-exposures")
def logistics_exposures(call: Call) -> list[LogisticsExposureOut]:
    """物流企业敞口 By logistics firm, bank and role: what the firm stands to lose of the debts that its journeys secure."""
    found = logistics.seen(call.session, call.actor.party)
    return [LogisticsExposureOut.of(one) for one in found]
