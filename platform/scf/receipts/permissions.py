"""Who may do what with a receipt: its keeper, its holder, and whoever put the goods in."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.receipts.models import WarehouseReceipt


class Relation(StrEnum):
    """What a party is to a receipt."""

    KEEPER = "keeper"
    HOLDER = "holder"
    DEPOSITOR = "depositor"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    WITHDRAW = "withdraw"
    DELIVER = "deliver"
    PLEDGE = "pledge"
    FREEZE = "freeze"
    SETTLE = "settle"
    ENDORSE = "endorse"
    ATTEST = "attest"
    AMEND = "amend"
    DIVIDE = "divide"
    REPORT_LOST = "report_lost"


ALLOWED: Final[Mapping[Action, frozenset[Relation]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Relation),
        Action.WITHDRAW: frozenset({Relation.HOLDER}),
        Action.DELIVER: frozenset({Relation.KEEPER}),
        Action.PLEDGE: frozenset({Relation.HOLDER}),
        Action.FREEZE: frozenset({Relation.KEEPER}),
        Action.SETTLE: frozenset({Relation.HOLDER}),
        Action.ENDORSE: frozenset({Relation.HOLDER}),
        Action.ATTEST: frozenset({Relation.KEEPER}),
        Action.AMEND: frozenset({Relation.KEEPER}),
        Action.DIVIDE: frozenset({Relation.HOLDER}),
        Action.REPORT_LOST: frozenset({Relation.HOLDER}),
    }
)


class ReceiptActionNotAllowed(NotAllowed):
    """The holder disposes of the goods, the keeper hands them over."""

    code = "receipt.action_not_allowed"
    title = "您在该仓单中的角色不能执行此操作"
    title_en = "Your part in this receipt does not allow that"


def require(receipt: WarehouseReceipt, party_id: UUID, action: Action) -> Relation:
    """Return the relation that permits an action. Raises SubjectNotFound, ReceiptActionNotAllowed."""
    relations = {
        receipt.depositor_id: Relation.DEPOSITOR,
        receipt.holder_id: Relation.HOLDER,
        receipt.keeper_id: Relation.KEEPER,
    }
    relation = relations.get(party_id)
    if relation is None:
        raise SubjectNotFound
    if relation not in ALLOWED[action]:
        raise ReceiptActionNotAllowed(action=action.value, relation=relation.value)
    return relation
