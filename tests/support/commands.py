"""Commands given to the services themselves: done, or refused with every row as it was."""

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from scf.capacity.models import Pool, PoolEntry
from scf.kernel.errors import Refused
from scf.parties.schemas import DraftOut, SignerIn
from tests.support.actors import Company, Stage

ORIGIN = "test.example/log"
TABLES = (
    *("lots", "lot_changes", "warehouse_receipts", "receipt_lots", "receipt_endorsements"),
    *("receipt_restraints", "receipt_divisions", "receipt_withdrawals", "pools", "pool_entries"),
    *("conversion_edges", "pledges", "notices", "statements", "outbox"),
)
"""What a refused command leaves as it is, to the last column."""
Work = Callable[[Session, datetime], Any]


class Commands:
    """What a machine of random commands does them with."""

    stage: Stage

    def done(self, work: Work) -> Any:
        """Do it in a transaction; it must not be refused."""
        with self.stage.database.transaction() as session:
            return work(session, self.stage.clock.now())

    def refused(self, work: Work, codes: set[str]) -> None:
        """It must be refused, for such a reason, and leave every row as it was."""
        before = self.rows()
        with pytest.raises(Refused) as refused:
            self.done(work)
        assert refused.value.code in codes
        assert self.rows() == before

    def rows(self) -> list[Any]:
        of = " UNION ALL ".join(
            f"SELECT '{name}', count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {name} t"
            for name in (*TABLES, "events")
        )
        with self.stage.database.reading() as session:
            return sorted(map(tuple, session.execute(text(of)).all()))

    def signers(self, who: Company, act: str) -> list[SignerIn]:
        return [SignerIn.model_validate(signer) for signer in who.signers(act)]

    def signed(
        self,
        who: Company,
        act: str,
        draft: Callable[..., Any],
        collect: Callable[..., Any],
        codes: set[str] = frozenset(),  # type: ignore[assignment]  # read only
    ) -> Any:
        """Draft, sign, hand back; None where it was refused, as `codes` foresaw."""

        def whole(session: Session, now: datetime) -> Any:
            drafted = draft(
                session, who.actor, signers=self.signers(who, act), origin=ORIGIN, now=now
            )
            jws = who.sign_all(DraftOut.of(drafted).model_dump(mode="json"))
            return collect(session, who.actor, jws=jws, now=now)

        if codes:
            return self.refused(whole, codes)
        return self.done(whole)

    def sums(self, session: Session, pool_id: UUID) -> tuple[int, int, int]:
        """What a pool says, which is what its entries come to."""
        pool = session.get_one(Pool, pool_id)
        confirmed, used, last = session.execute(
            select(
                func.sum(PoolEntry.confirmed_delta_minor),
                func.sum(PoolEntry.used_delta_minor),
                func.max(PoolEntry.version),
            ).where(PoolEntry.pool_id == pool_id)
        ).one()
        assert (confirmed, used, last) == (pool.confirmed_minor, pool.used_minor, pool.version)
        return pool.confirmed_minor, pool.used_minor, pool.free_minor


def run_random(machine: Callable[[], RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Run so many lives of a machine, the same each time; EXAMPLES asks for other and more ones."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("EXAMPLES", examples)),
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize="EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
