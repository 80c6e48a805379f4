"""Every provision looked at is a rule or named as left out; every transition is made or named as waiting."""

import ast
import json
from pathlib import Path

import pytest

import scf
from scf import cli
from scf.rules.book import shipped
from scf.rules.provisions import Provision, provisions, waiting

NOTICE = [f"R77-{n:02}" for n in range(1, 17)] + ["R77-03b"]
PAYMENT = [f"RPAY-{n:02}" for n in range(1, 14)]
CODE = [
    *("RCC-440", "RCC-441", "RCC-442", "RCC-445", "RCC-425..439", "RCC-414", "RCC-415"),
    *("RCC-416", "RCC-456", "RCC-403/404", "RCC-545/546/549", "RCC-761..769", "RCC-764"),
    *("RCC-765", "RCC-766/767", "RCC-768", "RCC-908..910", "RCC-911..917", "RCC-840"),
    "RCC-568/569",
]
INTERPRETATION = ["RGI-55", "RGI-59", "RGI-61", "RGI-66"]
ROWS = {*NOTICE, *PAYMENT, *CODE, *INTERPRETATION}
"""The rows of the four sources: the notice on vouchers, the regulation, the Civil Code, its interpretation."""
REGISTER = {f"REG-{n:02}" for n in range(1, 7)}
OWN = {
    "COL-01",
    "COL-02",
    "WCH-01",
    "WCH-02",
    "WCH-03",
    "FRB-01",
    "PLT-01",
    "PLT-02",
    "BFG-01",
    "BFG-02",
    "BFG-03",
    "LND-01",
    "LND-02",
    *REGISTER,
}
CALCULATED = {"terms.due", "terms.late_interest"}
"""Asked of the calculator, which stores nothing."""


def test_every_row_is_a_rule_or_left_out_with_a_reason():
    found = [one.id for one in provisions()]

    assert sorted(found) == sorted(ROWS)
    assert {name for one in provisions() for name in one.rules} == set(shipped().rules) - OWN


def test_a_provision_has_rules_or_a_reason():
    with pytest.raises(ValueError, match="rules or a reason"):
        Provision(id="X", source="x", title_zh="x")


def literals() -> set[str]:
    """Texts of the features, without the rules themselves."""
    features = Path(scf.__file__).parent
    files = [f for f in features.rglob("*.py") if f.relative_to(features).parts[0] != "rules"]
    return {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_transition_is_made_or_waits():
    transitions = {name for rule in shipped().rules.values() for name in rule.scope}
    made = transitions & literals()

    assert transitions - made == set(waiting())
    assert made >= CALCULATED | {"receivable.change", "assignment.notify", "pledge.register"}


def test_what_waits_is_the_vouchers_and_limits():
    waits = {one.id for one in provisions() if one.waits}

    assert waits == {
        *("R77-02", "R77-03", "R77-03b", "R77-04", "R77-05", "R77-06", "R77-09", "R77-13"),
        "RPAY-04",
    }


def test_the_command_tells_them(capsys: pytest.CaptureFixture[str]):
    options = cli.build_parser(["rules"]).parse_args(["rules", "sources"])
    assert options.run(options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ROWS)
    assert any(line.startswith("RCC-441") and "before registration" in line for line in lines)

    options = cli.build_parser(["rules"]).parse_args(["rules", "sources", "--json"])
    assert options.run(options) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["id"]: one["rules"] for one in told["provisions"]}["R77-03b"] == ["R77-03"]
    assert "voucher.issue" in told["waiting"]
