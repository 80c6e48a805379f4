"""Feeds made again from the log: what is missing comes, what is wrong goes, and a stop loses nothing."""

import json

import pytest
from sqlalchemy import text

from scf.cli import main
from scf.db.session import Database
from scf.feed.rebuilding import Row, differences, rebuild
from scf.kernel.ids import new_id, public_id
from tests.support.log import a_log, append_some, sequence_all
from tests.support.services import fresh_database


@pytest.fixture(scope="module")
def log(servers):
    """Ten events of one party, of which the last five are another's too."""
    with fresh_database(servers) as url:
        database = Database(url)
        signer, us, them = a_log(database), new_id(), new_id()
        events = append_some(database, 5, parties=[us])
        events += append_some(database, 5, parties=sorted([us, them]))
        sequence_all(url, signer)
        yield database, url, us, them, events
        database.close()


def fed(database):
    rows = "SELECT party_id, index, event_id, type FROM party_events ORDER BY index, party_id"
    with database.reading() as session:
        return [tuple(row) for row in session.execute(text(rows))]


def tamper(database, *statements):
    with database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))


def test_what_is_right_stays_untouched(log):
    database, *_ = log
    before = fed(database)

    done = rebuild(database, stretch=3)

    assert (done.first, done.last, done.added, done.removed, done.difference) == (0, 9, 0, 0, None)
    assert fed(database) == before
    assert len(before) == 15


def test_an_emptied_table_is_filled_again(log):
    database, *_ = log
    before = fed(database)
    tamper(database, "TRUNCATE party_events")

    done = rebuild(database, stretch=4)

    assert (done.added, done.removed) == (15, 0)
    assert fed(database) == before


def test_wrong_rows_go_and_the_first_difference_is_named(log):
    database, _, us, them, events = log
    before = fed(database)
    tamper(
        database,
        "UPDATE party_events SET type = 'pledge.released' WHERE index = 6",
        "DELETE FROM party_events WHERE index = 8",
        f"INSERT INTO party_events VALUES ('{us}', 99, '{events[0].id}', 'x'),"
        f" ('{us}', -7, '{events[0].id}', 'x'), ('{them}', 2, '{events[2].id}', 'x')",
    )

    done = rebuild(database, stretch=3)

    assert (done.added, done.removed) == (4, 5)
    found = done.difference
    assert found is not None
    assert (found.party_id, found.index) == (us, -7)
    assert (found.stored, found.told) == (Row(events[0].id, "x"), None)
    assert fed(database) == before
    with pytest.raises(Exception, match="append-only"), database.transaction() as session:
        session.execute(text("DELETE FROM party_events"))
    assert fed(database) == before


def test_a_killed_rebuild_goes_on_where_it_was(log):
    database, *_ = log
    before = fed(database)
    tamper(database, "TRUNCATE party_events")

    def die(done):
        if done.last >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(database, stretch=3, heard=die)
    assert {row[1] for row in fed(database)} == set(range(6))
    done = rebuild(database, stretch=3)

    assert (done.first, done.last) == (6, 9)
    assert fed(database) == before
    assert rebuild(database).first == 0


def test_the_command_says_what_it_found(log, monkeypatch, capsys):
    database, url, us, _, events = log
    tamper(database, f"DELETE FROM party_events WHERE index = 1 AND party_id = '{us}'")
    monkeypatch.setenv("DATABASE_URL", url)

    assert main(["feed", "rebuild", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["added"], told["removed"]) == (1, 0)
    assert told["difference"] == {
        "party": public_id("pty", us),
        "index": 1,
        "stored": None,
        "expected": {"event": public_id("evt", events[1].id), "type": "document.registered"},
    }
    assert main(["feed", "rebuild"]) == 0
    assert "0 – 9" in capsys.readouterr().out
    with database.reading() as session:
        assert differences(session) == []
