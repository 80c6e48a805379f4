"""Deterministic deployment.

An address follows from the code and its arguments (EIP-1014), not from who deploys or when: after
lost blocks the contracts come back to the same addresses.
"""

from typing import Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from scf_ledger.chain.client import Chain
from scf_ledger.chain.contracts import ANCHOR, REGISTRY, creation_code
from scf_ledger.chain.errors import ChainMisconfigured, TransactionRejected
from scf_ledger.chain.keys import Key
from scf_ledger.chain.transactions import sign
from scf_ledger.chain.types import Addresses, Call

# The deterministic deployment proxy, at one address on nearly every chain and in every anvil: it
# creates, from its call data, salt (32 bytes) followed by creation code.
FACTORY: Final = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
SALT: Final = keccak(text="scf/1")
_GAS: Final = 3_000_000


def predicted_addresses(*, admin: str, ticket_signer: str) -> Addresses:
    """Compute where the contracts are, or will be.

    :param admin: grants and revokes the registry's roles
    :param ticket_signer: address of the token service's key
    """
    anchor, registry = (_create2(code) for code in _codes(admin, ticket_signer))
    return Addresses(anchor, registry)


def ensure_deployed(chain: Chain, *, deployer: Key, admin: str, ticket_signer: str) -> Addresses:
    """Deploy what is not there yet, and wait for it. Repeating it changes nothing.

    `deployer` is a key of its own, with funds: its nonces are no concern of the platform's sender.

    :raises ChainMisconfigured: another chain, or one without the deployment proxy
    :raises ChainUnavailable: not mined in time; may be repeated
    """
    chain.check()
    if not chain.code(FACTORY):
        raise ChainMisconfigured("the chain has no deployment proxy", address=FACTORY)
    for code in _codes(admin, ticket_signer):
        address = _create2(code)
        if chain.code(address):
            continue
        call = Call(FACTORY, SALT + code, _GAS)
        nonce = chain.nonce(deployer.address)
        signed = sign(call, chain_id=chain.chain_id, nonce=nonce, fees=chain.fees(), key=deployer)
        try:
            chain.wait(chain.broadcast(signed.raw))
        except TransactionRejected:
            # Somebody deploys with the same key at this moment; what counts is that it is there.
            if not chain.code(address):
                raise
        if not chain.code(address):
            raise ChainMisconfigured("the contract was not created", address=address)
    return predicted_addresses(admin=admin, ticket_signer=ticket_signer)


def _codes(admin: str, ticket_signer: str) -> tuple[bytes, bytes]:
    return creation_code(ANCHOR), creation_code(REGISTRY, admin, ticket_signer)


def _create2(code: bytes) -> str:
    preimage = b"\xff" + bytes.fromhex(FACTORY[2:]) + SALT + keccak(code)
    return to_checksum_address(keccak(preimage)[12:])
