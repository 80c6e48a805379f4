"""`scf import PATH…`: hand in invoices, document by document; with `--check` only look at them."""

import argparse
import hashlib
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from scf.cli import FAILED, explain
from scf.cli._api import Api
from scf.documents import companion
from scf.documents.batch import DUPLICATE_CODE, Batch, Finding
from scf.documents.files import PathMissing, opened, read, shown, walk
from scf.documents.parsing import Flag, Part, mapping, parse_many
from scf.documents.parsing.errors import ColumnsUnknown
from scf.documents.parsing.mapping import ListMapping
from scf.documents.rejects import Rejects
from scf.documents.rules import FLAG_CODES, DocumentConflict, Verdict
from scf.documents.service import FILENAME_LENGTH_MAX
from scf.kernel.errors import Refused
from scf.kernel.text import one_line

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
    FLAG_CODES[Flag.TAKEN_BACK]: "已红冲 a red note takes it back",
    FLAG_CODES[Flag.TAX_RISK]: "税务机关提示风险 the tax authority marks a risk",
}
TEMPLATES: Final[Mapping[str, Callable[[], bytes]]] = {
    "companion": companion.template,
    "list": mapping.list_template,
    "mapping": lambda: mapping.TEMPLATE,
}


Judge = Callable[[str, Part, Finding], Finding]
"""Who decides about a document that is new to the batch: nobody (`--check`), or the platform."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "import",
        help="导入发票文件或文件夹 / import invoices from files and folders",
        description="导入发票：数电票 XML 和 OFD、电子税务局全量发票 Excel、CSV/Excel 清单、ZIP、UBL 2、CII。"
        "退出码：0 全部接收，1 有拒绝或冲突，2 参数无效 / "
        "exit 0: all taken, 1: some refused or in conflict, 2: unusable arguments",
    )
    add = parser.add_argument
    add("paths", nargs="*", type=Path, metavar="PATH", help="文件或文件夹 / files or folders")
    add("--check", action="store_true", help="只检查，不登记 / only look, store nothing")
    add("--json", action="store_true", help="每张单证一行 JSON / a line of JSON per document")
    add(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="列对照文件 TOML / what the columns of lists mean",
    )
    add(
        "--rejects",
        type=Path,
        metavar="FILE",
        help="未接收的行写入 CSV / write rows not taken to a CSV",
    )
    add(
        "--template",
        nargs="?",
        const="companion",
        choices=TEMPLATES,
        help="输出模板：随附清单、发票清单、列对照文件 / print a template",
    )
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
        sys.stdout.write(TEMPLATES[options.template]().decode())
        return 0
    missing = [shown(path) for path in options.paths if not path.exists()]
    if missing or not options.paths:
        raise PathMissing(paths=missing)
    files = [file for path in options.paths for file in walk(path)]
    columns = None
    if options.mapping:
        columns = ListMapping.parse(read(options.mapping))
        files = [file for file in files if file.resolve() != options.mapping.resolve()]
    with ExitStack() as stack:
        rejects = None
        if options.rejects:
            delimiter = columns.delimiter if columns else None
            rejects = stack.enter_context(Rejects(options.rejects, delimiter))
        judge: Judge = _take_as_found
        if not options.check:
            judge = partial(hand_in, stack.enter_context(closing(Api.here(options.client))))
        importing = Importing(judge, as_json=options.json, columns=columns, rejects=rejects)
        return importing.all(files)


def _take_as_found(_name: str, _part: Part, finding: Finding) -> Finding:
    return finding


def hand_in(api: Api, name: str, part: Part, finding: Finding) -> Finding:
    """Register a document and return what became of it. Its content is the idempotency key.

    Raises ApiUnreachable, ClientRefused.
    """
    original = part.original
    answer = api.post(
        "/v1/documents",
        original,
        key=f"import-{hashlib.sha256(original).hexdigest()}",
        params={"filename": name[-FILENAME_LENGTH_MAX:]},
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
    """One run: what becomes of each document, told as it goes."""

    def __init__(
        self,
        judge: Judge,
        *,
        as_json: bool,
        columns: ListMapping | None = None,
        rejects: Rejects | None = None,
    ) -> None:
        """Let `judge` decide about what can be read."""
        self._judge = judge
        self._as_json = as_json
        self._columns = columns
        self._rejects = rejects
        self._batch = Batch()
        self._counts: Counter[Verdict] = Counter()
        self._listed: dict[str, str] = {}  # invoice number -> the companion CSV that lists it
        self._progress = ""
        self._said = time.monotonic()

    def all(self, files: Sequence[Path]) -> int:
        """Import files and return the exit code."""
        for done, path in enumerate(files):
            self._progress = f"{done}/{len(files)}"
            self.take(path)
        for number in sorted(self._listed.keys() - set(self._present())):
            _say(f"! {self._listed[number]}: 清单所列发票不在本批 not in this batch: {number}")
        counts = "  ".join(f"{WORDS[verdict]} {self._counts[verdict]}" for verdict in WORDS)
        _say(f"共 {self._counts.total()} 份 documents  {counts}")
        if self._rejects is not None and self._rejects.count:
            _say(f"  未接收的行已退回 rows handed back: {self._rejects.count}")
        return FAILED if any(self._counts[verdict] for verdict in NOT_TAKEN) else 0

    def take(self, path: Path) -> None:
        """Import what is in one file, whatever it is."""
        for part in self._parts(path):
            name = shown(path) + part.place
            if isinstance(part.outcome, ColumnsUnknown) and companion.is_companion(part.original):
                self._list(name, part.original)
            else:
                self._tell(name, self._decide(shown(path.name) + part.place, name, part), part)

    def _parts(self, path: Path) -> Iterator[Part]:
        """Iterate over a file's documents, telling of what ends it before its end."""
        try:
            with opened(path) as file:
                yield from parse_many(file, self._columns)
        except Refused as error:
            self._tell(shown(path), Finding.refused(error))
        except Exception as error:  # noqa: BLE001 - a defect met in one file is told of, and the rest goes on
            self._tell(shown(path), Finding(Verdict.REFUSED, "internal", note=explain(error)[0]))

    def _decide(self, short: str, name: str, part: Part) -> Finding:
        if isinstance(part.outcome, Refused):
            return Finding.refused(part.outcome)
        finding = self._batch.judge(part.outcome, source=name)
        new = finding.verdict not in NOT_TAKEN | {Verdict.DUPLICATE}
        return self._judge(short, part, finding) if new else finding

    def _present(self) -> Iterator[str]:
        """Iterate over the numbers of this batch that a companion CSV lists."""
        return (number for number in self._batch.numbers() if number in self._listed)

    def _list(self, file: str, original: bytes) -> None:
        """Read a companion CSV, or tell its errors row by row."""
        try:
            lines = companion.parse(original)
        except companion.CompanionTooLarge as error:
            self._tell(file, Finding.refused(error))
            return
        except companion.CompanionInvalid as error:
            self._tell(file, Finding(Verdict.REFUSED, error.code, note=error.title))
            for row in error.rows():
                _say(f"  {file}: {row}")
            return
        listed = {number: file for line in lines for number in line.invoice_numbers}
        self._listed.update(listed)
        _say(f"  {file}: 随附清单 companion, {len(lines)} 行 lines, {len(listed)} 张发票 invoices")

    def _tell(self, file: str, finding: Finding, part: Part | None = None) -> None:
        """Print what became of a document, and hand a row back that was not taken."""
        self._counts[finding.verdict] += 1
        text = json.dumps(to_json(file, finding), ensure_ascii=False)
        sys.stdout.write(f"{text if self._as_json else to_text(file, finding)}\n")
        sys.stdout.flush()
        if finding.verdict in NOT_TAKEN and self._as_json and finding.note:
            _say(f"  {file}: {finding.note}")
        if finding.verdict in NOT_TAKEN and self._rejects and part and part.row:
            self._rejects.add(part.row, place=file, reason=finding.note or finding.code or "")
        if time.monotonic() - self._said > PROGRESS_SECONDS:
            self._said = time.monotonic()
            _say(f"… {self._progress}  {self._counts.total()} 份 documents")


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
