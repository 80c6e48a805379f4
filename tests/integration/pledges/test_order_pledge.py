"""A pledge of an order, from its proposal to the claim: one holder, one proof, whatever form the value has."""

import pytest
from sqlalchemy import select

from scf.evidence.models import ChainTransaction, TransactionState
from scf.evidence.sender import tell
from scf.evidence.sequencing import open_log
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf.pledges import locking
from scf.pledges.models import AssetToken, Pledge
from scf_ledger import trust
from scf_ledger.note import Signer
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.lineage import Chain, put_forward, undertake, work
from tests.support.log import sequence_all
from tests.support.receivables import identity, money

ORIGIN = "test.example/log"
ASKED = {Fragment.RECORD, Fragment.INCLUSION, Fragment.CHECKPOINT, Fragment.COMPLETENESS}


@pytest.fixture(scope="module")
def signer(open_desk):
    """The key of the log, which is opened with it."""
    made = Signer.generate(ORIGIN)
    with open_desk.stage.database.transaction() as session:
        open_log(session, made, now=open_desk.stage.clock.real())
    return made


def order(desk, number):
    """An order of 1,000.00 that its buyer confirmed, as its sides see it."""
    paper = put_forward(desk.stage, "采购订单", [(number, "1", "1000.00")], number=number)
    answer = undertake(desk.stage, paper)
    assert answer.status_code == 200, answer.text
    return answer.json()


def proposal(desk, **other):
    principal = {
        "contract_sha256": "A" * 43,
        "amount": money("600.00"),
        "rate": "0.0385",
        "due_on": "2026-01-31",
    }
    bank = desk.stage.cast.bank.id
    return {"pledgee": bank, "principal": principal, "amount": money("700.00"), **other}


def pledged(desk, stage):
    """Pledged by the seller, accepted, registered, locked, searched again."""
    supplier = desk.stage.cast.supplier
    pledge = desk.did(supplier, f"/v1/stages/{stage['id']}/pledges", proposal(desk))["id"]
    path, signers = f"/v1/pledges/{pledge}", {"signers": supplier.signers("pledge")}
    desk.signed(supplier, f"{path}/sign-draft", signers, f"{path}/sign")
    desk.accept(pledge)
    desk.work()
    desk.mine()
    desk.work()
    return pledge


def fragments(desk, signer, pledge):
    """What the verifier says of the bank's proof."""
    sequence_all(desk.stage.settings.database_url, signer)
    with desk.stage.database.reading() as session:
        content = trust.build(
            logs=[(ORIGIN, str(signer.verifier), None)], authorities=parties.authorities(session)
        )
    file = desk.stage.get(desk.stage.cast.bank, f"/v1/pledges/{pledge}/proof").content
    report = verify_file(file, trust.parse(content))
    found = {name: outcome.status for name, outcome in report.fragments.items()}
    assert {found[name] for name in ASKED} == {Status.PASS}, report.as_json()


def test_it_is_registered_locked_and_taken_along_into_the_claim(desk, signer):
    bank, chain, stage = desk.stage.cast.bank, Chain(desk.stage, "PO-P1"), order(desk, "PO-P1")
    pledge = pledged(desk, stage)

    shown = desk.pledge(pledge)
    assert (shown["state"], shown["stage"], shown["receivable"]) == ("EFFECTIVE", stage["id"], None)
    assert shown["ready_to_disburse_at"] is not None
    pool = identity(stage["pool"])
    assert chain.numbers(pool) == (100_000, 70_000, 30_000)
    fragments(desk, signer, pledge)

    claim = chain.claim("1000.00")
    assert chain.numbers(claim) == (100_000, 70_000, 30_000)
    converted = desk.did(bank, f"/v1/pools/{public_id('cap', claim)}/convert", {"holder": pledge})

    assert converted["held"] == money("700.00")
    assert chain.numbers(pool) == (0, 0, 0)
    fragments(desk, signer, pledge)

    desk.release(pledge)
    work(desk.stage)
    assert chain.numbers(claim) == (100_000, 0, 100_000)


