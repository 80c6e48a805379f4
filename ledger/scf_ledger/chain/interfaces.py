"""What web3 makes of an artifact; apart, since loading web3 takes seconds on a busy machine."""

from collections.abc import Mapping
from typing import Any

from web3 import Web3
from web3.contract import Contract

from scf_ledger.chain.recursion import restore_limit

restore_limit()


def bound_to_nothing(artifact: Mapping[str, Any]) -> type[Contract]:
    """Give a contract's interface, bound to no node and no address."""
    return Web3().eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
