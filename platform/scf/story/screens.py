"""Form-like screens on a terminal: who, which paper, how much, when, with what result."""

from rich.box import ROUNDED
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

WIDTH_MAX = 96

Rows = dict[str, str]


class Screen:
    """Where the story is told: standard error, so that standard output stays for machines."""

    def __init__(self) -> None:
        """Write to standard error, as wide as a form."""
        self.console = Console(stderr=True, highlight=False)
        self.console.width = min(self.console.width, WIDTH_MAX)
        self.number = 0

    def scene(self, title: str, english: str, day: str) -> None:
        """Open a scene."""
        self.number += 1
        self.console.print()
        self.console.rule(
            f"[bold]{self.number}. {title}[/]  [dim]{english}[/]  {day}", align="left"
        )

    def form(
        self, who: str, paper: str, rows: Rows, *, result: str = "", good: bool = True
    ) -> None:
        """Show one paper as a form."""
        table = Table(box=None, show_header=False, padding=(0, 1), expand=False)
        table.add_column(style="dim", justify="right", no_wrap=True)
        table.add_column()
        for name, value in rows.items():
            table.add_row(name, Text(value))
        if result:
            colour = "green" if good else "red"
            table.add_row("结果", Text(("✔ " if good else "✘ ") + result, style=colour))
        self.console.print(Panel(table, title=f"{who} · {paper}", title_align="left", box=ROUNDED))

    def paper(self, title: str, text: str) -> None:
        """Show a paper word for word, as it is signed."""
        self.console.print(Panel(Text(text), title=title, title_align="left", border_style="dim"))

    def refused(self, who: str, paper: str, problem: dict[str, object]) -> None:
        """Show a refusal exactly as the party sees it."""
        numbers = problem.get("fields") or {}
        rows = {"错误码": str(problem["code"])}
        if isinstance(numbers, dict) and numbers:
            rows["数字"] = "，".join(f"{k} {_plain(v)}" for k, v in numbers.items())
        self.form(who, paper, rows, result=f"{problem['title']} ({problem['detail']})", good=False)

    def say(self, line: str) -> None:
        """Say one line."""
        self.console.print(f"  [dim]{line}[/]")


def _plain(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    return str(value)
