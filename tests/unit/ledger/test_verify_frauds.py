"""An operator who writes what is not so, hashes and signs it properly, and is caught all the same."""

import pytest

from tests.golden import formats as f
from tests.golden import story
from tests.golden.story import tell
from tests.unit.ledger.verdicts import failing, verify

KINDS = {
    "opened": "OPEN",
    "reserved": "RESERVE",
    "paid": "PAY",
    "diluted": "DILUTE",
    "released": "RELEASE",
    "reversed": "REVERSE",
}


def later_pool(event, deltas, sums):
    return {
        "type_": f"pool.{event}",
        "subject": story.POOL,
        "record": story.pool(KINDS[event], f.sha256(b"a cause"), deltas, sums),
    }


def later_pledge(type_, **record):
    return {"type_": type_, "subject": story.PLEDGE, "record": record}


OTHER_SECRET = f.sha256(b"another pool")
TOO_MUCH = {"signed": {"amount": f.cny("1300000.00")}, "accepted": {"amount": f.cny("1300000.00")}}
OTHER_CLERK = {"person": f.make_id("per", "car.clerk"), "word": "another key"}
UNCLEAN = {"cert_no": "CX2", "results_hash": f.b64u(f.sha256(b"results")), "clean": True}

SIGNED_FACTORING = {"signed": {"security": story.SECURITY}}

