"""The lock on a real chain: another platform is kept out as long as the pledge lives, and no longer."""

import contextlib
import time
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select

from scf.evidence import keys
from scf.evidence.contracts import make_sender
from scf.evidence.models import ChainTransaction
from scf.evidence.models import TransactionState as Sent
from scf.evidence.sender import Sender
from scf.evidence.sequencing import open_log
from scf_ledger.chain import calls
from scf_ledger.chain.errors import ChainRefused
from scf_ledger.chain.keys import create_key
from scf_ledger.note import Signer
from scf_ledger.tokens.client import Invoice, TokenClient
from scf_ledger.tokens.setup import admit
from tests.support.anvil import running_anvil
from tests.support.lending import Desk, lending_desk
from tests.support.log import sequence_all
from tests.support.problems import refusal
from tests.support.receivables import identity
from tests.support.services import fresh_database


@pytest.fixture(scope="module")
def chain_url() -> Iterator[str]:
    """A chain of this module's own: it is made to lose blocks."""
    with running_anvil() as (anvil, _chain):
        yield anvil.url


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


@pytest.fixture(scope="module")
def signer(open_desk) -> Signer:
    """The key of the log, which is opened with it."""
    key = keys.log_key(open_desk.context.settings)
    with open_desk.stage.database.transaction() as session:
        open_log(session, key, now=open_desk.stage.clock.real())
    return key


def test_a_reorganised_chain_gives_the_lock_up_and_gets_it_again(
    desk, sender, signer, others_lock, chain_url
):
    """Until the lock is back the pledge stands, nothing is proven, and others could take the invoice."""
    url, bank = desk.stage.settings.database_url, desk.stage.cast.bank
    pledge = desk.signed_pledge(desk.receivable(3))
    desk.accept(pledge)
    until(desk, sender, lambda: desk.pledge(pledge)["missing"] == [])
    sequence_all(url, signer)
    first, told = desk.pledge(pledge), len(desk.types())
    assert proof(desk, bank, pledge).is_success
    ((_, _, _, block),) = sent_for(desk, pledge)

    with no_mining(chain_url):
        head = int(rpc(chain_url, "eth_blockNumber"), 16)
        rpc(chain_url, "anvil_reorg", head - block + 1, [])
        sender.advance()
        assert desk.pledge(pledge)["lock"] == first["lock"], "nobody has heard of it yet"
        desk.work_on("asset_lock.lost")

        lost = desk.pledge(pledge)
        assert desk.types()[told:] == ["pledge.lock_lost"]
        assert lost["state"] == "EFFECTIVE"
        assert (lost["lock"]["state"], lost["missing"]) == ("lost", ["lock"])
        assert lost["standing"]["line"] == "质权已设立；链上锁定因区块回退丢失，重新锁定中"
        assert lost["legally_effective_at"] == first["legally_effective_at"]
        assert lost["ready_to_disburse_at"] is None
        refused = refusal(proof(desk, bank, pledge), 409, "pledge.not_provable")
        assert refused["fields"] == {"state": "EFFECTIVE", "lock": "lost"}
        others_lock(3)
        lock, tx = "asset_lock", first["lock"]["tx"]
        assert sent_for(desk, pledge) == [(lock, Sent.BROADCAST, tx, None)]

    until(desk, sender, lambda: desk.pledge(pledge)["missing"] == [])
    until(desk, sender, lambda: {row[1] for row in sent_for(desk, pledge)} == {Sent.FINAL})
    again = desk.pledge(pledge)
    assert desk.types()[told:] == [
        *("pledge.lock_lost", "pledge.locked", "invoice_check.made", "pledge.searched")
    ]
    assert again["lock"]["tokens"] == first["lock"]["tokens"]
    assert [row[2] for row in sent_for(desk, pledge)] == [tx, again["lock"]["tx"]]
    assert again["lock"]["tx"] != tx
    with pytest.raises(ChainRefused) as held:
        others_lock(3)
    assert held.value.error == "RegistryHeld"
    refusal(proof(desk, bank, pledge), 409, "evidence.pending")
    sequence_all(url, signer)
    assert proof(desk, bank, pledge).is_success
    assert desk.failures() == []


def proof(desk, who, pledge):
    return desk.stage.get(who, f"/v1/pledges/{pledge}/proof")


def sent_for(desk, pledge):
    """What was sent for a pledge, oldest first: purpose, state, hash, block."""
    own = ChainTransaction.subject_id == identity(pledge)
    with desk.stage.database.reading() as session:
        rows = session.scalars(select(ChainTransaction).where(own).order_by(ChainTransaction.id))
        return [
            (row.purpose, row.state, row.tx_hash and f"0x{row.tx_hash.hex()}", row.block_number)
            for row in rows
        ]


@contextlib.contextmanager
def no_mining(url) -> Iterator[None]:
    """Let the chain stand still."""
    rpc(url, "evm_setIntervalMining", 0)
    try:
        yield
    finally:
        rpc(url, "anvil_setIntervalMining", 1)


def rpc(url, method, *params):
    """Ask the chain for what only a development chain does."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = httpx.post(url, json=body, timeout=20).json()
    assert "error" not in answer, answer
    return answer["result"]
