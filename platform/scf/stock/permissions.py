"""Who may do what with a lot: its keeper, its supervisor, its depositor."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.stock.models import Lot, PaperKind


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
    """The keeper stores and turns away; of losses, and of what lies there from day to day, keeper and supervisor tell."""

    code = "lot.action_not_allowed"
    title = "您在该批货物中的角色不能执行此操作"
    title_en = "Your part in these goods does not allow that"


DEPOSITORS: Final = frozenset({PaperKind.WEIGHING, PaperKind.TALLY, PaperKind.ASSAY})
"""What a depositor hands in. What lies there later is not its to say: it may have passed the receipt on long ago."""


def require_kind(lot: Lot, party_id: UUID, kind: PaperKind) -> None:
    """Raise LotActionNotAllowed for a kind of paper that this party of a lot hands in none of."""
    if party_id == lot.depositor_id and kind not in DEPOSITORS:
        raise LotActionNotAllowed(
            field="kind", action=Action.ADD_PAPER.value, relation=Relation.DEPOSITOR.value
        )


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
