"""Who may do what to a party's affairs: the operator, or the party itself."""

from enum import Enum
from typing import Final
from uuid import UUID

from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor, OperatorOnly


class Action(Enum):
    """What can be asked for."""

    REGISTER = "register"  # parties, people, certificates, mandates, clients, authorities
    READ = "read"
    ROTATE = "rotate"  # a client's secret
    REVOKE = "revoke"  # a certificate, mandate, client or person: a lost key waits for nobody
    ERASE = "erase"  # a person's name
    EXPEL = "expel"  # a party, an authority


class Who(Enum):
    """In whose name a client calls."""

    OPERATOR = "operator"
    OWNER = "owner"


ALLOWED: Final = {
    Action.REGISTER: frozenset({Who.OPERATOR}),
    Action.READ: frozenset({Who.OPERATOR, Who.OWNER}),
    Action.ROTATE: frozenset({Who.OPERATOR, Who.OWNER}),
    Action.REVOKE: frozenset({Who.OPERATOR, Who.OWNER}),
    Action.ERASE: frozenset({Who.OPERATOR, Who.OWNER}),
    Action.EXPEL: frozenset({Who.OPERATOR}),
}


def permit(actor: Actor, action: Action, owner: UUID | None = None) -> None:
    """Raise SubjectNotFound for another party's affairs, OperatorOnly for what is not the owner's."""
    if actor.operator:
        who = Who.OPERATOR
    elif owner is not None and actor.party_id == owner:
        who = Who.OWNER
    elif Who.OWNER in ALLOWED[action]:
        raise SubjectNotFound
    else:
        raise OperatorOnly
    if who not in ALLOWED[action]:
        raise OperatorOnly
