"""Price series: every batch is one event of its series, and its prices are those that the event hashes."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.kernel.clock import business_date, parse_instant
from scf.kernel.ids import public_id
from scf.prices.service import digest

Grouped = dict[UUID, list[RowMapping]]


def check(session: Session, _: Mapping[UUID, str], report: Report) -> None:
    """Hold series, batches, prices and approved entries to each other and to the events. Raises Different."""
    prices = _grouped(session, "prices", "batch_id", report, "quoted_at", "revision")
    batches = _grouped(session, "price_batches", "series_id", report, "id")
    entries = {row["id"]: row for row in rows(session, "price_entries", "id")}
    report.rows["price_entries"] += len(entries)
    for history in histories(session, "price_series", report):
        _check_series(history)
        stored = {row["event_hash"]: row for row in batches.pop(history.row["id"], [])}
        for told in history.of("price.recorded"):
            batch = stored.pop(told.hash, None)
            expect("price_batches", history.key, "event_hash", batch is not None, True)
            assert batch is not None
            _check_batch(batch, told, prices.pop(batch["id"], []))
            _check_entry(batch, entries.get(batch["entry_id"]), told)
        expect("price_batches", history.key, "event_hash", list(stored), [])
    expect("price_batches", "*", "series_id", sorted(map(str, batches)), [])
    expect("prices", "*", "batch_id", sorted(map(str, prices)), [])


def _check_series(history: History) -> None:
    if not history.told:
        return
    said = history.told[0].record
    names = ("commodity", "unit", "currency", "source")
    expected = {name: said[name] for name in names} | {"owner_id": history.told[0].actor}
    expect_row("price_series", history.key, history.row, expected)
    expect("price_series", history.key, "way", history.row["way"].value, said["way"])


def _check_batch(batch: RowMapping, told: Told, prices: list[RowMapping]) -> None:
    key, said = public_id("prb", batch["id"]), told.record
    expect_row("price_batches", key, batch, {"reason": said["reason"], "recorded_at": told.at})
    expect("prices", key, "batch_id", len(prices), said["count"])
    listed = [(row["quoted_at"], row["revision"], row["minor"]) for row in prices]
    expect("prices", key, "minor", digest(listed), told.bytes("prices_sha256"))
    expect("prices", key, "quoted_at", listed[0][0], parse_instant(said["first_at"]))
    for row in prices:
        expected = {
            "series_id": batch["series_id"],
            "quoted_on": business_date(row["quoted_at"]),
        }
        expect_row("prices", key, row, expected)


def _check_entry(batch: RowMapping, entry: RowMapping | None, told: Told) -> None:
    key = public_id("prb", batch["id"])
    by_hand = told.record["way"] == "manual"
    expect("price_batches", key, "entry_id", entry is not None, by_hand)
    if entry is None:
        expect("price_batches", key, "maker_id", batch["maker_id"], None)
        return
    said = {
        "series_id": batch["series_id"],
        "quoted_at": parse_instant(told.record["first_at"]),
        "reason": told.record["reason"],
        "maker_id": batch["maker_id"],
        "evidence": batch["origin"],
    }
    expect_row("price_entries", public_id("pen", entry["id"]), entry, said)
    again = digest([(entry["quoted_at"], _revision(told, entry), entry["minor"])])
    expect(
        "price_entries", public_id("pen", entry["id"]), "minor", again, told.bytes("prices_sha256")
    )


def _revision(told: Told, entry: RowMapping) -> int:
    """Return the revision under which the event's hash fits the entry, else 0."""
    wanted = told.bytes("prices_sha256")
    tried = range(told.version)  # a series has no more revisions than events
    fits = (n for n in tried if digest([(entry["quoted_at"], n, entry["minor"])]) == wanted)
    return next(fits, 0)


def _grouped(session: Session, name: str, by: str, report: Report, *order: str) -> Grouped:
    found: Grouped = {}
    for row in rows(session, name, *order):
        report.rows[name] += 1
        found.setdefault(row[by], []).append(row)
    return found