def test_taken_along_in_parts_it_is_proven_in_every_form(desk, signer):
    bank, chain, stage = desk.stage.cast.bank, Chain(desk.stage, "PO-P2"), order(desk, "PO-P2")
    pledge = pledged(desk, stage)
    claims = [chain.claim("400.00"), chain.claim("600.00")]

    for claim, amount in zip(claims, ("400.00", "100.00"), strict=True):
        body = {"holder": pledge, "amount": money(amount)}
        desk.did(bank, f"/v1/pools/{public_id('cap', claim)}/convert", body)

    assert [chain.numbers(claim)[1] for claim in claims] == [40_000, 30_000]
    assert chain.numbers(identity(stage["pool"]))[1] == 20_000
    fragments(desk, signer, pledge)
    desk.release(pledge)
    work(desk.stage)
    assert [chain.numbers(claim)[1] for claim in claims] == [0, 0]


def converted(desk, chain, pledge, amount="1000.00"):
    """The claim's pool, into which the bank took its pledge along."""
    claim = chain.claim(amount)
    body = {"holder": pledge}
    desk.did(desk.stage.cast.bank, f"/v1/pools/{public_id('cap', claim)}/convert", body)
    return claim


def holders(desk, *tokens):
    with desk.stage.database.reading() as session:
        rows = {f"0x{row.token.hex()}": row.holders for row in session.scalars(select(AssetToken))}
    return [rows.get(token, 0) for token in tokens]


def test_the_lock_follows_the_value_without_a_gap(desk, signer):
    chain, stage = Chain(desk.stage, "PO-L1"), order(desk, "PO-L1")
    pledge = pledged(desk, stage)
    (former,) = desk.pledge(pledge)["lock"]["tokens"]

    converted(desk, chain, pledge)
    desk.work()
    assert holders(desk, former) == [1], "given back once the claim is locked, not before"
    (taken,) = desk.mine()
    (token,) = taken["tokens"]
    desk.work()
    given = desk.mine()
    desk.work()

    assert (taken["purpose"], token != former) == ("asset_lock", True)
    assert [(one["purpose"], one["tokens"]) for one in given] == [("asset_unlock", [former])]
    shown = desk.pledge(pledge)["lock"]
    assert (shown["state"], shown["tokens"]) == ("final", [token])
    assert holders(desk, former, token) == [0, 1]
    assert desk.do_again() > 0
    assert (desk.mine(), desk.pledge(pledge)["lock"]) == ([], shown)
    fragments(desk, signer, pledge)
    desk.release(pledge)
    desk.work()
    assert [(one["purpose"], one["tokens"]) for one in desk.mine()] == [("asset_unlock", [token])]
    desk.work()
    assert holders(desk, token) == [0]


def test_what_is_left_of_the_order_stays_locked_beside_the_claim(desk, signer):
    chain, stage = Chain(desk.stage, "PO-L2"), order(desk, "PO-L2")
    pledge = pledged(desk, stage)
    (former,) = desk.pledge(pledge)["lock"]["tokens"]

    converted(desk, chain, pledge, "400.00")
    desk.work()
    (taken,) = desk.mine()
    desk.work()

    assert desk.mine() == []
    tokens = desk.pledge(pledge)["lock"]["tokens"]
    assert (tokens, tokens[0], len(tokens)) == (taken["tokens"], former, 2)
    assert holders(desk, *tokens) == [1, 1]
    fragments(desk, signer, pledge)
    converted(desk, chain, pledge, "600.00")
    desk.work()
    desk.mine()
    desk.work()
    assert [(one["purpose"], one["tokens"]) for one in desk.mine()] == [("asset_unlock", [former])]
    assert holders(desk, former, *desk.pledge(pledge)["lock"]["tokens"]) == [0, 1, 1]


