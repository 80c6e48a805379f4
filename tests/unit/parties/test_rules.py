"""Who may sign what, rule by rule."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from scf.kernel.money import CurrencyMismatch, Money
from scf.parties import rules
from scf.parties.models import Certificate, Mandate, Party, PartyKind, Role
from scf_ledger.event_types import ACTS

NOW = datetime(2025, 11, 3, 2, 0, tzinfo=UTC)
PARTY, PERSON, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)


def a_party(**changes):
    return Party(**{"id": PARTY, "kind": PartyKind.ENTERPRISE, "revoked_at": None} | changes)


def a_mandate(**changes):
    return Mandate(
        **{
            "party_id": PARTY,
            "person_id": PERSON,
            "role": Role.MAKER,
            "acts": ["confirm"],
            "limit_minor": 5_000_000_00,
            "limit_currency": "CNY",
            "valid_from": NOW - timedelta(days=1),
            "valid_to": NOW + timedelta(days=1),
            "revoked_at": None,
        }
        | changes
    )


def a_certificate(**changes):
    return Certificate(
        **{
            "party_id": PARTY,
            "person_id": PERSON,
            "valid_from": NOW - timedelta(days=1),
            "valid_to": NOW + timedelta(days=1),
            "revoked_at": None,
        }
        | changes
    )


def check(mandate, *, act="confirm", step="make", person=PERSON, now=NOW):
    rules.check_mandate(mandate, party=PARTY, person=person, act=act, step=step, now=now)


def test_every_act_has_its_hands_and_its_kind_of_party():
    assert set(rules.STEPS) == set(rules.SCOPES) == ACTS
    assert rules.STEPS["confirm"] == rules.STEPS["accept"] == ("make", "check")
    assert rules.STEPS["pledge"] == (None,)


def test_an_enterprise_confirms_and_a_bank_accepts():
    rules.check_party(a_party(), "confirm")
    rules.check_party(a_party(kind=PartyKind.BANK), "accept")

    with pytest.raises(rules.ActNotForParty):
        rules.check_party(a_party(kind=PartyKind.BANK), "confirm")
    with pytest.raises(rules.ActNotForParty):
        rules.check_party(a_party(), "release")
    with pytest.raises(rules.PartyRevoked):
        rules.check_party(a_party(revoked_at=NOW), "confirm")


@pytest.mark.parametrize(
    ("act", "persons", "error"),
    [
        ("confirm", [PERSON], rules.HandsWrong),
        ("confirm", [PERSON, OTHER, PARTY], rules.HandsWrong),
        ("confirm", [PERSON, PERSON], rules.SamePerson),
        ("pledge", [PERSON, OTHER], rules.HandsWrong),
        ("pledge", [], rules.HandsWrong),
    ],
)
def test_the_hands_are_two_people_or_one(act, persons, error):
    rules.check_hands("confirm", [PERSON, OTHER])
    rules.check_hands("pledge", [PERSON])

    with pytest.raises(error):
        rules.check_hands(act, persons)


@pytest.mark.parametrize(
    ("changes", "arguments", "error"),
    [
        ({"revoked_at": NOW}, {}, rules.MandateRevoked),
        ({"revoked_at": NOW + timedelta(days=9)}, {}, rules.MandateRevoked),
        ({"valid_from": NOW + timedelta(microseconds=1)}, {}, rules.MandateNotInForce),
        ({"valid_to": NOW}, {}, rules.MandateNotInForce),
        ({"party_id": OTHER}, {}, rules.MandateNotFor),
        ({}, {"person": OTHER}, rules.MandateNotFor),
        ({}, {"step": "check"}, rules.MandateNotFor),
        ({}, {"step": None}, rules.MandateNotFor),
        ({}, {"act": "dispute"}, rules.MandateNotFor),
    ],
)
def test_a_mandate_covers_what_it_says_and_nothing_beside(changes, arguments, error):
    check(a_mandate())
    check(a_mandate(valid_from=NOW))

    with pytest.raises(error):
        check(a_mandate(**changes), **arguments)


def test_an_act_stays_within_its_limit():
    rules.check_limit(a_mandate(), Money(5_000_000_00))

    with pytest.raises(rules.MandateLimitExceeded) as refused:
        rules.check_limit(a_mandate(), Money(5_000_000_01))
    assert refused.value.fields == {"limit": Money(5_000_000_00), "asked": Money(5_000_000_01)}
    with pytest.raises(CurrencyMismatch):
        rules.check_limit(a_mandate(), Money(1, "USD"))


@pytest.mark.parametrize(
    ("changes", "person", "error"),
    [
        ({"revoked_at": NOW}, PERSON, rules.CertificateRevoked),
        ({"valid_from": NOW - timedelta(minutes=5)}, PERSON, rules.CertificateNotValid),
        ({"valid_to": NOW - timedelta(seconds=1)}, PERSON, rules.CertificateNotValid),
        ({"party_id": OTHER}, PERSON, rules.CertificateWrongHolder),
        ({}, OTHER, rules.CertificateWrongHolder),
    ],
)
def test_a_certificate_holds_from_the_draft_to_the_hand_in(changes, person, error):
    issued_at = NOW - timedelta(minutes=10)
    rules.check_certificate(
        a_certificate(), party=PARTY, person=PERSON, issued_at=issued_at, now=NOW
    )

    with pytest.raises(error):
        rules.check_certificate(
            a_certificate(**changes), party=PARTY, person=person, issued_at=issued_at, now=NOW
        )
