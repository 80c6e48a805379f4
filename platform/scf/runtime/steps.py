"""What is done once between the servers' start and our own: `python -m scf.runtime.steps NAME`."""

import sys
from collections.abc import Callable, Mapping

from scf.bootstrap import bootstrap
from scf.migrations import upgrade
from scf.settings import Settings


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    upgrade(settings.database_url)


STEPS: Mapping[str, Callable[[Settings], None]] = {"migrations": migrate, "bootstrap": bootstrap}

if __name__ == "__main__":
    STEPS[sys.argv[1]](Settings.load())
