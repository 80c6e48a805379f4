"""Who may do what with a request for confirmation: creditor, debtor, operator."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from scf.confirmations.models import ConfirmationRequest
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import NotAllowed


class Side(StrEnum):
    """What a caller is to a request."""

    CREDITOR = "creditor"
    DEBTOR = "debtor"
    OPERATOR = "operator"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    WITHDRAW = "withdraw"
    ESCALATE = "escalate"
    DELIVER = "deliver"
    READ = "read"
    CONTEST = "contest"
    DECIDE = "decide"


ALLOWED: Final[Mapping[Action, frozenset[Side]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Side),
        Action.WITHDRAW: frozenset({Side.CREDITOR}),
        Action.ESCALATE: frozenset({Side.CREDITOR}),
        Action.DELIVER: frozenset({Side.DEBTOR}),
        Action.READ: frozenset({Side.DEBTOR}),
        Action.CONTEST: frozenset({Side.DEBTOR}),
        Action.DECIDE: frozenset({Side.OPERATOR}),
    }
)


class RequestActionNotAllowed(NotAllowed):
    """Each side of a request has its own part in it."""

    code = "confirmation.not_allowed"
    title = "您在该确权请求中的角色不能执行此操作"
    title_en = "Your part in this request does not allow that"


def side_of(request: ConfirmationRequest, actor: Actor) -> Side:
    """Return what a caller is to a request. Raises SubjectNotFound to strangers."""
    if actor.operator:
        return Side.OPERATOR
    if actor.party_id == request.creditor_id:
        return Side.CREDITOR
    if actor.party_id == request.debtor_id:
        return Side.DEBTOR
    raise SubjectNotFound


def require(request: ConfirmationRequest, actor: Actor, action: Action) -> Side:
    """Return the side that permits an action. Raises SubjectNotFound, RequestActionNotAllowed."""
    side = side_of(request, actor)
    if side not in ALLOWED[action]:
        raise RequestActionNotAllowed(action=action.value, side=side.value)
    return side
