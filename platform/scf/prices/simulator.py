"""A stand-in for a price service: a process of its own, with its own store.

`PUT /quotes/{symbol}` with `{"unit", "currency", "at", "price"}` lets it quote from now on. Quotes are kept in
`$SCF_DATA/prices/prices.sqlite3`. `python -m scf.prices.simulator --port 8705`.
"""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from scf.http.simulating import Books, Refusal, face, insert, serve
from scf.kernel.clock import Clock, instant_text, parse_instant
from scf.kernel.errors import SCFError
from scf.kernel.money import Money

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS quotes (
  symbol TEXT NOT NULL, unit TEXT NOT NULL, currency TEXT NOT NULL, at TEXT NOT NULL,
  price TEXT NOT NULL, PRIMARY KEY (symbol, at)
)
"""
PAGE: Final = 500


class QuoteIn(BaseModel):
    """A price that the service is told to quote."""

    model_config = ConfigDict(extra="forbid")

    unit: str
    currency: str
    at: str
    price: str


def create_app(books: Books) -> FastAPI:
    """Build the service's HTTP interface."""
    app = face("价格服务（模拟） Price service, simulated")

    @app.put("/quotes/{symbol}")
    def quote(symbol: str, body: QuoteIn) -> dict[str, Any]:
        try:
            at = instant_text(parse_instant(body.at))
            price = Money.parse(body.price, body.currency).text
        except SCFError as error:
            raise Refusal(422, error.code, error.line()) from error
        said = {"symbol": symbol, "unit": body.unit, "currency": body.currency}
        with books.writing() as db:
            db.execute("DELETE FROM quotes WHERE symbol = ? AND at = ?", (symbol, at))
            insert(db, "quotes", said | {"at": at, "price": price})
        return said | {"quotes": [{"at": at, "price": price}]}

    @app.get("/quotes/{symbol}")
    def quotes(symbol: str, after: str = "") -> dict[str, Any]:
        with books.reading() as db:
            rows = db.execute(
                "SELECT * FROM quotes WHERE symbol = ? AND at > ? ORDER BY at LIMIT ?",
                (symbol, after, PAGE),
            ).fetchall()
            known = db.execute(
                "SELECT * FROM quotes WHERE symbol = ? LIMIT 1", (symbol,)
            ).fetchone()
        if known is None:
            raise Refusal(404, "unknown", symbol[:80])
        return {
            "symbol": symbol,
            "unit": known["unit"],
            "currency": known["currency"],
            "quotes": [{"at": row["at"], "price": row["price"]} for row in rows],
        }

    return app


def _open(data: Path, clock: Clock) -> FastAPI:
    return create_app(Books(data / "prices" / "prices.sqlite3", SCHEMA, clock))


if __name__ == "__main__":
    serve(_open, about=__doc__, port=8705)
