"""The service's folder: two keys and one database, made once and readable by its owner only."""

import os
import secrets
import time
from pathlib import Path
from typing import Final

from eth_utils.address import is_address, to_checksum_address

from scf_ledger.chain.errors import ChainMisconfigured
from scf_ledger.chain.keys import create_key, load_key
from scf_ledger.tokens import store
from scf_ledger.tokens.service import Terms, TokenService
from scf_ledger.tokens.store import Operator, Store

SIGNER: Final = "signer.key"
SECRET: Final = "token.key"  # noqa: S105 - a file's name
DATABASE: Final = "tokens.sqlite3"
_SECRET_BYTES = 32


def initialise(folder: Path) -> str:
    """Make the folder with its keys, or leave them as they are; gives the signer's address."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / SECRET).exists():
        _write_private(folder / SECRET, secrets.token_hex(_SECRET_BYTES))
    signer = folder / SIGNER
    return (load_key(signer) if signer.exists() else create_key(signer)).address


def admit(folder: Path, *, name: str, address: str) -> str:
    """Admit an operator; gives its bearer token, which is kept nowhere else.

    Admitting it again replaces the token.

    :raises ChainMisconfigured: not an address
    """
    if not is_address(address):
        raise ChainMisconfigured("not an address", address=address)
    bearer = secrets.token_urlsafe(_SECRET_BYTES)
    with Store(folder / DATABASE).transaction() as connection:
        operator = Operator(to_checksum_address(address), name)
        store.admit(connection, operator, bearer, at=int(time.time()))
    return bearer


def open_service(folder: Path, terms: Terms) -> TokenService:
    """Open an initialised folder.

    :raises ChainMisconfigured: a key file is absent, malformed or open to others, or the contract
        has no address
    """
    if not is_address(terms.contract):
        raise ChainMisconfigured("not an address", address=terms.contract)
    return TokenService(
        signer=load_key(folder / SIGNER),
        secret=_read_secret(folder / SECRET),
        store_=Store(folder / DATABASE),
        terms=terms,
    )


def _read_secret(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise ChainMisconfigured("a key file is its owner's alone", path=str(path))
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise ChainMisconfigured("a key file cannot be read", path=str(path)) from error
    if len(secret) != _SECRET_BYTES:
        raise ChainMisconfigured("a key has another length", path=str(path), size=len(secret))
    return secret


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
