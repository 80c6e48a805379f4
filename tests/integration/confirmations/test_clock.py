"""The clock from an explicit request: reminders, the end of the time, what stops it and what does not."""

import pytest

from scf.confirmations import clock
from tests.support.actors import STORY_BEGINS
from tests.support.clock import act, answer, ask, asked, dues, move_to, refuse, seen, turn
from tests.support.problems import refusal
from tests.support.receivables import confirmation, identity, money, submit

REMINDED = [
    ("REMINDER", 7, "2025-11-10"),
    ("REMINDER", 15, "2025-11-18"),
    ("REMINDER", 25, "2025-11-28"),
]
OVERDUE = ("CONFIRM_OVERDUE", 31, "2025-12-04")


@pytest.fixture(autouse=True)
def story_begins(stage):
    stage.clock.set(STORY_BEGINS)


class TestAsking:
    def test_the_conditions_are_recorded_and_the_clock_runs(self, stage):
        receivable = submit(stage)
        request = ask(stage, receivable, note="请按对账单确认").json()

        assert (request["state"], request["statutory"]) == ("OPEN", True)
        assert (request["requested_on"], request["deadline_on"]) == ("2025-11-03", "2025-12-03")
        assert (request["days"], request["reminder_days"]) == (30, [7, 15, 25])
        assert request["conditions"] == [
            {"name": "debtor_obliged", "value": "large", "holds": True},
            {"name": "creditor_sme", "value": "small", "holds": True},
            {"name": "size_declared", "value": "declared", "holds": True},
            {"name": "rule_in_force", "value": "RPAY-09/1", "holds": True},
        ]
        assert request["next"] == {"kind": "REMINDER", "day": 7, "on": "2025-11-10"}
        assert request["standing"] == {
            "step": "等待债务人答复",
            "step_en": "Waiting for the debtor's answer",
            "since": request["standing"]["since"],
            "waiting_for": "debtor",
        }
        event = stage.get(stage.cast.anchor, f"/v1/events/{request['requested_event']}").json()
        assert event["type"] == "receivable.requested"

    def test_g15_silence(self, stage):
        """Day 0, silence: reminders on days 7, 15, 25, CONFIRM_OVERDUE on day 31, then the letter."""
        request = asked(stage)
        for day, expected in ((6, 0), (7, 1), (8, 1), (15, 2), (25, 3), (30, 3)):
            move_to(stage, day)
            turn(stage)
            turn(stage)
            shown = seen(stage, request)
            assert dues(shown) == REMINDED[:expected], day
            assert (shown["state"], shown["days_elapsed"]) == ("OPEN", day)
        move_to(stage, 31)
        turn(stage)

        shown = seen(stage, request)
        assert dues(shown) == [*REMINDED, OVERDUE]
        assert (shown["state"], shown["next"]) == ("OVERDUE", None)
        written = act(stage, stage.cast.supplier, request, "escalate").json()
        assert written["state"] == "ESCALATED"

    def test_a_jump_over_everything_records_each_thing_under_its_own_day(self, stage):
        request = asked(stage)
        move_to(stage, 90)

        assert seen(stage, request)["state"] == "OVERDUE"  # whether or not a worker ran
        turn(stage)
        turn(stage)

        assert dues(seen(stage, request)) == [*REMINDED, OVERDUE]

    def test_g16_a_reason_that_the_law_does_not_accept_leaves_the_clock_running(self, stage):
        request = asked(stage)
        move_to(stage, 10)
        assert refuse(stage, request, "等待业主付款").status_code == 200
        turn(stage)

        shown = seen(stage, request)
        assert shown["state"] == "OPEN"
        (said,) = shown["answers"]
        assert (said["compliant"], said["reason"]) == (False, "等待业主付款")
        assert "不合规" in shown["standing"]["step"]
        move_to(stage, 31)
        turn(stage)
        assert dues(seen(stage, request)) == [*REMINDED, OVERDUE]

    def test_an_answer_that_ages_the_line_outdates_drafts(self, stage):
        anchor, receivable = stage.cast.anchor, submit(stage)
        path = f"/v1/receivables/{receivable}"
        draft = stage.post(anchor, f"{path}/confirmation-draft", confirmation(stage)).json()
        request = ask(stage, receivable).json()
        assert request["requested_version"] == 2

        body = {"authorizations": anchor.sign_all(draft)}
        refusal(stage.post(anchor, f"{path}/confirm", body), 409, "subject.version_moved")

        assert seen(stage, request)["answers"] == []

    @pytest.mark.parametrize(
        ("body", "failing"),
        [
            ({"creditor_size": "large"}, {"creditor_sme": "large"}),
            ({"creditor_size": "public_body"}, {"creditor_sme": "public_body"}),
        ],
    )
    def test_without_the_conditions_a_contract_s_date_is_shown_and_nothing_runs(
        self, stage, body, failing
    ):
        request = asked(stage, agreed_on="2025-11-20", **body)
        move_to(stage, 90)
        turn(stage)

        shown = seen(stage, request)
        assert (shown["statutory"], shown["days"], shown["state"]) == (False, None, "OPEN")
        assert (shown["deadline_on"], shown["next"]) == ("2025-11-20", None)
        assert dues(shown) == []
        found = {one["name"]: one["value"] for one in shown["conditions"] if not one["holds"]}
        assert found == failing
        answer(stage, request)
        turn(stage)
        assert seen(stage, request)["state"] == "ANSWERED"

    def test_a_request_is_the_creditor_s_one_at_a_time_over_what_is_open(self, stage):
        cast, receivable = stage.cast, submit(stage)
        path = f"/v1/receivables/{receivable}/confirmation-request"
        refusal(stage.post(cast.anchor, path, {}), 403, "receivable.not_allowed")
        refusal(stage.post(cast.second_supplier, path, {}), 404, "subject.not_found")
        late = ask(stage, receivable, agreed_on="2025-11-02")
        refusal(late, 422, "confirmation.agreed_term_invalid", "agreed_on")
        moved = stage.post(cast.supplier, path, {}, headers={"If-Match": '"2"'})
        refusal(moved, 409, "subject.version_moved")
        first = ask(stage, receivable).json()

        again = refusal(ask(stage, receivable), 409, "confirmation.already_requested")
        assert again["fields"] == {"request": first["id"], "state": "OPEN"}

        act(stage, cast.supplier, first, "withdraw", reason="改期")
        second = ask(stage, receivable).json()
        assert second["requested_version"] == 3
        answer(stage, second)
        refusal(ask(stage, receivable), 409, "confirmation.nothing_to_confirm")
        assert seen(stage, first)["state"] == "WITHDRAWN"

    def test_a_dispute_that_the_law_accepts_ends_one_request_and_allows_the_next(self, stage):
        first = asked(stage)
        assert refuse(stage, first, "数量不符：少到货12件").status_code == 200

        second = ask(stage, first["receivable"])

        assert second.status_code == 201, second.text
        assert seen(stage, first)["state"] == "ANSWERED"
        assert seen(stage, second.json())["answers"] == []


