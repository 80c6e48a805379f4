"""What watched goods would fetch, as the rank of their pledge counts with: the newest mark's spot price, no haircut."""

from tests.support import collateral
from tests.support.actors import Stage
from tests.support.receivables import money


def test_the_newest_marks_price_makes_the_worth_of_the_whole_receipt(stage: Stage):
    """140 t at 75,000.00; haircuts are the bank's caution, not what a sale brings."""
    bank = stage.cast.bank
    found = collateral.watched(stage, haircuts=(500, 1000))
    path = f"/v1/pledges/{found.pledges[0]}/rank"

    shown = stage.get(bank, path).json()

    assert shown["worth"] == money("10500000.00")
    assert shown["recoveries"][0]["total"] == money("10500000.00")
    collateral.priced(stage, found, "74999.99", at="2025-11-03T12:30:00Z")
    assert stage.get(bank, path).json()["worth"] == money("10499998.60")
