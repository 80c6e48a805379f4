"""What happens at the register after a registration, and what is to be done about it by when."""

from datetime import date, timedelta

import pytest

from scf.kernel.calendar import add_months
from scf.kernel.money import Money
from scf.pledges.effects import resume
from scf.registrations import clock as registrations
from scf.registry.client import HttpRegistry
from scf.registry.port import Enrolled, Filing
from tests.support.receivables import money

OTHER_BANK = Enrolled("平台外银行(示例)", "91500118MA5U00002X")


@pytest.fixture
def registry(desk):
    with HttpRegistry(desk.registry.url) as client:
        yield client


def grantor(desk):
    supplier = desk.stage.cast.supplier
    return Enrolled(supplier.name, supplier.uscc)


def tasks(desk, pledge, kind):
    shown = desk.seen(desk.stage.cast.bank, "/v1/tasks", subject=pledge)["items"]
    return [one for one in shown if one["kind"] == f"registration.{kind}"]


def record(desk, pledge):
    return desk.seen(desk.stage.cast.bank, f"/v1/pledges/{pledge}/registry-record")


def alarms(desk, pledge, kind):
    items = desk.seen(desk.stage.cast.bank, "/v1/notices", limit=500)["items"]
    return [one["fields"] for one in items if one["subject"] == pledge and one["kind"] == kind]


def file_elsewhere(desk, registry, number, reference):
    return registry.register(
        Filing(
            reference=reference,
            secured_party=OTHER_BANK,
            grantor=grantor(desk),
            description=f"应收账款，发票号码2550{number:016}",
            items=(),
            amount=Money.parse("1.00"),
            contract_no="X",
            term_months=12,
        )
    )


def later(desk, days):
    clock = desk.stage.clock
    clock.set(clock.now() + timedelta(days=days))


def review(desk):
    registrations.ask_reviews(desk.context)
    desk.work()


class TestCancellation:
    def test_the_working_days_begin_with_the_repayment(self, desk):
        """G23: repaid on 2025-12-19, to be cancelled by 2026-01-05, released or not."""
        bank = desk.stage.cast.bank
        financing = desk.request(desk.receivable(11))
        desk.approve(financing)
        pledge = desk.propose(financing)
        desk.contract(financing)
        desk.accept(pledge)
        desk.work()
        desk.mine()
        desk.work()
        path, amount = f"/v1/financings/{financing}", money("996000.00")
        paid = {"receipt_no": "FK-11", "amount": amount, "disbursed_on": "2025-11-03"}
        desk.did(bank, f"{path}/disbursement", paid)
        later(desk, 46)
        repaid = {"receipt_no": "HK-11", "amount": money("1000899.77"), "repaid_on": "2025-12-19"}
        desk.did(bank, f"{path}/repayment", repaid)

        (task,) = tasks(desk, pledge, "cancel")
        assert (task["due_on"], task["state"]) == ("2026-01-05", "open")
        assert desk.pledge(pledge)["state"] == "EFFECTIVE"

        later(desk, 5)
        desk.release(pledge)
        desk.work()
        assert tasks(desk, pledge, "cancel") == [task], "the first thing that asked for it counts"

    def test_it_is_asked_for_by_the_release_and_done_by_the_cancellation(self, desk):
        pledge = desk.ready_pledge(desk.receivable(9))
        assert tasks(desk, pledge, "cancel") == []
        desk.release(pledge)
        desk.work()

        (task,) = tasks(desk, pledge, "cancel")
        assert (task["state"], task["due_on"], task["role"]) == ("open", "2025-11-17", "registrar")
        assert task["fields"]["reg_no"] == desk.pledge(pledge)["registration"]["reg_no"]

        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/cancel-registration", {})
        desk.work()

        (task,) = tasks(desk, pledge, "cancel")
        assert task["state"] == "done"
        assert desk.seen(desk.stage.cast.supplier, "/v1/tasks")["items"] == []
        results = desk.seen(desk.stage.cast.bank, "/v1/rule-results", subject=pledge)["items"]
        (judged,) = [one for one in results if one["transition"] == "registration.cancel"]
        assert judged["worst"] == "pass"

    def test_one_that_is_given_up_before_it_stands_asks_for_nothing(self, desk):
        pledge = desk.signed_pledge(desk.receivable(10))
        desk.accept(pledge)
        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/give-up", {"reason": "撤回"})
        desk.work()

        assert desk.seen(desk.stage.cast.bank, "/v1/tasks", subject=pledge)["items"] == []


