"""What is done between the servers' start and our own: `python -m scf.runtime.prepare`.

The schema, then keys, contracts and the operator's client; in one process, because importing what
both need takes longer than doing it. Every start runs it again and changes nothing that is there.
"""

from scf.bootstrap import bootstrap
from scf.migrations import upgrade
from scf.settings import Settings


def prepare(settings: Settings) -> None:
    """Bring an installation up to date. Raises what migrations and bootstrap raise."""
    upgrade(settings.database_url)
    bootstrap(settings)


if __name__ == "__main__":
    prepare(Settings.load())
