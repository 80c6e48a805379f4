"""`scf demo` from invoice to released pledge, once and again, and what a person then does with it."""

import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from scf_ledger.encoding import from_b64url
from tests.support.guides import ROOT, script_of
from tests.support.journeys import MINUTES, PROGRAMS, Installation, installation

FRAGMENTS = {
    *("record", "inclusion", "checkpoint", "authorization"),
    *("completeness", "anchor", "standing"),
}
SHAPE = {
    "receivables": int,
    "events": int,
    "log": {"origin": str, "size": int, "root": str},
    "anchor": {
        "chain_id": int,
        "contract": str,
        "size": int,
        "root": str,
        "tx_hash": str,
        "block_number": int,
        "gas_per_event": int,
    },
    "trust": str,
    "names": str,
    "proofs": [{"file": str, "kind": str, "expect": str, "verdict": str, "fragments": dict}],
    "refused": [{"what": str, "code": str}],
    "warehouse": {
        "receipt": str,
        "margin": dict,
        "months_of_2008": [
            {"month": str, "fall_bps": int, "value": dict, "value_at_risk": dict, "line": str}
        ],
        "vehicles": {
            "left": [{"vin": str, "repaid": dict, "receipt_no": str}],
            "pledged": dict,
        },
        "refused": [{"what": str, "code": str}],
        "proofs": [{"file": str, "kind": str, "expect": str, "verdict": str, "fragments": dict}],
    },
    "audit": str,
}
TOLD = (
    *("512,000.00", "438,600.00", "335,800.00"),  # the three invoices
    *("1,286,400.00", "1,245,000.00", "41,400.00"),  # claimed, confirmed, disputed
    *("996,000.00", "3.85%", "5,325.83", "1,001,325.83"),  # the loan, its interest, to repay
    *("5.30%", "7,331.67"),  # the same at the average of 2020
    "243,674.17",  # what is left to the supplier
    *("2025-10-20 + 60 天 → 2025-12-19", "2025-10-30 → 2025-12-19"),
    "2026-01-05（10 个工作日）",
    *("41,400.00", "已开具红字发票", "276,285.00"),  # the red note; one signature for an upload
    *("2026-01-21", "2025-12-29（第 7 天）", "已催告，仍未答复"),  # the law's clock
    *("放款审核清单", "尽职免责档案", "SHA-256 逐个相符"),  # the bank's own desk, and its file
    *("示例区金融办", "只见件数，不见金额与交易对手"),  # the regulator beside the clock
    *("到哪一步", "从何时起", "在谁手里", "到手"),
)
TOLD_OF_GOODS = (
    *("港桥仓(示例)", "渝川监管(示例)", "渝川铜材贸易(示例)", "永川众诚汽车销售(示例)"),
    *("阴极铜 140.000 吨", "保管人、监管方各一份", "GQ-2026-TJ-01", "7,000,000.00"),
    *("质押货物被申请提货，已拒绝", "10.000 吨"),  # G22, as the bank is told
    *("LSVAA4189R2123453", "LSVAA4180R2123454", "84,000.00", "在库、仍质押  1 辆"),
    *("10,000,000.00", "9,870,000.00", "130,000.00", "91,000.00", "62,500.00", "2026-03-11"),  # G11
    *("10,575,000.00", "已补足", "2008-08", "2008-12"),  # cured by goods; the months of 2008
    *("140.000 吨 / 131.500 吨", "0.840 吨", "冻结出库", "逐时摘要"),
)


@dataclass(frozen=True)
class Ended:
    """A run of `scf demo` that is over."""

    done: subprocess.CompletedProcess
    at: Installation

    @property
    def report(self):
        return json.loads(self.done.stdout)


@pytest.fixture(scope="module")
def first():
    """The story, told once by the program itself."""
    with installation() as made:
        yield Ended(made.run("demo", "--once", "--json"), made)


@pytest.fixture(scope="module")
def serving(first):
    """The same installation again, told once more and serving."""
    process = first.at.start("demo", "--json")
    report = json.loads(process.stdout.readline() or first.at.told.read_text())
    yield SimpleNamespace(process=process, report=report, at=first.at)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=MINUTES)


