"""Files of a day: made again from the log, each comes to the bytes that its bank was given."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect
from scf.evidence.models import LogHead
from scf.feed import daily
from scf.feed.daily_models import DailyFile

NAME: Final = DailyFile.__tablename__


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Make every file again: they begin with the log and leave out nothing of it. Raises Different."""
    origin = session.scalars(select(LogHead.origin)).one()
    before: DailyFile | None = None
    for made in session.scalars(select(DailyFile).order_by(DailyFile.party_id, DailyFile.day)):
        report.rows[NAME] += 1
        key = f"{codes.get(made.party_id, made.party_id)} {made.day}"
        expect(NAME, key, "party_id", made.party_id in codes, True)
        follows = before is not None and before.party_id == made.party_id
        first = before.last_index + 1 if before is not None and follows else 0
        expect(NAME, key, "first_index", made.first_index, first)
        expect(NAME, key, "content", made.content, daily.made_again(session, made, origin))
        before = made
