"""HOLD, COMMIT, RELEASE: one value, also for banks that never join."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import select

from scf.blind import service
from scf.blind.models import BlindToken
from scf.blind.rules import PER_TOKEN, AskedTooOften
from scf.blind.service import Ask, Times
from scf.capacity.models import Pool
from scf.documents.models import Document
from scf.evidence import proofs
from scf.evidence.models import Event
from scf.http.auth import Actor, OAuthClient
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf_ledger.event import record_of
from tests.support.actors import Stage
from tests.support.blind import Outsider, learn, pass_time, token_of
from tests.support.lineage import Chain
from tests.support.log import a_log, sequence_all
from tests.support.receivables import confirm, identity, line, register_invoice

PAPERS = count(1)


@pytest.fixture
def token() -> bytes:
    """Of a paper that nobody registered here."""
    return token_of(f"unknown {next(PAPERS)}")


def own_pool(stage: Stage, token: bytes) -> tuple[int, int]:
    """Confirmed and used of the pool that a token has of its own."""
    with stage.database.reading() as session:
        row = session.scalars(
            select(Pool)
            .join(BlindToken, BlindToken.pool_id == Pool.id)
            .where(BlindToken.token == token)
        ).one()
        return row.confirmed_minor, row.used_minor


def claim(stage: Stage, documents: list[str], total: str) -> UUID:
    """Submit and confirm a line over documents; return its pool."""
    answer = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, documents))
    assert answer.status_code == 201, answer.text
    confirmed = confirm(stage, answer.json()["id"], total)
    assert confirmed.status_code == 200, confirmed.text
    return parse_id("cap", confirmed.json()["pool"])


class TestUnknownPaper:
    def test_g13_the_second_bank_hears_over_capacity_and_nothing_else(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        first, second = banks
        assert first.hold(token, "60.00")["answer"] == "OK"

        assert second.hold(token, "60.00") == {"answer": "OVER_CAPACITY", "hold": None}
        assert second.hold(token, "40.00")["answer"] == "OK"
        assert own_pool(stage, token) == (10_000, 10_000)

    def test_each_is_held_to_its_own_word_and_nobody_to_anothers(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        first, second = banks
        assert first.hold(token, "10.00")["answer"] == "OK"

        assert second.hold(token, "20.00", value="25.00")["answer"] == "OVER_CAPACITY"
        assert second.hold(token, "15.00", value="25.00")["answer"] == "OK"
        assert own_pool(stage, token) == (10_000, 2_500)
        assert second.hold(token, "95.00", value="1000.00")["answer"] == "OK"
        assert own_pool(stage, token) == (100_000, 12_000)
        assert first.hold(token, "0.01")["answer"] == "OVER_CAPACITY", "by its own word it is full"
        assert second.hold(token, "5000.00", value="5000.00")["answer"] == "OVER_CAPACITY"
        assert own_pool(stage, token) == (100_000, 12_000)

    def test_a_strangers_fen_does_not_block_a_paper(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        stranger, bank = banks
        tiny = stranger.hold(token, "0.01", value="0.01")["hold"]["id"]
        assert stranger.commit(tiny).json()["state"] == "COMMITTED"

        assert bank.hold(token, "100.00")["answer"] == "OVER_CAPACITY"
        held = bank.hold(token, "99.99")["hold"]["id"]

        assert own_pool(stage, token) == (10_000, 10_000)
        assert bank.commit(held).json()["state"] == "COMMITTED"
        assert stranger.release(tiny).json()["state"] == "RELEASED"
        assert own_pool(stage, token) == (10_000, 9_999)
        assert bank.release(held).json()["state"] == "RELEASED"
        assert own_pool(stage, token) == (10_000, 0)

    def test_nor_does_another_currency(self, banks: list[Outsider], token: bytes):
        body = {"amount": "0.01", "currency": "USD"}
        answer = banks[0].post(
            "/v1/blind/holds",
            {
                "token": f"0x{token.hex()}",
                "amount": body,
                "document_value": body,
                "ttl_seconds": 60,
            },
        )

        assert (answer.status_code, answer.json()["code"]) == (422, "blind.currency_unknown")
        assert banks[1].hold(token, "100.00")["answer"] == "OK"

    def test_two_words_at_once_hold_no_more_than_either_says(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        assert banks[0].hold(token, "1.00", value="1.00")["answer"] == "OK"
        asks = [(banks[0], "70.00", "100.00"), (banks[1], "70.00", "120.00")]

        with ThreadPoolExecutor(2) as threads:
            answers = list(
                threads.map(lambda one: one[0].hold(token, one[1], value=one[2])["answer"], asks)
            )

        assert sorted(answers) == ["OK", "OVER_CAPACITY"]
        assert own_pool(stage, token) in ((10_000, 7_100), (12_000, 7_100))

    def test_what_nobody_holds_any_more_binds_nobody(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        first, second = banks
        tiny = first.hold(token, "0.01", value="1000.00")["hold"]["id"]
        assert first.release(tiny).json()["state"] == "RELEASED"

        assert second.hold(token, "60.00")["answer"] == "OK"
        assert own_pool(stage, token) == (10_000, 6_000)

    def test_released_and_expired_holds_are_free_again(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        first, second = banks
        one = first.hold(token, "60.00")["hold"]["id"]
        two = second.hold(token, "40.00", ttl=60)["hold"]["id"]

        assert first.release(one).json()["state"] == "RELEASED"
        pass_time(stage, token, 59)
        assert own_pool(stage, token) == (10_000, 4_000)
        pass_time(stage, token, 60)

        assert own_pool(stage, token) == (10_000, 0)
        assert second.get(f"/v1/blind/holds/{two}").json()["state"] == "EXPIRED"
        assert second.commit(two).json()["code"] == "blind.hold_ended"
        assert first.hold(token, "100.00")["answer"] == "OK"

    def test_what_is_committed_outlives_its_time(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        first, _ = banks
        hold = first.hold(token, "60.00", ttl=60)["hold"]["id"]

        assert first.commit(hold).json()["state"] == "COMMITTED"
        pass_time(stage, token, 10**6)

        assert own_pool(stage, token) == (10_000, 6_000)
        assert first.release(hold).json()["state"] == "RELEASED"
        assert first.release(hold).json()["code"] == "blind.hold_ended"

    def test_a_hold_is_its_own_banks(self, banks: list[Outsider], token: bytes):
        first, second = banks
        hold = first.hold(token, "60.00")["hold"]["id"]

        for answer in (second.get(f"/v1/blind/holds/{hold}"), second.commit(hold)):
            assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")
        assert all(item["id"] != hold for item in second.get("/v1/blind/holds").json()["items"])

    def test_its_proof_is_a_file(self, banks: list[Outsider], token: bytes, stage: Stage):
        first, _ = banks
        hold = first.hold(token, "60.00")["hold"]["id"]
        url = stage.database.engine.url.set(drivername="postgresql")
        sequence_all(url.render_as_string(hide_password=False), a_log(stage.database))

        answer = first.get(f"/v1/blind/holds/{hold}/proof")

        assert answer.headers["Content-Type"] == proofs.MEDIA_TYPE
        assert answer.headers["Content-Disposition"].endswith(f"{hold}.scfproof")
        assert answer.content

    def test_refuses_what_makes_no_sense(self, banks: list[Outsider], token: bytes):
        first, _ = banks
        assert first.ask(token, "101.00").json()["code"] == "blind.above_value"
        assert first.ask(token, "0.00").json()["code"] == "blind.above_value"
        for ttl in (59, 604_801, -(10**20), 10**20):
            assert first.ask(token, "1.00", ttl=ttl).json()["code"] == "blind.ttl_out_of_range"
        body = {"token": "0x00", "amount": 1}
        assert first.post("/v1/blind/holds", body).status_code == 422


class TestScope:
    def test_an_outside_bank_does_nothing_else(self, banks: list[Outsider]):
        first, _ = banks
        for path in ("/v1/pools/cap_01k3e5m8q2x7v9b4c6d8f0g1h2", "/v1/parties", "/v1/receivables"):
            answer = first.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "auth.scope_insufficient")

    def test_and_nobody_else_does_this(self, stage: Stage):
        answer = stage.get(stage.cast.bank, "/v1/blind/holds")
        assert answer.json()["code"] == "auth.scope_insufficient"


class TestKnownPaper:
    def test_a_hold_takes_of_the_claims_own_pool(self, banks: list[Outsider], stage: Stage):
        first, second = banks
        document = register_invoice(stage, stage.cast.supplier)
        pool = claim(stage, [document], "100.00")
        (token,) = learn(stage, [document])
        chain = Chain(stage, "none")
        chain.take(pool, 6_000, "pledge")

        assert first.hold(token, "41.00")["answer"] == "OVER_CAPACITY"
        assert first.hold(token, "40.00")["answer"] == "OK"

        assert chain.numbers(pool) == (10_000, 10_000, 0)
        assert second.hold(token, "0.01")["answer"] == "OVER_CAPACITY"

    def test_one_invoice_of_several_is_held_up_to_its_own_worth(
        self, banks: list[Outsider], stage: Stage
    ):
        first, second = banks
        documents = [register_invoice(stage, stage.cast.supplier) for _ in range(3)]
        pool = claim(stage, documents, "300.00")
        token, *_ = learn(stage, documents)

        assert first.hold(token, "60.00")["answer"] == "OK"
        assert second.hold(token, "60.00")["answer"] == "OVER_CAPACITY"
        assert Chain(stage, "none").numbers(pool) == (30_000, 6_000, 24_000)

    @pytest.mark.parametrize("learnt_first", [True, False])
    def test_holds_from_before_merge_into_the_claim(
        self, banks: list[Outsider], stage: Stage, learnt_first: bool
    ):
        first, second = banks
        chain = Chain(stage, "none")
        document = register_invoice(stage, stage.cast.supplier)
        with stage.database.reading() as session:
            number = session.get_one(Document, identity(document)).number
        token = token_of(number)
        hold = first.hold(token, "60.00")["hold"]["id"]
        if learnt_first:
            learn(stage, [document])

        pool = claim(stage, [document], "100.00")

        carried = 6_000 if learnt_first else 0
        assert chain.numbers(pool) == (10_000, carried, 10_000 - carried)
        if learnt_first:
            with stage.database.transaction() as session:
                service.merge_token(session, token, now=stage.clock.now())
        else:
            learn(stage, [document])
        assert chain.numbers(pool) == (10_000, 6_000, 4_000)
        assert own_pool(stage, token) == (0, 0)
        assert second.hold(token, "60.00")["answer"] == "OVER_CAPACITY"
        assert first.commit(hold).json()["state"] == "COMMITTED"
        assert first.release(hold).json()["state"] == "RELEASED"
        assert chain.numbers(pool) == (10_000, 0, 10_000)

    @pytest.mark.parametrize("claimed", [True, False])
    def test_the_registered_value_replaces_what_was_declared(
        self, banks: list[Outsider], stage: Stage, claimed: bool
    ):
        first, second = banks
        document = register_invoice(stage, stage.cast.supplier)
        with stage.database.reading() as session:
            token = token_of(session.get_one(Document, identity(document)).number)
        first.hold(token, "0.01", value="0.01")
        learn(stage, [document])
        assert own_pool(stage, token) == (10_000, 1)

        pool = claim(stage, [document], "100.00") if claimed else None

        assert second.hold(token, "100.00")["answer"] == "OVER_CAPACITY"
        assert second.hold(token, "99.99")["answer"] == "OK"
        if pool is None:
            assert own_pool(stage, token) == (10_000, 10_000)
        else:
            assert own_pool(stage, token) == (0, 0)
            assert Chain(stage, "none").numbers(pool) == (10_000, 10_000, 0)

    def test_a_value_declared_too_high_holds_no_more_than_there_is(
        self, banks: list[Outsider], stage: Stage
    ):
        first, second = banks
        document = register_invoice(stage, stage.cast.supplier)
        with stage.database.reading() as session:
            token = token_of(session.get_one(Document, identity(document)).number)
        one = first.hold(token, "60.00", value="900.00")["hold"]["id"]
        two = second.hold(token, "70.00", value="900.00")["hold"]["id"]

        learn(stage, [document])

        assert own_pool(stage, token) == (10_000, 10_000)
        assert second.hold(token, "0.01", value="900.00")["answer"] == "OVER_CAPACITY"
        assert first.release(one).json()["state"] == "RELEASED"
        assert second.release(two).json()["state"] == "RELEASED"
        assert first.hold(token, "100.00")["answer"] == "OK"

    def test_what_does_not_fit_any_more_stays_where_it_is(
        self, banks: list[Outsider], stage: Stage
    ):
        """Pledged here before the token was known: the claim's pool never takes more than there is."""
        first, _ = banks
        chain = Chain(stage, "none")
        document = register_invoice(stage, stage.cast.supplier)
        pool = claim(stage, [document], "100.00")
        with stage.database.reading() as session:
            number = session.get_one(Document, identity(document)).number
        first.hold(token_of(number), "60.00")
        chain.take(pool, 7_000, "pledge")

        learn(stage, [document])

        assert chain.numbers(pool) == (10_000, 10_000, 0)
        assert own_pool(stage, token_of(number)) == (3_000, 3_000)


