"""HOLD, COMMIT, RELEASE: one value, also for banks that never join."""

from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import select

from scf.blind.models import BlindToken
from scf.capacity.models import Pool
from scf.kernel.ids import parse_id
from tests.support.actors import Stage
from tests.support.blind import Outsider, learn, pass_time, token_of
from tests.support.lineage import Chain
from tests.support.receivables import confirm, identity, line, register_invoice

PAPERS = count(1)


@pytest.fixture
def token() -> bytes:
    """Of a paper that nobody registered here."""
    return token_of(f"unknown {next(PAPERS)}")


def own_pool(stage: Stage, token: bytes) -> tuple[int, int]:
    """Confirmed and used of the pool that a token has of its own."""
    with stage.database.reading() as session:
        row = session.scalars(
            select(Pool)
            .join(BlindToken, BlindToken.pool_id == Pool.id)
            .where(BlindToken.token == token)
        ).one()
        return row.confirmed_minor, row.used_minor


def claim(stage: Stage, documents: list[str], total: str) -> UUID:
    """Submit and confirm a line over documents; return its pool."""
    answer = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, documents))
    assert answer.status_code == 201, answer.text
    confirmed = confirm(stage, answer.json()["id"], total)
    assert confirmed.status_code == 200, confirmed.text
    return parse_id("cap", confirmed.json()["pool"])


class TestUnknownPaper:
    def test_g13_the_second_bank_hears_over_capacity_and_nothing_else(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        first, second = banks
        assert first.hold(token, "60.00")["answer"] == "OK"

        assert second.hold(token, "60.00") == {"answer": "OVER_CAPACITY", "hold": None}
        assert second.hold(token, "40.00")["answer"] == "OK"
        assert own_pool(stage, token) == (10_000, 10_000)
