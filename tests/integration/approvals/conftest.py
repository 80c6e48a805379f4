"""One desk for the tests of this folder: each works with a receivable and a policy of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from scf.parties.models import Role
from tests.support.actors import STORY_BEGINS, Hand
from tests.support.approving import hire
from tests.support.lending import Desk, lending_desk
from tests.support.services import Servers, fresh_database

NUMBERS = count(1)


@pytest.fixture(scope="package")
def open_desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The real API, register and token service, with the cast in place."""
    folder = tmp_path_factory.mktemp("desk")
    with fresh_database(servers) as database_url, lending_desk(database_url, folder) as found:
        yield found


@pytest.fixture
def desk(open_desk: Desk) -> Desk:
    """The desk on the story's first day."""
    open_desk.stage.clock.set(STORY_BEGINS)
    return open_desk


@pytest.fixture(scope="package")
def people(open_desk: Desk) -> list[Hand]:
    """Four more who may review, decide and vote."""
    return [hire(open_desk.stage, f"member-{number}", [Role.CHECKER]) for number in range(4)]


@pytest.fixture
def receivable(desk: Desk) -> str:
    """A confirmed claim that no other test uses."""
    return desk.receivable(next(NUMBERS))