class TestExtension:
    def test_it_is_asked_for_in_time_and_done_by_extending(self, desk, registry):
        bank = desk.stage.cast.bank
        pledge = desk.ready_pledge(desk.receivable(1))
        shown = desk.pledge(pledge)["registration"]
        ends = date.fromisoformat(shown["expires_on"])
        later(desk, (ends - desk.stage.clock.today()).days - 91)
        assert registrations.ask_extensions(desk.context) == 0
        later(desk, 1)
        assert registrations.ask_extensions(desk.context) == 1
        assert registrations.ask_extensions(desk.context) == 0, "asked once"
        (task,) = tasks(desk, pledge, "extend")
        assert (task["due_on"], task["state"]) == (ends.isoformat(), "open")

        path = f"/v1/pledges/{pledge}/extend-registration"
        assert desk.refused(bank, path, {"months": 361})["code"] == "request.invalid"
        filed = desk.did(bank, path, {"months": 6})
        assert desk.refused(bank, path, {"months": 6})["code"] == "registry.change_waiting"
        desk.work()
        desk.do_again()

        (first, extension) = record(desk, pledge)["filings"]
        assert extension["id"] == filed["id"]
        assert extension["reference"] == f"{first['reference']}-1"
        assert desk.pledge(pledge)["registration"]["expires_on"] == extension["expires_on"]
        assert date.fromisoformat(extension["expires_on"]) == add_months(ends, 6)
        (task,) = tasks(desk, pledge, "extend")
        assert task["state"] == "done"
        assert registry.find(extension["reference"]).content.number == extension["number"]
        assert desk.types().count("pledge.registration_changed") == 1

    def test_one_that_has_expired_cannot_be(self, desk):
        bank, pledge = desk.stage.cast.bank, desk.ready_pledge(desk.receivable(2))
        ends = date.fromisoformat(desk.pledge(pledge)["registration"]["expires_on"])
        later(desk, (ends - desk.stage.clock.today()).days + 1)

        refused = desk.refused(bank, f"/v1/pledges/{pledge}/extend-registration", {"months": 6})

        assert refused["code"] == "rules.blocked"
        assert "REG-02" in str(refused)


class TestAmendment:
    def test_a_new_name_is_registered_within_four_months(self, desk, registry):
        bank, supplier = desk.stage.cast.bank, desk.stage.cast.supplier
        pledge = desk.ready_pledge(desk.receivable(3))
        path = f"/v1/pledges/{pledge}/amend-registration"
        assert desk.refused(bank, path, {"reason": "核对"})["code"] == "registry.nothing_to_amend"
        assert registrations.ask_renamings(desk.context) == 0
        before = registry.find(pledge)

        body = {"name": "永川兴锐精密冲压(示例)", "named_on": "2025-10-31"}
        renamed = desk.stage.post(None, f"/v1/parties/{supplier.id}/rename", body)
        assert renamed.status_code == 200, renamed.text
        try:
            assert (
                desk.stage.post(bank, f"/v1/parties/{supplier.id}/rename", body).status_code == 403
            )
            assert registrations.ask_renamings(desk.context) >= 1
            (task,) = tasks(desk, pledge, "rename")
            assert task["due_on"] == "2026-02-28"
            assert task["fields"]["registered_name"] == supplier.name

            desk.did(bank, path, {"reason": "担保人名称变更"})
            desk.work()

            (task,) = tasks(desk, pledge, "rename")
            assert task["state"] == "done"
            change = record(desk, pledge)["filings"][1]
            found = registry.find(change["reference"])
            assert found.content.grantor.name == "永川兴锐精密冲压(示例)"
            assert found.content.initial_no == before.reg_no
            (listed,) = [
                f for f in registry.search(grantor(desk)).findings if f.reg_no == before.reg_no
            ]
            assert listed.registered_at == before.registered_at, "what stood keeps its rank"
            review(desk)
            assert record(desk, pledge)["findings"] == [], "our own entries are nobody else's"
        finally:
            back = {"name": supplier.name, "named_on": "2025-11-01"}
            desk.stage.post(None, f"/v1/parties/{supplier.id}/rename", back)

    def test_what_the_register_refuses_is_kept_with_its_word(self, desk, registry):
        bank, pledge = desk.stage.cast.bank, desk.ready_pledge(desk.receivable(4))
        registry.cancel(desk.pledge(pledge)["registration"]["reg_no"], reason="误操作")

        desk.did(bank, f"/v1/pledges/{pledge}/extend-registration", {"months": 6})
        desk.work()

        extension = record(desk, pledge)["filings"][1]
        assert (extension["number"], extension["problem"]) == (None, "cancelled")
        desk.did(bank, f"/v1/pledges/{pledge}/extend-registration", {"months": 7})