class TestProbing:
    def test_whose_paper_it_is_sees_when_and_by_what_kind_of_caller(
        self, banks: list[Outsider], stage: Stage
    ):
        first, second = banks
        document = register_invoice(stage, stage.cast.second_supplier)
        (token,) = learn(stage, [document])
        first.hold(token, "60.00")
        second.hold(token, "60.00")

        found = stage.get(stage.cast.second_supplier, "/v1/blind/probes").json()["items"]

        assert [item["document"] for item in found] == [document, document]
        assert all(set(item) == {"document", "caller", "asked_at"} for item in found)
        assert {item["caller"] for item in found} == {"outside_bank"}
        theirs = stage.get(stage.cast.supplier, "/v1/blind/probes").json()["items"]
        assert document not in [item["document"] for item in theirs]

    def test_a_bank_cannot_find_out_by_halves_what_is_free(
        self, banks: list[Outsider], token: bytes
    ):
        first, second = banks
        for _ in range(PER_TOKEN):
            first.hold(token, "60.00")

        refused = first.ask(token, "60.00")

        assert refused.status_code == 429
        assert refused.json()["code"] == "blind.asked_too_often"
        assert 0 < int(refused.headers["Retry-After"]) <= 86_400
        assert second.hold(token, "1.00")["answer"] == "OK"

    def test_nor_by_asking_at_the_same_moment(
        self, banks: list[Outsider], token: bytes, stage: Stage
    ):
        first, second = banks
        second.hold(token, "100.00")
        together = threading.Barrier(PER_TOKEN + 2, timeout=60)
        ask = Ask(token, Money(1), Money(10_000), timedelta(hours=1))
        with stage.database.reading() as session:
            client = session.scalars(
                select(OAuthClient.id).where(OAuthClient.party_id == first.party_id)
            ).one()
        times = Times(stage.clock.now(), stage.clock.real())

        def race(_: int) -> str:
            try:
                with stage.database.transaction() as session:
                    session.connection()
                    together.wait()
                    service.hold(session, Actor(client, first.party_id), ask, times=times)
            except AskedTooOften:
                return "refused"
            return "answered"

        with ThreadPoolExecutor(PER_TOKEN + 2) as threads:
            outcomes = Counter(threads.map(race, range(PER_TOKEN + 2)))

        assert outcomes == {"answered": PER_TOKEN, "refused": 2}

    def test_the_owner_of_a_claim_learns_no_name(self, banks: list[Outsider], stage: Stage):
        first, _ = banks
        document = register_invoice(stage, stage.cast.supplier)
        pool = claim(stage, [document], "100.00")
        (token,) = learn(stage, [document])
        first.hold(token, "60.00")

        with stage.database.reading() as session:
            events = session.scalars(select(Event).where(Event.subject_id == pool)).all()
            told = "".join(event.disclosures + str(event.parties) for event in events)
            shown = [record_of(event.disclosures.split("~")) for event in events]

        assert str(first.party_id) not in told
        assert [one["actor"] for one in shown if one["kind"] == "RESERVE"] == [None]
