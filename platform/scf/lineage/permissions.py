"""Who may do what with an order or goods: seller and buyer see them, the buyer speaks for them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.lineage.models import StageKind, TradeStage


class Side(StrEnum):
    """What a party is to a stage."""

    SELLER = "seller"
    BUYER = "buyer"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    LOSE = "lose"
    PLEDGE = "pledge"


ALLOWED: Final[Mapping[Action, frozenset[Side]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Side),
        Action.CONFIRM: frozenset({Side.BUYER}),
        Action.CANCEL: frozenset({Side.BUYER}),
        Action.LOSE: frozenset(Side),
        Action.PLEDGE: frozenset({Side.SELLER}),
    }
)


class StageActionNotAllowed(NotAllowed):
    """The buyer confirms and cancels, the seller pledges; of lost goods either side tells."""

    code = "stage.action_not_allowed"
    title = "您在该订单或货物中的角色不能执行此操作"
    title_en = "Your part in this order or these goods does not allow that"


def reduction(stage: TradeStage) -> Action:
    """Return what a reduction is: of an order its cancellation, of goods their loss."""
    return Action.CANCEL if stage.kind is StageKind.ORDER else Action.LOSE


def require(stage: TradeStage, party_id: UUID, action: Action) -> Side:
    """Return the side that permits an action. Raises SubjectNotFound, StageActionNotAllowed."""
    sides = {stage.seller_id: Side.SELLER, stage.buyer_id: Side.BUYER}
    side = sides.get(party_id)
    if side is None:
        raise SubjectNotFound
    if side not in ALLOWED[action]:
        raise StageActionNotAllowed(action=action.value, side=side.value)
    return side
