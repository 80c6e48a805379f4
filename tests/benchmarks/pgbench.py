"""PostgreSQL's own load generator, from the same package as the server."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from scf.runtime.programs import postgres_program

THREADS = 2
NUMBER = "\\set i :i + 1\n\\set n :first + :client_id * :each + :i - 1\n"
"""Gives every transaction of a run a number of its own, from `first` on."""


def transactions_per_second(
    database_url: str, script: str, *, clients: int, each: int, first: int
) -> float:
    """Run a script `each` times per client, with prepared statements."""
    url = urlsplit(database_url)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(NUMBER + script, encoding="utf-8")
        variables = {"first": first, "each": each, "i": 0}
        command = [
            postgres_program("pgbench"),
            *("-h", url.hostname or "", "-p", str(url.port), "-U", url.username or ""),
            *("-n", "-M", "prepared", "-c", str(clients), "-j", str(THREADS), "-t", str(each)),
            *(word for name, value in variables.items() for word in ("-D", f"{name}={value}")),
            *("-f", str(file), url.path.removeprefix("/")),
        ]
        environment = {**os.environ, "PGPASSWORD": url.password or ""}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    processed = f"{clients * each}/{clients * each}"
    if found is None or processed not in done.stdout:
        raise AssertionError(done.stderr[-2000:] + done.stdout[-2000:])
    return float(found[1])
