"""Splits of a payment, proposed by the supplier and signed by everybody concerned."""

from collections.abc import Sequence
from typing import Any

from tests.support.actors import Company
from tests.support.lending import Desk
from tests.support.receivables import money


def account_of(bank: Company, number: str) -> dict[str, str]:
    """An account of a bank's own, kept by itself."""
    return {"name": bank.name, "account": number, "bank": bank.name, "bank_uscc": bank.uscc}


def split_body(shares: Sequence[tuple[Company, str, str]]) -> dict[str, Any]:
    """What is proposed: bank, amount and account number of each part."""
    return {
        "parts": [
            {"payee": bank.id, "amount": money(amount), "pay_to": account_of(bank, number)}
            for bank, amount, number in shares
        ],
        "reason": "多家银行分别受让",
    }


def propose_split(desk: Desk, receivable: str, shares: Sequence[tuple[Company, str, str]]) -> str:
    path = f"/v1/receivables/{receivable}/payment-splits"
    return str(desk.did(desk.stage.cast.supplier, path, split_body(shares))["id"])


def sign_split(desk: Desk, split: str, who: Company) -> dict[str, Any]:
    path = f"/v1/account-changes/{split}"
    act = "consent" if who.kind.value == "bank" else "account"
    return desk.signed(who, f"{path}/draft", {"signers": who.signers(act)}, f"{path}/sign")


def agree_split(
    desk: Desk,
    receivable: str,
    shares: Sequence[tuple[Company, str, str]],
    *,
    holders: Sequence[Company] = (),
) -> dict[str, Any]:
    """Propose a split, and have creditor, debtor and the holders sign it."""
    cast = desk.stage.cast
    split = propose_split(desk, receivable, shares)
    shown: dict[str, Any] = {}
    for who in (cast.supplier, cast.anchor, *holders):
        shown = sign_split(desk, split, who)
    assert shown["state"] == "DONE", shown
    return shown
