"""Webhooks from the log to a bank's server: at least once, under one id, through a day of failure."""

import asyncio
import base64
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scf.evidence import keys
from scf.feed import deliveries
from scf.feed.sending import Sender
from scf.kernel.clock import Clock
from scf_workers.webhooks import Courier
from tests.support.actors import STORY_BEGINS
from tests.support.pledging import pledged
from tests.support.problems import refusal
from tests.support.receiving import answer, receiving
from tests.support.warehouse import open_yard, tonnes

PATH = "/v1/webhooks"


@dataclass(frozen=True)
class Ahead(Clock):
    """Real time, moved on by a test."""

    by: tuple[list[timedelta]] = ([timedelta()],)

    def real(self) -> datetime:
        return super().real() + self.by[0][0]

    def move(self, **by):
        self.by[0][0] += timedelta(**by)


@pytest.fixture
def courier(desk, signer):
    desk.stage.clock.set(STORY_BEGINS)
    settings = desk.stage.http.app.state.settings
    return Courier(
        database=desk.stage.database,
        secret=keys.webhook_secret(settings),
        public_url="https://scf.example",
        sender=Sender(loopback=True, seconds_max=2.0),
        clock=Ahead(by=([timedelta()],)),
    )


@pytest.fixture
def bank_server():
    with receiving() as found:
        yield found


@pytest.fixture
def webhook(desk, bank_server, courier, publish):
    """An endpoint of the bank for what happens to pledges from now on; it is deleted at the end."""
    publish()
    deliver(courier)
    made = add(desk, bank_server.url, ["pledge.*"])
    yield made
    desk.stage.post(desk.stage.cast.bank, f"{PATH}/{made['id']}/delete", {})


def add(desk, url, types, who=None):
    return desk.did(who or desk.stage.cast.bank, PATH, {"url": url, "types": types})


def deliver(courier):
    """Take turns until nothing is due."""

    async def turns():
        while begun := await courier.turn():
            await asyncio.gather(*begun)

    asyncio.run(turns())


def log(desk, webhook, **asked):
    return desk.seen(desk.stage.cast.bank, f"{PATH}/{webhook['id']}/deliveries", **asked)["items"]


def attempts(desk, webhook, delivery):
    path = f"{PATH}/{webhook['id']}/deliveries/{delivery['id']}"
    return desk.seen(desk.stage.cast.bank, path)["log"]


def verify(public_key, headers, body):
    """Verify by a key as the specification says; return the number of signatures that fit."""
    key = Ed25519PublicKey.from_public_bytes(
        base64.b64decode(public_key.removeprefix("whpk_"), validate=True)
    )
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    fits = 0
    for one in headers["webhook-signature"].split(" "):
        version, _, text = one.partition(",")
        assert version == "v1a"
        try:
            key.verify(base64.b64decode(text, validate=True), signed)
        except InvalidSignature:
            continue
        fits += 1
    return fits


NUMBERS = iter(range(100, 200))


def happen(desk, publish):
    """Let a pledge be proposed and signed."""
    pledge = desk.signed_pledge(desk.receivable(next(NUMBERS)))
    publish()
    return pledge


