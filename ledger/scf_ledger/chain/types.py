"""Values that pass between the platform and the chain.

Addresses are checksummed text (EIP-55), hashes and keys of 32 bytes are bytes, fees are wei,
instants on chain are Unix seconds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two contracts are."""

    anchor: str
    registry: str


@dataclass(frozen=True, slots=True)
class Call:
    """What to send: a contract, its call data, and a gas limit above what the call can use."""

    to: str
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Fees:
    """EIP-1559 fees in wei a gas."""

    max_fee: int
    max_priority_fee: int

    def bumped(self) -> "Fees":
        """Raise both by a quarter: what nodes ask of a replacement is 10 %, rounded either way."""
        return Fees(self.max_fee * 5 // 4 + 1, self.max_priority_fee * 5 // 4 + 1)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes ready to send, and the hash under which the chain will know them."""

    raw: bytes
    tx_hash: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class Block:
    """A block; `timestamp` in Unix seconds."""

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction; `succeeded` is false when it reverted."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    gas_used: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """A transaction as the chain has it now.

    :ivar receipt: absent while it is not in a block of the canonical chain
    :ivar confirmations: its block and those after it; 0 without a receipt
    :ivar lost: it is no longer in the block in which it was seen; when a receipt is present all the
        same, it was mined again, in another block
    """

    receipt: Receipt | None
    confirmations: int
    lost: bool


@dataclass(frozen=True, slots=True)
class AnchorHead:
    """The last head that an origin published; `publisher` is absent while nobody claimed it."""

    publisher: str | None
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class TokenLock:
    """A token's lock as stored; `expiry` and `ticket_until` in Unix seconds.

    `operator` is absent when nobody locked it or it was released. From `expiry` on the lock binds
    no longer, though it stays stored.
    """

    operator: str | None
    expiry: int
    ticket_until: int