class TestAnswers:
    def test_whole_in_time(self, stage):
        request = asked(stage)
        move_to(stage, 30)
        answer(stage, request)
        move_to(stage, 60)
        assert seen(stage, request)["state"] == "ANSWERED"
        turn(stage)

        shown = seen(stage, request)
        assert (shown["state"], shown["answered_on"]) == ("ANSWERED", "2025-12-03")
        assert (shown["days_elapsed"], shown["standing"]["waiting_for"]) == (30, None)
        assert dues(shown) == REMINDED
        rules = stage.get(stage.cast.supplier, "/v1/rule-results", subject=request["id"])
        (judged,) = rules.json()["items"]
        assert judged["transition"] == "confirmation.answer"
        assert judged["worst"] == "pass"

    def test_a_part_with_a_lawful_reason_stops_it(self, stage):
        request = asked(stage)
        move_to(stage, 3)
        answer(stage, request, confirmed="60.00", disputed="40.00", reason="质量争议")
        turn(stage)

        shown = seen(stage, request)
        assert (shown["state"], dues(shown)) == ("ANSWERED", [])

    def test_a_part_with_an_unlawful_reason_does_not(self, stage):
        request = asked(stage)
        answer(stage, request, confirmed="60.00", disputed="40.00", reason="等待业主付款")
        move_to(stage, 8)
        turn(stage)

        shown = seen(stage, request)
        assert (shown["state"], dues(shown)) == ("OPEN", REMINDED[:1])
        assert shown["answers"][0]["compliant"] is False

    def test_rejected_for_a_lawful_reason(self, stage):
        request = asked(stage)
        assert refuse(stage, request, "非我司交易", "reject").status_code == 200
        assert seen(stage, request)["state"] == "ANSWERED"

    def test_late_is_late(self, stage):
        request = asked(stage)
        move_to(stage, 35)
        answer(stage, request)
        turn(stage)

        shown = seen(stage, request)
        assert (shown["state"], shown["answered_on"]) == ("ANSWERED_LATE", "2025-12-08")
        assert dues(shown) == [*REMINDED, OVERDUE]
        late = act(stage, stage.cast.supplier, request, "escalate")
        problem = refusal(late, 409, "confirmation.state_forbids")
        assert problem["fields"] == {"state": "ANSWERED_LATE", "asked": "ESCALATED"}

    def test_corrected_after_an_unlawful_reason(self, stage):
        request = asked(stage)
        refuse(stage, request, "内部流程未完成")
        move_to(stage, 9)
        answer(stage, request)
        turn(stage)

        shown = seen(stage, request)
        assert [one["compliant"] for one in shown["answers"]] == [False, True]
        assert (shown["state"], dues(shown)) == ("ANSWERED", REMINDED[:1])


