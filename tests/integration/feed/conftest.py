"""One desk with a log for all tests of the feed: each works with receivables of its own."""

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from scf.evidence import keys
from scf.evidence.sequencing import open_log
from scf.parties import certification
from scf_ledger.note import Signer
from tests.support.actors import STORY_BEGINS
from tests.support.lending import Desk, lending_desk
from tests.support.log import sequence_all
from tests.support.services import Servers, fresh_database

HOURS = itertools.count(1)


@pytest.fixture(scope="package")
def desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The real API, register and token service, with the cast in place."""
    folder = tmp_path_factory.mktemp("feed")
    with fresh_database(servers) as database_url, lending_desk(database_url, folder) as found:
        app = found.stage.http.app
        app.state.settings = app.state.settings.model_copy(update={"webhooks_loopback": True})
        keys.make_feed_keys(app.state.settings)
        yield found


@pytest.fixture(scope="package")
def signer(desk: Desk) -> Signer:
    """The key of the log, which is opened with it."""
    made = Signer.generate("test.example/log")
    with desk.stage.database.transaction() as session:
        open_log(session, made, now=desk.stage.clock.real())
    return made


@pytest.fixture
def publish(desk: Desk, signer: Signer) -> Callable[[], None]:
    """Sequence what waits; take in the authorities' revocation lists of a later hour."""

    def publish() -> None:
        cast, at = desk.stage.cast, STORY_BEGINS + timedelta(hours=next(HOURS))
        with desk.stage.database.transaction() as session:
            for scope, authority in cast.authorities.items():
                certification.receive_revocations(
                    session, cast.authority_ids[scope], der=authority.crl(at=at), now=at
                )
        sequence_all(desk.stage.settings.database_url, signer)

    return publish
