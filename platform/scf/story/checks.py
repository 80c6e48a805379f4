"""The bank checks on its own: `scf-verify`, a program of its own, on files it took away."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scf.story.desk import Desk, StoryDiverged
from scf.story.waiting import NotYet
from scf_ledger import canonical
from scf_ledger.encoding import b64url, from_b64url

ANCHORING: Final = "检查点上链 / the checkpoint anchored"
UNANSWERED: Final = "web."
"""Begins the codes of a node or log that cannot be asked."""

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
    """Run the verifier as a bank would, in a process that knows nothing of the platform.

    Raises NotYet where the chain or the log does not answer.
    """
    command = [sys.executable, "-m", "scf_ledger.verify.cli", str(file), "--trust", str(trust)]
    command += ["--json"]
    command += ["--rpc", rpc] if rpc else []
    command += ["--log", log] if log else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    report = json.loads(done.stdout)
    if "fragments" not in report:
        raise StoryDiverged(step="verify", file=file.name, found=done.stdout[:300])
    if any(found["code"].startswith(UNANSWERED) for found in report["fragments"].values()):
        raise NotYet(done.stdout[:300])
    fragments = {name: found["status"] for name, found in report["fragments"].items()}
    return Checked(file, kind, expect, report["verdict"], fragments)


def take_away(desk: Desk, path: str, file: Path) -> Path:
    """Download a proof once it is anchored, and keep it as the bank would; a kept one stays."""
    if not file.exists():
        proof = desk.until(ANCHORING, path, _is_anchored)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".part")
        partial.write_bytes(proof.content)
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
    """Change the first digit of the amount that the confirmation discloses."""
    disclosures: list[str] = proof["entries"][0]["disclosures"]
    for place, disclosure in enumerate(disclosures):
        salt, name, value = json.loads(from_b64url(disclosure))
        if name == "confirmed":
            digits = value["amount"]
            value["amount"] = f"{int(digits[0]) % 9 + 1}{digits[1:]}"
            disclosures[place] = b64url(canonical.encode([salt, name, value]))


def _strip_a_part(proof: Proof) -> None:
    """Leave out the debtor's confirmation."""
    del proof["entries"][0]