FRAUDS = {
    # What it is
    "a pledge that was signed is shown as a factoring": (
        {"record": story.BOTH},
        {"authorization": "authorization.content_differs"},
    ),
    "a factoring that was signed is shown as a pledge": (
        {"content": story.BOTH},
        {"authorization": "authorization.content_differs"},
    ),
    "a factoring with recourse is shown as one without": (
        {
            "record": {
                step: {"security": {**story.SECURITY, "recourse": False}}
                for step in ("signed", "accepted")
            },
            "content": story.BOTH,
        },
        {"authorization": "authorization.content_differs"},
    ),
    "the bank accepted a pledge where a factoring was signed": (
        {"record": SIGNED_FACTORING, "content": SIGNED_FACTORING},
        {"completeness": "completeness.terms_differ"},
    ),
    # False sums
    "the pool says more is confirmed than the debtor signed": (
        {
            "record": {
                "opened": {"confirmed_delta": f.cny("2000000.00"), "confirmed": f.cny("2000000.00")}
            }
        },
        {"completeness": "completeness.pool_sum"},
    ),
    "a false running sum": (
        {"record": {"reserved": {"confirmed": f.cny("2490000.00")}}},
        {"completeness": "completeness.pool_sum"},
    ),
    "a false shortfall": (
        {"record": {"reserved": {"shortfall": f.cny("0.01")}}},
        {"completeness": "completeness.pool_sum"},
    ),
    "more is reserved than is free": (
        {
            "record": {
                **TOO_MUCH,
                "reserved": {
                    "used_delta": f.cny("1300000.00"),
                    "used": f.cny("1300000.00"),
                    "shortfall": f.cny("55000.00"),
                },
            }
        },
        {"completeness": "completeness.over_capacity"},
    ),
    "less is reserved than is pledged": (
        {"record": {"reserved": {"used_delta": f.cny("1.00"), "used": f.cny("1.00")}}},
        {"completeness": "completeness.reserved_amount"},
    ),
    "the claim does not add up": (
        {"record": {"confirmed": {"disputed": f.cny("1.00")}}},
        {"completeness": "completeness.claim_sum"},
    ),
    "a negative part of the claim": (
        {
            "record": {
                "confirmed": {"disputed": f.cny("-100.00"), "rejected": f.cny("41500.00")},
            }
        },
        {"completeness": "completeness.claim_sum"},
    ),
    "the reservation is undone behind the pledge": (
        {
            "extra": [
                (
                    "undone",
                    later_pool("released", ("0.00", "-1245000.00"), ("1245000.00", "0.00", "0.00")),
                )
            ]
        },
        {"completeness": "completeness.reservation_gone"},
    ),
    "a second reservation beyond what is free": (
        {
            "extra": [
                (
                    "second",
                    later_pool(
                        "reserved", ("0.00", "10.00"), ("1245000.00", "1245010.00", "10.00")
                    ),
                )
            ]
        },
        {"completeness": "completeness.over_capacity"},
    ),
    "the pool is opened again": (
        {
            "extra": [
                (
                    "again",
                    later_pool("opened", ("100.00", "0.00"), ("1245100.00", "1245000.00", "0.00")),
                )
            ]
        },
        {"completeness": "completeness.pool_opened_once"},
    ),
    "a reversal of what was never paid": (
        {
            "extra": [
                (
                    story.POOL,
                    later_pool("reversed", ("5.00", "0.00"), ("1245005.00", "1245000.00", "0.00")),
                )
            ]
        },
        {"completeness": "completeness.pool_sum"},
    ),
    "a release that adds": (
        {
            "extra": [
                (
                    "odd",
                    later_pool("released", ("0.00", "5.00"), ("1245000.00", "1245005.00", "5.00")),
                )
            ]
        },
        {"completeness": "completeness.pool_kind"},
    ),
    # Two pools, two versions
    "a second pool with a secret of its own": (
        {"secret": {story.POOL: OTHER_SECRET}},
        {"completeness": "completeness.other_pool"},
    ),
    "a wrong tag in the log": (
        {"tag": {"reserved": f.make_tag(story.SECRETS[story.POOL], 9)}},
        {"inclusion": "inclusion.wrong_tag"},
    ),
    "a tag under another secret": (
        {"tag": {"opened": f.make_tag(OTHER_SECRET, 1)}},
        {"inclusion": "inclusion.wrong_tag"},
    ),
    "a version is written twice and both are shown": (
        {
            "extra": [
                (
                    "twin",
                    {
                        **later_pool(
                            "diluted", ("-1.00", "0.00"), ("1244999.00", "1245000.00", "1.00")
                        ),
                        "version": 2,
                    },
                )
            ]
        },
        {"completeness": "completeness.version_twice"},
    ),
    "a pool version is skipped": (
        {
            "extra": [
                (
                    "skip",
                    {
                        **later_pool(
                            "diluted", ("-1.00", "0.00"), ("1244999.00", "1245000.00", "1.00")
                        ),
                        "version": 4,
                    },
                )
            ]
        },
        {"completeness": "completeness.version_missing"},
    ),
    "a version that names another one before it": (
        {"previous": {"registered": f.sha256(b"elsewhere")}},
        {"completeness": "completeness.chain_broken"},
    ),
    # Links
    "the pool opened by something else": (
        {"record": {"opened": {"cause": f.b64u(f.sha256(b"nothing"))}}},
        {"completeness": "completeness.link_broken"},
    ),
    "the reservation is for another pledge": (
        {"record": {"reserved": {"cause": f.b64u(f.sha256(b"another pledge"))}}},
        {"completeness": "completeness.reserved_once"},
    ),
    "the acceptance is of another signed pledge": (
        {"record": {"accepted": {"signed_event": f.b64u(f.sha256(b"another"))}}},
        {"completeness": "completeness.link_broken"},
    ),
    "the pledge builds on another confirmation": (
        {
            "record": {
                name: {"receivable_event": f.b64u(f.sha256(b"another"))}
                for name in ("signed", "accepted")
            }
        },
        {"completeness": "completeness.link_broken"},
    ),
    "the bank accepted other terms": (
        {"record": {"accepted": {"amount": f.cny("1245000.01")}}},
        {"completeness": "completeness.terms_differ"},
    ),
    "the pledgor is not the creditor": (
        {
            "record": {name: {"pledgor": story.CAR_MAKER} for name in ("signed", "accepted")},
            "signer": {"signed": "car.clerk"},
        },
        {"completeness": "completeness.terms_differ"},
    ),
    "the pool is of another asset": (
        {"record": {"reserved": {"asset": f.make_id("rcv", "another")}}},
        {"completeness": "completeness.terms_differ"},
    ),
    "a lock for fewer invoices": (
        {"record": {"locked": {"tokens": ["0x" + "11" * 32]}}},
        {"completeness": "completeness.tokens"},
    ),
    "the same token three times": (
        {"record": {"locked": {"tokens": ["0x" + "11" * 32] * 3}}},
        {"completeness": "completeness.tokens"},
    ),
    # The pledge's life
    "the lock was lost": (
        {
            "extra": [
                (
                    "lost",
                    later_pledge(
                        "pledge.lock_lost",
                        tokens=["0x" + "11" * 32],
                        ticket_sha256=f.b64u(f.sha256(b"t")),
                        tx="0x" + "22" * 32,
                    ),
                )
            ]
        },
        {"completeness": "completeness.lock_lost"},
    ),
    "a pledge that is cancelled already": (
        {"extra": [("over", later_pledge("pledge.cancelled", due_on="2026-01-05", reg_no="DJ1"))]},
        {"completeness": "completeness.pledge_over"},
    ),
    "an entry of another case": (
        {
            "extra": [
                (
                    "foreign",
                    {
                        "type_": "receivable.paid",
                        "subject": story.RECEIVABLE.replace("rcv_4", "rcv_5"),
                        "record": {
                            "amount": f.cny("1.00"),
                            "paid_on": "2025-12-19",
                            "account": "6217",
                        },
                    },
                )
            ],
            "secret": {story.RECEIVABLE.replace("rcv_4", "rcv_5"): OTHER_SECRET},
        },
        {"completeness": "completeness.foreign_entry"},
    ),
    # Signatures that are real, and wrong
    "the debtor signed another amount": (
        {"content": {"confirmed": {"confirmed": f.cny("1.00")}}},
        {"authorization": "authorization.content_differs"},
    ),
    "the debtor signed another pool secret": (
        {"content": {"confirmed": {"pool_secret_sha256": f.b64u(f.sha256(b"?"))}}},
        {"authorization": "authorization.content_differs"},
    ),
    "the pledgor signed another bank": (
        {"content": {"signed": {"pledgee": story.SUPPLIER}}},
        {"authorization": "authorization.content_differs"},
    ),
    "maker and checker signed different accounts": (
        {"content": {"confirmed.check": {"remark": "other"}}},
        {"authorization": "authorization.steps_differ"},
    ),
    "one person is maker and checker": (
        {"signer": {"confirmed.check": "car.clerk"}},
        {"authorization": "authorization.same_person"},
    ),
    "one person with two certificates is maker and checker": (
        {"certificate": {"car.approver": OTHER_CLERK}},
        {"authorization": "authorization.same_person"},
    ),
    "one statement id for both": (
        {"statement": {"accepted": {"id": f.make_id("stm", "same")}}},
        {"authorization": "authorization.same_person"},
    ),
    "the supplier confirms its own claim": (
        {"signer": {"confirmed.make": "supplier"}},
        {"authorization": "authorization.wrong_party"},
    ),
    "an enterprise's authority speaks for a bank": (
        {"certificate": {"bank.clerk": {"ca": story.ENTERPRISE_CA}}},
        {"authorization": "authorization.wrong_scope"},
    ),
    "a statement in another's name": (
        {"statement": {"signed": {"person": f.make_id("per", "somebody")}}},
        {"authorization": "certificate.invalid"},
    ),
    "a statement of another installation": (
        {"statement": {"signed": {"origin": "other.example/log"}}},
        {"authorization": "authorization.wrong_origin"},
    ),
    "a statement about another version": (
        {"statement": {"accepted": {"version": 1}}},
        {"authorization": "authorization.wrong_version"},
    ),
    "a statement about another event": (
        {"statement": {"accepted": {"subject_event": f.b64u(f.sha256(b"?"))}}},
        {"authorization": "authorization.wrong_version"},
    ),
    "a statement that had expired": (
        {"statement": {"signed": {"expires_at": "2025-11-07T01:30:00Z"}}},
        {"authorization": "authorization.out_of_time"},
    ),
    "a statement from after the event": (
        {"statement": {"signed": {"issued_at": "2025-11-07T03:00:00Z"}}},
        {"authorization": "authorization.out_of_time"},
    ),
    "a certificate that was not valid yet": (
        {"certificate": {"supplier": {"valid_from": "2025-12-01"}}},
        {"authorization": "certificate.invalid"},
    ),
    "a certificate that was not valid any more": (
        {"certificate": {"supplier": {"valid_to": "2025-11-01"}}},
        {"authorization": "certificate.invalid"},
    ),
    "a certificate of a USCC with a wrong check digit": (
        {"certificate": {"supplier": {"uscc": story.SUPPLIER[:-1] + "1"}}},
        {"authorization": "certificate.invalid"},
    ),
    "a step where one signs alone": (
        {"statement": {"signed": {"step": "make"}}},
        {
            "authorization": "authorization.wrong_step",
            "completeness": "completeness.signer_missing",
        },
    ),
    "a release signed in place of a pledge": (
        {"statement": {"signed": {"act": "release"}}},
        {"authorization": "authorization.unexpected_act"},
    ),
    "nobody checked": (
        {"unsigned": ["confirmed.check"]},
        {"completeness": "completeness.signer_missing"},
    ),
    "nobody signed": (
        {"unsigned": ["confirmed.check", "confirmed.make"]},
        {"completeness": "completeness.signer_missing"},
    ),
    "a signature on an event that needs none": (
        {"authorizations": {"registered": ["a.b.c"]}},
        {"authorization": "format.malformed"},
    ),
    # Records
    "a float for an amount": (
        {"record": {"registered": {"reg_no": ""}}},
        {"record": "record.field_malformed"},
    ),
    "an id that is not the body's": (
        {"record": {"signed": {"id": f.make_id("plg", "another")}}},
        {"record": "record.differs_from_body"},
    ),
    "a pool kind that is not the type's": (
        {"record": {"reserved": {"kind": "RELEASE"}}},
        {"record": "record.field_malformed"},
    ),
    "an amount in another currency": (
        {"record": {"opened": {"used": {"amount": "0.00", "currency": "USD"}}}},
        {"record": "record.field_malformed"},
    ),
}


