"""What was sent to the chain, and what the chain has of it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import rows
from scf.evidence import queries
from scf.evidence.chain import ANCHOR, CALLS
from scf.evidence.models import ChainHome, TransactionState
from scf_ledger.chain.calls import origin_key
from scf_ledger.chain.client import Chain
from scf_ledger.chain.errors import ChainUnavailable
from scf_ledger.chain.reading import read
from scf_ledger.proof import ADDRESS

IN_A_BLOCK = (TransactionState.MINED, TransactionState.FINAL)


def check(session: Session, chain: Chain | None, report: Report) -> None:
    """Hold transactions to their bytes, and the contract to what is anchored. Raises Different."""
    home = queries.chain_home(session)
    if home is None:
        return
    report.rows["chain_home"] = 1
    for name in ("anchor_address", "registry_address", "sender"):
        address = getattr(home, name)
        shape = address if ADDRESS.fullmatch(address) else "地址 an address"
        expect("chain_home", home.chain_id, name, address, shape)
    key = origin_key(home.sender, queries.head(session).origin)
    expect("chain_home", home.chain_id, "origin_key", home.origin_key, key)
    sent: dict[int, RowMapping] = {}
    for row in rows(session, "chain_transactions", "id"):
        report.rows["chain_transactions"] += 1
        sent[row["id"]] = row
        _check_transaction(row, home)
    anchored = _check_anchors(session, sent, report)
    if chain is not None:
        _check_chain(chain, home, sent, anchored, report)


def _check_transaction(row: RowMapping, home: ChainHome) -> None:
    """Hold a transaction's columns to its signed bytes, and these to what was asked."""
    if row["raw"] is None:
        expect("chain_transactions", row["id"], "tx_hash", row["tx_hash"], None)
        return
    with readable("chain_transactions", row["id"], "raw"):
        said = read(row["raw"])
    with readable("chain_transactions", row["id"], "arguments"):
        call = CALLS[row["purpose"]](home, home.sender, row["arguments"])
    expected: dict[str, Any] = {
        "tx_hash": said.tx_hash,
        "sender": said.sender,
        "to": call.to,
        "data": call.data,
        "chain_id": home.chain_id,
    }
    if row["nonce"] is not None:
        expected["nonce"] = said.nonce
    shown = {**row, "to": said.to, "data": said.data, "chain_id": said.chain_id}
    expect_row("chain_transactions", row["id"], shown, expected)


def _check_anchors(
    session: Session, sent: Mapping[int, RowMapping], report: Report
) -> Mapping[int, bytes]:
    """Hold anchors to heads and to their transactions; return the final ones, size to root."""
    roots = {row["size"]: row["root"] for row in rows(session, "checkpoints", "size")}
    final: dict[int, bytes] = {}
    for row in rows(session, "anchors", "size"):
        report.rows["anchors"] += 1
        size = row["size"]
        expect("anchors", size, "root", row["root"], roots.get(size))
        transaction = sent.get(row["transaction_id"])
        said = transaction and (transaction["purpose"], transaction["arguments"]["size"])
        expect("anchors", size, "transaction_id", said, (ANCHOR, size))
        if transaction is not None and transaction["state"] is TransactionState.FINAL:
            final[size] = row["root"]
    for identity, row in sent.items():
        if row["purpose"] == ANCHOR and row["state"] is TransactionState.FINAL:
            size = row["arguments"]["size"]
            expect("anchors", size, "transaction_id", size in final, True)
            expect("chain_transactions", identity, "arguments.size", size in roots, True)
    return final


def _check_chain(
    chain: Chain,
    home: ChainHome,
    sent: Mapping[int, RowMapping],
    anchored: Mapping[int, bytes],
    report: Report,
) -> None:
    """Ask the chain for every block and root that is told to be there; silent where it is away."""
    try:
        chain.check()
        for name, address in (
            ("anchor_address", home.anchor_address),
            ("registry_address", home.registry_address),
        ):
            expect("chain_home", home.chain_id, name, bool(chain.code(address)), True)
        for row in sent.values():
            if row["state"] in IN_A_BLOCK:
                _check_receipt(chain, row)
        for size, root in anchored.items():
            stored = chain.anchored_root(home.anchor_address, home.origin_key, size)
            expect("anchors", size, "root (contract)", root, stored)
        head = chain.anchor_head(home.anchor_address, home.origin_key)
    except ChainUnavailable:
        report.chain = "unavailable"
        return
    if anchored:
        expect("anchors", "*", "head (contract)", head.size >= max(anchored), True)
    report.chain = "checked"


def _check_receipt(chain: Chain, row: RowMapping) -> None:
    receipt = chain.receipt(row["tx_hash"])
    expect("chain_transactions", row["id"], "receipt", receipt is not None, True)
    assert receipt is not None
    expect_row(
        "chain_transactions",
        row["id"],
        row,
        {
            "block_number": receipt.block_number,
            "block_hash": receipt.block_hash,
            "gas_used": receipt.gas_used,
        },
    )