def fits(value, shape):
    if isinstance(shape, dict):
        return set(value) == set(shape) and all(fits(value[k], shape[k]) for k in shape)
    if isinstance(shape, list):
        return bool(value) and all(fits(one, shape[0]) for one in value)
    return type(value) is shape


def test_it_ends_well_and_leaves_no_process(first):
    assert first.done.returncode == 0, first.done.stderr
    assert first.at.processes() == {}


def test_standard_output_is_exactly_one_object(first):
    assert first.done.stdout.count("\n") == 1
    assert fits(first.report, SHAPE), first.report


def test_every_event_is_in_the_log_and_anchored(first):
    report = first.report
    assert report["receivables"] == 4
    assert report["events"] == report["log"]["size"] == report["anchor"]["size"] > 20
    assert report["log"]["root"] == report["anchor"]["root"]
    assert report["audit"] == "clean"
    trust = json.loads(Path(report["trust"]).read_text())
    (log,), (chain,) = trust["logs"], trust["chains"]
    assert log["origin"] == report["log"]["origin"]
    assert chain["anchor"].lower() == report["anchor"]["contract"].lower()


def test_a_person_is_told_every_figure_and_day(first):
    assert [figure for figure in TOLD if figure not in first.done.stderr] == []


def test_what_must_be_refused_is_refused(first):
    assert [refused["code"] for refused in first.report["refused"]] == [
        "receivable.document_in_use",
        "capacity.insufficient",
        "RegistryHeld",
        "OVER_CAPACITY",
    ]


def test_a_person_is_told_of_the_goods(first):
    assert [figure for figure in TOLD_OF_GOODS if figure not in first.done.stderr] == []


def test_what_must_be_refused_of_goods_is_refused(first):
    """G21, G22, and a lot that a scale has frozen."""
    assert [refused["code"] for refused in first.report["warehouse"]["refused"]] == [
        "capacity.exceeded",
        "receipt.goods_pledged",
        "receipt.state_forbids",
    ]


def test_the_price_that_fell_asks_for_what_g11_says(first):
    margin = first.report["warehouse"]["margin"]
    assert {name: said["amount"] for name, said in margin.items()} == {
        "value": "9870000.00",
        "floor": "10000000.00",
        "goods_due": "130000.00",
        "cash_due": "91000.00",
        "disposal_at": "8750000.00",
    }


def test_pledges_of_goods_verify_like_any_other(first):
    proofs = first.report["warehouse"]["proofs"]
    assert [Path(proof["file"]).name for proof in proofs] == [
        "goods-pledge.scfproof",
        "vehicles-pledge.scfproof",
    ]
    for proof in proofs:
        assert (proof["verdict"], proof["fragments"]["anchor"]) == ("pass", "pass")
        code, found = verify(first.report, proof)
        assert (code, found["verdict"]) == (0, "pass")


def test_2008_is_played_month_by_month_over_what_the_bank_holds(first):
    """From April's highest: 8,714.18 a ton; each month's fall over 150 t that are worth 10,575,000."""
    months = first.report["warehouse"]["months_of_2008"]
    assert [(one["month"], one["fall_bps"], one["line"]) for one in months] == [
        ("2008-04", 0, "clear"),
        ("2008-05", 411, "warning"),
        ("2008-06", 484, "warning"),
        ("2008-07", 352, "warning"),
        ("2008-08", 1240, "top_up"),
        ("2008-09", 1996, "disposal"),
        ("2008-10", 4383, "disposal"),
        ("2008-11", 5721, "disposal"),
        ("2008-12", 6437, "disposal"),
    ]
    assert months[-1]["value"]["amount"] == "3767872.50"  # 25,119.15 a ton
    assert months[-1]["value_at_risk"]["amount"] == "6807127.50"


def test_vehicles_leave_one_by_one_against_payment(first):
    vehicles = first.report["warehouse"]["vehicles"]
    assert [(one["vin"], one["repaid"]["amount"]) for one in vehicles["left"]] == [
        ("LSVAA4189R2123453", "84000.00"),
        ("LSVAA4180R2123454", "84000.00"),
    ]
    assert vehicles["pledged"] == {"quantity": "1", "unit": "C62"}


