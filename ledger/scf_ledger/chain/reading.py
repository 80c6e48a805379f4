"""Reading a signed transaction back, to hold what is stored of it to its bytes."""

from dataclasses import dataclass

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from scf_ledger.chain.errors import ChainMisconfigured


@dataclass(frozen=True, slots=True)
class Sent:
    """What a signed EIP-1559 transaction says, and who signed it; addresses are EIP-55 text."""

    tx_hash: bytes
    sender: str
    chain_id: int
    nonce: int
    to: str
    data: bytes


def read(raw: bytes) -> Sent:
    """Take signed bytes apart.

    :raises ChainMisconfigured: not a signed EIP-1559 transaction
    """
    try:
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = Account.recover_transaction(raw)
        return Sent(
            tx_hash=keccak(raw),
            sender=str(sender),
            chain_id=int(fields["chainId"]),
            nonce=int(fields["nonce"]),
            to=to_checksum_address(fields["to"]),
            data=bytes(fields["data"]),
        )
    except Exception as error:  # libraries raise many kinds over hostile bytes
        raise ChainMisconfigured("not a signed transaction") from error
