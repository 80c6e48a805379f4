"""The rules of the token service, with its clock in hand."""

import hashlib
import hmac
import json
import sqlite3
import threading

import pytest
from eth_keys import keys as eth_keys

from scf_ledger import asset as identity
from scf_ledger.chain.tickets import TICKET_LIFE_MAX, ticket_digest
from scf_ledger.tokens import errors, store
from scf_ledger.tokens.store import Operator
from tests.unit.tokens.conftest import CONTRACT, LIMIT, NOW, request


def answer(issued):
    return json.loads(issued.body)


class TestIssuing:
    def test_a_token_is_the_keyed_identity(self, desk):
        operator, _ = desk.admit()

        got = answer(desk.service.issue(operator, request("7", "8"), "one"))

        expected = [
            hmac.new(
                b"k" * 32, identity.invoice(seller="91500118MA5U7XHR4R", number=n), hashlib.sha256
            ).hexdigest()
            for n in ("7", "8")
        ]
        assert got["tokens"] == [f"0x{token}" for token in expected]

    def test_every_operator_gets_the_same_token(self, desk):
        one, two = desk.admit()[0], desk.admit()[0]

        tokens = [answer(desk.service.issue(o, request(), "k"))["tokens"] for o in (one, two)]

        assert tokens[0] == tokens[1]

    def test_the_ticket_is_signed_for_this_operator(self, desk):
        operator, _ = desk.admit()

        got = answer(desk.service.issue(operator, request("1", "2"), "one"))

        digest = ticket_digest(
            chain_id=31337,
            registry=CONTRACT,
            operator=operator.address,
            tokens=[bytes.fromhex(token[2:]) for token in got["tokens"]],
            expiry=got["expiry"],
            valid_until=got["valid_until"],
        )
        raw = bytes.fromhex(got["ticket"][2:])
        signature = eth_keys.Signature(raw[:64] + bytes([raw[64] - 27]))
        signer = signature.recover_public_key_from_msg_hash(digest).to_checksum_address()
        assert signer == got["signer"] == desk.signer.address
        assert got["valid_until"] == NOW + 600
        assert got["operator"] == operator.address

    def test_tickets_of_one_asset_run_out_one_after_the_other(self, desk):
        one, two = desk.admit()[0], desk.admit()[0]

        ends = [
            answer(desk.service.issue(operator, request("1", valid_for=life), key))["valid_until"]
            for operator, life, key in ((one, 600, "a"), (two, 60, "b"), (one, 600, "c"))
        ]
        other = answer(desk.service.issue(two, request("2", valid_for=60), "d"))

        assert ends == [NOW + 600, NOW + 601, NOW + 602]
        assert other["valid_until"] == NOW + 60

    def test_no_ticket_runs_past_the_contracts_hour(self, desk):
        operator, _ = desk.admit()
        latest = NOW + TICKET_LIFE_MAX
        first = answer(desk.service.issue(operator, request(), "a"))
        with desk.store.transaction() as connection:
            connection.execute(
                "INSERT INTO issued VALUES (1, ?, ?, ?)",
                [bytes.fromhex(first["tokens"][0][2:]), b"", latest],
            )

        with pytest.raises(errors.AssetBusy):
            desk.service.issue(operator, request(), "b")
        desk.now += 2
        assert answer(desk.service.issue(operator, request(), "b"))["valid_until"] == latest + 1

    @pytest.mark.parametrize("expiry", [1, NOW, NOW + 600, NOW + 11 * 366 * 86_400])
    def test_a_lock_outlives_its_ticket_within_reason(self, desk, expiry):
        operator, _ = desk.admit()

        with pytest.raises(errors.ExpiryInvalid):
            desk.service.issue(operator, request(expiry=expiry), "one")

    def test_an_asset_is_named_once_however_it_is_written(self, desk):
        operator, _ = desk.admit()

        with pytest.raises(errors.AssetRepeated) as refused:
            desk.service.issue(operator, request("ab1", "１AB", "AB1"), "one")
        assert refused.value.fields == {"index": 2}

    @pytest.mark.parametrize("number", [" ", "\u200b\0"])
    def test_an_asset_has_an_identity(self, desk, number):
        operator, _ = desk.admit()

        with pytest.raises(errors.AssetInvalid):
            desk.service.issue(operator, request(number), "one")


