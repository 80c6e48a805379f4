"""The commands of ``docs/verify.md``, run as they stand there: no line of ours takes part."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.golden import formats as f
from tests.golden import story
from tests.unit.ledger.servers import log_of, node_of, serve

ROOT = Path(__file__).parents[3]
TOOLS = ("bash", "openssl", "jq", "xxd", "basenc", "curl", "awk")


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("by-hand")
    shutil.copytree(ROOT / "tests" / "golden", folder / "tests" / "golden")
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    script = "\n".join(
        re.findall(r"^```\n(.*?)^```$", page.split("## By hand")[1], re.MULTILINE | re.DOTALL)
    )
    entries = json.loads((ROOT / "tests" / "golden" / "log.json").read_text())["entries"]
    anchor = json.loads((ROOT / "tests" / "golden" / "pledge.scfproof").read_text())["anchor"]
    call = f"0x7c8635c6{story.ORIGIN_KEY.hex()}{anchor['size']:064x}"
    roots = {call: bytes.fromhex(anchor["root"][2:])}
    entries = [f.base64.b64decode(entry) for entry in entries]
    with serve(log_of(entries)) as log, serve(node_of(roots)) as node:
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=folder,
            env={**os.environ, "LOG": f"{log}/log", "RPC": node, "no_proxy": "127.0.0.1"},
            capture_output=True,
            check=False,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


class TestByHand:
    def test_fields_of_the_record_are_in_the_event(self, output):
        shown = [json.loads(line)[1:] for line in output if line.startswith('["')]
        assert ["confirmed", {"amount": "1245000.00", "currency": "CNY"}] in shown
        assert len(shown) == 21

    def test_openssl_verifies_the_signature_under_the_certificate(self, output):
        assert "cert.pem: OK" in output
        assert "Verified OK" in output

    def test_openssl_verifies_the_log(self, output):
        assert "Signature Verified Successfully" in output

    def test_root_and_anchor_are_reached(self, output):
        anchor = json.loads((ROOT / "tests" / "golden" / "pledge.scfproof").read_text())["anchor"]
        assert output.count(f.b64(bytes.fromhex(anchor["root"][2:]))) == 2
        assert output.count(anchor["root"]) == 2

    def test_versions_stand_once(self, output):
        found = [line for line in output if line.startswith("version ")]
        assert [line.split()[1] for line in found] == ["1", "2", "3", "4", "5"]
