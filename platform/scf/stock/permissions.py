"""Who may do what with a lot: its keeper, its supervisor, its depositor."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.stock.models import Lot


class Relation(StrEnum):
    """What a party is to a lot."""

    KEEPER = "keeper"
    SUPERVISOR = "supervisor"
    DEPOSITOR = "depositor"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    ADD_PAPER = "add_paper"
    STORE = "store"
    TURN_AWAY = "turn_away"
    TELL_LOSS = "tell_loss"


ALLOWED: Final[Mapping[Action, frozenset[Relation]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Relation),
        Action.ADD_PAPER: frozenset(Relation),
        Action.STORE: frozenset({Relation.KEEPER}),
        Action.TURN_AWAY: frozenset({Relation.KEEPER}),
        Action.TELL_LOSS: frozenset({Relation.KEEPER, Relation.SUPERVISOR}),
    }
)


class LotActionNotAllowed(NotAllowed):
    """The keeper stores and turns away; of losses keeper and supervisor tell."""

    code = "lot.action_not_allowed"
    title = "您在该批货物中的角色不能执行此操作"
    title_en = "Your part in these goods does not allow that"


def require(lot: Lot, party_id: UUID, action: Action) -> Relation:
    """Return the relation that permits an action. Raises SubjectNotFound, LotActionNotAllowed."""
    relations = {
        lot.depositor_id: Relation.DEPOSITOR,
        lot.supervisor_id: Relation.SUPERVISOR,
        lot.keeper_id: Relation.KEEPER,
    }
    relation = relations.get(party_id)
    if relation is None:
        raise SubjectNotFound
    if relation not in ALLOWED[action]:
        raise LotActionNotAllowed(action=action.value, relation=relation.value)
    return relation
