"""One stage and two outside banks for all tests of a module; each test brings its own papers."""

from collections.abc import Iterator

import pytest

from tests.support.actors import Stage, set_stage
from tests.support.blind import CODES, Outsider, outsider
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found


@pytest.fixture(scope="module")
def banks(stage: Stage) -> list[Outsider]:
    return [outsider(stage, number, code=code) for number, code in enumerate(CODES, 1)]
