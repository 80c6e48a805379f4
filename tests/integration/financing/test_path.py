"""From the request to the close, through the API, as the story goes."""

import hashlib
from datetime import UTC, datetime

from scf_ledger.encoding import b64url
from tests.support.receivables import money, pay

TODAY = "2025-11-03"
DUE = "2025-12-23"


def ranks(shown):
    """Rank now, whether registered, who is there, and what was kept with the bank's decisions."""
    stated = [one["rank"] for one in shown["stated"]]
    return shown["rank"], shown["registered"], shown["places"], stated


def test_the_whole_path(desk):
    cast, clock = desk.stage.cast, desk.stage.clock
    receivable = desk.receivable()
    begun = len(desk.types())
    financing = desk.request(receivable)
    assert desk.financing(financing)["standing"]["waiting_for"]["party"] == cast.bank.id

    desk.approve(financing)
    pledge = desk.propose(financing)
    assert "待借款人签署" in desk.financing(financing)["standing"]["line"]
    desk.contract(financing)
    shown = desk.accept(pledge)
    assert shown["standing"]["line"].startswith("已签约, 未登记, 质权未设立")
    assert shown["missing"] == ["registration", "lock", "clean_second_search"]

    desk.work()
    shown = desk.pledge(pledge)
    assert shown["state"] == "EFFECTIVE"
    assert shown["legally_effective_at"] == shown["registration"]["registered_at"]
    assert shown["lock"]["state"] == "sent"
    assert shown["standing"]["waiting_for"]["who"] == "chain"
    assert shown["missing"] == ["lock", "clean_second_search"]

    desk.mine()
    desk.work()
    shown = desk.pledge(pledge)
    assert shown["missing"] == []
    assert shown["legally_effective_at"] < shown["lock_final_at"] < shown["ready_to_disburse_at"]
    assert "可以放款" in desk.financing(financing)["standing"]["line"]

    path = f"/v1/financings/{financing}"
    body = {"receipt_no": "FK-1", "amount": money("996000.00"), "disbursed_on": TODAY}
    assert desk.did(cast.bank, f"{path}/disbursement", body)["state"] == "DISBURSED"

    clock.set(datetime(2025, 12, 23, 2, tzinfo=UTC))
    assert desk.financing(financing)["owed"]["total"] == money("1001325.83")
    assert pay(desk.stage, receivable, "1245000.00", paid_on=DUE).is_success
    body = {"receipt_no": "HK-1", "amount": money("1001325.83"), "repaid_on": DUE}
    shown = desk.did(cast.bank, f"{path}/repayment", body)
    assert (shown["state"], shown["remainder"]) == ("REPAID", money("243674.17"))

    desk.release(pledge)
    desk.work()
    assert [call["purpose"] for call in desk.mine()] == ["asset_unlock"]
    desk.work()
    shown = desk.pledge(pledge)
    assert (shown["state"], shown["lock"]["state"]) == ("RELEASED", "none")
    assert shown["registration"]["cancellation_due_on"] == "2026-01-07"
    assert desk.financing(financing)["state"] == "CLOSED"
    assert ranks(desk.seen(cast.bank, f"{path}/rank")) == (None, False, [], [1, 1])

    desk.did(cast.bank, f"/v1/pledges/{pledge}/cancel-registration", {})
    desk.work()
    assert desk.pledge(pledge)["registration"]["cancelled_at"] is not None
    assert desk.failures() == []
    told = [type_ for type_ in desk.types()[begun:] if not type_.startswith("receivable.")]
    assert told == [
        "financing.requested",
        "financing.approved",
        "pledge.proposed",
        "pledge.signed",
        "financing.contracted",
        "pool.reserved",
        "pledge.accepted",
        "pledge.registered",
        "pledge.locked",
        "invoice_check.made",
        "pledge.searched",
        "financing.disbursed",
        "pool.paid",
        "financing.repaid",
        "pledge.released",
        "pledge.cancellation_due",
        "financing.closed",
        "pledge.cancelled",
    ]


def test_an_offer_says_what_arrives_in_hand(desk):
    financing = desk.request(desk.receivable(4))
    desk.approve(financing)

    quote = desk.financing(financing)["terms"]["quote"]

    assert quote["interest"] == money("5325.83")
    assert quote["in_hand"] == money("996000.00")
    assert quote["to_repay"] == money("1001325.83")


def test_both_sides_sign_the_text_that_both_can_download(desk):
    cast = desk.stage.cast
    financing = desk.request(desk.receivable(2))
    draft = desk.did(
        cast.bank,
        f"/v1/financings/{financing}/offer-draft",
        desk.offer(cast.bank, due_on=None) | {"days": 46},
    )
    desk.did(
        cast.bank,
        f"/v1/financings/{financing}/approve",
        {"authorizations": cast.bank.sign_all(draft)},
    )
    desk.propose(financing)
    desk.contract(financing)

    texts = [
        desk.stage.get(who, f"/v1/financings/{financing}/contract").content
        for who in (cast.bank, cast.supplier)
    ]

    assert texts[0] == texts[1]
    digest = b64url(hashlib.sha256(texts[0]).digest())
    assert desk.financing(financing)["terms"]["contract_sha256"] == digest
    assert digest in draft["statements"][0]["text"]
    assert "玖拾玖万陆仟元整" in texts[0].decode()
    assert desk.stage.get(cast.anchor, f"/v1/financings/{financing}/contract").status_code == 404


def test_the_same_terms_make_the_same_contract(desk):
    bank = desk.stage.cast.bank
    financing = desk.request(desk.receivable(3))
    path = f"/v1/financings/{financing}/offer-draft"

    drafts = [desk.did(bank, path, desk.offer(bank, days=1, due_on="2025-12-24")) for _ in "12"]

    assert drafts[0]["draft"] != drafts[1]["draft"]
    lines = [
        [line for line in d["statements"][0]["text"].splitlines() if "合同摘要" in line]
        for d in drafts
    ]
    assert lines[0] == lines[1] != []


def test_what_is_in_hand_can_be_computed_before_asking(desk):
    found = desk.stage.get(
        desk.stage.cast.supplier,
        "/v1/quotes",
        amount="1000000.00",
        rate="0.042",
        days=153,
        paid="in_advance",
    ).json()

    assert found["interest"] == money("17850.00")
    assert found["in_hand"] == money("982150.00")
    assert found["yearly"] == "0.042763"
