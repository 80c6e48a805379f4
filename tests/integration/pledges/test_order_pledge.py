"""A pledge of an order, from its proposal to the claim: one holder, one proof, whatever form the value has."""

import pytest

from scf.evidence.sequencing import open_log
from scf.kernel.ids import public_id
from scf.parties import queries as parties
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
