"""Every effect that is ever asked for has a handler."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import scf
from scf.evidence import chain
from scf_workers.effects import HANDLERS

ROOT = Path(scf.__path__[0])


def asked_for() -> Iterator[str]:
    """The kinds that the source names where it enqueues, as constants of their modules."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "enqueue":
                kind = node.args[1]
                if isinstance(kind, ast.Constant):
                    yield kind.value
                elif isinstance(kind, ast.Attribute):
                    yield getattr(getattr(module_of(path), kind.value.id), kind.attr)
                elif isinstance(kind, ast.Name) and kind.id.isupper():
                    yield getattr(module_of(path), kind.id)


def module_of(path: Path) -> ModuleType:
    return importlib.import_module(".".join(path.relative_to(ROOT.parent).with_suffix("").parts))


def test_every_kind_has_a_handler() -> None:
    sent = {f"{purpose}.{what}" for purpose in (chain.LOCK, chain.UNLOCK) for what in NEWS}

    assert set(asked_for()) | sent <= HANDLERS.keys()


NEWS = ("final", "failed", "lost")