class TestReview:
    def test_only_what_is_new_alarms_and_once(self, desk, registry):
        pledge = desk.ready_pledge(desk.receivable(5))
        registered_at = desk.pledge(pledge)["registration"]["registered_at"]
        review(desk)
        assert len(record(desk, pledge)["searches"]) == 2, "searched less than a month ago"

        later(desk, 31)
        review(desk)
        version = desk.pledge(pledge)["version"]
        assert [one["step"] for one in record(desk, pledge)["searches"]] == [
            "before",
            "after",
            "review",
        ]
        assert alarms(desk, pledge, "pledge.searched") == []

        entry = file_elsewhere(desk, registry, 5, "elsewhere-5")
        file_elsewhere(desk, registry, 9_999, "elsewhere-9999")
        later(desk, 31)
        review(desk)
        (alarm,) = alarms(desk, pledge, "pledge.searched")
        (new,) = alarm["new"]
        assert (new["reg_no"], new["ranks"]) == (entry.reg_no, "behind")
        assert new["registered_at"] > registered_at
        assert desk.pledge(pledge)["version"] == version + 1
        assert desk.pledge(pledge)["missing"] == [], "it ranks behind"

        later(desk, 31)
        review(desk)
        assert len(alarms(desk, pledge, "pledge.searched")) == 1
        assert desk.pledge(pledge)["version"] == version + 1, "a month without news is no event"
        assert [one["ranks"] for one in record(desk, pledge)["findings"]] == ["behind"]

    def test_one_that_ranks_before_holds_the_money_back_and_alarms_once(self, desk, registry):
        pledge = desk.ready_pledge(desk.receivable(8))
        now = desk.stage.clock.now()
        desk.stage.clock.set(now - timedelta(days=1))
        entry = file_elsewhere(desk, registry, 8, "elsewhere-8")
        desk.stage.clock.set(now + timedelta(days=31))

        review(desk)
        resume(desk.context)
        review(desk)

        (alarm,) = alarms(desk, pledge, "pledge.searched")
        assert [(one["reg_no"], one["ranks"]) for one in alarm["new"]] == [(entry.reg_no, "before")]
        shown = desk.pledge(pledge)
        assert (shown["ready_to_disburse_at"], shown["missing"]) == (None, ["clean_second_search"])

        registry.cancel(entry.reg_no, reason="误登记")
        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/search", {})
        desk.work()
        assert desk.pledge(pledge)["missing"] == []

    def test_an_objection_is_an_alarm_and_a_task_until_it_is_answered(self, desk, registry):
        bank, pledge = desk.stage.cast.bank, desk.ready_pledge(desk.receivable(6))
        reg_no = desk.pledge(pledge)["registration"]["reg_no"]
        objection = {
            "objector": {"name": "异议人(示例)", "uscc": OTHER_BANK.uscc},
            "text": "并无此笔",
        }
        filed = registry._http.post(f"/registrations/{reg_no}/objections", json=objection).json()
        for _ in range(2):
            later(desk, 31)
            review(desk)

        (alarm,) = alarms(desk, pledge, "pledge.objected")
        assert alarm["objection_no"] == filed["number"]
        (task,) = tasks(desk, pledge, "objection")
        assert (task["due_on"], task["state"]) == ("2025-12-03", "open")
        assert task["overdue"]

        path = f"/v1/pledges/{pledge}/objections/{filed['number']}/answer"
        answered = desk.did(bank, path, {"answer": "登记无误"})
        assert (answered["objector"], answered["answer"]) == ("异议人(示例)", "登记无误")
        (task,) = tasks(desk, pledge, "objection")
        assert task["state"] == "done"
        assert desk.refused(bank, path, {"answer": "再答"})["code"] == "registry.objection_answered"
        results = desk.seen(bank, "/v1/rule-results", subject=pledge)["items"]
        assert [one["worst"] for one in results if one["transition"] == "registration.object"] == [
            "report"
        ]

    def test_the_pledgor_is_shown_none_of_it(self, desk):
        pledge = desk.ready_pledge(desk.receivable(7))
        supplier = desk.stage.cast.supplier

        answer = desk.stage.get(supplier, f"/v1/pledges/{pledge}/registry-record")
        assert answer.json()["code"] == "pledge.not_allowed"
        answer = desk.stage.get(
            desk.stage.cast.second_bank, f"/v1/pledges/{pledge}/registry-record"
        )
        assert answer.status_code == 404
