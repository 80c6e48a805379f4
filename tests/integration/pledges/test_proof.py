"""A pledge's proof as the bank takes it away: verified by the verifier, which knows no platform."""

import itertools
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from scf.evidence.sequencing import open_log
from scf.parties import certification
from scf.parties import queries as parties
from scf.registry.receipts import AUTHORITY
from scf_ledger import trust
from scf_ledger.certificates import load_authority
from scf_ledger.encoding import from_b64url
from scf_ledger.event_types import Scope
from scf_ledger.note import Signer
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.actors import STORY_BEGINS
from tests.support.factoring import CLEAR, WITH_RECOURSE
from tests.support.log import sequence_all
from tests.support.splitting import agree_split

OFFLINE = set(Fragment) - {Fragment.ANCHOR, Fragment.STANDING}


@pytest.fixture(scope="module")
def signer(open_desk):
    """The key of the log, which is opened with it."""
    made = Signer.generate("test.example/log")
    with open_desk.stage.database.transaction() as session:
        open_log(session, made, now=open_desk.stage.clock.real())
    return made


HOURS = itertools.count(1)


def publish(desk, signer):
    """Sequence what waits; take in the authorities' revocation lists of a later hour."""
    cast, at = desk.stage.cast, STORY_BEGINS + timedelta(hours=next(HOURS))
    with desk.stage.database.transaction() as session:
        for scope, authority in cast.authorities.items():
            certification.receive_revocations(
                session, cast.authority_ids[scope], der=authority.crl(at=at), now=at
            )
    sequence_all(desk.stage.settings.database_url, signer)


def trusted(desk, signer):
    with desk.stage.database.reading() as session:
        content = trust.build(
            logs=[("test.example/log", str(signer.verifier), None)],
            authorities=parties.authorities(session),
        )
    return trust.parse(content)


def proof(desk, pledge, who=None):
    return desk.stage.get(who or desk.stage.cast.bank, f"/v1/pledges/{pledge}/proof")


def statuses(report):
    return {fragment: outcome.status for fragment, outcome in report.fragments.items()}


def test_the_bank_verifies_it_offline(desk, signer):
    pledge = desk.ready_pledge(desk.receivable(1))
    assert proof(desk, pledge).json()["code"] == "evidence.pending"
    publish(desk, signer)

    answer = proof(desk, pledge)

    assert answer.headers["content-type"] == "application/vnd.scf.proof+json"
    report = verify_file(answer.content, trusted(desk, signer))
    found = statuses(report)
    assert {fragment: found[fragment] for fragment in OFFLINE} == dict.fromkeys(
        OFFLINE, Status.PASS
    ), report.as_json()


def test_the_register_vouches_for_what_it_registered_and_changed(desk, signer):
    """Its receipt travels with both entries; only who lists its authority has more than the platform's word."""
    pledge = desk.ready_pledge(desk.receivable(9))
    bank = desk.stage.cast.bank
    desk.did(bank, f"/v1/pledges/{pledge}/extend-registration", {"months": 6})
    desk.work()
    publish(desk, signer)
    content, believed = proof(desk, pledge).content, trusted(desk, signer)
    ca = (desk.registry.data / AUTHORITY / "ca.pem").read_text()
    listed = replace(
        believed, authorities=(*believed.authorities, load_authority(ca, Scope.REGISTRY))
    )

    receipts = [one for one in json.loads(content)["entries"] if "receipt" in one]
    assert len(receipts) == 2, "of the registration and of its extension"
    report = verify_file(content, listed)
    assert report.passed, report.as_json()
    assert report.facts["registration"] == {"vouched_by": "register"}
    report = verify_file(content, believed)
    assert report.passed
    assert report.facts["registration"] == {"vouched_by": "platform"}


def test_it_is_proven_again_after_a_lock_was_lost(desk, signer):
    pledge = desk.ready_pledge(desk.receivable(2))
    desk.lose()
    desk.work()
    assert proof(desk, pledge).json()["code"] == "pledge.not_provable"
    desk.mine()
    desk.work()
    publish(desk, signer)

    found = statuses(verify_file(proof(desk, pledge).content, trusted(desk, signer)))

    assert all(found[fragment] is Status.PASS for fragment in OFFLINE)


def test_two_pledges_of_one_claim_are_each_proven_and_hide_each_other(desk, signer):
    cast = desk.stage.cast
    receivable = desk.receivable(3, "100.00")
    parts = [(cast.bank, "60.00", "62220001"), (cast.second_bank, "40.00", "62220002")]
    agree_split(desk, receivable, parts)
    own = desk.ready_pledge(receivable, amount="60.00", pledged="60.00")
    others = desk.ready_pledge(receivable, bank=cast.second_bank, amount="40.00", pledged="40.00")
    publish(desk, signer)

    content = proof(desk, own).content

    found = statuses(verify_file(content, trusted(desk, signer)))
    assert all(found[fragment] is Status.PASS for fragment in OFFLINE)
    shown = disclosed(content)
    for stranger in (others, cast.second_bank.id, cast.second_bank.uscc):
        assert stranger not in shown
    found = statuses(
        verify_file(proof(desk, others, cast.second_bank).content, trusted(desk, signer))
    )
    assert all(found[fragment] is Status.PASS for fragment in OFFLINE)


def test_a_released_pledge_is_not_proven_any_more(desk, signer):
    pledge = desk.ready_pledge(desk.receivable(4))
    desk.release(pledge)

    assert proof(desk, pledge).json()["code"] == "pledge.not_provable"


def disclosed(content):
    """All that a proof says in clear: disclosures and signed statements, decoded."""

    value = json.loads(content)
    texts = []
    for entry in value["entries"]:
        texts += [from_b64url(text).decode() for text in entry["disclosures"]]
        texts += [from_b64url(jws.split(".")[1]).decode() for jws in entry["authorizations"]]
    return "\n".join(texts)


def test_a_factoring_is_proven_as_what_it_is(desk, signer):
    pledge = desk.ready_pledge(desk.receivable(8), security=WITH_RECOURSE, trade=CLEAR)
    publish(desk, signer)

    report = verify_file(proof(desk, pledge).content, trusted(desk, signer))

    found = statuses(report)
    assert all(found[fragment] is Status.PASS for fragment in OFFLINE)
    assert report.facts["pledge"]["security"] == WITH_RECOURSE
