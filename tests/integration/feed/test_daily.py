"""The file of a day: counted, summed, reconciled with the pools, signed, and the same when made again."""

import base64
import itertools
import json
import shutil
import subprocess
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import select, text

from scf.evidence import keys
from scf.feed import daily
from scf.feed.daily_models import DailyFile
from tests.support.actors import STORY_BEGINS
from tests.support.lending import lending_desk
from tests.support.log import a_log, sequence_all
from tests.support.services import fresh_database

PATH = "/v1/daily-files"
FIRST = date(2025, 11, 3)


@pytest.fixture(scope="module")
def business(servers, tmp_path_factory):
    """A desk of its own: a day with two pledges, one without, one on which one is released."""
    folder = tmp_path_factory.mktemp("daily")
    with fresh_database(servers) as url, lending_desk(url, folder) as desk:
        signer, clock = a_log(desk.stage.database), desk.stage.clock
        keys.make_feed_keys(desk.context.settings)
        clock.set(STORY_BEGINS)
        pledges = [desk.ready_pledge(desk.receivable(1)), desk.signed_pledge(desk.receivable(2))]
        desk.accept(pledges[1])
        sequence_all(url, signer)
        clock.set(STORY_BEGINS + timedelta(days=2))
        desk.release(pledges[0])
        sequence_all(url, signer)
        clock.set(STORY_BEGINS + timedelta(days=3))
        daily.turn(desk.context)
        yield desk, pledges


@pytest.fixture
def desk(business):
    return business[0]


def fetched(desk, day, tail=""):
    answer = desk.stage.get(desk.stage.cast.bank, f"{PATH}/{day}{tail}")
    assert answer.is_success, answer.text
    return answer.content


def test_every_day_has_one_and_every_record_is_in_one(business):
    desk, pledges = business
    listed = desk.seen(desk.stage.cast.bank, PATH)["items"]
    files = [json.loads(fetched(desk, one["day"])) for one in listed]

    assert [one["day"] for one in files] == ["2025-11-03", "2025-11-04", "2025-11-05"]
    page = desk.seen(desk.stage.cast.bank, PATH, limit=1)
    assert ([one["day"] for one in page["items"]], page["next"]) == (["2025-11-03"], "2025-11-03")
    rest = desk.seen(desk.stage.cast.bank, PATH, cursor=page["next"])
    assert (rest["items"], rest["next"]) == (listed[1:], None)
    for before, after in itertools.pairwise(files):
        assert after["first_index"] == before["last_index"] + 1
        assert after["opening"] == before["closing"]
    records = [record for one in files for record in one["records"]]
    feed = desk.seen(desk.stage.cast.bank, "/v1/pledge-records", limit=500)["items"]
    assert [(r["index"], r["hash"]) for r in records] == [(i["index"], i["hash"]) for i in feed]
    for one in files:
        assert sum(one["counts"].values()) == len(one["records"])
    assert not any("late" in record for record in records)
    assert {record["pledge"] for record in records} == set(pledges)


def test_opening_and_new_less_ended_are_closing(business):
    desk, pledges = business
    files = [json.loads(fetched(desk, FIRST + timedelta(days=n))) for n in range(3)]

    def moved(one):
        return [one[name]["count"] for name in ("opening", "new", "ended", "closing")]

    assert [moved(one) for one in files] == [[0, 2, 0, 2], [2, 0, 0, 2], [2, 0, 1, 1]]
    assert files[0]["new"]["amounts"] == [{"amount": "2490000.00", "currency": "CNY"}]
    assert files[2]["closing"]["amounts"] == [{"amount": "1245000.00", "currency": "CNY"}]
    assert [one["pledge"] for one in files[2]["carried"]] == [pledges[1]]
    assert [one["breaks"] for one in files] == [[], [], []]


def test_they_are_signed_and_made_once(desk):
    signer = keys.feed_key(desk.context.settings)
    with desk.stage.database.reading() as session:
        for made in session.scalars(select(DailyFile)):
            assert daily.sign(made.content, signer) == made.signature
    daily.turn(desk.context)
    assert len(desk.seen(desk.stage.cast.bank, PATH)["items"]) == 3


def test_a_break_is_named(business):
    desk, pledges = business
    with desk.stage.database.reading() as session:
        third = session.get(DailyFile, (desk.stage.cast.bank.party_id, date(2025, 11, 5)))
        values = {
            "day": third.day,
            "first": third.first_index,
            "last": third.last_index,
        }
        strange = {"amount": "7.00", "currency": "CNY"}
        ghost = "plg_00000000000000000000000000"
        content = daily.build(
            session,
            third.party_id,
            desk.stage.cast.bank.uscc,
            "test",
            opening={ghost: strange, pledges[0]: {"amount": "1245000.00", "currency": "CNY"}},
            **values,
        )

    assert json.loads(content)["breaks"] == [
        {"pledge": ghost, "why": "not_held", "expected": strange, "found": None},
        {
            "pledge": pledges[1],
            "why": "unaccounted",
            "expected": None,
            "found": {"amount": "1245000.00", "currency": "CNY"},
        },
    ]


def test_no_file_before_its_day_is_over(desk):
    clock = desk.stage.clock
    before = clock.now()
    clock.set(STORY_BEGINS.replace(day=6, hour=16, minute=4))  # 00:04 in Shanghai
    daily.turn(desk.context)
    assert len(desk.seen(desk.stage.cast.bank, PATH)["items"]) == 3
    clock.set(before)


def test_verified_with_a_library_and_with_openssl(desk, tmp_path):
    shown = desk.seen(desk.stage.cast.bank, f"{PATH}/key")
    content, jws = fetched(desk, FIRST), fetched(desk, FIRST, "/signature").decode()
    head, empty, signature = jws.split(".")
    payload = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
    signed, raw = f"{head}.{payload}".encode(), base64.urlsafe_b64decode(signature + "==")

    assert empty == ""
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    assert header == {"alg": "EdDSA", "kid": shown["kid"], "typ": "scf-daily+jws"}
    load_pem_public_key(shown["pem"].encode()).verify(raw, signed)
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    for name, value in (("key.pem", shown["pem"].encode()), ("signed", signed), ("sig", raw)):
        (tmp_path / name).write_bytes(value)
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile sig"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_it_is_the_banks_alone(desk):
    cast = desk.stage.cast

    assert desk.seen(cast.second_bank, PATH)["items"] == []
    for tail in ("", "/signature"):
        answer = desk.stage.get(cast.second_bank, f"{PATH}/{FIRST}{tail}")
        assert answer.json()["code"] == "subject.not_found"
    assert desk.stage.get(cast.bank, f"{PATH}/2025-11-06").json()["code"] == "subject.not_found"
    assert desk.stage.get(cast.bank, f"{PATH}/yesterday").json()["code"] == "value.invalid"


def test_a_file_is_never_rewritten(desk):
    with (
        desk.stage.database.engine.connect() as connection,
        pytest.raises(Exception, match="append"),
    ):
        connection.execute(text("UPDATE daily_files SET content = ''"))
