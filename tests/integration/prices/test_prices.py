"""Prices by hand under four eyes and by file; corrections; what a series says at an instant."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

import scf
from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf.parties.models import Role
from scf.prices import queries
from scf.prices.models import Price, PriceBatch, PriceEntry
from tests.support.prices import a_series
from tests.support.problems import refusal

SAMPLE = (Path(scf.__path__[0]) / "samples" / "prices" / "monthly.csv").read_bytes()
NOON = "2025-10-09T04:00:00Z"


def counts(stage):
    with stage.database.reading() as session:
        kinds = (Price, PriceBatch, PriceEntry, Event)
        return [session.scalar(select(func.count()).select_from(kind)) for kind in kinds]


def entry(bank, **changes):
    return {
        "quoted_at": NOON,
        "price": {"amount": "75000.00", "currency": "CNY"},
        "evidence": "现货报价单 2025-10-09",
        "maker": bank.hand(Role.MAKER).signer(Role.MAKER),
    } | changes


def approval(bank):
    return {"checker": bank.hand(Role.CHECKER).signer(Role.CHECKER)}


def enter(stage, series, **changes):
    bank = stage.cast.bank
    answer = stage.post(bank, f"/v1/price-series/{series}/entries", entry(bank, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def approve(stage, identity):
    bank = stage.cast.bank
    return stage.post(bank, f"/v1/price-entries/{identity}/approve", approval(bank))


def shown(stage, series):
    answer = stage.get(stage.cast.supplier, f"/v1/price-series/{series}/prices")
    assert answer.status_code == 200, answer.text
    return [(item["quoted_at"], item["price"]["amount"]) for item in answer.json()["items"]]


def reading(stage, series, at):
    identity = parse_id("prs", series)
    with stage.database.reading() as session:
        return queries.readings(session, [identity], at).get(identity)


class TestByHand:
    def test_counts_when_a_second_person_has_approved_it(self, stage):
        series = a_series(stage, stage.cast.bank, source="甲")
        identity = enter(stage, series)
        assert shown(stage, series) == []

        batch = approve(stage, identity)

        assert batch.status_code == 200
        assert batch.json()["origin"] == "现货报价单 2025-10-09"
        assert shown(stage, series) == [(NOON, "75000.00")]
        listed = stage.get(stage.cast.bank, f"/v1/price-series/{series}/entries").json()
        assert [one["approved"] for one in listed] == [True]

    def test_is_not_approved_by_whoever_entered_it(self, stage):
        bank = stage.cast.bank
        series = a_series(stage, bank, source="乙")
        identity = enter(stage, series)
        before = counts(stage)

        same = {"checker": bank.hand(Role.MAKER).signer(Role.MAKER)}
        answer = stage.post(bank, f"/v1/price-entries/{identity}/approve", same)

        refusal(answer, 403, "statement.same_person")
        assert counts(stage) == before

    def test_is_approved_once_and_within_a_day(self, stage):
        series = a_series(stage, stage.cast.bank, source="丙")
        identity = enter(stage, series)
        approve(stage, identity)
        refusal(approve(stage, identity), 409, "prices.entry_over")

        late = enter(stage, series, quoted_at="2025-10-10T04:00:00Z")
        now = stage.clock.now()
        stage.clock.set(now + timedelta(hours=25))
        try:
            refusal(approve(stage, late), 409, "prices.entry_over")
        finally:
            stage.clock.set(now)

    def test_is_not_replaced_but_corrected_with_a_reason(self, stage):
        series = a_series(stage, stage.cast.bank, source="丁")
        approve(stage, enter(stage, series))
        wrong = {"price": {"amount": "57000.00", "currency": "CNY"}}

        problem = refusal(approve(stage, enter(stage, series, **wrong)), 409, "prices.differs")
        assert problem["fields"]["known"] == "75000.00"
        corrected = approve(stage, enter(stage, series, **wrong, reason="录入时数字颠倒"))

        assert corrected.json()["reason"] == "录入时数字颠倒"
        assert shown(stage, series) == [(NOON, "57000.00")]
        with stage.database.reading() as session:
            kept = select(Price.minor).where(Price.series_id == parse_id("prs", series))
            assert sorted(session.scalars(kept)) == [5_700_000, 7_500_000]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"quoted_at": "2031-01-01T00:00:00Z"}, "prices.untimely"),
            ({"price": {"amount": "9000.00", "currency": "USD"}}, "money.currency_mismatch"),
            ({"price": {"amount": "0.00", "currency": "CNY"}}, "money.invalid"),
        ],
    )
    def test_what_makes_no_sense_is_refusal(self, stage, changes, code):
        series = a_series(stage, stage.cast.bank, source=f"戊 {code}")
        before = counts(stage)
        bank = stage.cast.bank
        answer = stage.post(bank, f"/v1/price-series/{series}/entries", entry(bank, **changes))
        refusal(answer, 422, code)
        assert counts(stage) == before

    def test_by_another_bank_is_not_there(self, stage):
        series = a_series(stage, stage.cast.bank, source="己")
        other = stage.cast.second_bank
        answer = stage.post(other, f"/v1/price-series/{series}/entries", entry(other))
        refusal(answer, 404, "subject.not_found")


class TestByFile:
    def sent(self, stage, series, content=SAMPLE, **params):
        query = "&".join(f"{k}={v}" for k, v in {"filename": "monthly.csv", **params}.items())
        path = f"/v1/price-series/{series}/imports?{query}"
        headers = stage.headers(None) | {"Idempotency-Key": uuid.uuid4().hex}
        return stage.http.post(path, content=content, headers=headers)

    def test_adds_what_is_new(self, stage):
        kept = {"source": "IMF", "way": "file", "symbol": "Copper", "currency": "USD"}
        series = a_series(stage, None, **kept)
        head = b"".join(SAMPLE.splitlines(keepends=True)[:3])

        assert self.sent(stage, series, head).json()["count"] == 2
        assert self.sent(stage, series).json()["count"] == 3
        refusal(self.sent(stage, series), 409, "prices.nothing_new")
        assert shown(stage, series)[0] == ("2025-09-30T07:00:00Z", "9961.48")

    def test_is_in_yuan_at_a_named_rate(self, stage):
        series = a_series(stage, None, source="IMF 元", way="file", symbol="Copper")
        refusal(self.sent(stage, series), 422, "money.currency_mismatch")

        answer = self.sent(stage, series, rate="7.12")

        assert answer.json()["origin"] == "monthly.csv × 7.12 CNY/USD"
        assert shown(stage, series)[-1] == ("2025-05-31T07:00:00Z", "67855.38")

    def test_wrong_whole_file_is_refused_whole(self, stage):
        kept = {"source": "IMF 错", "way": "file", "symbol": "Copper", "currency": "USD"}
        series = a_series(stage, None, **kept)
        before = counts(stage)
        refusal(self.sent(stage, series, SAMPLE + b"2025-10-01,1\n"), 422, "prices.file_invalid")
        assert counts(stage) == before


class TestSeries:
    def test_of_a_source_is_one(self, stage):
        a_series(stage, stage.cast.bank, source="庚")
        body = {"commodity": "阴极铜", "unit": "TNE", "currency": "CNY", "source": "庚"}
        again = stage.post(stage.cast.bank, "/v1/price-series", body | {"way": "manual"})
        refusal(again, 409, "prices.series_exists")
        assert a_series(stage, stage.cast.second_bank, source="庚")

    def test_is_kept_by_operator_or_bank(self, stage):
        body = {"commodity": "铜", "unit": "TNE", "currency": "CNY", "source": "x", "way": "manual"}
        for who in (stage.cast.supplier, None):
            refusal(stage.post(who, "/v1/price-series", body), 403, "prices.not_for_this_party")

    @pytest.mark.parametrize(
        "changes", [{"symbol": "Copper"}, {"way": "file"}, {"currency": "XXX"}, {"unit": "KTN"}]
    )
    def test_says_what_it_is(self, stage, changes):
        body = {"commodity": "铜", "unit": "TNE", "currency": "CNY", "source": "y", "way": "manual"}
        answer = stage.post(stage.cast.bank, "/v1/price-series", body | changes)
        assert answer.status_code == 422


class TestReading:
    def test_is_the_newest_and_the_average_of_the_last_twenty_quoted_days(self, stage):
        series = a_series(stage, stage.cast.bank, source="辛")
        first = datetime(2025, 9, 1, 3, tzinfo=UTC)
        for day in range(25):
            at = first + timedelta(days=day)
            enter_at = {"quoted_at": at.isoformat().replace("+00:00", "Z")}
            price = {"price": {"amount": f"{70_000 + day}.00", "currency": "CNY"}}
            approve(stage, enter(stage, series, **enter_at, **price))

        last = reading(stage, series, first + timedelta(days=24))

        assert last.spot == Money.parse("70024.00")
        assert last.average == Money.parse("70014.50")  # days 5 to 24
        assert reading(stage, series, first).average == Money.parse("70000.00")
        assert reading(stage, series, first - timedelta(seconds=1)) is None

    def test_leaves_out_what_is_older_than_the_average_reaches(self, stage):
        series = a_series(stage, stage.cast.bank, source="壬")
        for at, price in (("2025-08-01T04:00:00Z", "60000.00"), (NOON, "75000.00")):
            given = {"quoted_at": at, "price": {"amount": price, "currency": "CNY"}}
            approve(stage, enter(stage, series, **given))
        assert reading(stage, series, stage.clock.now()).average == Money.parse("75000.00")


def test_nothing_told_is_ever_rewritten(stage):
    with pytest.raises(DBAPIError, match="append-only"), stage.database.transaction() as session:
        session.execute(text("UPDATE prices SET minor = minor + 1"))
