"""The token service as a process, its client, and the contract that takes its tickets."""

import secrets
import time

import httpx
import pytest

from scf_ledger.chain.calls import prepare_lock, prepare_release
from scf_ledger.chain.deployment import ensure_deployed
from scf_ledger.chain.errors import ChainRefused
from scf_ledger.tokens.client import Invoice, TokenClient
from scf_ledger.tokens.errors import TokenServiceRefused, TokenServiceUnavailable
from scf_ledger.tokens.setup import admit, initialise
from tests.contracts.conftest import token_service
from tests.support.anvil import free_port

DOCUMENT = b"\1" * 32
SELLER = "91500118MA5U7XHR4R"
YEAR = 365 * 86_400


@pytest.fixture(scope="module")
def desk(site, tmp_path_factory):
    """A running service, the registry that trusts it, and a way in for operators."""
    folder = tmp_path_factory.mktemp("tokens")
    signer = initialise(folder)
    addresses = ensure_deployed(
        site.chain,
        deployer=site.fresh_key(),
        admin=site.consortium.address,
        ticket_signer=signer,
    )
    with token_service(folder, addresses.registry) as url:
        yield folder, url, addresses.registry


@pytest.fixture
def operator(site, desk):
    folder, url, _ = desk
    key = site.fresh_key()
    with TokenClient(url, admit(folder, name="platform", address=key.address)) as client:
        yield key, client


def invoices(*numbers):
    return [Invoice(SELLER, number, DOCUMENT) for number in numbers]


def lock_of(registry, ticket):
    return prepare_lock(
        registry,
        ticket.tokens,
        expiry=ticket.expiry,
        valid_until=ticket.valid_until,
        ticket=ticket.ticket,
    )


def test_a_ticket_locks_and_the_next_platform_is_refused(site, desk, operator):
    registry = desk[2]
    key, client = operator
    same = invoices("25502000000112345678", "25502000000112345679")
    expiry = int(time.time()) + YEAR

    ticket = client.ticket(same, expiry=expiry, idempotency_key="first")
    locked = site.send(lock_of(registry, ticket), key)

    assert locked.succeeded
    assert ticket.contract == registry
    for token in ticket.tokens:
        assert site.chain.token_holder(registry, token) == key.address

    other = site.fresh_key()
    folder, url, _ = desk
    with TokenClient(url, admit(folder, name="other", address=other.address)) as rival:
        theirs = rival.ticket(same[1:], expiry=expiry, idempotency_key="first")
    assert theirs.tokens == ticket.tokens[1:]
    with pytest.raises(ChainRefused, match="RegistryHeld"):
        site.chain.simulate(lock_of(registry, theirs), sender=other.address)
    with pytest.raises(ChainRefused, match="RegistryTicketNotTrusted"):
        site.chain.simulate(lock_of(registry, theirs), sender=key.address)

    assert site.send(prepare_release(registry, ticket.tokens), key).succeeded
    site.chain.simulate(lock_of(registry, theirs), sender=other.address)
    with pytest.raises(ChainRefused, match="RegistryTicketSpent"):
        site.chain.simulate(lock_of(registry, ticket), sender=key.address)


def test_a_fresh_ticket_renews_at_once(site, desk, operator):
    """Two tickets asked for within one second are two tickets, in order."""
    registry = desk[2]
    key, client = operator
    number = secrets.token_hex(8)
    soon = int(time.time())

    first = client.ticket(invoices(number), expiry=soon + YEAR, idempotency_key="1")
    second = client.ticket(invoices(number), expiry=soon + 2 * YEAR, idempotency_key="2")

    assert site.send(lock_of(registry, first), key).succeeded
    assert site.send(lock_of(registry, second), key).succeeded
    assert site.chain.token_lock(registry, first.tokens[0]).expiry == soon + 2 * YEAR


def test_the_same_key_gets_the_same_ticket(operator):
    _, client = operator
    expiry = int(time.time()) + YEAR

    first = client.ticket(invoices("1"), expiry=expiry, idempotency_key="k")
    assert client.ticket(invoices("1"), expiry=expiry, idempotency_key="k") == first
    with pytest.raises(TokenServiceRefused) as refused:
        client.ticket(invoices("2"), expiry=expiry, idempotency_key="k")
    assert refused.value.refused_code == "idempotency.key_reused"
    assert refused.value.title == "幂等键已用于另一请求"


def test_a_stranger_is_refused(desk):
    with (
        TokenClient(desk[1], "guess") as client,
        pytest.raises(TokenServiceRefused) as refused,
    ):
        client.ticket(invoices("1"), expiry=int(time.time()) + YEAR, idempotency_key="k")
    assert refused.value.status == 401
    assert refused.value.refused_code == "token.operator_unknown"


def test_no_service_is_unavailable():
    with (
        TokenClient(f"http://127.0.0.1:{free_port()}", "x") as client,
        pytest.raises(TokenServiceUnavailable),
    ):
        client.ticket(invoices("1"), expiry=1, idempotency_key="k")


def test_a_restart_remembers_everything(site, tmp_path):
    """Keys, operators, answers, the last moment of each token's tickets, and the limit."""
    initialise(tmp_path)
    key = site.fresh_key()
    bearer = admit(tmp_path, name="platform", address=key.address)
    expiry = int(time.time()) + YEAR
    answers = []

    for life in range(2):
        with (
            token_service(tmp_path, site.addresses.registry, "--assets-per-minute", "2") as url,
            TokenClient(url, bearer) as client,
        ):
            answers.append(client.ticket(invoices("1"), expiry=expiry, idempotency_key="k"))
            if life == 1:
                second = client.ticket(invoices("1"), expiry=expiry, idempotency_key="l")
                with pytest.raises(TokenServiceRefused, match="too many assets"):
                    client.ticket(invoices("1"), expiry=expiry, idempotency_key="m")

    assert answers[0] == answers[1]
    assert second.tokens == answers[0].tokens
    assert second.valid_until > answers[0].valid_until


def test_a_problem_is_told_in_chinese(desk):
    response = httpx.post(f"{desk[1]}/v1/tickets", trust_env=False, json={})

    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["title"] == "平台未获准入或凭证无效"
