"""Who may do what with a pledge's records, a webhook and a daily file: relation x action."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed
from scf.pledges.models import Pledge


class Relation(StrEnum):
    """What a party is to the thing: its pledgee, its pledgor, or the one whom it was made for."""

    PLEDGEE = "pledgee"
    PLEDGOR = "pledgor"
    OWNER = "owner"


class Action(StrEnum):
    """What can be asked for."""

    LIST_RECORDS = "list_records"
    VIEW_RECORD = "view_record"
    PROVE_RECORD = "prove_record"
    KEEP_WEBHOOKS = "keep_webhooks"
    READ_DAILY_FILES = "read_daily_files"


ALLOWED: Final[Mapping[Action, frozenset[Relation]]] = MappingProxyType(
    {
        Action.LIST_RECORDS: frozenset({Relation.PLEDGEE}),
        Action.VIEW_RECORD: frozenset({Relation.PLEDGEE, Relation.PLEDGOR}),
        Action.PROVE_RECORD: frozenset({Relation.PLEDGEE, Relation.PLEDGOR}),
        Action.KEEP_WEBHOOKS: frozenset({Relation.OWNER}),
        Action.READ_DAILY_FILES: frozenset({Relation.OWNER}),
    }
)


class RecordNotAllowed(NotAllowed):
    """The records of a pledge are its parties'."""

    code = "feed.not_allowed"
    title = "您在该质押中的角色不能执行此操作"
    title_en = "Your part in this pledge does not allow that"


def relation(pledge: Pledge, party_id: UUID) -> Relation:
    """Return what a party is to a pledge. Raises SubjectNotFound for a stranger."""
    if party_id == pledge.pledgee_id:
        return Relation.PLEDGEE
    if party_id == pledge.pledgor_id:
        return Relation.PLEDGOR
    raise SubjectNotFound


def require(pledge: Pledge, party_id: UUID, action: Action) -> Relation:
    """Return the relation that permits an action. Raises SubjectNotFound, RecordNotAllowed."""
    found = relation(pledge, party_id)
    if found not in ALLOWED[action]:
        raise RecordNotAllowed(action=action.value, relation=found.value)
    return found


def require_owner(owner_id: UUID, party_id: UUID) -> None:
    """Raise SubjectNotFound for anybody but the owner: another's is not there."""
    if party_id != owner_id:
        raise SubjectNotFound