class TestRepeating:
    def test_a_key_gets_its_answer_again(self, desk):
        operator, _ = desk.admit()
        first = desk.service.issue(operator, request(), "one")
        desk.now += 5000

        again = desk.service.issue(operator, request(), "one")

        assert again.replayed
        assert not first.replayed
        assert again.body == first.body

    def test_a_key_stands_for_one_request(self, desk):
        operator, _ = desk.admit()
        desk.service.issue(operator, request("1"), "one")

        with pytest.raises(errors.KeyReused):
            desk.service.issue(operator, request("2"), "one")

    def test_a_key_is_its_operators_own(self, desk):
        one, two = desk.admit()[0], desk.admit()[0]
        desk.service.issue(one, request("1"), "same")

        assert not desk.service.issue(two, request("2"), "same").replayed

    def test_a_refused_key_may_be_used_again(self, desk):
        operator, _ = desk.admit()
        with pytest.raises(errors.ExpiryInvalid):
            desk.service.issue(operator, request(expiry=5), "one")

        assert not desk.service.issue(operator, request(), "one").replayed


class TestRate:
    def test_assets_are_counted_over_a_minute(self, desk):
        operator, other = desk.admit()[0], desk.admit()[0]
        numbers = [str(n) for n in range(LIMIT - 1)]
        desk.service.issue(operator, request(*numbers), "one")

        with pytest.raises(errors.RateExceeded) as refused:
            desk.service.issue(operator, request("x", "y"), "two")
        assert refused.value.fields == {"limit": 10, "used": 9, "asked": 2, "window": 60}
        assert not desk.service.issue(other, request("x", "y"), "two").replayed
        desk.now += 60
        assert not desk.service.issue(operator, request("x", "y"), "two").replayed

    def test_a_replay_costs_nothing_and_a_refusal_does(self, desk):
        operator, _ = desk.admit()
        for _ in range(3):
            desk.service.issue(operator, request("1", "2", "3"), "one")
        with pytest.raises(errors.ExpiryInvalid):
            desk.service.issue(operator, request("1", "2", "3", "4", expiry=5), "two")

        with pytest.raises(errors.RateExceeded) as refused:
            desk.service.issue(operator, request("5", "6", "7", "8"), "three")
        assert refused.value.fields["used"] == 7


class TestLog:
    def test_every_request_leaves_a_line(self, desk):
        operator, _ = desk.admit()
        desk.service.issue(operator, request("1", "2"), "one")
        desk.service.issue(operator, request("1", "2"), "one")
        with pytest.raises(errors.KeyReused):
            desk.service.issue(operator, request("3"), "one")
        desk.service.refuse(operator, errors.RequestInvalid())

        outcomes = [(outcome, assets) for _, outcome, assets in desk.log()]

        assert outcomes == [
            ("issued", 2),
            ("replayed", 0),
            ("idempotency.key_reused", 1),
            ("request.invalid", 1),
        ]

    def test_no_identity_is_kept(self, desk):
        operator, _ = desk.admit()
        desk.service.issue(operator, request("25502000000112345678"), "one")

        for file in desk.store._path.parent.iterdir():
            assert b"25502000000112345678" not in file.read_bytes()

    @pytest.mark.parametrize("table", ["requests", "issued"])
    def test_a_line_is_neither_changed_nor_removed(self, desk, table):
        operator, _ = desk.admit()
        desk.service.issue(operator, request(), "one")

        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET valid_until = 0"):
            with (
                pytest.raises(sqlite3.IntegrityError, match="append-only"),
                desk.store.transaction() as connection,
            ):
                connection.execute(statement)

    def test_a_refused_request_issues_nothing(self, desk):
        operator, _ = desk.admit()
        with pytest.raises(errors.ExpiryInvalid):
            desk.service.issue(operator, request(expiry=5), "one")

        with desk.store.reading() as connection:
            assert connection.execute("SELECT count(*) FROM issued").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM answers").fetchone() == (0,)


class TestOperators:
    def test_a_bearer_is_its_operators(self, desk):
        operator, bearer = desk.admit()

        assert desk.service.operator(bearer) == operator
        for wrong in ("", bearer + "x", bearer[:-1]):
            with pytest.raises(errors.NotAdmitted):
                desk.service.operator(wrong)

    def test_admitting_again_replaces_the_bearer(self, desk):
        operator, bearer = desk.admit()
        with desk.store.transaction() as connection:
            store.admit(connection, Operator(operator.address, "renamed"), "fresh", at=NOW)

        assert desk.service.operator("fresh").name == "renamed"
        with pytest.raises(errors.NotAdmitted):
            desk.service.operator(bearer)


def test_many_at_once_get_each_their_own_ticket(desk):
    """Threads on one file: one after the other, no ticket twice, no limit overrun."""
    operator, _ = desk.admit()
    ends, refused = [], []

    def ask(number: int) -> None:
        try:
            got = desk.service.issue(operator, request("1"), f"key-{number}")
            ends.append(answer(got)["valid_until"])
        except errors.RateExceeded:
            refused.append(number)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(LIMIT + 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == [NOW + 600 + n for n in range(LIMIT)]
    assert len(refused) == 5
