"""One desk for the tests of a file: each works with a receivable of its own."""

from collections.abc import Iterator

import pytest

from scf.evidence.sequencing import open_log
from scf_ledger.note import Signer
from tests.support.actors import STORY_BEGINS
from tests.support.lending import Desk, lending_desk
from tests.support.pledging import ORIGIN
from tests.support.services import Servers, fresh_database
from tests.support.warehouse import Yard, open_yard


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def signer(open_desk: Desk) -> Signer:
    """The key of the log, which is opened with it."""
    made = Signer.generate(ORIGIN)
    with open_desk.stage.database.transaction() as session:
        open_log(session, made, now=open_desk.stage.clock.real())
    return made


@pytest.fixture(scope="module")
def yard(open_desk: Desk) -> Yard:
    return open_yard(open_desk.stage)
