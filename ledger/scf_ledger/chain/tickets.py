"""What a token service signs: EIP-712 typed data of AssetRegistry, without a node."""

from collections.abc import Sequence
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

DOMAIN_NAME: Final = "SCF AssetRegistry"
DOMAIN_VERSION: Final = "1"
TICKET_LIFE_MAX: Final = 3600  # seconds, as in AssetRegistry.MAX_TICKET_LIFE

_DOMAIN_TYPE = keccak(
    text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_TICKET_TYPE = keccak(
    text="Ticket(address operator,bytes32[] tokens,uint64 expiry,uint64 validUntil)"
)


def ticket_digest(
    *,
    chain_id: int,
    registry: str,
    operator: str,
    tokens: Sequence[bytes],
    expiry: int,
    valid_until: int,
) -> bytes:
    """Give the 32 bytes that are signed: this operator may lock these tokens on this contract.

    :param expiry: Unix seconds; when the lock stops binding
    :param valid_until: Unix seconds; the last second in which the ticket is good
    """
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [
                _DOMAIN_TYPE,
                keccak(text=DOMAIN_NAME),
                keccak(text=DOMAIN_VERSION),
                chain_id,
                registry,
            ],
        )
    )
    ticket = keccak(
        encode(
            ["bytes32", "address", "bytes32", "uint64", "uint64"],
            [_TICKET_TYPE, operator, keccak(b"".join(tokens)), expiry, valid_until],
        )
    )
    return keccak(b"\x19\x01" + domain + ticket)
