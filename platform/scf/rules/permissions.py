"""Who may read what a transition was held to: those it stood between, and the operator."""

from sqlalchemy import ColumnElement, true

from scf.http.auth import Actor
from scf.rules.models import RuleEvaluation


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition of evaluations that a caller may read."""
    return true() if actor.operator else RuleEvaluation.parties.contains([actor.party])
