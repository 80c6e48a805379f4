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


def entry(bank, price, *, at="2025-10-09T04:00:00Z", reason=None):
    """What the first of a bank's two people says."""
    return {
        "quoted_at": at,
        "price": {"amount": price, "currency": "CNY"},
        "evidence": "现货报价单",
        "reason": reason,
        "maker": bank.hand(Role.MAKER).signer(Role.MAKER),
    }


def entered(stage, bank, series, price, **said):
    """Have a bank's two people enter and approve a price in yuan."""
    body = entry(bank, price, **said)
    made = stage.post(bank, f"/v1/price-series/{series}/entries", body)
    assert made.status_code == 201, made.text
    checker = {"checker": bank.hand(Role.CHECKER).signer(Role.CHECKER)}
    answer = stage.post(bank, f"/v1/price-entries/{made.json()['id']}/approve", checker)
    assert answer.status_code == 200, answer.text
