"""An hour's root is an event, what comes late another; one reading is proven by itself, offline."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from scf.audit.finding import Report
from scf.audit.parties import usccs
from scf.audit.subjects import devices as audit
from scf.devices import effects, months
from scf.devices.models import HourClosing, Reading, ReadingMonth
from scf.evidence.models import Event
from scf.evidence.sequencing import open_log
from scf.kernel.clock import instant_text
from scf.kernel.ids import parse_id
from scf_ledger import merkle, trust
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.event import record_of
from scf_ledger.note import Signer
from scf_ledger.readings import body
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.actors import STORY_BEGINS
from tests.support.log import sequence_all
from tests.support.problems import refusal
from tests.support.watching import a_device, context, watch

HOUR = STORY_BEGINS - timedelta(hours=1)  # 2025-11-03T01:00:00Z


@pytest.fixture(scope="module")
def signer(stage):
    made = Signer.generate("test.example/log")
    with stage.database.transaction() as session:
        open_log(session, made, now=stage.clock.real())
    return made


@pytest.fixture(autouse=True)
def at_the_beginning(stage):
    stage.clock.set(STORY_BEGINS)


@pytest.fixture
def scale(stage):
    return a_device(stage, stage.cast.supplier)


def closings(stage, scale):
    return stage.get(scale.owner, f"/v1/devices/{scale.id}/hours").json()["items"]


def root(items):
    return b64url(merkle.root([merkle.leaf_hash(body(item)) for item in items]))


class TestClosing:
    def test_waits_for_what_is_on_its_way(self, stage, scale):
        scale.send(*scale.every(HOUR, 3))
        watch(stage)
        assert closings(stage, scale) == []
        stage.clock.set(STORY_BEGINS + timedelta(minutes=4))
        watch(stage)
        assert closings(stage, scale) == []
        stage.clock.set(STORY_BEGINS + timedelta(minutes=6))
        watch(stage)
        assert len(closings(stage, scale)) == 1

    def test_tells_the_root_over_the_readings_in_the_order_of_their_numbers(self, stage, scale):
        items = scale.every(HOUR, 5)
        scale.send(*items[3:])
        scale.send(*items[:3])
        stage.clock.set(STORY_BEGINS + timedelta(minutes=6))
        watch(stage)

        (closing,) = closings(stage, scale)
        assert {name: closing[name] for name in ("hour", "number", "readings")} == {
            "hour": "2025-11-03T01:00:00Z",
            "number": 1,
            "readings": 5,
        }
        assert (closing["first_seq"], closing["last_seq"]) == (1, 5)
        assert closing["root"] == root(items)
        with stage.database.reading() as session:
            event = session.scalar(
                select(Event).where(Event.id == parse_id("evt", closing["event"]))
            )
        record = record_of(event.disclosures.split("~"))
        assert event.type == "device_hour.closed"
        assert {name: record[name] for name in ("device", "hour", "count", "root")} == {
            "device": scale.id,
            "hour": "2025-11-03T01:00:00Z",
            "count": 5,
            "root": root(items),
        }

    def test_gives_what_comes_late_a_closing_of_its_own_and_rewrites_nothing(self, stage, scale):
        items = scale.every(HOUR, 5)
        scale.send(*items[:2], items[4])
        stage.clock.set(STORY_BEGINS + timedelta(minutes=6))
        watch(stage)
        (before,) = closings(stage, scale)

        scale.send(*items)
        watch(stage)
        assert closings(stage, scale) == [before]
        stage.clock.set(STORY_BEGINS + timedelta(minutes=67))
        watch(stage)

        first, late = closings(stage, scale)
        assert first == before
        assert (late["number"], late["readings"], late["first_seq"], late["last_seq"]) == (
            2,
            2,
            3,
            4,
        )
        assert (first["root"], late["root"]) == (root([*items[:2], items[4]]), root(items[2:4]))
        with stage.database.reading() as session:
            event = session.scalar(select(Event).where(Event.id == parse_id("evt", late["event"])))
        assert (event.type, event.version) == ("device_hour.supplemented", 2)

    def test_runs_twice_and_closes_once(self, stage, scale):
        scale.send(*scale.every(HOUR, 3))
        stage.clock.set(STORY_BEGINS + timedelta(minutes=6))
        watch(stage)
        watch(stage)
        assert len(closings(stage, scale)) == 1


class TestProof:
    @pytest.fixture
    def proven(self, stage, scale, signer):
        items = scale.every(HOUR, 7)
        scale.send(*items[:6])
        stage.clock.set(STORY_BEGINS + timedelta(minutes=6))
        watch(stage)
        scale.send(items[6])
        self.items = items
        sequence_all(stage.settings.database_url, signer)
        return scale

    def trusted(self, signer):
        content = trust.build(
            logs=[("test.example/log", str(signer.verifier), None)], authorities=[]
        )
        return trust.parse(content)

    def file(self, stage, scale, seq):
        return stage.get(scale.owner, f"/v1/devices/{scale.id}/readings/{seq}/proof")

    @pytest.mark.parametrize("seq", range(1, 7))
    def test_holds_for_each_reading_of_a_closed_hour(self, stage, proven, signer, seq):
        answer = self.file(stage, proven, seq)
        report = verify_file(answer.content, self.trusted(signer))

        assert report.passed, report.as_json()
        assert report.kind == "reading"
        assert report.facts["reading"] == self.items[seq - 1]
        offline = set(Fragment) - {Fragment.ANCHOR, Fragment.STANDING}
        assert {f for f, o in report.fragments.items() if o.status is Status.PASS} == offline

    def test_is_not_there_before_the_hour_is_closed_nor_for_what_never_came(self, stage, proven):
        refusal(self.file(stage, proven, 7), 404, "reading.not_found")
        refusal(self.file(stage, proven, 9), 404, "reading.not_found")

    def test_fails_where_anything_is_changed(self, stage, proven, signer):
        file = json.loads(self.file(stage, proven, 3).content)
        other = json.loads(self.file(stage, proven, 4).content)
        reading = file["reading"]
        said = json.loads(from_b64url(reading["body"]))

        def with_reading(**change):
            return {**file, "reading": {**reading, **change}}

        forged = {
            "another value": with_reading(body=b64url(body({**said, "value": "999.000"}))),
            "another reading": with_reading(body=other["reading"]["body"]),
            "another place": with_reading(index=3),
            "no path": with_reading(path=[]),
            "not its own form": with_reading(body=b64url(b'{"at": 1}')),
            "no reading": {name: value for name, value in file.items() if name != "reading"},
            "no device": {**file, "entries": file["entries"][:1]},
            "the hour twice": {**file, "entries": [file["entries"][0]] * 2},
            "a hidden field": {
                **file,
                "entries": [
                    {**file["entries"][0], "disclosures": file["entries"][0]["disclosures"][1:]},
                    file["entries"][1],
                ],
            },
        }
        for name, value in forged.items():
            report = verify_file(json.dumps(value).encode(), self.trusted(signer))
            assert not report.passed, name
        stranger = a_device(stage, proven.owner)
        batch = {"batch": stranger.sign(self.items, device=proven.id)}
        report = verify_file(json.dumps(with_reading(**batch)).encode(), self.trusted(signer))
        assert report.fragments[Fragment.COMPLETENESS].code == "signature.invalid"


class TestMonths:
    def test_are_opened_ahead_and_dropped_by_the_rule_with_roots_kept(self, stage, scale, signer):
        scale.send(*scale.every(HOUR, 3))
        stage.clock.set(STORY_BEGINS + timedelta(minutes=6))
        watch(stage)
        effects.keep_months(context(stage))
        with stage.database.reading() as session:
            known = set(session.scalars(select(ReadingMonth.month)))
        assert {"2025-11-01", "2025-12-01", "2026-01-01"} <= {m.isoformat() for m in known}

        kept = len(closings(stage, scale))
        stage.clock.set(STORY_BEGINS.replace(year=2028, month=11, day=30))
        watch(stage)
        effects.keep_months(context(stage))
        assert count(stage) > 0
        stage.clock.set(STORY_BEGINS.replace(year=2028, month=12, day=1))
        effects.keep_months(context(stage))
        assert count(stage) > 0  # the root is an event, and not in the log yet
        sequence_all(stage.settings.database_url, signer)
        effects.keep_months(context(stage))

        with stage.database.reading() as session:
            row = session.get(ReadingMonth, months.month_of(HOUR))
            assert (row.rule_version, instant_text(row.dropped_at)[:10]) == (1, "2028-12-01")
            assert session.scalar(text("SELECT to_regclass('readings_2025_11')")) is None
            assert session.scalars(select(HourClosing.number)).first() == 1
        assert count(stage) == 0
        assert len(closings(stage, scale)) == kept == 1
        path = f"/v1/devices/{scale.id}/readings/1/proof"
        refusal(stage.get(scale.owner, path), 404, "reading.not_found")

    def test_wait_for_an_hour_that_is_still_open(self, stage, signer):
        scale = a_device(stage, stage.cast.supplier)
        stage.clock.set(STORY_BEGINS.replace(year=2026, month=1))
        scale.send(scale.said(1, stage.clock.now()))
        stage.clock.set(STORY_BEGINS.replace(year=2030, month=1))

        effects.keep_months(context(stage))
        assert count(stage) == 1
        watch(stage)
        sequence_all(stage.settings.database_url, signer)
        effects.keep_months(context(stage))
        assert count(stage) == 0
        with stage.database.reading() as session:
            audited = Report()
            audit.check(session, usccs(session, Report()), audited)
        assert audited.rows["hour_closings"] > 1


def count(stage):
    with stage.database.reading() as session:
        return len(session.scalars(select(Reading.seq)).all())