def test_a_value_that_moves_while_its_lock_is_taken_is_followed(desk, monkeypatch):
    chain, stage = Chain(desk.stage, "PO-L3"), order(desk, "PO-L3")
    pledge = pledged(desk, stage)
    (former,) = desk.pledge(pledge)["lock"]["tokens"]
    desk.lose()
    ask, moves = locking._ticket, [lambda: converted(desk, chain, pledge)]

    def ticket(*args, **named):
        """Between the question for a ticket and its use the bank converts."""
        answer = ask(*args, **named)
        if moves:
            moves.pop()()
        return answer

    monkeypatch.setattr(locking, "_ticket", ticket)
    desk.work()

    calls = desk.mine()
    desk.work()
    assert [(one["purpose"], one["tokens"] == [former]) for one in calls] == [("asset_lock", False)]
    shown = desk.pledge(pledge)
    assert shown["lock"]["tokens"] == calls[0]["tokens"]
    assert [(one["purpose"], one["tokens"]) for one in desk.mine()] == [("asset_unlock", [former])]
    assert shown["missing"] == []


def test_a_lost_block_brings_back_the_claims_lock_and_never_the_orders(desk):
    chain, stage = Chain(desk.stage, "PO-L4"), order(desk, "PO-L4")
    pledge = pledged(desk, stage)
    (former,) = desk.pledge(pledge)["lock"]["tokens"]
    converted(desk, chain, pledge)
    desk.work()
    (taken,) = desk.mine()
    desk.work()

    lose_lock(desk, pledge)  # before the order's token was given back
    desk.work()

    assert desk.pledge(pledge)["lock"]["state"] == "sent"
    calls = desk.mine()
    assert [(one["purpose"], one["tokens"]) for one in calls] == [
        ("asset_unlock", [former]),
        ("asset_lock", taken["tokens"]),
    ]
    desk.work()
    assert holders(desk, former, *taken["tokens"]) == [0, 1]
    assert desk.pledge(pledge)["missing"] == []


def lose_lock(desk, pledge):
    """Let the chain lose the block of a pledge's newest lock."""
    with desk.stage.database.transaction() as session:
        entry = session.get_one(Pledge, identity(pledge)).lock
        row = session.get_one(ChainTransaction, entry.transaction_id)
        row.state = TransactionState.SIGNED
        tell(session, row, "lost")


def test_an_invoice_that_another_platform_holds_leaves_the_order_locked(desk):
    chain, stage = Chain(desk.stage, "PO-L5"), order(desk, "PO-L5")
    pledge = pledged(desk, stage)
    (former,) = desk.pledge(pledge)["lock"]["tokens"]
    converted(desk, chain, pledge)
    desk.work()

    desk.mine(error={"error": "RegistryHeld", "token": "0x01", "operator": "0x02", "expiry": 1})
    desk.work()

    shown = desk.pledge(pledge)["lock"]
    assert (shown["state"], shown["problem"]) == ("none", "RegistryHeld")
    assert (holders(desk, former), desk.mine()) == ([1], [])


def test_what_must_be_refused_is(desk):
    cast, stage = desk.stage.cast, order(desk, "PO-P3")
    path = f"/v1/stages/{stage['id']}/pledges"

    assert desk.refused(cast.anchor, path, proposal(desk))["code"] == "stage.action_not_allowed"
    assert desk.refused(cast.second_supplier, path, proposal(desk))["code"] == "subject.not_found"
    much = proposal(desk, amount=money("1000.01"))
    assert desk.refused(cast.supplier, path, much)["code"] == "capacity.insufficient"
    claimed = desk.signed_pledge(desk.receivable(71))
    body = {"signers": cast.supplier.signers("pledge")}
    signing = f"/v1/pledges/{claimed}/sign-draft"
    assert desk.refused(cast.supplier, signing, body)["code"] == "pledge.signed_with_contract"
