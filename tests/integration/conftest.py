"""Fixtures of tests on real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.actors import Stage, set_stage


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    """The real application with the cast in place, on a database of the test's own."""
    with set_stage(database_url, tmp_path) as found:
        yield found