class TestDelivery:
    def test_what_happens_to_ones_pledges_is_sent_signed_and_thin(
        self, desk, publish, courier, webhook, bank_server
    ):
        pledge = happen(desk, publish)
        deliver(courier)

        found = [json.loads(body) for body in bank_server.bodies]
        in_order = sorted(found, key=lambda one: one["data"]["index"])  # arrivals have none
        assert [one["type"] for one in in_order] == ["pledge.proposed", "pledge.signed"]
        for one, headers, body in zip(found, bank_server.headers, bank_server.bodies, strict=True):
            assert verify(webhook["keys"][0]["public_key"], headers, body) == 1
            assert set(one) == {"type", "timestamp", "data"}
            assert set(one["data"]) == {"index", "event", "subject", "links"}
            assert one["data"]["subject"] == pledge
            event = desk.seen(desk.stage.cast.bank, f"/v1/events/{one['data']['event']}")
            assert event["index"] == one["data"]["index"]
        assert [one["state"] for one in log(desk, webhook)] == ["delivered", "delivered"]
        assert sorted(one["id"] for one in log(desk, webhook)) == sorted(bank_server.ids)

    def test_only_of_the_types_asked_for_and_never_anothers(self, desk, publish, courier, webhook):
        cast = desk.stage.cast
        with receiving() as all_, receiving() as one, receiving() as others:
            made = [
                (add(desk, all_.url, ["*"]), cast.bank),
                (add(desk, one.url, ["pledge.signed", "financing.*"]), cast.bank),
                (add(desk, others.url, ["*"], cast.second_bank), cast.second_bank),
            ]
            happen(desk, publish)
            deliver(courier)
            for endpoint, who in made:
                desk.did(who, f"{PATH}/{endpoint['id']}/delete", {})

        types = [{json.loads(body)["type"] for body in at.bodies} for at in (all_, one, others)]
        assert types[0] > types[1] > {"pledge.signed"}
        assert {name.partition(".")[0] for name in types[1]} == {"pledge", "financing"}
        assert types[2] == set()

    def test_a_receiver_that_fails_for_a_day_gets_it_all_then(
        self, desk, publish, courier, webhook, bank_server
    ):
        bank_server.answer = lambda handler: answer(handler, 500, b"down for maintenance")
        happen(desk, publish)
        deliver(courier)
        for pause in deliveries.PAUSES[:6]:  # seventeen and a half hours
            courier.clock.move(seconds=pause.total_seconds() * 1.1 + 1)
            deliver(courier)
        ids = set(bank_server.ids)
        assert (len(bank_server.ids), len(ids)) == (14, 2)
        bank_server.answer = lambda handler: answer(handler, 200)
        courier.clock.move(hours=16)

        deliver(courier)

        assert set(bank_server.ids) == ids
        assert {one["state"] for one in log(desk, webhook)} == {"delivered"}
        made = attempts(desk, webhook, log(desk, webhook)[0])
        assert [one["status"] for one in made] == [500] * 7 + [200]
        assert made[0]["excerpt"] == "down for maintenance"
        stamps = [int(one["webhook-timestamp"]) for one in bank_server.headers]
        assert stamps[-1] - stamps[0] > 33 * 3600
        assert desk.seen(desk.stage.cast.bank, f"{PATH}/{webhook['id']}")["failing_since"] is None

    def test_killed_between_sending_and_keeping_it_is_sent_again_under_its_id(
        self, desk, publish, courier, webhook, bank_server
    ):
        def killed(*_, **__):
            raise SystemExit

        happen(desk, publish)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(deliveries, "settle", killed)
            with pytest.raises(SystemExit):
                deliver(courier)
        courier.under_way.clear()
        before = list(bank_server.ids)
        assert before
        assert {one["state"] for one in log(desk, webhook)} == {"waiting"}
        deliver(courier)
        assert bank_server.ids == before  # the lease is another's
        courier.clock.move(seconds=61)

        deliver(courier)

        assert set(bank_server.ids) == {one["id"] for one in log(desk, webhook)}
        assert {one["state"] for one in log(desk, webhook)} == {"delivered"}

    def test_one_that_is_slow_holds_up_no_other(self, desk, publish, courier, webhook, bank_server):
        left = threading.Event()
        with receiving() as slow:
            slow.answer = lambda _: left.wait(10)
            other = add(desk, slow.url, ["*"])
            happen(desk, publish)
            deliver(courier)
            left.set()
            problems = {one["problem"] for one in attempts(desk, other, log(desk, other)[0])}
            desk.did(desk.stage.cast.bank, f"{PATH}/{other['id']}/delete", {})

        assert len(bank_server.bodies) == 2
        assert problems == {"timeout"}


