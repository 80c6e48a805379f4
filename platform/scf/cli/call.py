"""`scf call METHOD PATH`: try any endpoint of a running platform as one of its clients.

An object is shown indented, a problem as one line on stderr, Chinese first; a file is saved under the
name that the platform gives it. A command's Idempotency-Key is made anew unless `--key` gives one.
"""

import argparse
import json
import re
import sys
import uuid
from contextlib import closing
from email.message import Message
from http import HTTPMethod, HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any, Final

import httpx

from scf.cli import FAILED
from scf.cli._api import Api
from scf.documents.files import read
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.text import one_line

METHODS: Final = (HTTPMethod.GET, HTTPMethod.POST)
NOBODY: Final = "nobody"
STDIN: Final = "-"
_INLINE: Final = re.compile(r"\s*[\[{]")


class ArgumentMalformed(Invalid):
    """A query or header is a name and a value; a path begins with a slash."""

    code = "call.argument_malformed"
    title = "参数格式不正确"
    title_en = "The argument is malformed"


class NothingThere(Invalid):
    """`--pick` names a place in the answer."""

    code = "call.nothing_there"
    title = "应答中没有所取的内容"
    title_en = "The answer has nothing at that place"


class FileExists(Conflict):
    """A file is replaced only where its name was given."""

    code = "call.file_exists"
    title = "同名文件已存在，请用 --out 指定文件名"
    title_en = "A file of that name is there: name one with --out"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "call", help="以某一客户端调用接口 / try an endpoint as one of the clients"
    )
    add = parser.add_argument
    add("method", type=str.upper, choices=METHODS, metavar="METHOD", help="GET 或 POST")
    add("path", help="/v1/…")
    add(
        *("--as", "--client"),
        dest="client",
        type=Path,
        metavar="NAME",
        help=f"客户端名称或凭证文件，{NOBODY} 为不登录 / a client, its file, or {NOBODY}",
    )
    add("--body", metavar="FILE|-|JSON", help="请求内容：文件、标准输入或 JSON / what is sent")
    add("--query", action="append", default=[], metavar="K=V", help="查询参数 / a parameter")
    add("--header", action="append", default=[], metavar="K=V", help="请求头 / a header")
    add("--key", help="Idempotency-Key，缺省自动生成 / else made anew")
    add("--out", type=Path, metavar="FILE", help="应答存为文件 / keep the answer in a file")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--pick", metavar="A.0.B", help="只输出应答中的一项 / one value alone")
    shown.add_argument("--json", action="store_true", help="输出一行 JSON / as one line of JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send it; 0 where it succeeded, 1 where the platform refused.

    Raises ArgumentMalformed, NothingThere, FileExists, FileUnreadable, ClientMissing, ClientRefused,
    ApiUnreachable, NotRunning.
    """
    if not options.path.startswith("/"):
        raise ArgumentMalformed(field="PATH", value=options.path[:80], rule="/v1/…")
    query, headers = _pairs("--query", options.query), dict(_pairs("--header", options.header))
    body = _body(options.body)
    if options.method == HTTPMethod.POST:
        headers.setdefault("Idempotency-Key", options.key or uuid.uuid4().hex)
    if body is not None:
        headers.setdefault("Content-Type", _media_type(body))
    session = Api.public() if str(options.client) == NOBODY else Api.here(options.client)
    with closing(session) as api:
        answer = api.request(
            options.method,
            options.path,
            body=body,
            headers=headers,
            params=query,
        )
    return _show(answer, options)


def refusal(problem: Any, status: int) -> str:
    """Return a problem document (RFC 9457) as lines for a person, its numbers below."""
    if not isinstance(problem, dict) or "title" not in problem:
        return f"平台拒绝了请求 (The platform refused) http.{status}"
    where = f" [{problem['field']}]" if problem.get("field") else ""
    lines = [f"{problem['title']} ({problem.get('detail')}){where} {problem.get('code')}"]
    for name, value in (problem.get("fields") or {}).items():
        shown = [f"  {name}: {one if isinstance(one, str) else _text(one)}" for one in _each(value)]
        lines.extend(shown)
    return "\n".join(lines)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _show(answer: httpx.Response, options: argparse.Namespace) -> int:
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        problem = _value(answer)
        if options.json:
            _print(_text(problem))
        sys.stderr.write(refusal(problem, answer.status_code) + "\n")
        return FAILED
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    content = answer.content
    if kind == "application/json":
        text = _said(answer.json(), options)
        content = f"{text}\n".encode() if options.pick is not None else content
    elif kind.startswith("text/") and "Content-Disposition" not in answer.headers:
        text = answer.text.rstrip("\n")
    else:
        text = None
    if text is None or options.out is not None:
        _keep(options.out or _free_name(answer), content)
    else:
        _print(text)
    return 0


def _said(value: Any, options: argparse.Namespace) -> str:
    """Return an answer, or what was picked of it, as it is printed: a text alone without quotes."""
    if options.pick is not None:
        value = _picked(value, options.pick)
        if isinstance(value, str):
            return value
    return _text(value, indent=None if options.json else 2)


def _keep(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    sys.stderr.write(f"已保存 saved: {path} ({len(content)} B)\n")


def _free_name(answer: httpx.Response) -> Path:
    """Return the name that the platform gives a file, without folders. Raises FileExists."""
    said = Message()
    said["Content-Disposition"] = answer.headers.get("Content-Disposition", "attachment")
    given = said.get_filename() or answer.url.path
    name = one_line(PurePosixPath(given.replace("\\", "/")).name).lstrip(".") or "answer"
    if Path(name).exists():
        raise FileExists(field="--out", file=name)
    return Path(name)


def _body(given: str | None) -> bytes | None:
    """Return what is to be sent: JSON as written, else standard input or a file."""
    if given is None:
        return None
    if _INLINE.match(given):
        return given.encode()
    return sys.stdin.buffer.read() if given == STDIN else read(Path(given))


def _media_type(body: bytes) -> str:
    """Say JSON where it is: whatever else is sent, the platform looks at its bytes."""
    try:
        json.loads(body)
    except ValueError:
        return "application/octet-stream"
    return "application/json"


def _pairs(option: str, given: list[str]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise ArgumentMalformed(field=option, value=name[:80], rule="K=V")
    return [(name, value) for name, _, value in pairs]


def _picked(value: Any, place: str) -> Any:
    """Follow `a.0.b` through objects and lists. Raises NothingThere."""
    for step in place.split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NothingThere(field="--pick", place=place, at=step) from None
    return value


def _value(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _text(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
