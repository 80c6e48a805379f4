import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scf_ledger import errors
from scf_ledger.errors import LedgerError
from scf_ledger.trust import Fragment
from scf_ledger.verify import cli, messages
from scf_ledger.verify.report import Finding

GOLDEN = Path(__file__).parents[2] / "golden"
PLEDGE, TRUST = str(GOLDEN / "pledge.scfproof"), str(GOLDEN / "trust.json")


def run(capsys, *arguments):
    status = cli.main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


class TestForm:
    def test_ticks_what_holds(self, capsys):
        status, out, err = run(capsys, PLEDGE, "--trust", TRUST)
        assert (status, err) == (0, "")
        assert out.count("[\u2713]") == 5
        assert out.count("[\u2013]") == 2
        assert out.rstrip().endswith("\u7ed3\u8bba: \u901a\u8fc7 PASS")
        assert "claimed at 2025-11-04T02:00:00Z" in out
        assert "existed by 2026-01-01T00:00:00+00:00" in out

    def test_crosses_what_does_not(self, capsys, tmp_path):
        broken = tmp_path / "broken.scfproof"
        proof = json.loads(Path(PLEDGE).read_text())
        del proof["revocations"]
        broken.write_text(json.dumps(proof))
        status, out, err = run(capsys, broken, "--trust", TRUST)
        assert (status, err) == (1, "")
        assert "[\u2717] \u7b7e\u7f72 authorization" in out
        assert out.rstrip().endswith("FAIL")


class TestJson:
    def test_is_one_object(self, capsys):
        status, out, err = run(capsys, PLEDGE, "--trust", TRUST, "--json")
        answer = json.loads(out)
        assert (status, err) == (0, "")
        assert (answer["verdict"], answer["kind"]) == ("pass", "pledge")
        assert {name: found["status"] for name, found in answer["fragments"].items()} == {
            "record": "pass",
            "inclusion": "pass",
            "checkpoint": "pass",
            "authorization": "pass",
            "completeness": "pass",
            "anchor": "not_checked",
            "standing": "not_checked",
        }

    def test_of_unusable_input_says_so_too(self, capsys, tmp_path):
        nothing = tmp_path / "nothing"
        nothing.write_bytes(b"")
        status, out, err = run(capsys, nothing, "--trust", TRUST, "--json")
        assert status == 2
        assert json.loads(out)["verdict"] == "unusable"
        assert err.count("\n") == 1


class TestUnusableInput:
    @pytest.mark.parametrize(
        ("file", "believed", "more"),
        [
            ("/does/not/exist", TRUST, ()),
            (PLEDGE, "/does/not/exist", ()),
            (str(GOLDEN), TRUST, ()),
            (TRUST, TRUST, ()),
            (PLEDGE, PLEDGE, ()),
            (PLEDGE, TRUST, ("--rpc", "file:///etc/passwd")),
            (PLEDGE, TRUST, ("--log", "nonsense")),
        ],
    )
    def test_is_one_line_and_status_2(self, capsys, file, believed, more):
        status, out, err = run(capsys, file, "--trust", believed, *more)
        assert (status, out) == (2, "")
        assert err.startswith("\u8f93\u5165\u4e0d\u53ef\u7528")
        assert err.count("\n") == 1

    def test_too_large_a_file_is_not_read_to_its_end(self, capsys):
        status, _, err = run(capsys, "/dev/zero", "--trust", TRUST)
        assert status == 2
        assert "too large" in err


class TestProgram:
    def test_runs_without_the_platform(self):
        """In a fresh interpreter nothing of the platform, a database or a chain client is loaded."""
        code = (
            "import sys; from scf_ledger.verify import cli; status = cli.main(sys.argv[1:]);"
            "bad = {'scf', 'web3', 'sqlalchemy', 'pydantic', 'httpx', 'scf_workers'} & set(sys.modules);"
            "sys.exit(status if not bad else 9)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, PLEDGE, "--trust", TRUST], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


class TestMessages:
    def codes_in_source(self):
        folder = Path(cli.__file__).parent
        source = "".join(path.read_text() for path in folder.glob("*.py"))
        families = (*(fragment.value for fragment in Fragment), "case", "web")
        return set(re.findall(rf'"((?:{"|".join(families)})\.[a-z_0-9]+)"', source)) - {
            "completeness.check"
        }

    def test_there_is_one_for_every_code(self):
        passes = {f"{fragment.value}.pass" for fragment in Fragment}
        built_up = {"standing.superseded", "standing.pool_moved"}
        assert self.codes_in_source() | passes | built_up <= messages.CODES

    def test_there_is_one_for_every_error_of_the_ledger(self):
        for error in vars(errors).values():
            if isinstance(error, type) and issubclass(error, LedgerError):
                assert error.code in messages.CODES
        assert Finding.code not in messages.CODES

    def test_is_chinese_first(self):
        for code in messages.CODES:
            fields = dict.fromkeys(re.findall(r"{(\w+)}", "".join(messages._TEXTS[code])), "x")
            chinese, english = messages.text_of(code, fields)
            assert re.search("[\u4e00-\u9fff]", chinese), code
            assert english.isascii(), code
