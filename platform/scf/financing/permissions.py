"""Who may do what with a financing: relation x action."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.financing.models import Financing
from scf.kernel.errors import NotAllowed


class Relation(StrEnum):
    """What a party is to a financing."""

    BORROWER = "borrower"
    LENDER = "lender"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    OFFER = "offer"
    REFUSE = "refuse"
    PROPOSE_PLEDGE = "propose_pledge"
    CONTRACT = "contract"
    REPORT_RECEIPT = "report_receipt"
    SEARCH = "search"


_LENDER = frozenset({Relation.LENDER})

ALLOWED: Final[Mapping[Action, frozenset[Relation]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Relation),
        Action.OFFER: _LENDER,
        Action.REFUSE: _LENDER,
        Action.PROPOSE_PLEDGE: _LENDER,
        Action.CONTRACT: frozenset({Relation.BORROWER}),
        Action.REPORT_RECEIPT: _LENDER,
        Action.SEARCH: _LENDER,
    }
)


class ActionNotAllowed(NotAllowed):
    """The borrower asks and signs; the bank offers, refuses and reports money."""

    code = "financing.not_allowed"
    title = "您在该融资中的角色不能执行此操作"
    title_en = "Your part in this financing does not allow that"


def require(financing: Financing, party_id: UUID, action: Action) -> Relation:
    """Return the relation that permits an action. Raises SubjectNotFound, ActionNotAllowed."""
    if party_id == financing.lender_id:
        relation = Relation.LENDER
    elif party_id == financing.borrower_id:
        relation = Relation.BORROWER
    else:
        raise SubjectNotFound
    if relation not in ALLOWED[action]:
        raise ActionNotAllowed(action=action.value, relation=relation.value)
    return relation
