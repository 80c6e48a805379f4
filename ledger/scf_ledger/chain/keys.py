"""The key that signs for the chain (secp256k1), in a file that only its owner can read.

Two kinds of file: an encrypted keystore (Web3 Secret Storage v3, scrypt), opened with a password,
or the raw key as 64 hexadecimal digits, for a key that a machine uses unattended.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from scf_ledger.chain.errors import ChainMisconfigured
from scf_ledger.chain.recursion import restore_limit

restore_limit()


class Key:
    """A signing key. Its text form is its address; the secret is shown nowhere."""

    __slots__ = ("_account",)

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """The key's address on chain, checksummed."""
        return str(self._account.address)

    def sign_transaction(self, transaction: dict[str, Any]) -> tuple[bytes, bytes]:
        """Sign a transaction; gives its raw bytes and its hash."""
        signed = self._account.sign_transaction(transaction)
        return bytes(signed.raw_transaction), bytes(signed.hash)

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign 32 bytes as they are: ``r ‖ s ‖ v``, low s, v 27 or 28, deterministic (RFC 6979)."""
        return bytes(self._account.unsafe_sign_hash(Hash32(digest)).signature)

    def __repr__(self) -> str:
        return f"Key({self.address})"


def create_key(path: Path, *, password: str | None = None) -> Key:
    """Make a key and its file, mode 0600; encrypted when there is a password.

    :raises FileExistsError: a key file is never overwritten
    """
    account = Account.create()
    text = account.key.hex() if password is None else json.dumps(account.encrypt(password))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return Key(account)


def load_key(path: Path, *, password: str | None = None) -> Key:
    """Read a key file of either kind.

    :raises ChainMisconfigured: absent, readable by others, malformed, or another password
    """
    try:
        with path.open(encoding="ascii") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ChainMisconfigured("a key file cannot be read", path=str(path)) from error
    if mode & 0o077:
        raise ChainMisconfigured("a key file is its owner's alone", path=str(path), mode=oct(mode))
    try:
        secret = Account.decrypt(text, password or "") if text.startswith("{") else text
        return Key(Account.from_key(secret))
    except (ValueError, TypeError, KeyError) as error:
        raise ChainMisconfigured(
            "not a key file, or another password opens it", path=str(path)
        ) from error