class TestDisabling:
    def test_after_days_of_failure_with_a_task_and_resumed_without_a_gap(
        self, desk, publish, courier, webhook, bank_server
    ):
        bank, path = desk.stage.cast.bank, f"{PATH}/{webhook['id']}"
        bank_server.answer = lambda handler: answer(handler, 503)
        happen(desk, publish)
        deliver(courier)
        for pause in deliveries.PAUSES:
            courier.clock.move(seconds=pause.total_seconds() * 1.1 + 1)
            deliver(courier)
        stopped = desk.seen(bank, path)
        (task,) = desk.seen(bank, "/v1/tasks", kind="webhook.mend", subject=webhook["id"])["items"]
        assert (stopped["state"], stopped["reason"]) == ("disabled", "failing")
        assert (task["state"], task["party"]) == ("open", bank.id)
        happen(desk, publish)
        deliver(courier)
        sent = len(bank_server.bodies)
        bank_server.answer = lambda handler: answer(handler, 200)

        assert desk.did(bank, f"{path}/resume", {})["state"] == "active"
        deliver(courier)

        assert len(bank_server.bodies) == sent + 2  # what came meanwhile; the rest has failed
        states = [one["state"] for one in log(desk, webhook)]
        assert states == ["failed", "failed", "delivered", "delivered"]
        task = desk.seen(bank, f"/v1/tasks/{task['id']}")
        assert task["state"] == "done"

    def test_at_once_where_it_says_that_it_is_gone(
        self, desk, publish, courier, webhook, bank_server
    ):
        bank_server.answer = lambda handler: answer(handler, 410)
        happen(desk, publish)
        deliver(courier)

        found = desk.seen(desk.stage.cast.bank, f"{PATH}/{webhook['id']}")
        assert (found["state"], found["reason"]) == ("disabled", "gone")

    def test_what_it_missed_is_queued_a_part_at_a_time(
        self, desk, publish, courier, webhook, bank_server
    ):
        bank, path = desk.stage.cast.bank, f"{PATH}/{webhook['id']}"
        bank_server.answer = lambda handler: answer(handler, 410)
        happen(desk, publish)
        deliver(courier)
        bank_server.answer = lambda handler: answer(handler, 200)
        before = {one["index"] for one in log(desk, webhook)}
        for _ in range(2):
            happen(desk, publish)
        deliver(courier)

        def missed():
            return len({one["index"] for one in log(desk, webhook)} - before)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(deliveries, "REPLAY_MAX", 2)
            assert desk.did(bank, f"{path}/resume", {})["state"] == "active"
            queued = [missed()]
            while queued[-1] not in queued[:-1]:
                desk.work_on(deliveries.CATCH_UP)
                queued.append(missed())

        assert queued == [2, 4, 4]
        deliver(courier)
        assert {one["state"] for one in log(desk, webhook)} == {"delivered"}

    def test_paused_nothing_is_sent_and_nothing_lost(
        self, desk, publish, courier, webhook, bank_server
    ):
        bank, path = desk.stage.cast.bank, f"{PATH}/{webhook['id']}"
        happen(desk, publish)
        desk.did(bank, f"{path}/pause", {})
        happen(desk, publish)
        deliver(courier)
        assert bank_server.bodies == []
        assert desk.refused(bank, f"{path}/pause", {})["code"] == "webhook.state_forbids"

        desk.did(bank, f"{path}/resume", {})
        deliver(courier)

        assert len(bank_server.bodies) == 4


class TestReplay:
    def test_from_an_index_and_of_one_under_the_same_ids(
        self, desk, publish, courier, webhook, bank_server
    ):
        bank, path = desk.stage.cast.bank, f"{PATH}/{webhook['id']}"
        happen(desk, publish)
        happen(desk, publish)
        deliver(courier)
        first = log(desk, webhook)
        assert len(bank_server.ids) == 4

        answered = desk.did(bank, f"{path}/replay", {"from_index": first[1]["index"]})
        deliver(courier)
        desk.did(bank, f"{path}/deliveries/{first[0]['id']}/replay", {})
        deliver(courier)

        ids = [one["id"] for one in first]
        assert answered == {"queued": 3, "next": None}
        assert sorted(bank_server.ids[4:7]) == sorted(ids[1:])
        assert bank_server.ids[7:] == ids[:1]
        assert len(attempts(desk, webhook, first[0])) == 2

    def test_also_of_what_was_there_before_the_endpoint(
        self, desk, publish, courier, webhook, bank_server
    ):
        happen(desk, publish)
        with receiving() as late, pytest.MonkeyPatch.context() as patched:
            patched.setattr(deliveries, "REPLAY_MAX", 2)
            made = add(desk, late.url, ["pledge.signed"])
            path, first, pages = f"{PATH}/{made['id']}", 0, 0
            while first is not None:
                first = desk.did(desk.stage.cast.bank, f"{path}/replay", {"from_index": first})[
                    "next"
                ]
                pages += 1
            deliver(courier)
            desk.did(desk.stage.cast.bank, f"{path}/delete", {})

        feed = desk.seen(
            desk.stage.cast.bank, "/v1/pledge-records", types="pledge.signed", limit=500
        )["items"]
        sent = [json.loads(body)["data"]["index"] for body in late.bodies]
        assert sorted(sent) == [item["index"] for item in feed]
        assert pages >= len(sent) // 2


class TestKeys:
    def test_after_a_rotation_both_sign_until_the_overlap_is_over(
        self, desk, publish, courier, webhook, bank_server
    ):
        bank, old = desk.stage.cast.bank, webhook["keys"][0]["public_key"]
        rotated = desk.did(bank, f"{PATH}/{webhook['id']}/rotate-key", {"overlap_hours": 1})
        new = rotated["keys"][0]["public_key"]
        assert [one["public_key"] for one in rotated["keys"]] == [new, old]
        happen(desk, publish)
        deliver(courier)
        courier.clock.move(hours=2)
        happen(desk, publish)
        deliver(courier)

        fits = [
            (verify(old, *sent), verify(new, *sent))
            for sent in zip(bank_server.headers, bank_server.bodies, strict=True)
        ]
        assert fits == [(1, 1), (1, 1), (0, 1), (0, 1)]

    def test_every_endpoint_has_its_own(self, desk, webhook):
        other = add(desk, webhook["url"], ["*"])
        desk.did(desk.stage.cast.bank, f"{PATH}/{other['id']}/delete", {})

        assert other["keys"][0]["public_key"] != webhook["keys"][0]["public_key"]
        assert "whsk_" not in str(other)


