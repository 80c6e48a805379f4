"""What a person is about to sign, in Chinese, from the bytes alone.

Every member of the statement appears on the paper: those that the form knows in their place, any other
under 其他内容 as it stands, and characters that could disguise it are shown as escapes. So two programs
that show the same bytes show the same paper.
"""

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from scf.kernel.clock import SHANGHAI
from scf.parties.forms import FORMS, Names
from scf_ledger import canonical
from scf_ledger.statement import PAYLOAD_BYTES_MAX, parse_statement

LABEL_WIDTH: Final = 22  # columns; a Chinese character takes two
_NUMBERS: Final = "一二三四五六七八九十"
_STEPS: Final = {"make": "经办", "check": "复核"}


def render(payload: bytes) -> str:
    """Return the paper that `payload` is. Raises scf_ledger.errors.LedgerError for other bytes."""
    parse_statement(payload)
    value = canonical.decode(payload, max_bytes=PAYLOAD_BYTES_MAX)
    content = dict(value["content"])
    form = FORMS[value["act"]]
    paper = _Paper(Names.of(content))
    paper.heading(form.title)
    paper.row("文件编号", value["id"])
    paper.row("签署单位", paper.names.party(value["party"]))
    if "step" in value:
        paper.row("本次签署", _STEPS[value["step"]])
    paper.line(form.preamble)
    for title, fields in form.sections:
        present = [(key, show) for key, show in fields.items() if key in content]
        if present:
            paper.section(title)
        for key, (label, show) in present:
            paper.row(label, show(paper.names, content.pop(key)))
    _rest(paper, content)
    _signature(paper, value)
    return paper.text()


def _rest(paper: "_Paper", content: Mapping[str, Any]) -> None:
    if content:
        paper.section("其他内容")
    for key in sorted(content):
        paper.row(key, json.dumps(content[key], ensure_ascii=False, sort_keys=True))


def _signature(paper: "_Paper", value: Mapping[str, Any]) -> None:
    paper.section("依据与签署")
    if value["subject"] is not None:
        paper.row("所涉业务", f"{value['subject']}（第 {value['version']} 版）")
        paper.row("该版存证摘要", value["subject_event"])
    paper.row("签署人", value["person"])
    paper.row("授权委托书", value["mandate"] or "无")
    paper.row("出具时间", _instant(value["issued_at"]))
    paper.row("签署截止", _instant(value["expires_at"]))
    paper.row("存证日志", value["origin"])


class _Paper:
    """Lines of a form, labels in one column."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._lines: list[str] = []
        self._sections = 0

    def heading(self, title: str) -> None:
        self._lines += [title, "═" * (_width(title) + 4)]

    def line(self, text: str) -> None:
        self._lines += ["", text]

    def section(self, title: str) -> None:
        self._lines += ["", f"{_NUMBERS[self._sections]}、{title}"]
        self._sections += 1

    def row(self, label: str, text: str) -> None:
        label, first, *more = visible(label), *visible(text).split("\n")
        pad = " " * max(1, LABEL_WIDTH - _width(label))
        self._lines.append(f"  {label}{pad}{first}")
        self._lines += [" " * (LABEL_WIDTH + 2) + line for line in more]

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def visible(text: str) -> str:
    """Return text with every control, format and separator character but a line feed escaped."""
    return "".join(
        c if c in "\n " or unicodedata.category(c)[0] not in "CZ" else f"\\u{{{ord(c):x}}}"
        for c in text
    )


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _instant(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(SHANGHAI)
    return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M:%S}（北京时间）"
