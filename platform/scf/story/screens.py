"""Form-like screens on a terminal: who, which paper, how much, when, with what result."""

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Final, TextIO, cast

from rich.box import ROUNDED
from rich.cells import cell_len
from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.panel import Panel
from rich.rule import Rule
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

WIDTH_MAX: Final = 100
NOTEWORTHY_SECONDS: Final = 1.0  # a shorter wait is not worth a line
PAPER_VALUES: Final = 24  # the column where a rendered paper's values stand
FRAME: Final = 4  # columns of a panel's border and padding

NUMBERS: Final = {
    "document": "单证",
    "tokens": "资产令牌",
    "asked": "申请",
    "free": "可用",
    "state": "状态",
    "reason": "原因",
}
_PIECES = re.compile(r"(?:[\x21-\x7e]+|.)[，。；：、）》」]*")

Rows = Mapping[str, str]


class Screen:
    """Where the story is told: standard error, so that standard output stays for machines."""

    def __init__(self) -> None:
        """Write to standard error, as wide as a form."""
        self.console = Console(stderr=True, highlight=False, emoji=False)
        self.width = min(self.console.width, WIDTH_MAX)
        self.stream = sys.stderr
        """For others who write lines; on a terminal they stand above what is being waited for."""
        if self.console.is_terminal:
            self.stream = cast("TextIO", FileProxy(self.console, sys.stderr))
        self._number = 0
        self._day: date | None = None
        self._waiting = False

    def scene(self, title: str, english: str, day: date | None = None) -> None:
        """Open a scene; its forms carry the business date, where it has one."""
        self._number += 1
        self._day = day
        heading = f"[bold]{self._number}. {title}[/] [dim]{english}[/]"
        self.console.print()
        rule = Rule(f"{heading}  {day}" if day else heading, align="left")
        self.console.print(rule, width=self.width)

    def form(
        self, who: str, paper: str, rows: Rows, *, result: str = "", good: bool = True
    ) -> None:
        """Show one paper as a form."""
        table = Table(box=None, show_header=False, padding=(0, 1), expand=False)
        table.add_column(style="dim", justify="right", no_wrap=True)
        table.add_column()
        for name, value in rows.items():
            table.add_row(name, Text(value))
        if self._day is not None:
            table.add_row("日期", Text(f"{self._day}"))
        if result:
            colour = "green" if good else "red"
            table.add_row("结果", Text(("✔ " if good else "✘ ") + result, style=colour))
        title = Text(f"{who} · {paper}")
        panel = Panel(table, title=title, title_align="left", box=ROUNDED)
        self.console.print(panel, width=self.width)

    def paper(self, title: str, text: str) -> None:
        """Show a paper word for word, as it is signed; long values go on below their column."""
        room = self.width - FRAME
        lines = [piece for line in text.rstrip().splitlines() for piece in wrapped(line, room)]
        content = Text("\n".join(lines))
        panel = Panel(content, title=Text(title), title_align="left", border_style="dim")
        self.console.print(panel, width=self.width)

    def refused(self, who: str, paper: str, problem: Mapping[str, object]) -> None:
        """Show a refusal exactly as the party sees it."""
        numbers = problem.get("fields")
        rows = {"错误码": str(problem["code"])}
        if isinstance(numbers, dict) and numbers:
            rows["数字"] = "，".join(f"{NUMBERS.get(k, k)} {_plain(v)}" for k, v in numbers.items())
        self.form(who, paper, rows, result=f"{problem['title']} {problem['detail']}", good=False)

    def say(self, line: str) -> None:
        """Say one line."""
        self.console.print(Text(f"  {line}", style="dim"), soft_wrap=True)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show what is being waited for while the block runs, and how long it took where it took long."""
        if self._waiting:  # the outer wait is the one a person knows of
            yield
            return
        started = time.monotonic()
        self._waiting = True
        try:
            with Live(
                get_renderable=lambda: _waiting_line(what, started),
                console=self.console,
                refresh_per_second=8,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            ):
                yield
        finally:
            self._waiting = False
        if (seconds := time.monotonic() - started) >= NOTEWORTHY_SECONDS:
            self.say(f"⧗ 等待 waited {seconds:.1f} s  {what}")


_SPINNER = Spinner("dots")


def _waiting_line(what: str, started: float) -> Text:
    now = time.monotonic()
    if now - started < NOTEWORTHY_SECONDS:
        return Text("")
    mark = _SPINNER.render(now)
    return Text.assemble(
        "  ", mark if isinstance(mark, Text) else "", f" 等待 waiting {now - started:.0f} s  {what}"
    )


def wrapped(line: str, width: int) -> list[str]:
    """Break a line of a paper at `width` columns; words and numbers stay whole where they can."""
    indent = " " * (PAPER_VALUES if line.startswith("  ") else 0)
    lines, current = [], ""
    for piece in _pieces(line, width - len(indent)):
        if current.strip() and cell_len(current + piece) > width:
            lines.append(current.rstrip())
            current = indent + piece.lstrip()
        else:
            current += piece
    return [*lines, current.rstrip()]


def _pieces(line: str, width: int) -> Iterator[str]:
    """Iterate over what is not broken: Latin words and numbers, single characters with their punctuation."""
    for piece in _PIECES.findall(line):
        while cell_len(piece) > width:
            yield piece[: width // 2]
            piece = piece[width // 2 :]  # noqa: PLW2901 - what is left of it
        yield piece


def _plain(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, dict) and set(value) == {"quantity", "unit"}:
        return f"{value['quantity']} {value['unit']}"
    return str(value)
