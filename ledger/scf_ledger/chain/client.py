"""A connection to one node of one chain.

Every call is bounded in time and tried once: whoever calls decides when to try again, on
`ChainUnavailable` alone.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from eth_utils.crypto import keccak
from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import (
    BadFunctionCallOutput,
    BadResponseFormat,
    BlockNotFound,
    CannotHandleRequest,
    ContractCustomError,
    ContractLogicError,
    TooManyRequests,
    TransactionNotFound,
    Web3RPCError,
)
from web3.types import BlockIdentifier

from scf_ledger.chain.contracts import ANCHOR, REGISTRY, artifact, refusal
from scf_ledger.chain.errors import (
    ChainMisconfigured,
    ChainRefused,
    ChainUnavailable,
    TransactionRejected,
)
from scf_ledger.chain.recursion import restore_limit
from scf_ledger.chain.types import (
    AnchorHead,
    Block,
    Call,
    Fees,
    Observation,
    Receipt,
    TokenLock,
)

restore_limit()

_NOBODY = f"0x{0:040x}"
_MIN_PRIORITY_FEE = 1_000_000_000  # wei; what nodes take from anybody
_REJECTIONS = {
    "nonce too low": "nonce_too_low",
    "underpriced": "underpriced",
    "insufficient funds": "insufficient_funds",
}
_NO_ANSWER = (
    RequestException,
    OSError,
    JSONDecodeError,
    UnicodeDecodeError,
    BadResponseFormat,
    BadFunctionCallOutput,  # no contract there: a chain that lost blocks gets it back
    TooManyRequests,
    CannotHandleRequest,
)
_ALREADY_THERE = ("already imported", "already known", "known transaction")


class Chain:
    """One chain behind one JSON-RPC URL.

    :param timeout: seconds for one answer
    """

    def __init__(self, url: str, *, chain_id: int, timeout: float = 5.0) -> None:
        self.chain_id = chain_id
        self._web3 = Web3(
            HTTPProvider(
                url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None
            )
        )

    def check(self) -> None:
        """Ask the node for its chain.

        :raises ChainMisconfigured: it is another chain's
        """
        with _answers():
            found = self._web3.eth.chain_id
        if found != self.chain_id:
            raise ChainMisconfigured(
                "the node is of another chain", expected=self.chain_id, found=found
            )

    # Blocks

    def head(self) -> Block:
        """Give the newest block."""
        block = self._block("latest")
        if block is None:
            raise ChainUnavailable("the node has no block yet")
        return block

    def block_hash(self, number: int) -> bytes | None:
        """Give the hash of block `number`, or None when the chain is not that long (any more)."""
        block = self._block(number)
        return block.hash if block else None

    def _block(self, which: BlockIdentifier) -> Block | None:
        with _answers():
            try:
                found = self._web3.eth.get_block(which)
            except BlockNotFound:
                return None
        return Block(found["number"], bytes(found["hash"]), found["timestamp"])

    # Sending

    def nonce(self, address: str) -> int:
        """Count the mined transactions of `address`: the next nonce when none is waiting."""
        with _answers():
            return self._web3.eth.get_transaction_count(_address(address), "latest")

    def fees(self) -> Fees:
        """Suggest fees that hold while the base fee doubles."""
        with _answers():
            base = self._web3.eth.get_block("latest").get("baseFeePerGas", 0)
            priority = max(self._web3.eth.max_priority_fee, _MIN_PRIORITY_FEE)
        return Fees(2 * base + priority, priority)

    def simulate(self, call: Call, *, sender: str, pending: bool = False) -> None:
        """Run `call` on the newest state without sending it.

        :param pending: run it after the transactions that wait in the node's pool
        :raises ChainRefused: the contract would refuse, and says why
        """
        transaction: Any = {"from": sender, "to": call.to, "data": call.data, "gas": call.gas}
        with _answers():
            self._web3.eth.call(transaction, "pending" if pending else "latest")

    def broadcast(self, raw: bytes) -> bytes:
        """Send a signed transaction; gives its hash.

        One that the node has, waiting or mined, is sent already: the same bytes may be sent as
        often as one likes.

        :raises TransactionRejected: nonce, fees, funds or chain do not fit
        """
        tx_hash = keccak(raw)
        with _answers():
            try:
                self._web3.eth.send_raw_transaction(raw)
            except Web3RPCError as error:
                message = _node_message(error)
            else:
                return tx_hash
        lower = message.lower()
        if any(text in lower for text in _ALREADY_THERE) or self.receipt(tx_hash):
            return tx_hash
        reason = next((r for text, r in _REJECTIONS.items() if text in lower), "invalid")
        raise TransactionRejected(message, reason=reason, tx_hash=f"0x{tx_hash.hex()}")

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Give the receipt, or None while the transaction is in no block."""
        with _answers():
            try:
                found = self._web3.eth.get_transaction_receipt(tx_hash)  # type: ignore[arg-type]  # bytes are taken as they are
            except TransactionNotFound:
                return None
        return Receipt(
            tx_hash,
            found["blockNumber"],
            bytes(found["blockHash"]),
            found["gasUsed"],
            found["status"] == 1,
        )

    def observe(self, tx_hash: bytes, *, seen: bytes | None = None) -> Observation:
        """Say where a transaction stands now.

        :param seen: hash of the block in which it was last seen, if it was
        """
        head = self.head()
        receipt = self.receipt(tx_hash)
        # A receipt may outlive its block for a moment, and may be newer than the head above.
        if receipt is not None and self.block_hash(receipt.block_number) != receipt.block_hash:
            receipt = None
        lost = seen is not None and (receipt is None or receipt.block_hash != seen)
        confirmations = max(head.number - receipt.block_number, 0) + 1 if receipt else 0
        return Observation(receipt, confirmations, lost)

    def wait(self, tx_hash: bytes, *, timeout: float = 30.0) -> Receipt:
        """Wait until a transaction is mined; for set-up and tests, not for the sender's loop.

        :raises ChainUnavailable: not within `timeout` seconds
        """
        deadline = time.monotonic() + timeout
        while (receipt := self.receipt(tx_hash)) is None:
            if time.monotonic() > deadline:
                raise ChainUnavailable("not mined in time", tx_hash=f"0x{tx_hash.hex()}")
            time.sleep(0.05)
        return receipt

    # Reading the contracts

    def code(self, address: str) -> bytes:
        """Give the code at `address`; empty when there is no contract."""
        with _answers():
            return bytes(self._web3.eth.get_code(_address(address)))

    def anchor_head(self, anchor: str, key: bytes) -> AnchorHead:
        """Read the last head of an origin."""
        publisher, size, root = self._read(ANCHOR, anchor, "heads", key)
        return AnchorHead(None if publisher == _NOBODY else publisher, size, root)

    def anchored_root(self, anchor: str, key: bytes, size: int) -> bytes | None:
        """Read the root that was published for `size`, or None."""
        root: bytes = self._read(ANCHOR, anchor, "roots", key, size)
        return root if any(root) else None

    def token_lock(self, registry: str, token: bytes) -> TokenLock:
        """Read a token's lock."""
        operator, expiry, ticket_until = self._read(REGISTRY, registry, "locks", token)
        return TokenLock(None if operator == _NOBODY else operator, expiry, ticket_until)

    def token_holder(self, registry: str, token: bytes) -> str | None:
        """Read who holds a token at the newest block, expired locks aside."""
        operator: str = self._read(REGISTRY, registry, "holder", token)
        return None if operator == _NOBODY else operator

    def _read(self, name: str, address: str, function: str, *arguments: Any) -> Any:
        contract = self._web3.eth.contract(_address(address), abi=artifact(name)["abi"])
        with _answers():
            return contract.functions[function](*arguments).call()

    # A development chain

    def kick(self) -> None:
        """Mine a block now: a development chain's pool that does not drain needs it at times."""
        self._develop("evm_mine")

    def fund(self, address: str, wei: int) -> None:
        """Set the balance of `address` on a development chain."""
        self._develop("anvil_setBalance", address, hex(wei))

    def _develop(self, method: str, *arguments: str) -> None:
        with _answers():
            answer = self._web3.provider.make_request(method, list(arguments))  # type: ignore[arg-type]  # a method of its own
        if "error" in answer:
            raise ChainMisconfigured("not a development chain", method=method)


@contextmanager
def _answers() -> Iterator[None]:
    """Map what web3 raises to the closed tree."""
    try:
        yield
    except ContractCustomError as error:
        raise refusal(_revert_data(error)) from error
    except ContractLogicError as error:
        raise ChainRefused("Revert", reason=error.message or "") from error
    except Web3RPCError as error:
        raise ChainUnavailable("the node cannot answer", cause=_node_message(error)) from error
    except _NO_ANSWER as error:
        raise ChainUnavailable("the node gives no answer", cause=type(error).__name__) from error


def _revert_data(error: ContractCustomError) -> bytes:
    return bytes.fromhex(error.data[2:]) if isinstance(error.data, str) else b""


def _node_message(error: Web3RPCError) -> str:
    detail = (error.rpc_response or {}).get("error")
    return str(detail.get("message", "")) if isinstance(detail, dict) else str(error)


def _address(text: str) -> Any:
    return Web3.to_checksum_address(text)
