"""The lock's own machine: lost, refused, shared, given back; no right hangs on it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scf.kernel.clock import SHANGHAI
from scf.pledges.effects import resume
from scf.pledges.models import AssetToken
from tests.support.receivables import confirm, identity, line, register_invoice
from tests.support.splitting import agree_split

HELD = {"error": "RegistryHeld", "token": "0x01", "operator": "0x02", "expiry": 1}


def tokens_held(desk):
    with desk.stage.database.reading() as session:
        rows = session.execute(select(AssetToken.token, AssetToken.holders)).all()
        return {f"0x{row[0].hex()}": row[1] for row in rows}


def registered(desk, number, **other):
    """A pledge whose lock is on its way."""
    pledge = desk.signed_pledge(desk.receivable(number, other.pop("total", "1245000.00")), **other)
    desk.accept(pledge)
    desk.work()
    assert desk.pledge(pledge)["lock"]["state"] == "sent"
    return pledge


def test_one_token_for_each_invoice_until_180_days_after_the_due_date(desk):
    stage, supplier = desk.stage, desk.stage.cast.supplier
    documents = [register_invoice(stage, supplier, n, "50.00") for n in (101, 102, 103)]
    body = line(stage, documents, "L-three")
    receivable = desk.did(supplier, "/v1/receivables", body)["id"]
    assert confirm(stage, receivable, "150.00").is_success
    pledge = desk.signed_pledge(receivable, amount="100.00")
    desk.accept(pledge)
    desk.work()

    (call,) = desk.mine()

    assert len(set(call["tokens"])) == 3
    clock = stage.clock
    ends = datetime(2025, 12, 23, tzinfo=SHANGHAI) + timedelta(days=180)
    expected = (clock.real() + (ends - clock.now())).timestamp()
    assert abs(call["expiry"] - expected) < 60
    assert call["valid_until"] < clock.real().timestamp() + 3600


def test_a_lost_lock_is_taken_again_with_a_fresh_ticket(desk):
    pledge = desk.ready_pledge(desk.receivable(1))
    first = desk.pledge(pledge)

    desk.lose()
    desk.work()

    shown = desk.pledge(pledge)
    assert desk.types()[-1] == "pledge.lock_lost"
    assert shown["missing"] == ["lock"]
    assert shown["legally_effective_at"] == first["legally_effective_at"]
    (call,) = desk.mine()
    desk.work()
    shown = desk.pledge(pledge)
    assert shown["missing"] == []
    assert shown["lock"]["tx"] != first["lock"]["tx"]
    assert call["tokens"] == first["lock"]["tokens"]
    assert {tokens_held(desk)[token] for token in call["tokens"]} == {1}


def test_a_ticket_that_ran_out_is_replaced(desk):
    pledge = registered(desk, 2)

    desk.mine(error={"error": "RegistryTicketExpired"})
    desk.work()

    assert desk.pledge(pledge)["lock"]["state"] == "sent"
    desk.mine()
    desk.work()
    assert desk.pledge(pledge)["missing"] == []


def test_another_platform_s_lock_is_waited_for(desk):
    pledge = registered(desk, 3)

    desk.mine(error=HELD)
    desk.work()

    shown = desk.pledge(pledge)
    assert (shown["lock"]["state"], shown["lock"]["problem"]) == ("none", "RegistryHeld")
    assert "其他平台" in shown["standing"]["line"]
    assert shown["state"] == "EFFECTIVE", "the chain conditions no right"
    assert desk.waiting() == []

    desk.stage.clock.set(desk.stage.clock.now() + timedelta(minutes=6))
    assert resume(desk.context) > 0
    desk.work()
    desk.mine()
    desk.work()
    assert desk.pledge(pledge)["missing"] == []


def test_the_last_of_two_pledges_gives_the_token_back(desk):
    cast = desk.stage.cast
    receivable = desk.receivable(4, "100.00")
    halves = [(cast.bank, "50.00", "62220001"), (cast.second_bank, "50.00", "62220002")]
    agree_split(desk, receivable, halves)
    pledges = [
        desk.ready_pledge(receivable, bank=bank, amount="50.00", pledged="50.00")
        for bank in (cast.bank, cast.second_bank)
    ]
    (token,) = desk.pledge(pledges[0])["lock"]["tokens"]
    assert tokens_held(desk)[token] == 2

    desk.release(pledges[0])
    desk.work()
    assert desk.mine() == []
    assert desk.pledge(pledges[0])["lock"]["state"] == "none"
    assert tokens_held(desk)[token] == 1

    path, body = (
        f"/v1/pledges/{pledges[1]}",
        {
            "signers": cast.second_bank.signers("release"),
            "reason": "主债权已清偿",
        },
    )
    desk.signed(cast.second_bank, f"{path}/release-draft", body, f"{path}/release")
    desk.work()
    (call,) = desk.mine()
    assert (call["purpose"], call["tokens"]) == ("asset_unlock", [token])
    desk.work()
    assert token not in tokens_held(desk)


def test_a_pledge_that_comes_while_the_last_one_goes_keeps_the_token(desk):
    cast = desk.stage.cast
    receivable = desk.receivable(5, "100.00")
    halves = [(cast.bank, "50.00", "62220001"), (cast.second_bank, "50.00", "62220002")]
    agree_split(desk, receivable, halves)
    first = desk.ready_pledge(receivable, amount="50.00", pledged="50.00")
    (token,) = desk.pledge(first)["lock"]["tokens"]
    second = desk.signed_pledge(receivable, bank=cast.second_bank, amount="50.00", pledged="50.00")
    desk.release(first)
    desk.accept(second, bank=cast.second_bank)
    desk.work()

    calls = [call["purpose"] for call in desk.mine()]
    desk.work()

    assert calls == ["asset_unlock", "asset_lock"], "in the order in which the chain takes them"
    assert tokens_held(desk)[token] == 1
    assert desk.pledge(second, cast.second_bank)["missing"] == []


def test_what_the_chain_no_longer_holds_for_us_is_given_back_as_far_as_it_does(desk):
    stage, supplier = desk.stage, desk.stage.cast.supplier
    documents = [register_invoice(stage, supplier, n, "50.00") for n in (201, 202)]
    receivable = desk.did(supplier, "/v1/receivables", line(stage, documents, "L-two"))["id"]
    assert confirm(stage, receivable, "100.00").is_success
    pledge = desk.ready_pledge(receivable, amount="80.00")
    desk.release(pledge)
    desk.work()

    desk.mine(error={"error": "RegistryNotHolder"})
    desk.work()

    assert [len(call["tokens"]) for call in desk.mine()] == [1, 1]
    desk.work()
    assert desk.pledge(pledge)["lock"]["state"] == "none"
    assert desk.failures() == []


def test_old_news_is_ignored(desk):
    """A lost lock's first transaction may be mined after all, when a newer one is on its way."""
    pledge = desk.ready_pledge(desk.receivable(6))
    desk.lose()
    desk.work()
    shown = desk.pledge(pledge)
    assert shown["lock"]["state"] == "sent"

    desk.do_again()

    assert desk.pledge(pledge)["lock"] == shown["lock"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pledges SET state = 'PROPOSED' WHERE id = :id",
        "UPDATE pledges SET state = 'CANCELLED' WHERE id = :id",
        "UPDATE pledges SET state = 'RELEASED', legally_effective_at = NULL WHERE id = :id",
        "UPDATE pledges SET lock_final_at = NULL WHERE id = :id",
        "UPDATE pledge_locks SET state = 'sent' WHERE pledge_id = :id",
        "UPDATE pledge_searches SET clean = false WHERE pledge_id = :id",
        "DELETE FROM pledge_searches WHERE pledge_id = :id",
    ],
)
def test_the_database_keeps_the_machines_too(desk, ready, statement):
    with pytest.raises(DBAPIError), desk.stage.database.transaction() as session:
        session.execute(text(statement), {"id": identity(ready)})


