"""The lock on a real chain: another platform is kept out as long as the pledge lives, and no longer."""

import time
from collections.abc import Iterator

import pytest

from scf.evidence.contracts import make_sender
from scf.evidence.sender import Sender
from scf_ledger.chain import calls
from scf_ledger.chain.errors import ChainRefused
from scf_ledger.chain.keys import create_key
from scf_ledger.tokens.client import Invoice, TokenClient
from scf_ledger.tokens.setup import admit
from tests.support.lending import Desk, lending_desk
from tests.support.services import fresh_database


@pytest.fixture(scope="module")
def open_desk(servers, tmp_path_factory, chain_url) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with (
        fresh_database(servers) as database_url,
        lending_desk(database_url, folder, chain_url=chain_url) as found,
    ):
        yield found


@pytest.fixture
def sender(open_desk) -> Sender:
    return make_sender(open_desk.context.settings, open_desk.context.database)


def until(desk, sender, done, seconds=30):
    """Give workers and sender their turns."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, desk.failures()
        sender.advance()
        desk.work()
        time.sleep(0.05)


@pytest.fixture
def others_lock(open_desk, sender, tmp_path):
    """Try to lock an invoice as a second platform, with a good ticket of its own."""
    settings = open_desk.context.settings
    operator = create_key(tmp_path / "other.key").address
    bearer = admit(settings.data / "tokens", name="another platform", address=operator)
    chain = sender.chain

    def attempt(number: int) -> None:
        invoice = Invoice(open_desk.stage.cast.supplier.uscc, f"2550{number:016}", bytes(32))
        with TokenClient(settings.token_service_url, bearer) as tokens:
            expiry = int(time.time()) + 90 * 86_400
            ticket = tokens.ticket([invoice], expiry=expiry, idempotency_key=f"{time.time_ns()}")
        call = calls.prepare_lock(
            ticket.contract,
            ticket.tokens,
            expiry=ticket.expiry,
            valid_until=ticket.valid_until,
            ticket=ticket.ticket,
        )
        chain.simulate(call, sender=operator)

    return attempt


def test_another_platform_is_kept_out_until_the_release(desk, sender, others_lock):
    others_lock(1)
    pledge = desk.signed_pledge(desk.receivable(1))
    desk.accept(pledge)
    until(desk, sender, lambda: desk.pledge(pledge)["missing"] == [])

    with pytest.raises(ChainRefused) as refused:
        others_lock(1)
    assert refused.value.error == "RegistryHeld"
    others_lock(2)

    desk.release(pledge)
    until(desk, sender, lambda: desk.pledge(pledge)["lock"]["state"] == "none")
    others_lock(1)
    assert desk.failures() == []