class TestSteps:
    def test_delivered_and_read_are_the_debtor_s_once(self, stage):
        cast, request = stage.cast, asked(stage)
        refusal(act(stage, cast.supplier, request, "deliver"), 403, "confirmation.not_allowed")
        move_to(stage, 1)
        act(stage, cast.anchor, request, "deliver")
        shown = act(stage, cast.anchor, request, "read").json()

        again = refusal(
            act(stage, cast.anchor, request, "read"), 409, "confirmation.already_recorded"
        )
        assert again["fields"] == {"kind": "READ", "recorded_on": "2025-11-04"}
        assert [(one["kind"], one["day"], one["by"]) for one in shown["moments"]] == [
            ("DELIVERED", 1, "debtor"),
            ("READ", 1, "debtor"),
        ]
        assert shown["state"] == "OPEN"

    def test_a_withdrawn_request_waits_for_nothing(self, stage):
        request = asked(stage)
        refusal(act(stage, stage.cast.anchor, request, "withdraw"), 403, "confirmation.not_allowed")
        act(stage, stage.cast.supplier, request, "withdraw")
        move_to(stage, 40)
        turn(stage)

        shown = seen(stage, request)
        assert (shown["state"], dues(shown)) == ("WITHDRAWN", [])
        refusal(
            act(stage, stage.cast.supplier, request, "withdraw"),
            409,
            "confirmation.state_forbids",
        )

    def test_a_line_that_its_creditor_takes_back_needs_no_answer(self, stage):
        request = asked(stage)
        move_to(stage, 8)
        path = f"/v1/receivables/{request['receivable']}/withdraw"
        assert stage.post(stage.cast.supplier, path, {"reason": "重复提交"}).status_code == 200
        move_to(stage, 40)
        assert seen(stage, request)["state"] == "WITHDRAWN"
        turn(stage)
        turn(stage)

        shown = seen(stage, request)
        assert (shown["state"], shown["answers"], dues(shown)) == ("WITHDRAWN", [], REMINDED[:1])
        assert shown["moments"][-1]["reason"] == "重复提交"

    def test_a_letter_waits_for_the_end_of_the_time(self, stage):
        request = asked(stage)
        move_to(stage, 30)
        early = act(stage, stage.cast.supplier, request, "escalate")
        assert refusal(early, 409, "confirmation.state_forbids")["fields"]["state"] == "OPEN"
        refusal(
            act(stage, stage.cast.anchor, request, "contest", reason="已寄出"),
            409,
            "confirmation.not_contestable",
        )

    def test_strangers_see_nothing(self, stage):
        request, cast = asked(stage), stage.cast
        for who in (cast.second_supplier, cast.bank):
            for name in ("", "/notice.pdf", "/evidence.json", "/evidence.pdf"):
                path = f"/v1/confirmation-requests/{request['id']}{name}"
                refusal(stage.get(who, path), 404, "subject.not_found")
            assert stage.get(who, "/v1/confirmation-requests").json()["items"] == []
        refusal(act(stage, cast.second_supplier, request, "escalate"), 404, "subject.not_found")


