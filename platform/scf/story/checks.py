"""The bank checks on its own: `scf-verify`, a program of its own, on files it took away."""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scf.story.desk import Desk

Proof = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """What `scf-verify` said of a file, and what the story expects."""

    file: Path
    kind: str
    expect: str
    verdict: str
    fragments: dict[str, str]

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one expected."""
        return self.verdict == self.expect

    def to_json(self) -> dict[str, Any]:
        """Return the line of the demonstration's report."""
        return {
            "file": str(self.file),
            "kind": self.kind,
            "expect": self.expect,
            "verdict": self.verdict,
            "fragments": self.fragments,
        }


def verify(
    file: Path,
    *,
    kind: str,
    trust: Path,
    expect: str,
    rpc: str | None = None,
    log: str | None = None,
) -> Checked:
    """Run the verifier as a bank would, in a process that knows nothing of the platform."""
    command = [sys.executable, "-m", "scf_ledger.verify.cli", str(file), "--trust", str(trust)]
    command += ["--json"]
    command += ["--rpc", rpc] if rpc else []
    command += ["--log", log] if log else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    report = json.loads(done.stdout)
    fragments = {name: found["status"] for name, found in report["fragments"].items()}
    return Checked(file, kind, expect, report["verdict"], fragments)


def take_away(desk: Desk, path: str, file: Path) -> Path:
    """Download a proof once it is anchored, and keep it as the bank would; a kept one stays."""
    if not file.exists():
        desk.until(path, _is_anchored)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".part")
        partial.write_bytes(desk.read(path).content)
        partial.replace(file)
    return file


def _is_anchored(proof: Mapping[str, Any]) -> bool:
    return proof.get("anchor") is not None


def forgeries(genuine: Path) -> dict[str, Path]:
    """Write altered copies of a proof beside it; return each by the fragment that must fail."""
    return {
        "record": _forge(genuine, "byte", _change_a_byte),
        "completeness": _forge(genuine, "stripped", _strip_a_part),
    }


def _forge(genuine: Path, name: str, alter: Any) -> Path:
    proof: Proof = json.loads(genuine.read_bytes())
    alter(proof)
    file = genuine.with_name(f"{genuine.stem}-{name}{genuine.suffix}")
    file.write_text(json.dumps(proof, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
    return file


def _change_a_byte(proof: Proof) -> None:
    """Change one digit of an amount that the confirmation discloses."""
    disclosures: list[str] = proof["entries"][0]["disclosures"]
    for place, disclosure in enumerate(disclosures):
        content = base64.urlsafe_b64decode(disclosure + "=" * (-len(disclosure) % 4))
        if b'"confirmed"' in content:
            altered = content.replace(b"1245000.00", b"1945000.00")
            disclosures[place] = base64.urlsafe_b64encode(altered).decode().rstrip("=")


def _strip_a_part(proof: Proof) -> None:
    """Leave out the debtor's confirmation."""
    del proof["entries"][0]
