"""`scf sign`: show what a draft says, ask, and sign it with one's own key."""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import orjson

from scf.cli import _secrets
from scf.cli.keys import add_folder_option
from scf.kernel.errors import Invalid, NotAllowed
from scf.parties.client import Drafted, DraftMalformed, for_identity
from scf.parties.keystore import KeyStore

DRAFT_BYTES_MAX: Final = 16_777_216  # a basket of a thousand lines takes two million
_YES: Final = frozenset({"yes", "y", "是", "签署"})


class NotConfirmed(NotAllowed):
    """A person agrees to the text that is shown, before it is signed."""

    code = "sign.not_confirmed"
    title = "未确认，未签署"
    title_en = "Not confirmed, nothing was signed"


class NobodyToAsk(Invalid):
    """Without a terminal the agreement is given by `--yes`."""

    code = "sign.nobody_to_ask"
    title = "没有终端可供确认，请使用 --yes"
    title_en = "There is no terminal to ask at; say --yes"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("sign", help="阅读并签署文件 / read a draft and sign it")
    parser.add_argument("draft", type=Path, help="平台出具的待签署文件（JSON） / the draft")
    parser.add_argument("--key", required=True, metavar="NAME", help="密钥名称 / the key's name")
    parser.add_argument(
        "--with",
        dest="others",
        type=Path,
        metavar="FILE",
        help="经办人已签署的结果 / what another signer has made",
    )
    parser.add_argument(
        "--yes", action="store_true", help="已阅读并同意，不再询问 / agreed, do not ask"
    )
    add_folder_option(parser)
    _secrets.add_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print `{"authorizations": […]}`, as the platform takes it back."""
    draft = _read(options.draft)
    earlier = _earlier(options.others)
    identity = KeyStore(options.keys).open(options.key, passphrase=_secrets.passphrase(options))
    mine = for_identity(draft, identity)
    for drafted in mine:
        print(drafted.text, file=sys.stderr)  # noqa: T201 - the paper, for the person
    if not options.yes:
        _ask(mine)
    signed = earlier + [drafted.sign(identity) for drafted in mine]
    sys.stdout.write(orjson.dumps({"authorizations": signed}).decode() + "\n")
    return 0


def _ask(mine: list[Drafted]) -> None:
    if not sys.stdin.isatty():
        raise NobodyToAsk
    print(  # noqa: T201 - the question, for the person
        f"以上 {len(mine)} 份文件，确认签署吗？输入 yes 或 是：",
        end="",
        file=sys.stderr,
        flush=True,
    )
    if sys.stdin.readline().strip().lower() not in _YES:
        raise NotConfirmed


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > DRAFT_BYTES_MAX:
            raise DraftMalformed(field=path.name, size_max=DRAFT_BYTES_MAX)
        value = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise DraftMalformed(field=path.name, rule="no such file") from None
    except orjson.JSONDecodeError:
        raise DraftMalformed(field=path.name, rule="not JSON") from None
    if not isinstance(value, dict):
        raise DraftMalformed(field=path.name)
    return value


def _earlier(path: Path | None) -> list[str]:
    if path is None:
        return []
    signed = _read(path).get("authorizations")
    if not isinstance(signed, list) or not all(isinstance(one, str) for one in signed):
        raise DraftMalformed(field=path.name)
    return signed
