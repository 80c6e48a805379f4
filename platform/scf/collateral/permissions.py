"""Who may do what with a control agreement: the bank leads, pledgor and supervisor sign and see."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_

from scf.collateral.models import ControlAgreement
from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed


class Side(StrEnum):
    """What a party is to an agreement."""

    PLEDGOR = "pledgor"
    PLEDGEE = "pledgee"
    SUPERVISOR = "supervisor"


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    SIGN = "sign"
    LEAD = "lead"  # cover, state the debt, mark, dispose, end
    INSURE = "insure"


ALLOWED: Final[Mapping[Action, frozenset[Side]]] = MappingProxyType(
    {
        Action.VIEW: frozenset(Side),
        Action.SIGN: frozenset(Side),
        Action.LEAD: frozenset({Side.PLEDGEE}),
        Action.INSURE: frozenset({Side.PLEDGEE, Side.PLEDGOR}),
    }
)


class ControlActionNotAllowed(NotAllowed):
    """The pledgee leads an agreement; the pledgor may add insurance beside."""

    code = "collateral.action_not_allowed"
    title = "您在该监管协议中的角色不能执行此操作"
    title_en = "Your part in this agreement does not allow that"


def is_party(party_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a party is in an agreement."""
    return or_(
        ControlAgreement.pledgor_id == party_id,
        ControlAgreement.pledgee_id == party_id,
        ControlAgreement.supervisor_id == party_id,
    )


def require(agreement: ControlAgreement, party_id: UUID, action: Action) -> Side:
    """Return the side that permits an action. Raises SubjectNotFound, ControlActionNotAllowed."""
    sides = {
        agreement.pledgor_id: Side.PLEDGOR,
        agreement.pledgee_id: Side.PLEDGEE,
        agreement.supervisor_id: Side.SUPERVISOR,
    }
    side = sides.get(party_id)
    if side is None:
        raise SubjectNotFound
    if side not in ALLOWED[action]:
        raise ControlActionNotAllowed(action=action.value, side=side.value)
    return side
