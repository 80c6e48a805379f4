"""Who may do what with a pledge: relation x action."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.pledges.models import Pledge


class Relation(StrEnum):
    """What a party is to a pledge."""

    PLEDGOR = "pledgor"
    PLEDGEE = "pledgee"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    SIGN = "sign"
    ACCEPT = "accept"
    GIVE_UP = "give_up"
    SEARCH = "search"
    CALL_RECOURSE = "call_recourse"
    RELEASE = "release"
    CANCEL_REGISTRATION = "cancel_registration"
    KEEP_REGISTRATION = "keep_registration"


_BOTH = frozenset(Relation)
_PLEDGOR = frozenset({Relation.PLEDGOR})
_PLEDGEE = frozenset({Relation.PLEDGEE})

ALLOWED: Final[Mapping[Action, frozenset[Relation]]] = MappingProxyType(
    {
        Action.VIEW: _BOTH,
        Action.SIGN: _PLEDGOR,
        Action.ACCEPT: _PLEDGEE,
        Action.GIVE_UP: _PLEDGEE,
        Action.SEARCH: _PLEDGEE,
        Action.CALL_RECOURSE: _PLEDGEE,
        Action.RELEASE: _PLEDGEE,
        Action.CANCEL_REGISTRATION: _PLEDGEE,
        Action.KEEP_REGISTRATION: _PLEDGEE,
    }
)


class ActionNotAllowed(NotAllowed):
    """The pledgor signs; everything else is the pledgee's."""

    code = "pledge.not_allowed"
    title = "您在该质押中的角色不能执行此操作"
    title_en = "Your part in this pledge does not allow that"


def require(pledge: Pledge, party_id: UUID, action: Action) -> Relation:
    """Return the relation that permits an action. Raises SubjectNotFound, ActionNotAllowed."""
    if party_id == pledge.pledgee_id:
        relation = Relation.PLEDGEE
    elif party_id == pledge.pledgor_id:
        relation = Relation.PLEDGOR
    else:
        raise SubjectNotFound
    if relation not in ALLOWED[action]:
        raise ActionNotAllowed(action=action.value, relation=relation.value)
    return relation
