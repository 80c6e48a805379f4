"""What a process loads before it does anything: libraries of which it has no use make every start slow."""

import subprocess
import sys

import pytest

CHAIN = {"web3", "eth_account", "py_ecc"}
PLATFORM = {"sqlalchemy", "psycopg", "fastapi", "lxml", "celery", "scf.documents.parsing"}


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("scf.cli.call", CHAIN | PLATFORM),
        ("scf.main", CHAIN),
        ("scf_workers.sequencer", CHAIN),
    ],
)
def test_it_starts_without(module, without):
    code = f"import sys, {module}; print(*sorted({without!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "module",
    [
        "scf.main",
        "scf_workers.app",
        "scf_workers.sequencer",
        "scf_workers.webhooks",
        "scf.cli.feed",
    ],
)
def test_whatever_it_maps_it_can_write(module):
    """A process that knows half of the tables reads, and fails at the first change it flushes."""
    code = f"import {module}; from scf.db.base import Base; print(len(Base.metadata.sorted_tables))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[-300:]) == (0, "")
