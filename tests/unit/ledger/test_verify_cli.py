import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scf_ledger import errors
from scf_ledger.errors import LedgerError
from scf_ledger.trust import Fragment
from scf_ledger.verify import cli, messages

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

    def test_writes_goods_in_their_unit(self):
        amounts = {"amount": {"quantity": "140.000", "unit": "TNE"}}
        facts = {"entries": [], "existed_by": None, "pledge": amounts}
        assert any(line.endswith("amount 140.000 TNE") for line in cli._history(facts))


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

    @pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8"])
    def test_prints_on_any_terminal(self, encoding):
        done = subprocess.run(
            [sys.executable, "-m", "scf_ledger.verify.cli", PLEDGE, "--trust", TRUST],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"PASS" in done.stdout

    def test_does_not_mind_a_reader_that_leaves(self):
        command = f"{sys.executable} -m scf_ledger.verify.cli {PLEDGE} --trust {TRUST} | true"
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
        assert done.stderr == b""


class TestMessages:
    def test_cannot_steer_a_terminal(self):
        hostile = "\x1b[2J\u202e\x9b31m\n" + "x" * 10_000
        chinese, english = messages.text_of("record.field_twice", {"field": hostile})
        assert (chinese + english).isprintable()
        assert len(english) < 300

    def findings(self):
        """Every finding that the verifier makes: its code, and the names of its fields."""
        for path in Path(cli.__file__).parent.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in ("Failure", "Skipped")
                    and isinstance(node.args[0], ast.Constant)
                ):
                    yield node.args[0].value, {keyword.arg for keyword in node.keywords}

    def test_there_is_one_for_every_finding_and_nothing_beside(self):
        found = {code for code, _ in self.findings()}
        found |= {f"{fragment.value}.pass" for fragment in Fragment}
        found |= {error.code for error in self.errors()}
        found |= {
            "standing.superseded",
            "standing.pool_moved",
            "completeness.entry_missing",
            "completeness.entry_twice",
            "file.unreadable",
            "case.unread",
        }
        assert found == messages.CODES

    def test_has_every_number_that_its_text_names(self):
        for code, fields in self.findings():
            for text in messages._TEXTS[code]:
                assert set(re.findall(r"{(\w+)}", text)) <= fields | {"reason"}, code

    def errors(self):
        for error in vars(errors).values():
            if isinstance(error, type) and issubclass(error, LedgerError):
                yield error

    def test_is_chinese_first(self):
        for code in messages.CODES:
            fields = dict.fromkeys(re.findall(r"{(\w+)}", "".join(messages._TEXTS[code])), "x")
            chinese, english = messages.text_of(code, fields)
            assert re.search("[\u4e00-\u9fff]", chinese), code
            assert english.isascii(), code