class TestOwner:
    def test_anothers_endpoint_is_not_there(self, desk, publish, courier, webhook):
        happen(desk, publish)
        deliver(courier)
        other, path = desk.stage.cast.second_bank, f"{PATH}/{webhook['id']}"
        one = log(desk, webhook)[0]["id"]

        for tail in ("", "/deliveries", f"/deliveries/{one}"):
            assert desk.stage.get(other, path + tail).json()["code"] == "subject.not_found"
        for tail, body in (
            *(("/pause", {}), ("/resume", {}), ("/delete", {}), ("/rotate-key", {})),
            *(("/replay", {"from_index": 0}), (f"/deliveries/{one}/replay", {})),
        ):
            assert desk.refused(other, path + tail, body)["code"] == "subject.not_found"
        assert desk.stage.get(other, PATH).json() == []
        assert desk.seen(desk.stage.cast.bank, path) == webhook
        mine = add(desk, webhook["url"], ["*"], other)
        crossed = desk.stage.get(other, f"{PATH}/{mine['id']}/deliveries/{one}")
        assert crossed.json()["code"] == "subject.not_found"
        desk.did(other, f"{PATH}/{mine['id']}/delete", {})

    def test_what_cannot_be_is_refused(self, desk, webhook):
        bank = desk.stage.cast.bank

        def refused(url, *types):
            return desk.refused(bank, PATH, {"url": url, "types": list(types)})

        assert refused("https://10.0.0.1/", "*")["code"] == "webhook.url_refused"
        assert refused("http://bank.example/", "*")["fields"] == {"why": "scheme"}
        assert refused("https://bank.example/", "pledge.lost")["code"] == "webhook.type_unknown"
        assert refused("https://bank.example/", "nothing.*")["code"] == "webhook.type_unknown"
        assert refused("https://bank.example/", "pledge.%")["code"] == "request.invalid"
        assert refused("https://bank.example/")["code"] == "request.invalid"
        made = [add(desk, f"https://bank.example/{n}", ["*"]) for n in range(9)]
        assert refused("https://bank.example/", "*")["code"] == "webhook.too_many"
        for one in made:
            desk.did(bank, f"{PATH}/{one['id']}/delete", {})
        assert [one["id"] for one in desk.seen(bank, PATH)] == [webhook["id"]]


class TestRefusedOutbound:
    def test_an_attempt_on_pledged_goods_reaches_the_bank_at_once(self, desk, publish, courier):
        """G22: refused, and told to whoever holds the pledge: by webhook, in the feed, and to nobody else."""
        cast, yard = desk.stage.cast, open_yard(desk.stage)
        receipt, pledge = pledged(desk, yard, "10.000")
        publish()
        deliver(courier)
        with receiving() as bank, receiving() as other:
            made = [
                (add(desk, server.url, ["receipt.withdrawal_refused"], who), who)
                for server, who in ((bank, cast.bank), (other, cast.second_bank))
            ]

            refusal(yard.withdraw(receipt, tonnes("1.000"), "TH-1"), 409, "receipt.goods_pledged")
            publish()
            deliver(courier)
            for endpoint, who in made:
                desk.did(who, f"{PATH}/{endpoint['id']}/delete", {})

        (sent,) = [json.loads(body) for body in bank.bodies]
        assert (sent["type"], other.bodies) == ("receipt.withdrawal_refused", [])
        assert sent["data"]["subject"] == receipt["id"]
        event = desk.seen(cast.bank, f"/v1/events/{sent['data']['event']}")
        assert (event["type"], event["index"]) == (sent["type"], sent["data"]["index"])
        hidden = desk.stage.get(cast.second_bank, f"/v1/events/{sent['data']['event']}")
        refusal(hidden, 404, "event.not_found")
        told = desk.seen(cast.bank, "/v1/notices", limit=500)["items"]
        (notice,) = [one for one in told if one["kind"] == sent["type"]]
        assert (notice["subject"], notice["fields"]["asked"]) == (pledge, tonnes("1.000"))
