"""Vectors made by others, read where they lie; a test skips where they are not there."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[4] / "shared" / "data"


def folder(name):
    found = DATA / name
    if not found.is_dir():
        pytest.skip(
            f"third-party vectors {name} are not beside the project", allow_module_level=True
        )
    return found


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))
