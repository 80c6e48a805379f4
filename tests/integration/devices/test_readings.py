"""Batches of devices: what is taken, what is refused by item, and that no forgery or flood does harm."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from scf.devices.models import Device, Reading
from scf.kernel.clock import instant_text
from scf.kernel.ids import parse_id
from scf.main import create_app
from scf_ledger import readings
from scf_ledger.encoding import b64url, from_b64url
from tests.support.actors import STORY_BEGINS
from tests.support.problems import refusal
from tests.support.watching import a_device, device_body, new_key

SIGN = Path(__file__).parents[3] / "docs/examples/sign_readings.py"
NOW = STORY_BEGINS  # 2025-11-03T02:00:00Z
START = NOW - timedelta(minutes=30)


@pytest.fixture
def keeper(stage):
    return stage.cast.supplier


@pytest.fixture
def scale(stage, keeper):
    return a_device(stage, keeper)


def stored(stage, scale):
    with stage.database.reading() as session:
        rows = session.execute(
            select(Reading.seq, Reading.value)
            .where(Reading.device_id == parse_id("dev", scale.id))
            .order_by(Reading.seq)
        ).all()
        return [(seq, value) for seq, value in rows]


class TestRegistering:
    @pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
    def test_takes_both_kinds_of_key(self, stage, keeper, algorithm):
        scale = a_device(stage, keeper, algorithm=algorithm)
        assert scale.send(scale.said(1, START))["stored"] == 1
        assert stored(stage, scale) == [(1, 140_000)]

    def test_refuses_other_keys_units_and_places(self, stage, keeper):
        body = device_body(new_key())
        before = len(stage.get(keeper, "/v1/devices", limit=500).json()["items"])
        for change, code, field in (
            ({"public_key": "no key"}, "device.key_invalid", "public_key"),
            ({"public_key": RSA}, "device.key_invalid", "public_key"),
            ({"unit": None}, "value.invalid", "unit"),
            ({"kind": "gps"}, "value.invalid", "unit"),
        ):
            refusal(stage.post(keeper, "/v1/devices", body | change), 422, code, field)
        elsewhere = body | {"keeper": stage.cast.anchor.id}
        refusal(stage.post(keeper, "/v1/devices", elsewhere), 404, "subject.not_found")
        assert len(stage.get(keeper, "/v1/devices", limit=500).json()["items"]) == before

    def test_gives_each_device_of_a_keeper_a_key_of_its_own(self, stage, keeper):
        body = device_body(new_key())
        assert stage.post(keeper, "/v1/devices", body).status_code == 201
        again = body | {"public_key": body["public_key"].replace("\n", "\r\n")}
        refusal(stage.post(keeper, "/v1/devices", again), 409, "device.key_used", "public_key")
        assert stage.post(stage.cast.anchor, "/v1/devices", body).status_code == 201

    def test_ends_for_good(self, stage, keeper, scale):
        jws = scale.sign([scale.said(1, START)])
        assert stage.post(keeper, f"/v1/devices/{scale.id}/revoke", {"reason": "损坏"}).is_success
        refusal(scale.hand_in(jws), 409, "device.revoked")
        again = stage.post(keeper, f"/v1/devices/{scale.id}/revoke", {"reason": "x"})
        refusal(again, 409, "revocation.already")
        assert stored(stage, scale) == []


class TestTaking:
    def test_stores_a_batch_once_however_often_it_comes(self, stage, scale):
        jws = scale.sign(scale.every(START, 10))
        first = scale.hand_in(jws).json()
        again = scale.hand_in(jws).json()

        assert (first["received"], first["stored"], first["known"]) == (10, 10, 0)
        assert (again["received"], again["stored"], again["known"]) == (10, 0, 10)
        assert first["refused"] == again["refused"] == []
        assert first["next_seq"] == again["next_seq"] == 11
        assert stored(stage, scale) == [(n, (141 - n) * 1000) for n in range(1, 11)]

    def test_takes_what_the_example_signs(self, stage, scale, tmp_path):
        """The batch of docs/examples/sign_readings.py, which shares nothing with the platform."""
        key = tmp_path / "scale.pem"
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key.write_bytes(scale.key.private_bytes(*form))
        said = [sys.executable, SIGN, key, scale.id, "1", "140.000", instant_text(START)]
        made = subprocess.run(said, capture_output=True, check=True)
        answer = scale.hand_in(json.loads(made.stdout)["batch"])
        assert (answer.status_code, answer.json()["stored"]) == (200, 1), answer.text

    def test_answers_a_request_sent_twice_word_for_word(self, scale):
        jws = scale.sign(scale.every(START, 3))
        first, again = (scale.hand_in(jws, key=f"batch-{scale.id}") for _ in range(2))
        assert first.content == again.content
        assert again.headers["Idempotency-Replayed"] == "true"

    def test_shows_what_is_missing_until_it_comes_late(self, stage, scale):
        items = scale.every(START, 10)
        scale.send(*items[:2])
        later = scale.send(items[7], items[9])
        assert (later["missing_count"], later["missing"]) == (
            6,
            [{"first": 3, "last": 7}, {"first": 9, "last": 9}],
        )
        scale.send(items[4])
        assert scale.seen()["missing"] == [
            {"first": 3, "last": 4},
            {"first": 6, "last": 7},
            {"first": 9, "last": 9},
        ]
        rest = scale.send(*items)
        assert (rest["stored"], rest["known"], rest["missing"]) == (5, 5, [])
        assert [seq for seq, _ in stored(stage, scale)] == list(range(1, 11))

    def test_refuses_by_item_and_takes_the_rest(self, stage, scale):
        good = scale.every(START, 3)
        scale.send(*good)
        other = scale.said(2, START + timedelta(minutes=1), "1.000")
        items = [
            good[0],
            other,
            scale.said(4, NOW + timedelta(minutes=3)),
            scale.said(5, NOW - timedelta(days=32)),
            scale.said(6, START - timedelta(seconds=1)),
            scale.said(7, START + timedelta(minutes=3)),
            scale.said(7, START + timedelta(minutes=3)),
            scale.said(8, START + timedelta(minutes=4), "140.0"),
            scale.said(8, START + timedelta(minutes=4), "-0.000"),
            {"seq": 8, "at": "2025-11-03T01:35:00Z"},
            scale.said(8, START, more=1),
            {"seq": 8, "at": "2025-02-30T01:35:00Z", "value": "1.000"},
            {"seq": 0, "at": "2025-11-03T01:35:00Z", "value": "1.000"},
            {"seq": True, "at": "2025-11-03T01:35:00Z", "value": "1.000"},
            "garbage",
            None,
            scale.said(9, START + timedelta(minutes=5)),
        ]
        taken = scale.send(*items)

        found = [(one["position"], one["seq"], one["code"]) for one in taken["refused"]]
        assert found == [
            (1, 2, "reading.seq_reused"),
            (2, 4, "reading.in_future"),
            (3, 5, "reading.too_late"),
            (4, 6, "reading.clock_back"),
            (6, 7, "reading.out_of_order"),
            (7, 8, "reading.malformed"),
            (8, 8, "reading.malformed"),
            (9, None, "reading.malformed"),
            (10, None, "reading.malformed"),
            (11, 8, "reading.malformed"),
            (12, None, "reading.malformed"),
            (13, None, "reading.malformed"),
            (14, None, "reading.malformed"),
            (15, None, "reading.malformed"),
        ]
        assert (taken["stored"], taken["known"], taken["next_seq"]) == (2, 1, 10)
        assert all(one["title"] and one["title_en"] for one in taken["refused"])
        assert [seq for seq, _ in stored(stage, scale)] == [1, 2, 3, 7, 9]
        assert stored(stage, scale)[1] == (2, 139_000)

    def test_no_number_runs_ahead_to_make_later_ones_look_old(self, stage, scale):
        """A first reading with a huge number, and the loss under small ones: it is refused, not stored unseen."""
        scale.send(scale.said(2**53 - 1, START, "140.000"))

        taken = scale.send(scale.said(2, START + timedelta(minutes=1), "1.000"))

        assert [one["code"] for one in taken["refused"]] == ["reading.number_behind"]
        assert [seq for seq, _ in stored(stage, scale)] == [2**53 - 1]

    def test_places_a_vehicle_and_counts_pieces(self, stage, keeper):
        gps = a_device(stage, keeper, kind="gps", unit=None)
        at = "2025-11-03T01:35:00Z"
        taken = gps.send(
            {"seq": 1, "at": at, "lat": "29.356123", "lon": "-105.927001"},
            {"seq": 2, "at": at, "lat": "90.000001", "lon": "0.000000"},
            gps.said(3, START),
        )
        assert [one["code"] for one in taken["refused"]] == ["reading.malformed"] * 2
        page = stage.get(keeper, f"/v1/devices/{gps.id}/readings", hour=at).json()["items"]
        assert page == [
            {
                "seq": 1,
                "at": at,
                "value": None,
                "position": {"lat": "29.356123", "lon": "-105.927001"},
            }
        ]
        counter = a_device(stage, keeper, kind="counter", unit="C62")
        assert counter.send(counter.said(1, START, "12"))["stored"] == 1
        assert counter.send(counter.said(2, START, "12.000"))["refused"][0]["seq"] == 2

    def test_leaves_no_more_holes_than_its_share(self, stage, scale):
        items = [scale.said(2 * n, START + timedelta(milliseconds=n)) for n in range(1, 1_002)]
        for item in items:
            item["at"] = "2025-11-03T01:30:00Z"
        refusal(scale.hand_in(scale.sign(items)), 409, "readings.too_many_holes")
        assert (stored(stage, scale), scale.seen()["last_seq"]) == ([], 0)
        assert scale.send(*items[:1000])["missing_count"] == 1000


def altered(jws, *, payload=None, header=None, signature=None):
    parts = jws.split(".")
    if header is not None:
        parts[0] = b64url(json.dumps(header, separators=(",", ":")).encode())
    if payload is not None:
        parts[1] = b64url(payload(from_b64url(parts[1])))
    if signature is not None:
        parts[2] = b64url(signature(from_b64url(parts[2])))
    return ".".join(parts)


class TestForgeries:
    @pytest.mark.parametrize(
        ("forge", "code"),
        [
            (lambda j: altered(j, payload=lambda p: p.replace(b"140.", b"240.")), "signature"),
            (lambda j: altered(j, signature=lambda s: bytes([s[0] ^ 1]) + s[1:]), "signature"),
            (lambda j: altered(j, signature=lambda _: bytes(64)), "signature"),
            (lambda j: altered(j, signature=lambda s: s[:63]), "malformed"),
            (lambda j: altered(j, header={"alg": "none", "typ": readings.TYP}), "malformed"),
            (lambda j: altered(j, header={"alg": "HS256", "typ": readings.TYP}), "malformed"),
            (lambda j: altered(j, header={"alg": "EdDSA", "typ": "JWT"}), "malformed"),
            (
                lambda j: altered(j, header={"alg": "EdDSA", "typ": readings.TYP, "jwk": {}}),
                "malformed",
            ),
            (lambda j: j[: len(j) // 2], "malformed"),
            (lambda j: j + "=", "malformed"),
            (lambda _: "", "malformed"),
            (lambda _: "垃圾.垃圾.垃圾", "malformed"),
        ],
    )
    def test_are_refused_whole(self, stage, scale, forge, code):
        refusal(
            scale.hand_in(forge(scale.sign([scale.said(1, START)]))),
            422,
            {"signature": "readings.signature_invalid", "malformed": "readings.malformed"}[code],
            "batch",
        )
        assert (stored(stage, scale), scale.seen()["heard_at"]) == ([], None)

    def test_another_key_or_another_device_signs_nothing_here(self, stage, keeper, scale):
        other = a_device(stage, keeper, algorithm="ES256")
        items = [scale.said(1, START)]
        stolen = readings.sign(scale.id, items, new_key())
        refusal(scale.hand_in(stolen), 422, "readings.signature_invalid", "batch")
        refusal(scale.hand_in(other.sign(items, device=scale.id)), 422, "readings.malformed")
        refusal(scale.hand_in(scale.sign(items, device=other.id)), 422, "readings.other_device")
        assert stored(stage, scale) == stored(stage, other) == []

    def test_a_payload_has_one_form_and_its_bounds(self, stage, scale):
        def signed(payload):
            header = b64url(b'{"alg":"EdDSA","typ":"scf-readings+jws"}')
            text = f"{header}.{b64url(payload)}"
            return f"{text}.{b64url(scale.key.sign(text.encode()))}"

        one = b'{"device":"%s","format":"scf-readings/1","readings":%s}'
        for items, change in (
            (b"[]", bytes),
            (b"{}", bytes),
            (b"[1.5]", bytes),
            (b"[" + b"1," * 10_000 + b"1]", bytes),
            (b"[" * 20 + b"]" * 20, bytes),
            (b"[1]", lambda p: p.replace(b",", b", ")),
            (b"[1]", lambda p: p.replace(b"/1", b"/2")),
            (b"[1]", lambda p: p[:-1]),
            (b"[1]", lambda p: p[:-1] + b',"more":1}'),
        ):
            payload = change(one % (scale.id.encode(), items))
            refusal(scale.hand_in(signed(payload)), 422, "readings.malformed", "batch")
        assert stored(stage, scale) == []

    def test_strangers_neither_see_nor_send(self, stage, scale):
        jws, bank = scale.sign([scale.said(1, START)]), stage.cast.bank
        refusal(scale.hand_in(jws, who=bank), 404, "subject.not_found")
        hour = {"hour": "2025-11-03T01:00:00Z"}
        for path, query in (
            ("", {}),
            ("/readings", hour),
            ("/hours", {}),
            ("/readings/1/proof", {}),
        ):
            answer = stage.get(bank, f"/v1/devices/{scale.id}{path}", **query)
            refusal(answer, 404, "subject.not_found")
        assert scale.id not in stage.get(bank, "/v1/devices", limit=500).text
        assert stored(stage, scale) == []


class TestFlood:
    def test_the_same_batch_from_many_gateways_at_once_is_stored_once(self, stage, scale):
        jws = scale.sign(scale.every(START, 50, step=1))
        answers = []

        def send():
            answers.append(scale.hand_in(jws).json())

        threads = [threading.Thread(target=send) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(one["stored"] for one in answers) == [0, 0, 0, 0, 0, 50]
        assert sorted(one["known"] for one in answers) == [0, 50, 50, 50, 50, 50]
        assert len(stored(stage, scale)) == 50

    def test_overlapping_batches_in_any_order_come_to_the_same(self, stage, scale):
        items = scale.every(START, 300, step=1)
        batches = [scale.sign(items[n : n + 100]) for n in range(0, 300, 50)]
        threads = [threading.Thread(target=scale.hand_in, args=(one,)) for one in reversed(batches)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [seq for seq, _ in stored(stage, scale)] == list(range(1, 301))
        assert scale.seen()["missing"] == []

    def test_beyond_the_quota_waits_outside_and_holds_up_nothing_else(
        self, stage, scale, redis_url
    ):
        """Three batches a minute: the fourth is told when to come again, leaves nothing, and loses nothing."""
        quota = {"redis_url": redis_url, "limit_readings_per_minute": 3}
        app = create_app(stage.settings.model_copy(update=quota))
        try:
            with TestClient(app, raise_server_exceptions=False) as http:
                crowded = replace(scale, stage=replace(stage, http=http))
                for seq in range(1, 4):
                    assert crowded.send(crowded.said(seq, START))["stored"] == 1
                late = crowded.sign([crowded.said(4, START)])
                refused = crowded.hand_in(late)
                assert refusal(refused, 429, "request.too_many")["fields"]["kind"] == "readings"
                assert int(refused.headers["Retry-After"]) <= 20
                assert len(stored(stage, scale)) == 3
                assert crowded.seen()["last_seq"] == 3
                another = a_device(crowded.stage, scale.owner)
                assert another.id != scale.id
        finally:
            app.state.database.close()
            app.state.limits.close()
        assert scale.hand_in(late).json()["stored"] == 1


class TestDatabase:
    def test_keeps_readings_as_they_are(self, stage, scale):
        scale.send(*scale.every(START, 3))
        for statement in (
            "UPDATE readings SET value = 0",
            "DELETE FROM readings",
            "UPDATE readings_2025_11 SET value = 0",
            "DELETE FROM readings_2025_11",
            "TRUNCATE readings",
            "UPDATE reading_batches SET jws = ''",
            "UPDATE devices SET last_seq = 0",
            "UPDATE devices SET public_key = 'x'",
        ):
            with pytest.raises(DBAPIError), stage.database.transaction() as session:
                session.execute(text(statement))
        assert len(stored(stage, scale)) == 3

    def test_refuses_a_number_twice_whatever_the_code_does(self, stage, scale):
        scale.send(*scale.every(START, 3))
        again = text(
            "INSERT INTO readings (device_id, measured_at, seq, value, closing, batch_id, body)"
            " SELECT device_id, measured_at + interval '1 s', seq, value, closing, batch_id, body"
            " FROM readings WHERE seq = 2"
        )
        with pytest.raises(DBAPIError), stage.database.transaction() as session:
            session.execute(again)
        with stage.database.reading() as session:
            assert session.scalar(select(func.max(Device.last_seq))) is not None
        assert len(stored(stage, scale)) == 3


RSA = """-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
"""
