"""How often a client may call: told, shared by every process, and what happens when nobody counts."""

import base64
import uuid
from contextlib import closing

import pytest
import redis
from fastapi.testclient import TestClient

from scf.http.limits import CounterAway, Kind, Limits, TooManyRequests
from scf.kernel.ids import public_id
from scf.main import create_app
from tests.support.anvil import free_port
from tests.support.problems import refusal

BLIND = "/v1/blind/holds"


def limits(url, quota=3):
    return closing(Limits(url, dict.fromkeys(Kind, quota)))


@pytest.fixture
def away():
    return f"redis://127.0.0.1:{free_port()}/0"


@pytest.fixture
def processes(stage, redis_url):
    """Two instances of the application on one database and one Redis; three of each kind a minute."""
    settings = stage.settings.model_copy(
        update={
            "redis_url": redis_url,
            **{f"limit_{kind}_per_minute": 3 for kind in Kind},
            "limit_address_per_minute": 5,
        }
    )
    apps = [create_app(settings) for _ in range(2)]
    yield [TestClient(app, raise_server_exceptions=False) for app in apps]
    for app in apps:
        app.state.database.close()
        app.state.limits.close()


class TestBuckets:
    def test_counts_down_to_a_refusal_with_its_numbers(self, redis_url):
        with limits(redis_url) as found:
            standings = [found.take(Kind.READS, "a") for _ in range(3)]
            assert [one.remaining for one in standings] == [2, 1, 0]
            assert [one.full_in for one in standings] == [20, 40, 60]
            assert standings[0].headers == {
                "RateLimit-Policy": '"reads";q=3;w=60',
                "RateLimit": '"reads";r=2;t=20',
            }
            with pytest.raises(TooManyRequests) as refused:
                found.take(Kind.READS, "a")
            assert refused.value.fields == {
                "kind": "reads",
                "limit": 3,
                "seconds": 60,
                "retry_after": 20,
            }

    def test_a_refused_request_takes_nothing(self, redis_url):
        with limits(redis_url, 1) as found, redis.Redis.from_url(redis_url) as server:
            found.take(Kind.READS, "a")
            before = server.get("scf:limit:reads:a")
            for _ in range(5):
                with pytest.raises(TooManyRequests):
                    found.take(Kind.READS, "a")
            assert server.get("scf:limit:reads:a") == before

    def test_a_bucket_fills_with_time(self, redis_url):
        with limits(redis_url) as found, redis.Redis.from_url(redis_url) as server:
            for _ in range(3):
                found.take(Kind.READS, "a")
            key = "scf:limit:reads:a"
            server.set(key, int(server.get(key)) - 20_000_000)  # twenty seconds go by
            assert found.take(Kind.READS, "a").remaining == 0
            with pytest.raises(TooManyRequests):
                found.take(Kind.READS, "a")
            server.delete(key)  # as after its time
            assert found.take(Kind.READS, "a").remaining == 2

    def test_an_empty_minute_leaves_nothing_behind(self, redis_url):
        with limits(redis_url) as found, redis.Redis.from_url(redis_url) as server:
            found.take(Kind.READS, "a")
            assert 19_000 < server.pttl("scf:limit:reads:a") <= 20_000

    def test_kinds_and_clients_have_buckets_of_their_own(self, redis_url):
        with limits(redis_url, 1) as found:
            for kind in Kind:
                for who in "ab":
                    assert found.take(kind, who).remaining == 0

    def test_no_quota_asks_nobody(self, away):
        with limits(away, 0) as found:
            assert found.take(Kind.PROBES, "a") is None

    def test_without_redis_business_goes_on_and_probing_stops(self, away):
        with limits(away) as found:
            for kind in (Kind.READS, Kind.WRITES, Kind.TOKENS, Kind.ADDRESS):
                assert found.take(kind, "a") is None
            with pytest.raises(CounterAway) as refused:
                found.take(Kind.PROBES, "a")
            assert refused.value.fields == {"kind": "probes"}


class TestCalls:
    def test_processes_share_one_limit(self, stage, processes):
        headers = stage.headers(stage.cast.bank)
        answers = [processes[number % 2].get("/v1/pledges", headers=headers) for number in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == [
            *("r=2", "r=1", "r=0", "r=0")
        ]
        problem = refusal(answers[-1], 429, "request.too_many")
        assert problem["fields"]["limit"] == 3
        assert answers[-1].headers["retry-after"] == str(problem["fields"]["retry_after"])
        other = stage.headers(stage.cast.second_bank)
        assert processes[0].get("/v1/pledges", headers=other).status_code == 200

    def test_a_command_refused_for_its_number_is_carried_out_later(
        self, stage, processes, redis_url
    ):
        headers = stage.headers(None) | {"Idempotency-Key": "late"}
        body = {
            "uscc": "91350100M000100Y43",
            "name": "新供应商(示例)",
            "kind": "enterprise",
            "size_class": "small",
        }
        for number in range(3):
            other = headers | {"Idempotency-Key": f"early-{number}"}
            gone = "/v1/certificates/crt_01k3e5m8q2x7v9b4c6d8f0g1h2/revoke"
            answer = processes[0].post(gone, json={"reason": "x"}, headers=other)
            assert answer.headers["ratelimit"] == f'"writes";r={2 - number};t={20 * (number + 1)}'
        refusal(
            processes[1].post("/v1/parties", json=body, headers=headers), 429, "request.too_many"
        )
        with redis.Redis.from_url(redis_url) as server:
            server.flushdb()

        answer = processes[1].post("/v1/parties", json=body, headers=headers)

        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)

    def test_tokens_are_counted_by_client_and_by_address(self, stage, processes):
        def ask(http, client_id, secret):
            basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
            return http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                headers={"Authorization": f"Basic {basic}"},
            )

        bank = stage.cast.bank
        client_id = public_id("cli", bank.client_id)
        statuses = [ask(processes[n % 2], client_id, "guess").status_code for n in range(4)]
        assert statuses == [401, 401, 401, 429]
        refused = ask(processes[0], client_id, bank.client_secret)
        assert refusal(refused, 429, "request.too_many")["fields"]["kind"] == "tokens"
        other = ask(processes[1], f"cli_{uuid.uuid4().hex}", "guess")
        assert refusal(other, 429, "request.too_many")["fields"]["kind"] == "address"

    def test_a_probe_is_not_answered_uncounted(self, stage, away):
        counted = {"redis_url": away, "limit_probes_per_minute": 3, "limit_reads_per_minute": 3}
        app = create_app(stage.settings.model_copy(update=counted))
        http = TestClient(app, raise_server_exceptions=False)
        try:
            headers = stage.headers(stage.cast.bank)
            path = "/v1/pledges/plg_01k3e5m8q2x7v9b4c6d8f0g1h2/search"
            probe = http.post(path, json={}, headers=headers | {"Idempotency-Key": "probe"})
            assert probe.headers["retry-after"] == "1"
            refusal(probe, 503, "request.not_counted")
            assert http.get("/v1/pledges", headers=headers).status_code == 200
        finally:
            app.state.database.close()
