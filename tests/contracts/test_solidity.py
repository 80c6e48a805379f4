"""The Solidity side: forge's own tests, gas as it was, committed artifacts as the sources give them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORGE = ROOT / "node_modules/.bin/forge"

pytestmark = pytest.mark.skipif(
    not FORGE.exists(), reason="forge is not installed here (Linux on x86-64 only)"
)


def run(*command: str, **environment: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_forge_tests_pass_and_gas_is_as_it_was():
    run(str(FORGE), "test", FORGE_SNAPSHOT_CHECK="true")


def test_the_committed_artifacts_are_what_the_sources_give():
    run(sys.executable, "contracts/build.py", "--check")


def test_solidity_is_formatted_and_lints_clean():
    run(str(FORGE), "fmt", "--check")
    run(str(FORGE), "lint", "contracts/src", "--severity", "high", "med", "low")
