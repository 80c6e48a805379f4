"""One installation on one machine: a supervisor, its children, and where they listen.

    with running(Path(".scf"), SERVICES) as runtime:
        settings = runtime.settings

`scf up`, `scf demo` and the tests all start what they need this way; `services.py` is the table of
what there is to start, `supervisor.py` knows how to keep any such table alive.
"""

from scf.runtime.services import SERVICES
from scf.runtime.session import Runtime, running, running_at, settings_here

__all__ = ["SERVICES", "Runtime", "running", "running_at", "settings_here"]
