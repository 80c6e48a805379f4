"""Who decides: one person within their mandate, or a committee; and what a revocation does to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scf.kernel.money import Money
from scf.parties import service as parties
from scf.parties.models import Role
from tests.support.approving import (
    TOP,
    adopt,
    approver,
    by,
    case_of,
    decide,
    hire,
    investigate,
    officer,
    path_of,
    small,
)
from tests.support.receivables import money


def a_committee(people, **other):
    return {
        "decision": {
            "within": 5,
            "ladder": [
                {"up_to": money("900000.00")},
                {
                    "up_to": money(TOP),
                    "committee": {
                        "members": [hand.person for hand in people],
                        "chair": people[0].person,
                        "quorum": 3,
                        **other,
                    },
                },
            ],
        }
    }


def revoke(desk, hand, role=Role.CHECKER):
    with desk.stage.database.transaction() as session:
        now = desk.stage.clock.now()
        parties.revoke_mandate(session, hand.mandates[role], reason="离岗", now=now)


def before_a_decision(desk, receivable, **parts):
    assert adopt(desk.stage, small(**parts)).is_success
    financing = desk.request(receivable)
    case = path_of(desk, financing)
    investigate(desk, case)
    return financing, case


def vote(desk, case, hand, says="for"):
    body = {**by(hand, Role.CHECKER), "vote": says, "opinion": "已阅"}
    return desk.did(desk.stage.cast.bank, f"{case}/vote", body)


def concluded(desk, case, chair):
    body = {**by(chair, Role.CHECKER), "reason": "表决结果"}
    return desk.did(desk.stage.cast.bank, f"{case}/conclude", body)


class TestOnePerson:
    def test_decides_within_the_limit_of_the_mandate(self, desk, receivable):
        bank = desk.stage.cast.bank
        weak = hire(desk.stage, "weak", [Role.CHECKER], limit=Money.parse("995999.99"))
        _, case = before_a_decision(desk, receivable)
        body = {**by(weak, Role.CHECKER), "approved": True, "reason": "同意"}

        found = desk.refused(bank, f"{case}/decide", body)

        assert found["code"] == "mandate.limit_exceeded"
        less = {"terms": {"amount": money("995999.99"), "days": 50}}
        assert desk.did(bank, f"{case}/decide", {**body, **less})["state"] == "APPROVED"

    def test_is_not_the_one_who_investigated(self, desk, receivable, people):
        bank = desk.stage.cast.bank
        both = hire(desk.stage, "both", [Role.MAKER, Role.CHECKER])
        assert adopt(desk.stage, small(review={"within": 2})).is_success
        case = path_of(desk, desk.request(receivable))
        body = {**by(both, Role.MAKER), "report": "x"}
        desk.did(bank, f"{case}/investigate", body)

        found = desk.refused(bank, f"{case}/review", {**by(both, Role.CHECKER), "report": "x"})
        assert found["code"] == "approval.hands_not_separate"
        desk.did(bank, f"{case}/review", {**by(people[0], Role.CHECKER), "report": "x"})
        for hand in (both, people[0]):
            body = {**by(hand, Role.CHECKER), "approved": True, "reason": "x"}
            found = desk.refused(bank, f"{case}/decide", body)
            assert found["code"] == "approval.hands_not_separate"

    def test_is_one_of_those_named(self, desk, receivable, people):
        ladder = [{"up_to": money(TOP), "people": [people[1].person]}]
        _, case = before_a_decision(desk, receivable, decision={"within": 5, "ladder": ladder})
        body = {"approved": True, "reason": "x"}

        found = desk.refused(
            desk.stage.cast.bank, f"{case}/decide", {**by(people[0], Role.CHECKER), **body}
        )

        assert found["code"] == "approval.not_named"
        own = {**by(people[1], Role.CHECKER), **body}
        assert desk.did(desk.stage.cast.bank, f"{case}/decide", own)["state"] == "APPROVED"

    def test_acts_under_their_own_mandate_of_this_bank(self, desk, receivable, people):
        cast = desk.stage.cast
        _, case = before_a_decision(desk, receivable)
        foreign = approver(cast.second_bank).signer(Role.CHECKER)
        borrowed = {**people[0].signer(Role.CHECKER), "person": people[1].person}

        for signer in (foreign, borrowed):
            body = {"by": signer, "approved": True, "reason": "x"}
            found = desk.refused(cast.bank, f"{case}/decide", body)
            assert found["code"] == "mandate.not_for_this"

    def test_an_offer_goes_no_further_than_the_decision(self, desk, receivable):
        bank = desk.stage.cast.bank
        financing, case = before_a_decision(desk, receivable)
        terms = {"amount": money("900000.00"), "days": 50, "rate_min": "0.04"}
        decide(desk, case, terms=terms)
        path = f"/v1/financings/{financing}/offer-draft"

        for offer, field in (
            (desk.offer(bank), "amount"),
            (desk.offer(bank, amount="900000.00"), "rate"),
        ):
            found = desk.refused(bank, path, offer)
            assert (found["code"], found["field"]) == ("approval.beyond_decision", field)
        desk.approve(financing, amount="900000.00", rate="0.04")

    def test_a_decision_lapses(self, desk, receivable):
        bank = desk.stage.cast.bank
        short = {"within": 5, "valid_days": 2, "ladder": [{"up_to": money(TOP)}]}
        financing, case = before_a_decision(desk, receivable, decision=short)
        decide(desk, case)
        desk.stage.clock.set(desk.stage.clock.now().replace(day=6))

        offer = desk.offer(bank, days=40)
        found = desk.refused(bank, f"/v1/financings/{financing}/offer-draft", offer)

        assert found["code"] == "approval.lapsed"
        assert found["fields"] == {"valid_until": "2025-11-05"}

    def test_no_is_given_back_and_decided_again(self, desk, receivable, people):
        bank = desk.stage.cast.bank
        financing, case = before_a_decision(desk, receivable)
        assert decide(desk, case, approved=False)["state"] == "REJECTED"
        assert desk.refused(bank, f"/v1/financings/{financing}/offer-draft", desk.offer(bank))

        body = {**by(people[0], Role.CHECKER), "to": "DECIDING", "reason": "复议"}
        assert desk.did(bank, f"{case}/return", body)["state"] == "DECIDING"
        left_out = {**body, "to": "REVIEWING"}
        assert desk.refused(bank, f"{case}/return", left_out)["code"] == "approval.state_forbids"
        assert decide(desk, case)["state"] == "APPROVED"


class TestCommittee:
    def test_votes_then_its_chair_concludes(self, desk, receivable, people):
        bank = desk.stage.cast.bank
        financing, case = before_a_decision(desk, receivable, **a_committee(people))
        alone = {**by(people[1], Role.CHECKER), "approved": True, "reason": "x"}
        assert desk.refused(bank, f"{case}/decide", alone)["code"] == "approval.another_way"
        alone |= {"approved": False, "terms": {"amount": money("1.00"), "days": 1}}
        assert desk.refused(bank, f"{case}/decide", alone)["code"] == "approval.another_way"
        assert case_of(desk, financing)["state"] == "DECIDING"
        vote(desk, case, people[0])
        again = {**by(people[0], Role.CHECKER), "vote": "for", "opinion": "x"}
        assert desk.refused(bank, f"{case}/vote", again)["code"] == "approval.voted_already"
        stranger = {**by(approver(bank), Role.CHECKER), "vote": "for", "opinion": "x"}
        assert desk.refused(bank, f"{case}/vote", stranger)["code"] == "approval.not_named"
        closing = {**by(people[0], Role.CHECKER), "reason": "x"}
        found = desk.refused(bank, f"{case}/conclude", closing)
        assert found["code"] == "approval.no_quorum"
        assert found["fields"] == {"voted": 1, "quorum": 3, "chair_voted": True}
        vote(desk, case, people[1])
        vote(desk, case, people[2], "against")
        other = {**by(people[1], Role.CHECKER), "reason": "x"}
        assert desk.refused(bank, f"{case}/conclude", other)["code"] == "approval.not_named"

        shown = concluded(desk, case, people[0])

        assert shown["state"] == "APPROVED"
        assert sorted(shown["decision"]["votes"].values()) == ["against", "for", "for"]
        desk.approve(financing)

    def test_the_chair_s_no_ends_it(self, desk, receivable, people):
        _, case = before_a_decision(desk, receivable, **a_committee(people))
        for hand, says in zip(people, ("against", "for", "for", "for"), strict=True):
            vote(desk, case, hand, says)

        assert concluded(desk, case, people[0])["state"] == "REJECTED"

    def test_votes_of_an_earlier_round_do_not_count(self, desk, receivable, people):
        bank = desk.stage.cast.bank
        parts = {"review": {"within": 2}, **a_committee(people)}
        assert adopt(desk.stage, small(**parts)).is_success
        case = path_of(desk, desk.request(receivable))
        investigate(desk, case)
        desk.did(bank, f"{case}/review", {**by(approver(bank), Role.CHECKER), "report": "x"})
        for hand in people[:3]:
            vote(desk, case, hand)
        body = {**by(approver(bank), Role.CHECKER), "to": "REVIEWING", "reason": "补充"}
        desk.did(bank, f"{case}/return", body)
        desk.did(bank, f"{case}/review", {**by(approver(bank), Role.CHECKER), "report": "x"})

        closing = {**by(people[0], Role.CHECKER), "reason": "x"}
        found = desk.refused(bank, f"{case}/conclude", closing)

        assert found["fields"] == {"voted": 0, "quorum": 3, "chair_voted": False}


class TestRevocation:
    def test_a_decision_not_yet_used_falls_with_its_mandate(self, desk, receivable):
        bank = desk.stage.cast.bank
        leaves = hire(desk.stage, "leaves", [Role.CHECKER])
        financing, case = before_a_decision(desk, receivable)
        body = {**by(leaves, Role.CHECKER), "approved": True, "reason": "x"}
        desk.did(bank, f"{case}/decide", body)
        revoke(desk, leaves)

        found = desk.refused(bank, f"/v1/financings/{financing}/offer-draft", desk.offer(bank))

        assert found["code"] == "approval.hand_revoked"
        again = {**by(approver(bank), Role.CHECKER), "to": "DECIDING", "reason": "授权撤销"}
        desk.did(bank, f"{case}/return", again)
        assert desk.refused(bank, f"{case}/decide", body)["code"] == "mandate.revoked"
        decide(desk, case)
        desk.approve(financing)

    def test_a_vote_does_not_count_once_its_mandate_is_gone(self, desk, receivable, people):
        leaves = hire(desk.stage, "voter", [Role.CHECKER])
        sits = [people[0], people[1], leaves]
        _, case = before_a_decision(desk, receivable, **a_committee(sits))
        for hand in sits:
            vote(desk, case, hand)
        revoke(desk, leaves)

        closing = {**by(people[0], Role.CHECKER), "reason": "x"}
        found = desk.refused(desk.stage.cast.bank, f"{case}/conclude", closing)

        assert found["code"] == "approval.no_quorum"
        assert found["fields"]["voted"] == 2

    def test_an_offer_and_a_revocation_at_one_moment_never_both_win(self, desk, receivable):
        """Either the offer stood before the mandate fell, or it was refused."""
        bank = desk.stage.cast.bank
        leaves = hire(desk.stage, "racer", [Role.CHECKER])
        financing, case = before_a_decision(desk, receivable)
        body = {**by(leaves, Role.CHECKER), "approved": True, "reason": "x"}
        desk.did(bank, f"{case}/decide", body)
        path = f"/v1/financings/{financing}"
        draft = desk.did(bank, f"{path}/offer-draft", desk.offer(bank))
        signed = {"authorizations": bank.sign_all(draft)}
        barrier = threading.Barrier(2, timeout=60)

        def offer():
            barrier.wait()
            return desk.stage.post(bank, f"{path}/approve", signed)

        def leave():
            barrier.wait()
            revoke(desk, leaves)

        with ThreadPoolExecutor(2) as threads:
            answer, left = threads.submit(offer), threads.submit(leave)
            left.result()
        state = case_of(desk, financing)["state"]

        if answer.result().is_success:
            assert state == "OFFERED"
        else:
            assert answer.result().json()["code"] == "approval.hand_revoked"
            assert state == "APPROVED"
            assert desk.financing(financing)["state"] == "REQUESTED"


ACTIONS = ("investigate", "review", "yes", "no", "INVESTIGATING", "REVIEWING", "DECIDING", "clear")
BACK = ("INVESTIGATING", "REVIEWING", "DECIDING")
MODEL = {
    ("INVESTIGATING", "investigate"): "REVIEWING",
    ("REVIEWING", "review"): "DECIDING",
    ("DECIDING", "yes"): "APPROVED",
    ("DECIDING", "no"): "REJECTED",
    ("REVIEWING", "INVESTIGATING"): "INVESTIGATING",
    ("DECIDING", "INVESTIGATING"): "INVESTIGATING",
    ("DECIDING", "REVIEWING"): "REVIEWING",
    **{(state, back): back for state in ("APPROVED", "REJECTED") for back in BACK},
}
"""What each act makes of a state; anything else is refused and changes nothing."""


def test_a_case_moves_as_its_model_says(desk, receivable, people):
    bank = desk.stage.cast.bank
    assert adopt(desk.stage, small(review={"within": 2})).is_success
    reviewer, decider = by(people[0], Role.CHECKER), by(people[1], Role.CHECKER)
    bodies = {
        "investigate": {**by(officer(bank), Role.MAKER), "report": "x"},
        "review": {**reviewer, "report": "x"},
        "yes": {**decider, "approved": True, "reason": "x"},
        "no": {**decider, "approved": False, "reason": "x"},
        "clear": decider,
    }
    paths = {"yes": "decide", "no": "decide"}

    @settings(
        max_examples=6, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(st.sampled_from(ACTIONS), min_size=4, max_size=10))
    def walk(actions):
        financing = desk.request(receivable)
        case, state = path_of(desk, financing), "INVESTIGATING"
        for action in actions:
            back = {**reviewer, "to": action, "reason": "x"}
            path = f"{case}/{paths.get(action, action)}" if action in bodies else f"{case}/return"
            before = case_of(desk, financing)["version"]
            answer = desk.stage.post(bank, path, bodies.get(action, back))
            expected = MODEL.get((state, action))
            assert answer.is_success is (expected is not None), (state, action, answer.text)
            state = expected or state
            shown = case_of(desk, financing)
            assert (shown["state"], shown["version"] - before) == (state, int(answer.is_success))
        desk.did(bank, f"/v1/financings/{financing}/refuse", {"reason": "账期过长"})
        assert case_of(desk, financing)["state"] == "ENDED"

    walk()
