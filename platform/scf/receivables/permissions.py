"""Who may do what with a receivable: relation x action."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.receivables.models import Receivable


class Relation(StrEnum):
    """What a party is to a receivable."""

    CREDITOR = "creditor"
    DEBTOR = "debtor"
    BANK = "bank"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    LOOK = "look"
    CONFIRM = "confirm"
    DISPUTE = "dispute"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    REPORT_PAYMENT = "report_payment"


ALLOWED: Final[Mapping[Action, frozenset[Relation]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Relation),
        Action.LOOK: frozenset({Relation.CREDITOR, Relation.DEBTOR}),
        Action.CONFIRM: frozenset({Relation.DEBTOR}),
        Action.DISPUTE: frozenset({Relation.DEBTOR}),
        Action.REJECT: frozenset({Relation.DEBTOR}),
        Action.WITHDRAW: frozenset({Relation.CREDITOR}),
        Action.REPORT_PAYMENT: frozenset({Relation.BANK}),
    }
)


class ActionNotAllowed(NotAllowed):
    """Each party to a receivable has its own part in it."""

    code = "receivable.not_allowed"
    title = "您在该应收账款中的角色不能执行此操作"
    title_en = "Your part in this receivable does not allow that"


def relation(receivable: Receivable, party_id: UUID) -> Relation:
    """Return what a party is to a receivable. Raises SubjectNotFound to strangers."""
    if party_id == receivable.creditor_id:
        return Relation.CREDITOR
    if party_id == receivable.debtor_id:
        return Relation.DEBTOR
    if party_id in receivable.viewers:
        return Relation.BANK
    raise SubjectNotFound


def require(receivable: Receivable, party_id: UUID, action: Action) -> Relation:
    """Return the relation that permits an action. Raises SubjectNotFound, ActionNotAllowed."""
    found = relation(receivable, party_id)
    if found not in ALLOWED[action]:
        raise ActionNotAllowed(action=action.value, relation=found.value)
    return found
