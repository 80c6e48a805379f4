"""The whole copper and cotton history through the database's marks, beside a small independent model."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

import pytest
from sqlalchemy import select, text

from scf.collateral import agreements, calling, marking
from scf.collateral.agreements import Debt
from scf.collateral.models import ControlAgreement, MarginCall, Mark
from scf.evidence.models import Event
from scf.kernel.clock import business_date
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf.prices import imf
from tests.support.collateral import uuid_of, watched
from tests.support.margin_model import Model, due, lines
from tests.support.prices import IMF_FOLDER, needs_imf

BEGINS = datetime(2025, 11, 4, 1, tzinfo=UTC)
STEP = timedelta(hours=12)  # a month of the history each: two to a day, so that averages lag behind
CURE_DAYS = 3
QUOTE = text("""
INSERT INTO prices (series_id, quoted_at, revision, quoted_on, minor, batch_id)
SELECT series_id, :at, 0, :day, :minor, batch_id FROM prices WHERE series_id = :series LIMIT 1
""")
NOTHING = Money(0)


class Played:
    """One agreement of the platform and its model, taken from month to month in a transaction that is given up."""

    def __init__(self, session, stage, found):
        self.session, self.bank = session, stage.cast.bank
        self.agreement = session.get_one(ControlAgreement, uuid_of("ctl", found.id))
        self.series = parse_id("prs", found.series)
        self.model = Model(0.7, 0.05, 0.8, 1.0)
        self.quoted = {BEGINS.date() - timedelta(days=1): 75_000_00}
        self.owed = self.breached = 0
        self.due_on = None

    def month(self, number, price, now):
        """A price comes in; every January, and after three months of breach, 65% of it is lent anew."""
        day = business_date(now)
        self.session.execute(
            QUOTE, {"series": self.series, "at": now, "day": day, "minor": price.minor}
        )
        self.quoted[day] = price.minor
        if number % 12 == 0 or self.breached > 3:
            self.owed, self.breached = int(140 * price.minor * 7 * 93 // 1_000), 0
            debt = Debt(day, Money(self.owed), NOTHING, NOTHING, "0", None)
            agreements.state_debt(self.session, self.bank.actor, self.agreement.id, debt, now=now)
        else:
            marking.mark(self.session, [self.agreement.id], now=now)
            self.session.refresh(self.agreement)
            calling.judge(self.session, self.agreement, now=now)
        self.compare(price.minor, day)

    def compare(self, spot, day):
        last = [self.quoted[one] for one in sorted(self.quoted)[-20:]]
        value = Decimal(140 * min(spot, sum(last) // len(last)))
        late = self.due_on is not None and self.due_on < day
        before = len(self.model.told)
        self.model.mark(int(value), self.owed, 1, 1, late)
        if "called" in self.model.told[before:]:
            self.due_on = due(day, CURE_DAYS)
        self.breached = self.breached + 1 if self.model.open == "breached" else 0

        mark = self.session.get_one(Mark, self.agreement.mark_id)
        expected = lines(value, Decimal(self.owed), 0.7, 0.05, 0.8)
        assert (mark.value_minor, mark.exposure_minor) == (
            value.to_integral_value(ROUND_FLOOR),
            self.owed,
        )
        assert {
            "floor": mark.floor_minor,
            "warning_below": mark.warning_minor,
            "disposal_at": mark.disposal_minor,
            "goods_due": mark.goods_due_minor,
            "cash_due": mark.cash_due_minor,
        } == expected
        call = calling.open_call(self.session, self.agreement.id)
        assert (call.state.value.lower() if call else None) == self.model.open
        if self.model.open == "called":
            assert call.due_on == self.due_on

    def told(self):
        calls = select(MarginCall.id).where(MarginCall.agreement_id == self.agreement.id)
        own = select(Event.type).where(Event.subject_id.in_(calls)).order_by(Event.seq)
        return [type_.removeprefix("margin_call.") for type_ in self.session.scalars(own)]


@needs_imf
@pytest.mark.parametrize("column", ["Copper", "Cotton"])
def test_every_month_comes_to_what_the_model_says(stage, column):
    """450 marks made in SQL with averages, each to the fen, and every call with its day."""
    content = (IMF_FOLDER / "commodity-prices.csv").read_bytes()
    prices = [Money(one.price.minor) for one in imf.read(content, column)]
    found = watched(stage)
    with stage.database.transaction() as session:
        played = Played(session, stage, found)
        for number, price in enumerate(prices):
            played.month(number, price, BEGINS + STEP * number)
        assert len(prices) > 400
        assert played.told() == played.model.told
        assert {"warned", "called", "breached", "cured", "lifted"} <= set(played.model.told)
        session.rollback()
