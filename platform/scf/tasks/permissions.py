"""Who sees a task: its owner, and the operator, who sees that it is there."""

from sqlalchemy import ColumnElement, true

from scf.http.auth import Actor
from scf.tasks.models import Task


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a caller's tasks fulfil."""
    return true() if actor.operator else Task.party_id == actor.party
