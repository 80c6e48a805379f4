"""Who may see and steer a job: the party that it is for; the operator sees all of them."""

from sqlalchemy import ColumnElement, true

from scf.http.auth import Actor
from scf.jobs.models import Job


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition of jobs that a caller may see."""
    return true() if actor.operator else Job.party_id == actor.party
