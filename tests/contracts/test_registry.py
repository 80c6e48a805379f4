"""AssetRegistry through the chain client, with tickets signed as the token service signs them."""

import time

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from scf_ledger.chain.calls import prepare_lock, prepare_release
from scf_ledger.chain.errors import ChainRefused
from scf_ledger.chain.tickets import ticket_digest
from tests.support.anvil import CHAIN_ID

TERM = 240 * 86_400  # seconds


def lock_call(site, operator, tokens, *, life=600, term=TERM):
    """A lock call with a fresh ticket for `operator`."""
    now = site.chain.head().timestamp
    expiry, valid_until = now + term, now + life
    ticket = site.ticket(operator, tokens, expiry=expiry, valid_until=valid_until)
    return prepare_lock(
        site.addresses.registry,
        tokens,
        expiry=expiry,
        valid_until=valid_until,
        ticket=ticket,
    )


def refusal(site, call, sender):
    with pytest.raises(ChainRefused) as refused:
        site.chain.simulate(call, sender=sender)
    return refused.value.error, refused.value.fields


@pytest.mark.parametrize("count", [1, 3, 20])
def test_lock_renew_release(site, tokens, count):
    operator, some = site.fresh_key(), tokens(count)
    registry = site.addresses.registry

    for life in (600, 700):  # the second one renews
        call = lock_call(site, operator.address, some, life=life)
        locked = site.send(call, operator)
        assert locked.succeeded
        assert locked.gas_used < call.gas
        for token in some:
            assert site.chain.token_holder(registry, token) == operator.address

    call = prepare_release(registry, some)
    released = site.send(call, operator)

    assert released.succeeded
    assert released.gas_used < call.gas
    for token in some:
        assert site.chain.token_holder(registry, token) is None
        assert site.chain.token_lock(registry, token).ticket_until > 0


def test_a_second_operator_is_refused_with_the_numbers(site, tokens):
    first, second, some = site.fresh_key(), site.fresh_key(), tokens(2)
    site.send(lock_call(site, first.address, some[:1]), first)
    held = site.chain.token_lock(site.addresses.registry, some[0])

    name, fields = refusal(site, lock_call(site, second.address, some), second.address)

    assert name == "RegistryHeld"
    assert fields == {
        "token": f"0x{some[0].hex()}",
        "operator": first.address,
        "expiry": held.expiry,
    }
    assert site.chain.token_holder(site.addresses.registry, some[1]) is None


def test_a_replayed_ticket_is_refused_even_after_release(site, tokens):
    operator, some = site.fresh_key(), tokens(2)
    call = lock_call(site, operator.address, some)
    site.send(call, operator)
    assert refusal(site, call, operator.address)[0] == "RegistryTicketSpent"
    site.send(prepare_release(site.addresses.registry, some), operator)

    name, fields = refusal(site, call, operator.address)

    assert name == "RegistryTicketSpent"
    assert fields["validUntil"] == fields["spentUntil"]
    assert not site.send(call, operator).succeeded
    assert site.chain.token_holder(site.addresses.registry, some[0]) is None


def test_anothers_ticket_is_refused(site, tokens):
    operator, thief = site.fresh_key(), site.fresh_key()
    call = lock_call(site, operator.address, tokens(1))

    assert refusal(site, call, thief.address)[0] == "RegistryTicketNotTrusted"


def test_a_strangers_signature_is_refused(site, tokens):
    operator, some = site.fresh_key(), tokens(1)
    now = site.chain.head().timestamp
    call = prepare_lock(
        site.addresses.registry,
        some,
        expiry=now + TERM,
        valid_until=now + 600,
        ticket=operator.sign_digest(b"\1" * 32),
    )

    assert refusal(site, call, operator.address)[0] == "RegistryTicketNotTrusted"


def test_tickets_and_locks_have_their_times(site, tokens):
    operator = site.fresh_key()
    sender = operator.address

    late = lock_call(site, sender, tokens(1), life=-60)
    assert refusal(site, late, sender)[0] == "RegistryTicketExpired"
    long = lock_call(site, sender, tokens(1), life=4000)
    assert refusal(site, long, sender)[0] == "RegistryTicketTooLong"
    over = lock_call(site, sender, tokens(1), term=-60)
    assert refusal(site, over, sender)[0] == "RegistryExpiryPassed"


def test_an_expired_lock_may_be_taken_over(site, tokens):
    first, second, some = site.fresh_key(), site.fresh_key(), tokens(1)
    site.send(lock_call(site, first.address, some, life=600, term=2), first)
    while site.chain.token_holder(site.addresses.registry, some[0]):
        time.sleep(0.2)

    taken = site.send(lock_call(site, second.address, some, life=700), second)

    assert taken.succeeded
    assert site.chain.token_holder(site.addresses.registry, some[0]) == second.address
    release = prepare_release(site.addresses.registry, some)
    name, fields = refusal(site, release, first.address)
    assert (name, fields["operator"]) == ("RegistryNotHolder", second.address)


def test_empty_calls_are_refused(site):
    operator = site.fresh_key().address

    assert refusal(site, lock_call(site, operator, []), operator)[0] == "RegistryNoTokens"
    release = prepare_release(site.addresses.registry, [])
    assert refusal(site, release, operator)[0] == "RegistryNoTokens"


def test_the_digest_is_eip_712(site, tokens):
    """As eth_account, which we did not write, encodes the same typed data; and as the contract does
    (it takes what is signed over our digest)."""
    operator, some = Account.create(), tokens(3)
    typed = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Ticket": [
                {"name": "operator", "type": "address"},
                {"name": "tokens", "type": "bytes32[]"},
                {"name": "expiry", "type": "uint64"},
                {"name": "validUntil", "type": "uint64"},
            ],
        },
        "primaryType": "Ticket",
        "domain": {
            "name": "SCF AssetRegistry",
            "version": "1",
            "chainId": CHAIN_ID,
            "verifyingContract": site.addresses.registry,
        },
        "message": {
            "operator": operator.address,
            "tokens": some,
            "expiry": 1_800_000_000,
            "validUntil": 1_700_000_000,
        },
    }
    digest = ticket_digest(
        chain_id=CHAIN_ID,
        registry=site.addresses.registry,
        operator=operator.address,
        tokens=some,
        expiry=1_800_000_000,
        valid_until=1_700_000_000,
    )

    signature = site.service.sign_digest(digest)

    signed = encode_typed_data(full_message=typed)
    assert Account.recover_message(signed, signature=signature) == site.service.address
