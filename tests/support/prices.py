"""Prices made by others, read in place, and series on a stage."""

from pathlib import Path

import pytest

from scf.parties.models import Role

IMF_FOLDER = Path(__file__).parents[3] / "shared" / "data" / "datasets" / "commodity-prices"
needs_imf = pytest.mark.skipif(
    not IMF_FOLDER.exists(), reason="the shared price history is not here"
)
COPPER = {
    "commodity": "阴极铜",
    "unit": "TNE",
    "currency": "CNY",
    "source": "长江有色现货",
    "way": "manual",
}


def a_series(stage, client, **changes):
    """Begin a series as a client; return its id."""
    answer = stage.post(client, "/v1/price-series", COPPER | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def entered(stage, bank, series, price, *, at="2025-10-09T04:00:00Z", reason=None):
    """Have a bank's two people enter and approve a price in yuan."""
    body = {
        "quoted_at": at,
        "price": {"amount": price, "currency": "CNY"},
        "evidence": "现货报价单",
        "reason": reason,
        "maker": bank.hand(Role.MAKER).signer(Role.MAKER),
    }
    entry = stage.post(bank, f"/v1/price-series/{series}/entries", body)
    assert entry.status_code == 201, entry.text
    checker = {"checker": bank.hand(Role.CHECKER).signer(Role.CHECKER)}
    answer = stage.post(bank, f"/v1/price-entries/{entry.json()['id']}/approve", checker)
    assert answer.status_code == 200, answer.text
