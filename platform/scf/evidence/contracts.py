"""The contracts on chain: put in place, found again, put back after a development chain lost them."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.evidence import keys, queries
from scf.evidence.models import ChainHome
from scf.evidence.sender import Sender
from scf.settings import Settings
from scf_ledger.chain.calls import origin_key
from scf_ledger.chain.errors import ChainMisconfigured

# Whoever only reads the log speaks to no chain; loading web3 takes longer than starting the API.
if TYPE_CHECKING:
    from scf_ledger.chain.client import Chain

DEVELOPMENT_FUNDS: Final = 10**21  # wei; a development chain gives them for nothing


def connect(settings: Settings) -> Chain:
    """Return a connection to the chain; nothing is asked yet."""
    from scf_ledger.chain.client import Chain  # noqa: PLC0415 - see above

    return Chain(settings.chain_rpc_url, chain_id=settings.chain_id)


def ensure_contracts(settings: Settings, chain: Chain) -> ChainHome:
    """Put the contracts in place where they are not, and return where they are.

    The deployer administers the registry's roles; the token service's key is its first ticket signer.
    Raises ChainError, KeyUnusable.
    """
    from scf_ledger.chain.deployment import ensure_deployed  # noqa: PLC0415 - see above
    from scf_ledger.tokens.setup import initialise  # noqa: PLC0415 - see above

    sender = keys.chain_key(settings)
    deployer = keys.chain_key(settings, keys.DEPLOYER_KEY)
    with suppress(ChainMisconfigured):  # on any other chain funds are somebody's
        for address in (sender.address, deployer.address):
            chain.fund(address, DEVELOPMENT_FUNDS)
    addresses = ensure_deployed(
        chain,
        deployer=deployer,
        admin=deployer.address,
        ticket_signer=initialise(settings.data / "tokens"),
    )
    return ChainHome(
        chain_id=chain.chain_id,
        anchor_address=addresses.anchor,
        registry_address=addresses.registry,
        origin_key=origin_key(sender.address, settings.log_origin),
        sender=sender.address,
    )


def settle_home(session: Session, home: ChainHome) -> None:
    """Store where the contracts are; another chain's place is forgotten."""
    found = queries.chain_home(session)
    if found is not None and found.chain_id != home.chain_id:
        session.delete(found)
        session.flush()
    session.merge(home)


def make_sender(settings: Settings, database: Database, *, idle: timedelta = timedelta()) -> Sender:
    """Return the one that sends with the platform's key. Raises KeyUnusable.

    `idle` is its rest between two looks at a chain on which nothing is open.
    """
    chain = connect(settings)

    def restore() -> None:
        ensure_contracts(settings, chain)

    return Sender(database, chain, keys.chain_key(settings), settings.clock, restore, idle)
