"""Another platform, with its own operator key, that tries to lock the same invoices."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from scf.settings import Settings
from scf.story.desk import StoryDiverged
from scf_ledger.chain.calls import prepare_lock
from scf_ledger.chain.client import Chain
from scf_ledger.chain.errors import ChainRefused
from scf_ledger.chain.keys import create_key, load_key
from scf_ledger.tokens.client import Invoice, TokenClient
from scf_ledger.tokens.setup import admit

WANTED = timedelta(days=60)


def try_to_lock(settings: Settings, folder: Path, invoices: list[Invoice], registry: str) -> Any:
    """Get a ticket for papers that it holds too, and ask the chain for the lock.

    Return the refusal as a problem would say it. Raises StoryDiverged where the lock is granted.
    """
    path = folder / "second-platform.key"
    key = load_key(path) if path.exists() else create_key(path)
    bearer = admit(settings.data / "tokens", name="second.example/log", address=key.address)
    now = int(settings.clock.real().timestamp())
    with TokenClient(settings.token_service_url, bearer) as tokens:
        ticket = tokens.ticket(
            invoices,
            expiry=now + int(WANTED.total_seconds()),
            idempotency_key=f"second-{now}",
        )
    call = prepare_lock(
        registry,
        ticket.tokens,
        expiry=ticket.expiry,
        valid_until=ticket.valid_until,
        ticket=ticket.ticket,
    )
    chain = Chain(settings.chain_rpc_url, chain_id=settings.chain_id)
    try:
        chain.simulate(call, sender=key.address)
    except ChainRefused as refused:
        # Who holds it is public on chain; what it is, is not.
        return {
            "code": refused.error,
            "title": "资产已被其他平台锁定",
            "detail": "Another platform holds the asset",
            "fields": {"tokens": len(ticket.tokens)},
        }
    raise StoryDiverged(step="second platform", expected="a refusal")