def test_the_second_bank_sees_no_number_and_no_lender(first):
    form = re.search(r"示例村镇银行 · 发起质押.*?╰", first.done.stderr, re.DOTALL).group()
    assert "可用额度不足" in form
    assert "示例农商行" not in form
    assert not re.search(r"[0-9],[0-9]{3}\.[0-9]{2}", form)


def test_proofs_pass_and_forgeries_fail_in_the_right_fragment(first):
    proofs = first.report["proofs"]
    assert [(proof["kind"], proof["expect"]) for proof in proofs] == [
        ("pledge", "pass"),
        ("event", "pass"),
        ("pledge", "fail"),
        ("pledge", "fail"),
    ]
    failed = []
    for proof in proofs:
        assert proof["verdict"] == proof["expect"]
        assert set(proof["fragments"]) == FRAGMENTS
        assert proof["fragments"]["anchor"] == "pass"
        failed.append([name for name, found in proof["fragments"].items() if found == "fail"])
    assert failed == [[], [], ["record"], ["completeness"]]


def verify(report, proof, *words):
    """Run the verifier as a bank would, knowing nothing of the platform."""
    done = subprocess.run(
        [PROGRAMS / "scf-verify", proof["file"], "--trust", report["trust"], "--json", *words],
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_every_proof_is_verified_offline_by_another_process(first):
    for proof in first.report["proofs"]:
        code, found = verify(first.report, proof)
        assert found["verdict"] == proof["expect"]
        assert code == (0 if proof["expect"] == "pass" else 1)
        statuses = {name: one["status"] for name, one in found["fragments"].items()}
        assert statuses == {**proof["fragments"], "anchor": "not_checked"}


def test_told_again_it_comes_to_the_same(serving, first):
    assert serving.report == first.report


def test_the_old_proof_has_moved_on_in_the_public_log(serving):
    """Its day is proven still; that the pledge was released since is what the log shows."""
    state = json.loads((serving.at.data / "runtime.json").read_text())
    rpc, url = state["addresses"]["CHAIN_RPC_URL"], state["addresses"]["PUBLIC_URL"]
    proof = serving.report["proofs"][0]
    code, found = verify(serving.report, proof, "--rpc", rpc, "--log", f"{url}/log")
    assert code == 1
    statuses = {name: one["status"] for name, one in found["fragments"].items()}
    assert statuses == dict.fromkeys(FRAGMENTS, "pass") | {"standing": "fail"}


def test_an_event_is_traced_to_the_chain_in_ten_lines(serving):
    proof = json.loads(Path(serving.report["proofs"][1]["file"]).read_text())
    event = json.loads(from_b64url(proof["entries"][0]["body"]))["id"]

    done = serving.at.run("trace", event, seconds=MINUTES)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    assert event in lines[0]
    assert "receivable.confirmed" in lines[0]
    assert "验证通过" in lines[6]
    assert lines[8].split()[-1].startswith("0x")
    assert proof["anchor"]["contract"] in lines[9]


def test_an_event_that_is_not_there_is_one_line(serving):
    done = serving.at.run("trace", "evt_00000000000000000000000000", seconds=MINUTES)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1


def test_the_audit_is_clean_to_another_program(serving):
    done = serving.at.run("audit", "--json", seconds=MINUTES)
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"], report["chain"]) == (0, "clean", "checked")


@pytest.mark.parametrize("guide", ["receipts", "collateral", "prices", "watching", "warehouse"])
def test_the_lines_of_the_goods_guides_run_as_they_stand(serving, guide, tmp_path):
    """Pasted into a shell one after the other, as a reader does; the first that fails ends it."""
    for name in ("docs", "platform", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".scf").symlink_to(serving.at.data)
    state = json.loads((serving.at.data / "runtime.json").read_text())
    lines = script_of(guide).replace("http://127.0.0.1:8705", state["addresses"]["PRICE_URL"])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f". .scf/story/names.sh\n{lines}"],
        cwd=tmp_path,
        env={**serving.at.environment, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=2 * MINUTES,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_it_well_and_leaves_no_process(serving):
    serving.process.send_signal(signal.SIGINT)
    out, _ = serving.process.communicate(timeout=MINUTES)
    told = serving.at.told.read_text()
    assert (serving.process.returncode, out) == (0, "")
    assert "/docs" in told
    assert "Traceback" not in told
    assert serving.at.is_quiet()
