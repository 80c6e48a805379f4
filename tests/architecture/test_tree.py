"""The house as a whole: where files are, how long they are, what they may say."""

import ast
import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = ("platform", "ledger", "workers", "contracts")
PACKAGES = ("platform/scf", "ledger/scf_ledger", "workers/scf_workers")
FILE_LINES_MAX = 499
FUNCTION_LINES_MAX = 70

# Words that point away from the project: other places, other people, later times. They are put
# together here so that this file may be read by its own test.
ELSEWHERE = {
    "a machine's path": re.compile(r"(?<![\w.])/(work|root|home)/\w"),
    "a registry's address": re.compile(
        r"registry\.npm" + r"js|pypi\." + r"org|files\.python" + r"hosted|ghcr\." + r"io"
    ),
    "unfinished work": re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b"),
    "how it was made": re.compile(
        r"\b(issue [0-9]|/tmp/" + r"plan|the br" + r"ief)\b", re.IGNORECASE
    ),
}
SHARED_DATA = re.compile(r"\.\./" + "shared")
GENERATED = ("requirements.lock", "package-lock.json", "LICENSE")


def project_files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for line in done.stdout.splitlines() if (path := ROOT / line).is_file()]


def python_files():
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_source_roots_are_no_packages():
    assert [root for root in SOURCE_ROOTS if (ROOT / root / "__init__.py").exists()] == []


def test_the_standard_library_keeps_its_platform():
    assert platform.__file__ != str(ROOT / "platform")
    command = [sys.executable, "-c", "import platform; print(platform.system())"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == platform.system()


@pytest.mark.parametrize("part", [*PACKAGES, "tests", "contracts"])
def test_files_are_short(part):
    files = [*(ROOT / part).rglob("*.py"), *(ROOT / part).rglob("*.sol")]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in files
        if path.relative_to(ROOT).parts[:2] not in {("contracts", "out"), ("contracts", "cache")}
    }
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_functions_fit_a_screen():
    long = {}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert long == {}


def test_the_project_speaks_of_itself():
    found = []
    for path in project_files():
        name = str(path.relative_to(ROOT))
        if name in GENERATED:
            continue
        text = path.read_bytes().decode(errors="replace")
        found += [f"{name}: {what}" for what, words in ELSEWHERE.items() if words.search(text)]
        if not name.startswith("tests/") and SHARED_DATA.search(text):
            found.append(f"{name}: data of others")
    assert found == []


def test_locks_carry_hashes_and_no_address():
    python = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", python)
    for requirement in re.split(r"\n(?=\S)", python.strip()):
        assert "==" in requirement
        assert "--hash=sha256:" in requirement
    node = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in node
    assert '"integrity": "sha512-' in node
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text()


def test_the_wheel_holds_the_three_packages_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read("scf-0.1.0.dist-info/METADATA").decode()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"scf", "scf_ledger", "scf_workers", "scf-0.1.0.dist-info"}
    assert "scf_ledger/abi/LedgerAnchor.json" in names
    assert "scf/migrations/script.py.mako" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".key", ".pem"))]
    base = [
        line.removeprefix("Requires-Dist: ")
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]
    assert sorted(re.split(r"[<>=]", line)[0] for line in base) == ["cryptography", "orjson"]
