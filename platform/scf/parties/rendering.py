"""What a person is about to sign, in Chinese, from the bytes alone.

Every member of the statement appears on the paper: those that the form knows in their place, any other
under 其他内容 as it stands, and characters that could disguise it are shown as escapes. So two programs
that show the same bytes show the same paper.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from scf.kernel.clock import SHANGHAI, parse_instant
from scf.papers import layouts
from scf.papers.layouts import Paper, Row, Section
from scf.papers.visible import visible
from scf.parties.forms import Names
from scf.parties.security_forms import form_of
from scf_ledger import canonical
from scf_ledger.encoding import b64url
from scf_ledger.statement import PAYLOAD_BYTES_MAX, parse_line, parse_statement

LABEL_WIDTH: Final = 22  # columns; a Chinese character takes two
_NUMBERS: Final = "一二三四五六七八九十"
STEPS: Final = {"make": "经办", "check": "复核"}


def render(payload: bytes, lines: Sequence[str] = ()) -> str:
    """Return the paper that `payload` is, as text; of a basket, with each line that is handed in beside it.

    Raises scf_ledger.errors.LedgerError for other bytes.
    """
    paper = read(payload)
    text = _Text()
    text.heading(paper.title)
    text.rows(paper.head)
    text.line(paper.preamble)
    for section in paper.sections:
        text.section(section.title)
        text.rows(section.rows)
    for number, (identity, body) in enumerate(_lines(payload, lines), 1):
        text.part(f"【{_place(number, lines)}】")
        text.rows(identity)
        for section in body.sections:
            text.section(section.title)
            text.rows(section.rows)
    return text.whole()


def read(payload: bytes, lines: Sequence[str] = ()) -> Paper:
    """Return the paper that `payload` is, a draft until it is signed; of a basket, with those lines of it.

    Raises scf_ledger.errors.LedgerError for other bytes.
    """
    value = members(payload)
    body, parts = body_of(value), list(_lines(payload, lines))
    names = [
        name for one in (body, *(part for _, part in parts)) for name in one.names.by_code.values()
    ]
    return Paper(
        title=form_of(value).title,
        number=value["id"],
        at=parse_instant(value["issued_at"]),
        marks=layouts.marks(*names, draft=True),
        head=[
            Row("文件编号", value["id"], "id"),
            Row("签署单位", body.names.party(value["party"]), "party"),
            *([Row("本次签署", STEPS[value["step"]], "step")] if "step" in value else []),
        ],
        preamble=form_of(value).preamble,
        sections=[
            *body.sections,
            Section("依据与签署", [*about(value), *signature(value), origin(value)]),
            *(
                Section(
                    _place(number, lines),
                    [*identity, *(row for section in part.sections for row in section.rows)],
                )
                for number, (identity, part) in enumerate(parts, 1)
            ),
        ],
    )


def _lines(payload: bytes, lines: Sequence[str]) -> Iterator[tuple[list[Row], "Body"]]:
    """Show lines of a basket: which version of what each is about, and what it says."""
    common = {**members(payload), "content": {}} if lines else {}
    for line in lines:
        shown = with_line(common, line)
        yield about(shown), body_of(shown)


def _place(number: int, lines: Sequence[str]) -> str:
    return f"第 {number} 笔，共 {len(lines)} 笔"


def members(payload: bytes) -> dict[str, Any]:
    """Return the members of a statement. Raises scf_ledger.errors.LedgerError for other bytes."""
    parse_statement(payload)
    value: dict[str, Any] = canonical.decode(payload, max_bytes=PAYLOAD_BYTES_MAX)
    return value


@dataclass(frozen=True, slots=True)
class Body:
    """What a statement says: the names that it carries, and its content as sections."""

    names: Names
    sections: list[Section]


def body_of(value: Mapping[str, Any]) -> Body:
    """Show the content of a statement, or of one line of a basket put in its place."""
    content = dict(value["content"])
    names = Names.of(content)
    sections = []
    for title, fields in form_of(value).sections:
        present = [(key, *fields[key]) for key in fields if key in content]
        rows = [Row(label, show(names, content.pop(key)), key) for key, label, show in present]
        sections += [Section(title, rows)] if rows else []
    rest = [Row(key, _as_json(content[key]), key) for key in sorted(content)]
    return Body(names, [*sections, *([Section("其他内容", rest)] if rest else [])])


def with_line(value: Mapping[str, Any], line: str) -> dict[str, Any]:
    """Return a basket as the statement that one disclosed line of it is. Raises LedgerError.

    The line's content stands beside what is common; its subject is what the statement is about.
    """
    shown = parse_line(line)
    common = {key: item for key, item in value["content"].items() if key != "lines"}
    return {
        **value,
        "subject": shown.about.subject,
        "version": shown.about.version,
        "subject_event": b64url(shown.about.event),
        "content": {**common, **shown.content},
    }


def about(value: Mapping[str, Any]) -> list[Row]:
    """Show which version of what a statement is about; a basket says it in its lines."""
    if value["subject"] is None:
        return []
    return [
        Row("所涉业务", f"{value['subject']}（第 {value['version']} 版）", "subject"),
        Row("该版存证摘要", value["subject_event"], "subject_event"),
    ]


def signature(value: Mapping[str, Any]) -> list[Row]:
    """Show who signs, by what mandate, and when."""
    return [
        Row("签署人", value["person"], "person"),
        Row("授权委托书", value["mandate"] or "无", "mandate"),
        Row("出具时间", _instant(value["issued_at"]), "issued_at"),
        Row("签署截止", _instant(value["expires_at"]), "expires_at"),
    ]


def origin(value: Mapping[str, Any]) -> Row:
    """Show for which log a statement is."""
    return Row("存证日志", value["origin"], "origin")


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


class _Text:
    """Lines of a form, labels in one column."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._sections = 0

    def heading(self, title: str) -> None:
        self._lines += [title, "═" * (_width(title) + 4)]

    def line(self, text: str) -> None:
        self._lines += ["", text]

    def part(self, text: str) -> None:
        self.line(text)
        self._sections = 0

    def section(self, title: str) -> None:
        self._lines += ["", f"{_NUMBERS[self._sections]}、{title}"]
        self._sections += 1

    def rows(self, rows: Sequence[Row]) -> None:
        for row in rows:
            label, first, *more = visible(row.label), *visible(row.text).split("\n")
            pad = " " * max(1, LABEL_WIDTH - _width(label))
            self._lines.append(f"  {label}{pad}{first}")
            self._lines += [" " * (LABEL_WIDTH + 2) + line for line in more]

    def whole(self) -> str:
        return "\n".join(self._lines) + "\n"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _instant(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(SHANGHAI)
    return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M:%S}（北京时间）"
