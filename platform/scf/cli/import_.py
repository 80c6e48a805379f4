"""`scf import PATH…`: hand in invoices, file by file; with `--check` only look at them."""

import argparse
import hashlib
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from scf.cli import FAILED, explain
from scf.cli._api import Api
from scf.documents import companion
from scf.documents.batch import DUPLICATE_CODE, Batch, Finding
from scf.documents.files import PathMissing, read, shown, walk
from scf.documents.parsing import Flag
from scf.documents.parsing.values import one_line
from scf.documents.rules import FLAG_CODES, DocumentConflict, Verdict
from scf.documents.service import FILENAME_LENGTH_MAX
from scf.kernel.errors import Refused

PROGRESS_SECONDS: Final = 1.0
NOT_TAKEN: Final = frozenset({Verdict.REFUSED, Verdict.CONFLICT})
WORDS: Final = {
    Verdict.ACCEPTED: "✓ 接收 accepted",
    Verdict.FLAGGED: "! 提示 flagged",
    Verdict.REVERSES: "↩ 冲红 reverses",
    Verdict.DUPLICATE: "= 重复 duplicate",
    Verdict.CONFLICT: "≠ 冲突 conflict",
    Verdict.REFUSED: "✗ 拒绝 refused",
}
HINTS: Final = {
    FLAG_CODES[Flag.FACTORED]: "发票注明保理或债权转让 it says that it is factored or assigned",
    FLAG_CODES[Flag.PAYEE_DIFFERS]: "收款方不是销售方 another than the seller is to be paid",
}


