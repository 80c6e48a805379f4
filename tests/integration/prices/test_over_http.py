"""Quotes out of a price service: new ones are taken in once; what is unfit changes nothing."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from scf.db.outbox import EffectContext
from scf.http.simulating import Books
from scf.kernel.ids import parse_id
from scf.prices import port, simulator
from scf.prices.models import Price, PriceSeries
from scf.prices.port import PricesUnavailable
from scf_workers.schedule import TASK_SECONDS_MAX, app
from tests.support.anvil import free_port
from tests.support.prices import a_series
from tests.support.status import answering, dripping, saying

GOOD = {
    "symbol": "CU",
    "unit": "TNE",
    "currency": "CNY",
    "quotes": [
        {"at": "2025-10-30T07:00:00Z", "price": "75000.00"},
        {"at": "2025-10-31T07:00:00Z", "price": "74100.50"},
    ],
}


def kept(stage, series):
    identity = parse_id("prs", series)
    with stage.database.reading() as session:
        return session.scalar(
            select(func.count()).select_from(Price).where(Price.series_id == identity)
        )


def turn(stage, url):
    settings = stage.settings.model_copy(update={"price_url": url})
    port.turn(EffectContext(stage.database, settings, stage.clock))


def test_takes_in_what_is_new_once(stage):
    series = a_series(stage, None, source="服务一", way="http", symbol="CU")
    with answering(saying(GOOD)) as url:
        turn(stage, url)
        turn(stage, url)
    assert kept(stage, series) == 2
    shown = stage.get(stage.cast.bank, f"/v1/price-series/{series}/prices").json()
    assert shown["items"][0]["price"]["amount"] == "74100.50"
    assert shown["items"][0]["origin"].startswith("http://127.0.0.1")


@pytest.mark.parametrize(
    "body",
    [
        GOOD | {"symbol": "AL"},
        GOOD | {"unit": "KGM"},
        GOOD | {"currency": "USD"},
        GOOD | {"quotes": [{"at": "2025-10-30T07:00:00Z", "price": "0.00"}]},
        GOOD | {"quotes": [{"at": "2025-10-30T07:00:00Z", "price": 75000}]},
        GOOD | {"quotes": [{"at": "gestern", "price": "1.00"}]},
        GOOD | {"quotes": None},
        [],
        b"x" * (port.BYTES_MAX + 1),
    ],
)
def test_what_is_unfit_is_no_answer(stage, body):
    series = PriceSeries(symbol="CU", unit="TNE", currency="CNY")
    with answering(saying(body)) as url, pytest.raises(PricesUnavailable):
        port.ask(url, series, None)


def test_what_never_ends_is_no_answer(monkeypatch):
    monkeypatch.setattr(port, "PATIENCE", 0.1)
    series = PriceSeries(symbol="CU", unit="TNE", currency="CNY")
    with answering(dripping(1)) as url, pytest.raises(PricesUnavailable):
        port.ask(url, series, None)


@pytest.mark.parametrize(
    "quotes",
    [
        [{"at": "2025-10-30T07:00:00Z", "price": "75000.01"}],
        [GOOD["quotes"][1], {"at": "2025-10-30T07:00:00Z", "price": "1.00"}],
        [
            {"at": "2025-10-29T07:00:00Z", "price": "1.00"},
            {"at": "2025-10-30T07:00:00Z", "price": "2.00"},
        ],
    ],
)
def test_what_differs_from_a_known_quote_is_not_taken_over(stage, quotes):
    series = a_series(
        stage, None, source=f"服务三 {len(quotes)} {quotes[0]['at']}", way="http", symbol="CU"
    )
    first = GOOD | {"quotes": GOOD["quotes"][:1]}
    with answering(saying(first)) as url:
        turn(stage, url)
    with answering(saying(GOOD | {"quotes": quotes})) as url:
        turn(stage, url)
    shown = stage.get(stage.cast.bank, f"/v1/price-series/{series}/prices").json()["items"]
    assert [(one["quoted_at"], one["price"]["amount"]) for one in shown] == [
        ("2025-10-30T07:00:00Z", "75000.00")
    ]


def test_a_series_that_is_refused_keeps_no_other_waiting(stage):
    odd = a_series(stage, None, source="服务四", way="http", symbol="CU", unit="KGM")
    fit = a_series(stage, None, source="服务五", way="http", symbol="CU")
    with answering(saying(GOOD)) as url:
        turn(stage, url)
    assert (kept(stage, odd), kept(stage, fit)) == (0, 2)


def test_a_service_that_is_not_there_changes_nothing(stage):
    series = a_series(stage, None, source="服务六", way="http", symbol="CU")
    turn(stage, f"http://127.0.0.1:{free_port()}")
    assert kept(stage, series) == 0


def test_a_turn_ends_whoever_has_not_answered(stage, monkeypatch):
    series = a_series(stage, None, source="服务七", way="http", symbol="CU")
    monkeypatch.setattr(port, "TURN_SECONDS", -1.0)
    with answering(saying(GOOD)) as url:
        turn(stage, url)
        assert kept(stage, series) == 0
        monkeypatch.undo()
        turn(stage, url)
    assert kept(stage, series) == 2


def test_it_is_asked_every_minute_and_a_turn_fits_a_task():
    assert app.conf.beat_schedule["quote"] == {
        "task": "quote",
        "schedule": 60.0,
        "options": {"expires": 60},
    }
    assert port.TURN_SECONDS + port.PATIENCE < TASK_SECONDS_MAX - 2


def test_quotes_of_the_future_are_not_taken(stage):
    series = a_series(stage, None, source="服务二", way="http", symbol="CU")
    future = GOOD | {"quotes": [{"at": "2031-01-01T00:00:00Z", "price": "1.00"}]}
    with answering(saying(future)) as url:
        turn(stage, url)
    assert kept(stage, series) == 0


def test_the_stand_in_speaks_the_ports_language(tmp_path, stage):
    books = Books(tmp_path / "prices.sqlite3", simulator.SCHEMA, stage.clock)
    client = TestClient(simulator.create_app(books))
    assert client.get("/quotes/CU").status_code == 404
    said = {"unit": "TNE", "currency": "CNY", **GOOD["quotes"][0]}
    assert client.put("/quotes/CU", json=said).status_code == 200
    assert client.put("/quotes/CU", json=said | {"price": "x"}).status_code == 422
    answer = client.get("/quotes/CU").json()
    series = PriceSeries(symbol="CU", unit="TNE", currency="CNY")
    with answering(saying(answer)) as url:
        (quote,) = port.ask(url, series, None)
    assert quote.price.text == "75000.00"
    assert client.get("/quotes/CU?after=2025-10-30T07:00:00Z").json()["quotes"] == []
