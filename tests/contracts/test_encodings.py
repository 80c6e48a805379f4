"""What Python and Solidity must encode alike, against vectors that neither made."""

import hashlib
import json
from pathlib import Path

from eth_account import Account

from scf_ledger.chain.calls import origin_key
from scf_ledger.chain.keys import Key
from scf_ledger.chain.tickets import ticket_digest

VECTORS = Path(__file__).resolve().parents[2] / "contracts/test/vectors/encodings.json"


def test_origin_key():
    vector = json.loads(VECTORS.read_text("utf-8"))["origin_key"]

    assert f"0x{origin_key(vector['claimer'], vector['origin']).hex()}" == vector["key"]


def test_ticket():
    vector = json.loads(VECTORS.read_text("utf-8"))["ticket"]
    key = Key(Account.from_key(hashlib.sha256(b"a token service of the tests").digest()))

    digest = ticket_digest(
        chain_id=vector["chain_id"],
        registry=vector["contract"],
        operator=vector["operator"],
        tokens=[bytes.fromhex(token[2:]) for token in vector["tokens"]],
        expiry=vector["expiry"],
        valid_until=vector["valid_until"],
    )

    assert f"0x{digest.hex()}" == vector["digest"]
    assert f"0x{key.sign_digest(digest).hex()}" == vector["signature"]
    assert key.address == vector["signer"]
