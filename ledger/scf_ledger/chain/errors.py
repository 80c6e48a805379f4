"""What the chain can answer instead of doing it: a closed tree of four.

`ChainUnavailable` may succeed on retry. The other three give the same answer to the same request.
"""

from typing import Any, ClassVar

from scf_ledger.errors import LedgerError


class ChainError(LedgerError):
    """The root of what a chain node, a contract or a key file refuses."""

    code: ClassVar[str] = "chain.error"


class ChainUnavailable(ChainError):
    """A node answers within the time allowed; transient."""

    code = "chain.unavailable"


class ChainRefused(ChainError):
    """A contract holds to its rules.

    :ivar error: the contract's custom error, for instance ``RegistryHeld``; ``Revert`` with the
        field ``reason`` for a revert that is none of ours
    :ivar fields: the error's arguments by name; bytes as ``0x…`` text, so that they can be logged
    """

    code = "chain.refused"

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(f"{error}({', '.join(f'{k}={v}' for k, v in fields.items())})", **fields)
        self.error = error


class TransactionRejected(ChainError):
    """A node takes a transaction whose nonce, fees, balance and chain fit.

    :ivar reason: ``nonce_too_low`` (another transaction was mined with this nonce), ``underpriced``
        (another one waits with it and pays as much), ``insufficient_funds`` or ``invalid``
    """

    code = "chain.rejected"

    def __init__(self, message: str, *, reason: str, tx_hash: str) -> None:
        super().__init__(message, reason=reason, tx_hash=tx_hash)
        self.reason = reason


class ChainMisconfigured(ChainError):
    """The node is of the chain that was named, with what deploying needs; a key file is private."""

    code = "chain.misconfigured"
