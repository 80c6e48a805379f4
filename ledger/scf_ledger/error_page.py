"""The page to which a problem's `type` leads (RFC 9457, 3.1.1): one row a code, its anchor the code."""

from collections.abc import Iterable
from html import escape
from typing import Final, NamedTuple

PATH: Final = "/docs/errors"
STYLE: Final = (
    "body{font:16px/1.5 sans-serif;margin:2em;color:#222}table{border-collapse:collapse}"
    "td,th{border:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}"
    ":target{background:#ffd}"
)


class Row(NamedTuple):
    """A refusal: its code and HTTP status, what it says in Chinese and English, and the rule behind it."""

    code: str
    status: int
    title: str
    title_en: str
    rule: str


def type_of(code: str) -> str:
    """Return the `type` of a problem with this code: where it is explained."""
    return f"{PATH}#{code}"


def render(rows: Iterable[Row]) -> str:
    """Return the page, by code."""
    cells = "\n".join(
        f'<tr id="{escape(row.code)}">' + "".join(f"<td>{escape(str(one))}</td>" for one in row)
        for row in sorted(rows)
    )
    heads = "".join(f"<th>{name}</th>" for name in ("code", "status", "标题", "title", "the rule"))
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><title>错误代码 Errors</title>'
        f"<style>{STYLE}</style><h1>错误代码 Errors</h1><table><tr>{heads}</tr>\n{cells}\n</table></html>\n"
    )
