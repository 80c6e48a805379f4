"""The installation's own key files, below `data/secrets`, each its owner's alone.

`log.key` signs checkpoints (Ed25519, signed-note text); `chain.key` sends the platform's transactions;
`chain-deployer.key` pays for putting the contracts there and administers the registry's roles;
`token-service.bearer` opens the token service; `feed.key` signs daily files (Ed25519, signed-note text);
from `webhooks.secret` the keys of webhooks are derived.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scf.kernel.errors import Unavailable
from scf.settings import Settings
from scf_ledger.encoding import b64, from_b64
from scf_ledger.errors import LedgerError
from scf_ledger.note import Signer

# Keys on chain are read where they are asked for: loading their libraries takes longer than starting
# the sequencer, which signs with none of them.
if TYPE_CHECKING:
    from scf_ledger.chain.keys import Key

LOG_KEY: Final = "log.key"
CHAIN_KEY: Final = "chain.key"
DEPLOYER_KEY: Final = "chain-deployer.key"
TOKEN_BEARER: Final = "token-service.bearer"  # noqa: S105 - a file's name
FEED_KEY: Final = "feed.key"
WEBHOOK_SECRET: Final = "webhooks.secret"  # noqa: S105 - a file's name
WEBHOOK_SECRET_BYTES: Final = 32


class KeyUnusable(Unavailable):
    """A key file must be there, well-formed, and readable by its owner only."""

    code = "key.unusable"
    title = "密钥文件缺失、损坏或权限过宽"
    title_en = "A key file is missing, damaged, or readable by others"


def read_secret(path: Path) -> str:
    """Return the text of a key file. Raises KeyUnusable."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyUnusable(file=path.name, mode=oct(path.stat().st_mode))
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnusable(file=path.name, cause=type(error).__name__) from error


def log_key(settings: Settings) -> Signer:
    """Return the key that signs checkpoints. Raises KeyUnusable."""
    path = settings.secrets / LOG_KEY
    signer = _signer(path)
    if signer.verifier.name != settings.log_origin:
        raise KeyUnusable(file=path.name, origin=settings.log_origin, key=signer.verifier.name)
    return signer


def feed_key(settings: Settings) -> Signer:
    """Return the key that signs daily files. Raises KeyUnusable."""
    return _signer(settings.secrets / FEED_KEY)


def webhook_secret(settings: Settings) -> bytes:
    """Return what the keys of webhooks are derived from. Raises KeyUnusable."""
    path = settings.secrets / WEBHOOK_SECRET
    try:
        found = from_b64(read_secret(path))
    except LedgerError as error:
        raise KeyUnusable(file=path.name, cause=error.code) from error
    if len(found) != WEBHOOK_SECRET_BYTES:
        raise KeyUnusable(file=path.name, bytes=len(found), expected=WEBHOOK_SECRET_BYTES)
    return found


def _signer(path: Path) -> Signer:
    try:
        return Signer.parse(read_secret(path))
    except LedgerError as error:
        raise KeyUnusable(file=path.name, cause=error.code) from error


def chain_key(settings: Settings, name: str = CHAIN_KEY) -> Key:
    """Return a key of ours on chain. Raises KeyUnusable."""
    from scf_ledger.chain.keys import load_key  # noqa: PLC0415 - see above

    try:
        return load_key(settings.secrets / name)
    except LedgerError as error:
        raise KeyUnusable(file=name, cause=error.code) from error


def make_keys(settings: Settings) -> None:
    """Make the key files that are not there yet; one that is there is never touched."""
    from scf_ledger.chain.keys import create_key  # noqa: PLC0415 - see above

    settings.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (settings.secrets / LOG_KEY).exists():
        signer = Signer.generate(settings.log_origin)
        write_secret(settings.secrets / LOG_KEY, signer.secret_text())
    make_feed_keys(settings)
    for name in (CHAIN_KEY, DEPLOYER_KEY):
        if not (settings.secrets / name).exists():
            create_key(settings.secrets / name)


def make_feed_keys(settings: Settings) -> None:
    """Make the key files of what banks are sent, where they are not there yet."""
    settings.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (settings.secrets / FEED_KEY).exists():
        signer = Signer.generate(f"{settings.log_origin}/feed")
        write_secret(settings.secrets / FEED_KEY, signer.secret_text())
    if not (settings.secrets / WEBHOOK_SECRET).exists():
        write_secret(settings.secrets / WEBHOOK_SECRET, b64(os.urandom(WEBHOOK_SECRET_BYTES)))


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
