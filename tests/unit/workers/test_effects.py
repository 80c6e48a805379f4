"""Every effect that is ever asked for has a handler."""

import ast
from collections.abc import Iterator
from pathlib import Path

import scf
from scf.evidence import chain
from scf.pledges import rules
from scf_workers.effects import HANDLERS

ROOT = Path(scf.__path__[0])


def asked_for() -> Iterator[str]:
    """The kinds that the source names where it enqueues; those in variables come from the rules."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "enqueue":
                kind = node.args[1]
                if isinstance(kind, ast.Constant):
                    yield kind.value
                elif isinstance(kind, ast.Attribute):
                    yield getattr(rules, kind.attr)


def test_every_kind_has_a_handler() -> None:
    sent = {f"{purpose}.{what}" for purpose in (chain.LOCK, chain.UNLOCK) for what in NEWS}

    assert set(asked_for()) | sent <= HANDLERS.keys()


NEWS = ("final", "failed", "lost")
