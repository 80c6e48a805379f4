"""``scf-verify``: check a proof file against a trust file, fragment by fragment.

Exit status: 0 every required fragment holds and none fails, 1 it does not, 2 unusable input.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

from scf_ledger import proof, trust
from scf_ledger.errors import LedgerError, TooLarge
from scf_ledger.trust import Fragment
from scf_ledger.verify import Outcome, Report, Status, verify_file
from scf_ledger.verify.messages import printable, text_of

EXIT_PASS: Final = 0
EXIT_FAIL: Final = 1
EXIT_UNUSABLE: Final = 2

_NAMES: Final = {
    Fragment.RECORD: "记录",
    Fragment.INCLUSION: "入账",
    Fragment.CHECKPOINT: "检查点",
    Fragment.AUTHORIZATION: "签署",
    Fragment.COMPLETENESS: "齐备",
    Fragment.ANCHOR: "上链",
    Fragment.STANDING: "现状",
}
_MARKS: Final = {Status.PASS: "✓", Status.FAIL: "✗", Status.NOT_CHECKED: "–"}
_TERMS: Final = {
    "debtor": "债务人",
    "pledgor": "出质人",
    "pledgee": "质权人",
    "due_on": "到期日",
    "reg_no": "登记证明编号",
}
_AMOUNTS: Final = {
    "amount": "质押额",
    "confirmed": "池内确认额",
    "used": "已占用额",
    "shortfall": "缺口",
}
_VOUCHED: Final = {
    "register": "登记系统以自有密钥签发回执 vouched for by the register's own receipt",
    "platform": "仅为平台陈述，无经核验的登记系统回执 the platform says so: no receipt of the register was verified",
}
_KINDS: Final = {
    "event": "事件证明 event proof",
    "pledge": "质押证明 pledge proof",
    "reading": "读数证明 reading proof",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; ``arguments`` without the program's name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        return _verify(options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNUSABLE


def _verify(options: argparse.Namespace) -> int:
    try:
        trusted = trust.parse(_read(options.trust, trust.FILE_BYTES_MAX))
        data = _read(options.file, proof.FILE_BYTES_MAX)
        report = verify_file(data, trusted, rpc=options.rpc, log=options.log)
    except LedgerError as error:
        return _unusable(error.code, {"reason": error.message, **error.fields}, options.json)
    except OSError as error:
        return _unusable("file.unreadable", {"reason": error.strerror}, options.json)
    if options.json:
        _print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        _print(_form(report))
    return EXIT_PASS if report.passed else EXIT_FAIL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scf-verify",
        description="核验证明文件 · Verify a proof file on your own",
        epilog="退出码 exit status: 0 通过 pass, 1 不通过 fail, 2 输入不可用 unusable input",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="证明文件 *.scfproof")
    parser.add_argument(
        "--trust", type=Path, required=True, metavar="trust.json", help="信任清单 whom you believe"
    )
    parser.add_argument("--rpc", metavar="URL", help="以太坊节点 JSON-RPC, 核对上链 (anchor)")
    parser.add_argument("--log", metavar="URL", help="日志地址 https://…/log, 核对现状 (standing)")
    parser.add_argument("--json", action="store_true", help="以 JSON 输出 one object on stdout")
    return parser


def _read(path: Path, limit: int) -> bytes:
    """Read a file, no more than it may hold."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise TooLarge("file is too large", limit=limit)
    return data


def _form(report: Report) -> str:
    """Lay the report out like the ticks of a form."""
    lines = [_KINDS[report.kind]]
    for fragment, outcome in report.fragments.items():
        lines += _row(fragment, outcome, required=fragment in report.required)
    lines += _history(report.facts)
    lines.append("结论: 通过 PASS" if report.passed else "结论: 不通过 FAIL")
    return "\n".join(lines)


def _row(fragment: Fragment, outcome: Outcome, *, required: bool) -> list[str]:
    chinese, english = text_of(outcome.code, outcome.fields)
    mark = _MARKS[outcome.status]
    demand = " (信任清单要求 required)" if required and outcome.status is not Status.PASS else ""
    return [
        f"  [{mark}] {_NAMES[fragment]} {fragment.value}{demand}",
        f"      {chinese} · {english}",
    ]


def _measure(value: Any) -> str:
    """Write money, or a quantity of goods."""
    number, of = ("quantity", "unit") if "unit" in value else ("amount", "currency")
    return f"{value[number]} {value[of]}"


def _history(facts: Any) -> list[str]:
    """Tell the events with the times they claim, and by when they provably existed."""
    lines = [
        f"    {entry['type']} {entry['subject']} v{entry['version']}"
        f"  自称 claimed at {entry['claimed_at']}"
        for entry in facts["entries"]
    ]
    terms = facts.get("pledge", {})
    amounts = {**terms, **terms.get("pool_sums", {})}
    lines += [f"    {_security(terms['security'])}"] if "security" in terms else []
    lines += [
        f"    {word} {key} {printable(terms[key])}" for key, word in _TERMS.items() if key in terms
    ]
    lines += [
        f"    {word} {key} {_measure(amounts[key])}"
        for key, word in _AMOUNTS.items()
        if key in amounts
    ]
    if "registration" in facts:
        lines.append(f"    登记 registration {_VOUCHED[facts['registration']['vouched_by']]}")
    by = facts["existed_by"] or "未证明 not proven"
    return ["", *lines, f"    存在时间 existed by {by}", ""]


def _security(said: dict[str, Any]) -> str:
    """Say what a bank took where it is no pledge; pledgor and pledgee are then assignor and assignee."""
    kind = {"assignment": "应收账款转让", "factoring": "保理"}[said["kind"]]
    recourse = "有追索权 with recourse" if said["recourse"] else "无追索权 without recourse"
    told = "明 disclosed" if said["disclosed"] else "暗 undisclosed"
    return f"担保方式 security {kind} {said['kind']}，{recourse}，{told}"


def _unusable(code: str, fields: dict[str, Any], as_json: bool) -> int:
    chinese, english = text_of(code, fields)
    if as_json:
        answer = {
            "verdict": "unusable",
            "kind": None,
            "fragments": {},
            "error": {"code": code, "detail": chinese, "detail_en": english},
        }
        _print(json.dumps(answer, ensure_ascii=False))
    sys.stderr.write(f"输入不可用: {chinese} · Unusable input: {english}\n")
    return EXIT_UNUSABLE


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