class TestFeed:
    def test_by_state_and_deadline_page_by_page(self, stage):
        cast = stage.cast
        mine = [asked(stage)["id"] for _ in range(3)]
        found = []
        cursor = None
        while True:
            page = stage.get(
                cast.anchor,
                "/v1/confirmation-requests",
                state="OPEN",
                due_before="2025-12-04",
                limit=2,
                **({"cursor": cursor} if cursor else {}),
            ).json()
            found += [one["id"] for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert set(mine) <= set(found)
        assert len(found) == len(set(found))
        none = stage.get(
            cast.anchor, "/v1/confirmation-requests", state="OPEN", due_before="2025-12-03"
        )
        assert not set(mine) & {one["id"] for one in none.json()["items"]}
        everything = stage.get(None, "/v1/confirmation-requests", limit=500).json()["items"]
        assert set(mine) <= {one["id"] for one in everything}


class TestAFault:
    def test_one_request_that_fails_holds_up_no_other(self, stage, monkeypatch):
        first, sick, last = (asked(stage) for _ in range(3))
        settle = clock.settle

        def failing(session, request, *, now):
            settle(session, request, now=now)
            if request.id == identity(sick["id"]):
                raise ZeroDivisionError("a defect")

        monkeypatch.setattr(clock, "settle", failing)
        move_to(stage, 8)
        turn(stage)

        assert [dues(seen(stage, one)) for one in (first, last)] == [REMINDED[:1]] * 2
        assert dues(seen(stage, sick)) == []
        assert seen(stage, sick)["fault"] is None
        assert seen(stage, sick, None, operator=True)["fault"] == "ZeroDivisionError: a defect"
        assert "scf_confirmation_requests_at_fault 1.0" in stage.get(None, "/metrics").text

        monkeypatch.undo()
        turn(stage)

        assert dues(seen(stage, sick)) == REMINDED[:1]
        assert seen(stage, sick, None, operator=True)["fault"] is None


class TestABasket:
    def test_an_unlawful_reason_in_a_basket_leaves_the_clock_running(self, stage):
        lawful, unlawful = asked(stage), asked(stage)
        move_to(stage, 10)
        items = [
            {"receivable": lawful["receivable"], "rejected": money("100.00"), "reason": "重复提交"},
            {
                "receivable": unlawful["receivable"],
                "disputed": money("40.00"),
                "reason": "内部流程",
            },
        ]
        terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
        body = {"items": items, "refusal_signers": stage.cast.anchor.signers("reject"), **terms}
        path, anchor = "/v1/receivables/confirmation-drafts", stage.cast.anchor
        drafts = stage.post(anchor, path, body).json()["refusals"]
        signed = [jws for draft in drafts for jws in anchor.sign_all(draft)]
        done = stage.post(anchor, "/v1/receivables/confirmations", {"authorizations": signed})
        assert done.status_code == 200, done.text
        turn(stage)

        assert seen(stage, lawful)["state"] == "ANSWERED"
        shown = seen(stage, unlawful)
        assert (shown["state"], shown["answers"][0]["compliant"]) == ("OPEN", False)
        move_to(stage, 31)
        turn(stage)
        assert seen(stage, unlawful)["state"] == "OVERDUE"
