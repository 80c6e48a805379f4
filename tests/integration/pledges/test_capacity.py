"""No value is pledged twice: whoever is second learns that it does not suffice, and nothing more."""

import threading

from scf.capacity.models import Pool
from tests.support.receivables import identity, money
from tests.support.splitting import agree_split


def free_of(desk, pledge):
    pool = identity(desk.pledge(pledge)["pool"])
    with desk.stage.database.reading() as session:
        return session.get_one(Pool, pool).free_minor


def test_a_second_bank_is_told_no_number_and_no_name(desk):
    cast = desk.stage.cast
    receivable = desk.receivable(1)
    financing = desk.request(receivable, bank=cast.second_bank)
    desk.approve(financing, bank=cast.second_bank)
    desk.accept(desk.signed_pledge(receivable))

    found = desk.refused(cast.second_bank, "/v1/pledges", {"financing": financing})

    assert found["code"] == "capacity.insufficient"
    assert found["title"] == "可用额度不足"
    assert found["fields"] == {}
    assert cast.bank.name not in str(found)
    assert cast.bank.id not in str(found)


def test_two_banks_accept_at_once_and_one_has_it(desk):
    cast = desk.stage.cast
    receivable = desk.receivable(2)
    banks = [cast.bank, cast.second_bank]
    pledges = [desk.signed_pledge(receivable, bank=bank) for bank in banks]
    ready = []
    for bank, pledge in zip(banks, pledges, strict=True):
        body = {"signers": bank.signers("accept")}
        draft = desk.did(bank, f"/v1/pledges/{pledge}/accept-draft", body)
        ready.append((bank, pledge, {"authorizations": bank.sign_all(draft)}))
    before = len(desk.types())
    answers = {}

    def accept(bank, pledge, body):
        answers[pledge] = desk.stage.post(bank, f"/v1/pledges/{pledge}/accept", body)

    threads = [threading.Thread(target=accept, args=one) for one in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers.values()) == [200, 409]
    lost = next(pledge for pledge in pledges if answers[pledge].status_code == 409)
    problem = answers[lost].json()
    assert (problem["code"], problem["fields"]) == ("capacity.insufficient", {})
    assert desk.pledge(lost, banks[pledges.index(lost)])["state"] == "SIGNED"
    assert desk.types()[before:] == ["pool.reserved", "pledge.accepted"]


def test_parts_of_one_claim_at_two_banks(desk):
    """Sixty and fifty of a hundred: the second does not fit, forty does."""
    cast = desk.stage.cast
    receivable = desk.receivable(3, "100.00")
    agree_split(
        desk,
        receivable,
        [(cast.bank, "60.00", "62220001"), (cast.second_bank, "40.00", "62220002")],
    )
    first = desk.signed_pledge(receivable, amount="50.00", pledged="60.00")
    desk.accept(first)
    financing = desk.request(receivable, bank=cast.second_bank, amount="40.00")
    desk.approve(financing, bank=cast.second_bank, amount="40.00")
    body = {"financing": financing, "amount": money("50.00")}

    assert desk.refused(cast.second_bank, "/v1/pledges", body)["code"] == "capacity.insufficient"
    second = desk.propose(financing, bank=cast.second_bank, amount="40.00")
    desk.contract(financing)
    desk.accept(second, bank=cast.second_bank)

    assert free_of(desk, first) == 0
    desk.work()
    desk.mine()
    desk.work()
    assert desk.pledge(first)["missing"] == []
    assert desk.pledge(second, cast.second_bank)["missing"] == []


def test_what_is_pledged_covers_the_loan(desk):
    receivable = desk.receivable(4, "100.00")
    financing = desk.request(receivable, amount="80.00")
    desk.approve(financing, amount="80.00")
    body = {"financing": financing, "amount": money("79.99")}

    found = desk.refused(desk.stage.cast.bank, "/v1/pledges", body)

    assert found["code"] == "pledge.below_principal"


def test_a_pledge_given_up_gives_the_pool_back(desk):
    bank = desk.stage.cast.bank
    pledge = desk.signed_pledge(desk.receivable(5))
    desk.accept(pledge)
    assert free_of(desk, pledge) == 0

    desk.did(bank, f"/v1/pledges/{pledge}/give-up", {"reason": "借款人撤回"})
    assert free_of(desk, pledge) == 0, "not before the register was asked"
    desk.work()

    assert free_of(desk, pledge) == 124_500_000
    assert desk.pledge(pledge)["state"] == "CANCELLED"
    assert desk.types()[-3:] == ["pledge.cancelled", "pool.released", "financing.refused"]


def test_a_release_frees_the_pool_whatever_the_chain_does(desk):
    pledge = desk.signed_pledge(desk.receivable(6))
    desk.accept(pledge)
    desk.work()
    assert desk.pledge(pledge)["lock"]["state"] == "sent"

    desk.release(pledge)

    assert free_of(desk, pledge) == 124_500_000
    desk.work()
    assert [call["purpose"] for call in desk.mine()] == ["asset_lock", "asset_unlock"]
    desk.work()
    assert desk.pledge(pledge)["lock"]["state"] == "none"
    assert "pledge.locked" not in desk.types()[-8:]