class TestOperator:
    @pytest.mark.parametrize("fraud", FRAUDS)
    def test_is_caught_when(self, fraud):
        bent, expected = FRAUDS[fraud]
        report = verify(tell(noise=3, **bent))
        assert failing(report) == expected, report.as_json()["fragments"]
        assert report.verdict == "fail"


PAID = later_pool("paid", ("-1245000.00", "-1245000.00"), ("0.00", "0.00", "0.00"))
PART_PAID = later_pool("paid", ("-45000.00", "-45000.00"), ("1200000.00", "1200000.00", "0.00"))
DILUTED = later_pool("diluted", ("-1.00", "0.00"), ("1244999.00", "1245000.00", "1.00"))
UNDONE = later_pool("released", ("0.00", "-1200000.00"), ("1200000.00", "0.00", "0.00"))


class TestHonestOperator:
    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"basket": ("confirmed",)},
            {"extra": [("searched", later_pledge("pledge.searched", **UNCLEAN))]},
            {"extra": [("diluted", DILUTED)]},
            {"extra": [("paid", PAID)]},
            {"extra": [("paid", PART_PAID)]},
            {"content": {"confirmed": {"remark": "beside the table"}}},
        ],
    )
    def test_passes(self, more):
        report = verify(tell(noise=3, **more))
        assert failing(report) == {}
        assert report.verdict == "pass"

    def test_passes_in_a_log_of_one_case(self):
        assert verify(tell(noise=0)).verdict == "pass"

    def test_who_was_paid_in_part_and_released_without_the_bank_is_not(self):
        report = verify(tell(noise=3, extra=[("paid", PART_PAID), ("undone", UNDONE)]))
        assert failing(report) == {"completeness": "completeness.reservation_gone"}
