"""One whole business on real servers, for the tests of this folder: played once, then only read."""

from collections.abc import Iterator

import pytest

from scf.bootstrap import bootstrap
from scf.db.outbox import EffectContext
from scf.evidence import keys, queries
from scf.evidence.contracts import make_sender
from tests.support.actors import Stage, set_stage
from tests.support.audit import World, play
from tests.support.lending import Desk, token_service
from tests.support.registry import RegistryProcess
from tests.support.services import Servers, fresh_database
from tests.support.status import status_service


@pytest.fixture(scope="module")
def world(
    servers: Servers, chain_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Two loans, one repaid; a dispute, a refusal, a credit note: every audited table has rows."""
    folder = tmp_path_factory.mktemp("world")
    with fresh_database(servers) as url, set_stage(url, folder) as stage:
        settings = stage.settings.model_copy(update={"chain_rpc_url": chain_url})
        bootstrap(settings)
        assert (settings.secrets / keys.TOKEN_BEARER).exists()
        with stage.database.reading() as session:
            home = queries.chain_home(session)
        assert home is not None
        registry = RegistryProcess(folder, business_clock=settings.business_clock)
        try:
            tokens = settings.data / "tokens"
            with (
                token_service(tokens, contract=home.registry_address) as tokens_url,
                status_service(folder) as status,
            ):
                update = {
                    "registry_url": registry.url,
                    "token_service_url": tokens_url,
                    "invoice_status_url": status.url,
                }
                settings = settings.model_copy(update=update)
                desk = Desk(
                    Stage(stage.http, stage.cast, stage.database, settings),
                    registry,
                    EffectContext(stage.database, settings, settings.clock),
                    status,
                )
                found = World(desk, make_sender(settings, stage.database), keys.log_key(settings))
                play(found)
                yield found
        finally:
            registry.kill()
