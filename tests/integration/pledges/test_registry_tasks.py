"""What a pledgee has to do about its registrations: raised by the act, done by the act, each by its day."""

from datetime import date

from scf.kernel.calendar import add_working_days
from scf.registry.terms import terms_on


def tasks(desk, who=None, **parameters):
    return desk.seen(who or desk.stage.cast.bank, "/v1/tasks", **parameters)["items"]


def of(desk, pledge, kind):
    return [one for one in tasks(desk, subject=pledge) if one["kind"] == f"registration.{kind}"]


class TestCancellation:
    def test_the_working_days_begin_with_the_repayment(self):
        assert add_working_days(
            date(2025, 12, 19), terms_on(date(2025, 12, 19)).cancel_working_days
        ) == (date(2026, 1, 5))

    def test_it_is_asked_for_by_the_release_and_done_by_the_cancellation(self, desk):
        pledge = desk.ready_pledge(desk.receivable(1))
        assert of(desk, pledge, "cancel") == []
        desk.release(pledge)
        desk.work()

        (task,) = of(desk, pledge, "cancel")
        assert (task["state"], task["due_on"], task["role"]) == ("open", "2025-11-17", "registrar")
        assert task["fields"]["reg_no"] == desk.pledge(pledge)["registration"]["reg_no"]

        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/cancel-registration", {})
        desk.work()

        (task,) = of(desk, pledge, "cancel")
        assert task["state"] == "done"
        assert tasks(desk, desk.stage.cast.supplier) == []
        results = desk.seen(desk.stage.cast.bank, "/v1/rule-results", subject=pledge)["items"]
        (judged,) = [one for one in results if one["transition"] == "registration.cancel"]
        assert judged["worst"] == "pass"

    def test_one_that_is_given_up_before_it_stands_asks_for_nothing(self, desk):
        pledge = desk.signed_pledge(desk.receivable(2))
        desk.accept(pledge)
        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/give-up", {"reason": "撤回"})
        desk.work()

        assert tasks(desk, subject=pledge) == []
