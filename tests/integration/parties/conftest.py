"""Stages and newcomers for the tests of parties."""

from collections.abc import Iterator

import pytest

from tests.support.actors import Stage, set_stage
from tests.support.desk import Desk
from tests.support.parties import ENTERPRISE
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def shared(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage that the tests of a file share."""
    with (
        fresh_database(servers) as database_url,
        set_stage(database_url, tmp_path_factory.mktemp("stage")) as found,
    ):
        yield found


@pytest.fixture
def newcomer(stage):
    """A party registered a moment ago, without people."""
    return stage.post(None, "/v1/parties", ENTERPRISE).json()


@pytest.fixture
def person(stage, newcomer):
    return stage.post(None, f"/v1/parties/{newcomer['id']}/persons", {"name": "王五(示例)"}).json()


@pytest.fixture
def desk(shared):
    with shared.database.transaction() as session:
        yield Desk(session, shared.cast, shared.cast.anchor)
        session.rollback()
