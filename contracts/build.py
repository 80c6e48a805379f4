# ruff: noqa: INP001 - a script beside the sources that it compiles
"""Compile the contracts and keep the result beside the code that uses it.

``python contracts/build.py`` writes ABI and creation code of each deployed contract to
``ledger/scf_ledger/abi/<Name>.json``; with ``--check`` it writes nothing and fails when a committed
file differs from what the sources give (drift). Needs the packages of ``package.json`` and node.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ABI = ROOT / "ledger" / "scf_ledger" / "abi"
CONTRACTS = ("LedgerAnchor", "AssetRegistry")


def compiled(name: str) -> str:
    """Read one contract's artifact from forge's output and keep what running needs."""
    artifact = json.loads((ROOT / f"contracts/out/{name}.sol/{name}.json").read_bytes())
    kept = {
        "contract": name,
        "abi": artifact["abi"],
        "bytecode": artifact["bytecode"]["object"],
    }
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def forge(*arguments: str) -> None:
    """Run the pinned forge; the compiler shim finds node in the virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [str(ROOT / "node_modules/.bin/forge"), *arguments]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"PATH": path})  # noqa: S603 - the pinned binary, fixed arguments


def main() -> int:
    """Build, then write or compare; exit status 1 means drift."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare only")
    check: bool = parser.parse_args().check
    forge("build", "--quiet", "--skip", "test")
    stale = []
    for name in CONTRACTS:
        target, text = ABI / f"{name}.json", compiled(name)
        if check:
            if not target.is_file() or target.read_text("utf-8") != text:
                stale.append(str(target.relative_to(ROOT)))
        else:
            target.write_text(text, "utf-8")
    if stale:
        print("differs from the sources, run python contracts/build.py:", *stale, file=sys.stderr)  # noqa: T201 - a tool's answer
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
