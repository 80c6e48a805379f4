"""Signing, away from any node: the same call, nonce, fees and key give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scf_ledger.chain.types import Call, Fees, SignedTransaction

if TYPE_CHECKING:
    from scf_ledger.chain.keys import Key


def sign(call: Call, *, chain_id: int, nonce: int, fees: Fees, key: Key) -> SignedTransaction:
    """Sign `call` as an EIP-1559 transaction of this chain."""
    raw, tx_hash = key.sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": call.to,
            "value": 0,
            "data": call.data,
            "gas": call.gas,
            "maxFeePerGas": fees.max_fee,
            "maxPriorityFeePerGas": fees.max_priority_fee,
        }
    )
    return SignedTransaction(raw, tx_hash, nonce)
