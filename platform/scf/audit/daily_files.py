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
        if before is not None and before.party_id != made.party_id:
            before = None
        expect(NAME, key, "first_index", made.first_index, daily.next_index(before))
        again = daily.build(
            session,
            made.party_id,
            codes[made.party_id],
            origin,
            day=made.day,
            first=made.first_index,
            last=made.last_index,
            opening=daily.carried_over(before),
        )
        expect(NAME, key, "content", made.content, again)
        before = made
