"""The proof of a pledge as it stood: the same file that could have been taken away then."""

from uuid import UUID

from sqlalchemy.orm import Session

from scf.feed import folding, reading
from scf.feed.permissions import Action
from scf.feed.reading import Moment
from scf.pledges import proof
from scf.pledges.models import State
from scf.pledges.proof import NotProvable


def prove(session: Session, party_id: UUID, pledge_id: UUID, moment: Moment) -> bytes:
    """Return the proof file of a pledge as it stood at a moment, to one of its parties.

    Raises SubjectNotFound, AheadOfLog, NotYet, NotProvable, `evidence.pending`.
    """
    reading.visible(session, party_id, pledge_id, Action.PROVE_RECORD)
    then = reading.record(session, party_id, pledge_id, moment)
    state, _ = folding.state(then.history)
    if state is not State.EFFECTIVE or folding.lock(then.history) is None:
        raise NotProvable(state=state.value, lock="none")
    up_to = {one.id: one.history.newest.version for one in then.pools}
    up_to[pledge_id] = then.history.newest.version
    return proof.pack(session, then.pledge, up_to=up_to)
