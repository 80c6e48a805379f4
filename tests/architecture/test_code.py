"""Rules of the code that no linter knows, each with the places that are its exception."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("platform/scf", "ledger/scf_ledger", "workers/scf_workers")

COMMITS = {"platform/scf/db/session.py"}
CLOCKS = {
    "platform/scf/kernel/clock.py",
    "platform/scf/kernel/ids.py",  # a UUIDv7 begins with real milliseconds
    "ledger/scf_ledger/tokens/setup.py",  # another process, which knows nothing of the platform
}
CLOCK_CALLS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
}
MONEY_FILES = ("money.py", "rules.py", "models.py", "service.py", "schemas.py", "queries.py")


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func), node.lineno


def test_only_the_session_commits():
    """A savepoint is given up or kept inside a transaction; it commits nothing."""
    found = [
        f"{name}:{line}"
        for name, tree in modules()
        for called, line in calls(tree)
        if called.endswith(".commit") and called != "savepoint.commit" and name not in COMMITS
    ]
    assert found == []


def test_only_the_clock_reads_the_time():
    found = [
        f"{name}:{line} {called}"
        for name, tree in modules()
        for called, line in calls(tree)
        if called in CLOCK_CALLS and name not in CLOCKS
    ]
    assert found == []


def test_money_is_never_a_float():
    """A float may stand in a refusal (`isinstance`) and in a named constant, such as seconds."""
    found = []
    for name, tree in modules():
        if (
            name.startswith("platform/scf/")
            and "/runtime/" not in name
            and name.endswith(MONEY_FILES)
        ):
            spared = set(map(id, spared_floats(tree)))
            for node in ast.walk(tree):
                is_name = isinstance(node, ast.Name) and node.id == "float"
                is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
                if (is_name or is_literal) and id(node) not in spared:
                    found.append(f"{name}:{node.lineno}")
    assert found == []


def spared_floats(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            yield from ast.walk(node)
    for node in tree.body:
        if isinstance(node, ast.Assign) and all(
            ast.unparse(name).isupper() for name in node.targets
        ):
            yield from ast.walk(node)


def test_models_and_rules_do_no_io():
    """A model carries its state machine, a rule is a function: neither knows a session."""
    forbidden = ("httpx", "redis", "celery", "fastapi", "psycopg")
    found = []
    for name, tree in modules():
        if not name.endswith(("/models.py", "/rules.py")):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = ast.unparse(node)
                found += [f"{name}: {imported}" for word in forbidden if word in imported.split()]
                if "sqlalchemy.orm" in imported and "Session" in imported.split(" import ")[-1]:
                    found.append(f"{name}: {imported}")
    assert found == []


def test_the_verifier_imports_the_base_alone():
    """Everything but the base dependencies is refused while the verifier is imported."""
    script = """
import sys
allowed = {*sys.stdlib_module_names, "scf_ledger", "cryptography", "orjson", "cffi", "_cffi_backend"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ImportError("the verifier may not import " + name)

sys.meta_path.insert(0, Refuse())
import scf_ledger.verify.cli
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["scf.main", "scf.runtime.tokens", "scf_workers.app"])
def test_deep_nesting_cannot_overflow_the_stack(module):
    """A library raises the recursion limit when it is imported; json then crashes the process."""
    script = (
        f"import {module}, json, sys; print(sys.getrecursionlimit()); json.loads('[' * 300_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "1000"
    assert "RecursionError" in done.stderr
