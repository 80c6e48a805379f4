"""Who may do what with a consignment: its holder, both keepers, its carrier, the pledgees of its goods."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.transit.models import Consignment


class Relation(StrEnum):
    """What a party is to a consignment; it may be several things."""

    HOLDER = "holder"
    KEEPER = "keeper"
    CARRIER = "carrier"
    DESTINATION = "destination"
    PLEDGEE = "pledgee"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    SIGN = "sign"
    RECEIVE = "receive"
    HAND_OUT = "hand_out"
    REPORT = "report"
    CLEAR = "clear"
    CANCEL = "cancel"
    BILL = "bill"
    CLAIM = "claim"


ALLOWED: Final[Mapping[Action, frozenset[Relation]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Relation),
        Action.SIGN: frozenset(
            {Relation.HOLDER, Relation.PLEDGEE, Relation.KEEPER, Relation.CARRIER}
        ),
        Action.RECEIVE: frozenset({Relation.DESTINATION}),
        Action.HAND_OUT: frozenset({Relation.CARRIER}),
        Action.REPORT: frozenset({Relation.CARRIER}),
        Action.CLEAR: frozenset({Relation.PLEDGEE, Relation.HOLDER}),
        Action.CANCEL: frozenset({Relation.HOLDER}),
        Action.BILL: frozenset({Relation.CARRIER}),
        Action.CLAIM: frozenset({Relation.HOLDER}),
    }
)


class ConsignmentActionNotAllowed(NotAllowed):
    """Each has its own part in a consignment: ordering it, agreeing, handing over, carrying, receiving."""

    code = "consignment.action_not_allowed"
    title = "您在该运单中的角色不能执行此操作"
    title_en = "Your part in this consignment does not allow that"


class BillActionNotAllowed(NotAllowed):
    """Who is owed issues a bill, concedes and withdraws; who owes answers it."""

    code = "freight_bill.action_not_allowed"
    title = "您在该账单中的角色不能执行此操作"
    title_en = "Your side of this bill does not allow that"


def relations(
    consignment: Consignment, party_id: UUID, pledgees: Collection[UUID]
) -> set[Relation]:
    """Return what a party is to a consignment; `pledgees` by its plan, and by now."""
    found = {
        Relation.HOLDER: consignment.holder_id == party_id,
        Relation.KEEPER: consignment.keeper_id == party_id,
        Relation.CARRIER: consignment.carrier_id == party_id,
        Relation.DESTINATION: consignment.destination_id == party_id,
        Relation.PLEDGEE: party_id in pledgees,
    }
    return {relation for relation, holds in found.items() if holds}


def require(
    consignment: Consignment, party_id: UUID, action: Action, pledgees: Collection[UUID]
) -> None:
    """Raise SubjectNotFound for a stranger, ConsignmentActionNotAllowed for who has another part."""
    own = relations(consignment, party_id, pledgees)
    if not own:
        raise SubjectNotFound
    if not own & ALLOWED[action]:
        raise ConsignmentActionNotAllowed(
            action=action.value, relations=sorted(one.value for one in own)
        )