@pytest.fixture(scope="module")
def ready(open_desk):
    return open_desk.ready_pledge(open_desk.receivable(7))


def test_a_release_and_the_next_banks_acceptance_at_one_moment(desk):
    """Either the claim is free in time, or the second is refused and takes it afterwards: never both."""
    cast, outcomes = desk.stage.cast, []
    for number in (91, 92, 93):
        receivable = desk.receivable(number, "100.00")
        first, second = (
            desk.signed_pledge(receivable, bank=bank, amount="60.00")
            for bank in (cast.bank, cast.second_bank)
        )
        desk.accept(first)
        desk.work()
        desk.mine()
        desk.work()
        (token,) = desk.pledge(first)["lock"]["tokens"]
        bodies = {}
        for bank, pledge, act in (
            (cast.bank, first, "release"),
            (cast.second_bank, second, "accept"),
        ):
            body = {"signers": bank.signers(act)} | (
                {"reason": "已清偿"} if act == "release" else {}
            )
            draft = desk.did(bank, f"/v1/pledges/{pledge}/{act}-draft", body)
            bodies[act] = (bank, f"/v1/pledges/{pledge}/{act}", draft)
        signed = {
            act: (bank, path, {"authorizations": bank.sign_all(draft)})
            for act, (bank, path, draft) in bodies.items()
        }
        barrier = threading.Barrier(2, timeout=60)

        def send(act, signed=signed, barrier=barrier):
            bank, path, body = signed[act]
            barrier.wait()
            return desk.stage.post(bank, path, body)

        with ThreadPoolExecutor(2) as threads:
            released, accepted = threads.map(send, ("release", "accept"))
        assert released.status_code == 200, released.text
        if accepted.status_code != 200:
            assert accepted.json()["code"] == "capacity.insufficient"
            assert desk.pledge(second, cast.second_bank)["state"] == "SIGNED"
            desk.accept(second, bank=cast.second_bank)
        outcomes.append(accepted.status_code)
        for _ in range(2):
            desk.work()
            desk.mine()
            desk.work()

        shown = desk.pledge(second, cast.second_bank)
        assert (shown["missing"], shown["lock"]["tokens"]) == ([], [token])
        assert tokens_held(desk)[token] == 1
        assert desk.pledge(first)["lock"]["state"] == "none"
    assert set(outcomes) <= {200, 409}
