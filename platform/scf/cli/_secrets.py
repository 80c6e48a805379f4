"""How commands that open keys come by the passphrase: a private file, the environment, or a prompt."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from scf.kernel.errors import Invalid
from scf.parties.keystore import PassphraseWeak, check_private

VARIABLE = "SCF_PASSPHRASE"


class PassphraseMissing(Invalid):
    """A key opens with a passphrase from a private file, the environment, or a person at a terminal."""

    code = "key.passphrase_missing"
    title = f"缺少密钥口令，请使用 --passphrase-file 或环境变量 {VARIABLE}"
    title_en = "No passphrase was given and there is no terminal to ask at"


class PassphraseDiffers(Invalid):
    """A new passphrase is typed the same way twice."""

    code = "key.passphrase_differs"
    title = "两次输入的口令不一致"
    title_en = "The two passphrases differ"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add `--passphrase-file`."""
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"口令文件（权限 600），否则取 {VARIABLE} 或询问"
        f" / a file of mode 600; else {VARIABLE}, else asked",
    )


def passphrase(options: argparse.Namespace, *, new: bool = False) -> bytes:
    """Return the passphrase; a `new` one is asked twice.

    Raises PassphraseMissing, PassphraseDiffers, PassphraseWeak, KeyExposed (the file).
    """
    path: Path | None = options.passphrase_file
    if path is not None:
        check_private(path)
        return path.read_bytes().rstrip(b"\r\n")
    given = os.environ.get(VARIABLE)
    if given is not None:
        return given.encode()
    if not sys.stdin.isatty():
        raise PassphraseMissing
    typed = getpass.getpass("密钥口令 passphrase: ")
    if new and typed != getpass.getpass("再次输入 again: "):
        raise PassphraseDiffers
    if not typed:
        raise PassphraseWeak(length_min=1)
    return typed.encode()