Judge = Callable[[Path, bytes, Finding], Finding]
"""Who decides about a document that is new to the batch: nobody (`--check`), or the platform."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "import",
        help="导入发票文件或文件夹 / import invoices from files and folders",
        description="导入发票：数电票 XML、UBL 2.1。退出码：0 全部接收，1 有拒绝或冲突，2 参数无效 / "
        "exit 0: all taken, 1: some refused or in conflict, 2: unusable arguments",
    )
    add = parser.add_argument
    add("paths", nargs="*", type=Path, metavar="PATH", help="文件或文件夹 / files or folders")
    add("--check", action="store_true", help="只检查，不登记 / only look, store nothing")
    add("--json", action="store_true", help="每张单证一行 JSON / a line of JSON per document")
    add("--template", action="store_true", help="输出随附清单模板 / print the companion template")
    add(
        "--client",
        type=Path,
        metavar="FILE",
        help="客户端凭证 JSON，或用 SCF_CLIENT_ID、SCF_CLIENT_SECRET / client credentials",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Import. Raises PathMissing, and what opening a session with the platform raises."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    if options.template:
        sys.stdout.write(companion.template().decode())
        return 0
    missing = [shown(path) for path in options.paths if not path.exists()]
    if missing or not options.paths:
        raise PathMissing(paths=missing)
    files = [file for path in options.paths for file in walk(path)]
    if options.check:
        return Importing(lambda _path, _bytes, found: found, as_json=options.json).all(files)
    with closing(Api.here(options.client)) as api:
        return Importing(partial(hand_in, api), as_json=options.json).all(files)


def hand_in(api: Api, path: Path, original: bytes, finding: Finding) -> Finding:
    """Register a document and return what became of it. Its content is the idempotency key.

    Raises ApiUnreachable, ClientRefused.
    """
    answer = api.post(
        "/v1/documents",
        original,
        key=f"import-{hashlib.sha256(original).hexdigest()}",
        params={"filename": shown(path.name)[-FILENAME_LENGTH_MAX:]},
    )
    if answer.status == HTTPStatus.OK:
        if answer.replayed or answer.body.get("verdict") == Verdict.DUPLICATE:
            return replace(finding, verdict=Verdict.DUPLICATE, code=DUPLICATE_CODE)
        return finding
    code = str(answer.body.get("code") or f"http.{answer.status}")
    conflict = code == DocumentConflict.code
    return replace(
        finding,
        verdict=Verdict.CONFLICT if conflict else Verdict.REFUSED,
        code=code,
        note=f"{answer.body.get('title')} {json.dumps(answer.body.get('fields'), ensure_ascii=False)}",
    )


class Importing:
    """One run: what becomes of each file, told as it goes."""

    def __init__(self, judge: Judge, *, as_json: bool) -> None:
        """Let `judge` decide about what can be read."""
        self._judge = judge
        self._as_json = as_json
        self._batch = Batch()
        self._counts: Counter[Verdict] = Counter()
        self._listed: dict[str, str] = {}  # invoice number -> the companion CSV that lists it
        self._found: set[str] = set()

    def all(self, files: Sequence[Path]) -> int:
        """Import files and return the exit code."""
        said = time.monotonic()
        for done, path in enumerate(files):
            if time.monotonic() - said > PROGRESS_SECONDS:
                said = time.monotonic()
                _say(f"… {done}/{len(files)}")
            self.take(path)
        for number in sorted(self._listed.keys() - self._found):
            _say(f"! {self._listed[number]}: 清单所列发票不在本批 not in this batch: {number}")
        counts = "  ".join(f"{WORDS[verdict]} {self._counts[verdict]}" for verdict in WORDS)
        _say(f"共 {self._counts.total()} 份 documents  {counts}")
        return FAILED if any(self._counts[verdict] for verdict in NOT_TAKEN) else 0

    def take(self, path: Path) -> None:
        """Import one file, whatever it is."""
        file = shown(path)
        try:
            original = read(path)
            if companion.is_companion(original):
                self._list(file, original)
            else:
                self._tell(file, self._decide(path, original))
        except Refused as error:
            self._tell(file, Finding.refused(error))

    def _decide(self, path: Path, original: bytes) -> Finding:
        try:
            finding = self._batch.examine(original, source=shown(path))
        except Exception as error:  # noqa: BLE001 - a defect met in one file is told of, and the rest goes on
            return Finding(Verdict.REFUSED, "internal", note=explain(error)[0])
        if finding.invoice is not None:
            self._found.add(finding.invoice.number)
        new = finding.verdict not in NOT_TAKEN | {Verdict.DUPLICATE}
        return self._judge(path, original, finding) if new else finding

    def _list(self, file: str, original: bytes) -> None:
        """Read a companion CSV, or tell its errors row by row. Raises CompanionTooLarge."""
        try:
            lines = companion.parse(original)
        except companion.CompanionInvalid as error:
            self._tell(file, Finding(Verdict.REFUSED, error.code, note=error.title))
            for row in error.rows():
                _say(f"  {file}: {row}")
            return
        listed = {number: file for line in lines for number in line.invoice_numbers}
        self._listed.update(listed)
        _say(f"  {file}: 随附清单 companion, {len(lines)} 行 lines, {len(listed)} 张发票 invoices")

    def _tell(self, file: str, finding: Finding) -> None:
        """Print what became of a document."""
        self._counts[finding.verdict] += 1
        text = json.dumps(to_json(file, finding), ensure_ascii=False)
        sys.stdout.write(f"{text if self._as_json else to_text(file, finding)}\n")
        sys.stdout.flush()


def to_json(file: str, finding: Finding) -> dict[str, str | None]:
    """Return the line that `--json` prints; what is not known is null."""
    invoice = finding.invoice
    return {
        "file": file,
        "verdict": finding.verdict.value,
        "code": finding.code,
        "number": invoice.number if invoice else None,
        "seller": invoice.seller.identity if invoice else None,
        "buyer": invoice.buyer.identity if invoice else None,
        "amount": invoice.total.text if invoice else None,
        "currency": invoice.currency if invoice else None,
    }


def to_text(file: str, finding: Finding) -> str:
    """Return the line that a person reads."""
    parts = [WORDS[finding.verdict], file]
    if invoice := finding.invoice:
        parts += [
            invoice.number,
            f"{invoice.seller.name} → {invoice.buyer.name}",
            f"{invoice.total} {invoice.currency}",
        ]
    note = finding.note or HINTS.get(finding.code or "")
    return one_line("  ".join([*parts, note] if note else parts))


def _say(text: str) -> None:
    """Tell the person who waits."""
    print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201 - a command line speaks
