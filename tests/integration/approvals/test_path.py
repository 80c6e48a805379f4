"""A loan on its way through its bank's own desk, from the request to the last grade."""

from datetime import timedelta

import pytest

from scf.approvals import work
from scf.kernel import calendar
from scf.parties.models import Role
from tests.support.approving import (
    adopt,
    approver,
    by,
    case_of,
    cleared,
    decide,
    investigate,
    officer,
    path_of,
    small,
)
from tests.support.receivables import money

TODAY = "2025-11-03"
CLEARING = {
    "within": 2,
    "items": [{"code": "seal", "title": "核对印章"}],
    "conditions": [
        {"code": "registered"},
        {"code": "lock_final"},
        {"code": "second_search_clean", "days": 7},
        {"code": "invoices_fresh", "days": 7},
        {"code": "account_here"},
        {"code": "debtor_notified"},
    ],
}
WHOLE = {
    "investigation": {"within": 3, "items": [{"code": "visit", "title": "实地走访"}]},
    "clearing": CLEARING,
    "payment": {"entrusted_from": money("500000.00"), "evidence_within": 5},
    "aftercare": {"within": 10, "check_every": 20, "classify_every": 30},
}
HASHES = [f"{number:064x}" for number in range(9)]


@pytest.fixture
def maker(desk):
    return by(officer(desk.stage.cast.bank), Role.MAKER)


@pytest.fixture
def checker(desk):
    return by(approver(desk.stage.cast.bank), Role.CHECKER)


def tasks(desk, case, state="open"):
    found = desk.seen(desk.stage.cast.bank, "/v1/tasks", subject=case.split("/")[-1], state=state)
    return {one["kind"]: one["due_on"] for one in found["items"]}


def a_plan(*amounts, mode="entrusted"):
    names = ("钢材供应商", "运输公司")
    payees = [
        {
            "name": name,
            "account": "6222",
            "bank": "某行",
            "amount": money(amount),
            "purpose": "货款",
        }
        for name, amount in zip(names, amounts, strict=False)
    ]
    return {"mode": mode, "payees": payees}


def test_a_bank_without_steps_is_not_held_up(desk, receivable):
    second = desk.stage.cast.second_bank
    financing = desk.request(receivable, bank=second)

    desk.approve(financing, bank=second)

    assert desk.seen(second, "/v1/approval-cases")["items"] == []


def test_an_offer_waits_for_the_decision(desk, receivable):
    bank = desk.stage.cast.bank
    assert adopt(desk.stage, small()).status_code == 201
    financing = desk.request(receivable)
    case = path_of(desk, financing)
    assert tasks(desk, case) == {"approval.investigate": "2025-11-06"}

    found = desk.refused(bank, f"/v1/financings/{financing}/offer-draft", desk.offer(bank))
    assert found["code"] == "approval.gate_closed"
    assert found["fields"] == {"step": "offer", "state": "INVESTIGATING"}

    assert investigate(desk, case)["state"] == "DECIDING"
    assert tasks(desk, case) == {"approval.decide": "2025-11-10"}
    assert decide(desk, case)["state"] == "APPROVED"
    desk.approve(financing)
    shown = case_of(desk, financing)
    assert (shown["state"], shown["due_on"]) == ("OFFERED", "2025-12-23")
    kinds = [one["kind"] for one in shown["records"]]
    assert kinds == ["opened", "investigated", "decided", "offered"]
    assert tasks(desk, case) == {}
    done = tasks(desk, case, "done")
    assert set(done) == {"approval.investigate", "approval.decide"}


def test_what_is_refused_ends_its_case(desk, receivable):
    assert adopt(desk.stage, small()).is_success
    financing = desk.request(receivable)
    case = path_of(desk, financing)

    desk.did(desk.stage.cast.bank, f"/v1/financings/{financing}/refuse", {"reason": "账期过长"})

    assert case_of(desk, financing)["state"] == "ENDED"
    assert tasks(desk, case) == {}
    assert set(tasks(desk, case, "void")) == {"approval.investigate"}


def test_a_day_beyond_the_published_calendar_is_set_once_it_is(desk, receivable, monkeypatch):
    desk.stage.clock.set(desk.stage.clock.now().replace(year=2026, month=6, day=1))
    step = {"within": 200}
    assert adopt(desk.stage, small(investigation=step), on="2026-06-01").is_success
    case = path_of(desk, desk.request(receivable))
    assert tasks(desk, case) == {"approval.investigate": None}
    monkeypatch.setitem(calendar.HOLIDAYS, 2027, frozenset())
    monkeypatch.setitem(calendar.MAKE_UP, 2027, frozenset())

    work.settle_days(desk.context)

    assert tasks(desk, case) == {"approval.investigate": "2027-03-15"}


def test_a_case_keeps_the_version_that_it_began_with(desk, receivable):
    assert adopt(desk.stage, small(investigation=None)).is_success
    financing = desk.request(receivable)
    assert adopt(desk.stage, small()).is_success

    assert case_of(desk, financing)["state"] == "DECIDING"


def test_a_later_version_begins_on_its_day(desk, receivable):
    assert adopt(desk.stage, {}).is_success  # no step at all
    assert adopt(desk.stage, small(), on="2025-11-04").is_success

    financing = desk.request(receivable)

    assert desk.seen(desk.stage.cast.bank, "/v1/approval-cases", financing=financing)["items"] == []


def test_to_everybody_else_there_is_nothing(desk, receivable):
    cast = desk.stage.cast
    assert adopt(desk.stage, small()).is_success
    case = path_of(desk, desk.request(receivable))

    for who in (cast.supplier, cast.anchor, cast.second_bank):
        assert desk.stage.get(who, case).json()["code"] == "subject.not_found"
        assert desk.stage.get(who, f"{case}/conditions").status_code == 404
        assert desk.stage.get(who, "/v1/approval-cases").json()["items"] == []
        body = {**by(officer(cast.bank), Role.MAKER), "report": "x"}
        assert desk.refused(who, f"{case}/investigate", body)["code"] == "subject.not_found"


def test_only_a_bank_has_a_policy(desk):
    cast = desk.stage.cast
    body = {
        "effective_on": TODAY,
        "content": {},
        "maker": officer(cast.bank).signer(Role.MAKER),
        "checker": approver(cast.bank).signer(Role.CHECKER),
    }
    post = desk.stage.post

    assert post(cast.anchor, "/v1/approval-policies", body).json()["code"] == "approval.bank_only"
    past = {**body, "effective_on": "2025-11-02"}
    code = post(cast.bank, "/v1/approval-policies", past).json()["code"]
    assert code == "approval.policy_too_early"
    alone = {**body, "checker": body["maker"]}
    code = post(cast.bank, "/v1/approval-policies", alone).json()["code"]
    assert code == "statement.same_person"
    stranger = officer(cast.second_bank).person
    foreign = {**body, "content": {"review": {"within": 1, "people": [stranger]}}}
    refused = post(cast.bank, "/v1/approval-policies", foreign).json()
    assert refused["code"] == "approval.policy_meaningless"
    assert refused["fields"] == {"not_of_this_bank": [stranger]}


def test_money_moves_when_everything_is_ticked_and_holds(desk, receivable, maker, checker):
    bank = desk.stage.cast.bank
    assert adopt(desk.stage, small(**WHOLE)).is_success
    financing = desk.request(receivable)
    case = path_of(desk, financing)
    items = [{"code": "visit", "ok": True}]
    assert desk.refused(bank, f"{case}/investigate", {**maker, "report": "x"})["code"] == (
        "approval.items_wrong"
    )
    investigate(desk, case, items=items)
    decide(desk, case, conditions=["追加法定代表人声明"])
    desk.approve(financing)
    pledge = desk.propose(financing)
    desk.contract(financing)
    desk.accept(pledge)
    desk.work()

    asked = {one["code"]: one["holds"] for one in desk.seen(bank, f"{case}/conditions")}
    assert asked["registered"] is True
    assert (asked["lock_final"], asked["debtor_notified"]) == (False, False)
    found = desk.refused(bank, f"{case}/clear", checker)
    assert found["code"] == "approval.not_ticked"
    assert found["fields"] == {"items": ["seal", "decision_1"], "payment_planned": False}

    free = {**maker, **a_plan("996000.00", mode="free")}
    assert desk.refused(bank, f"{case}/payment-plan", free)["code"] == "approval.entrusted_only"
    short = {**maker, **a_plan("600000.00", "395999.99")}
    assert desk.refused(bank, f"{case}/payment-plan", short)["code"] == "approval.sum_differs"
    desk.did(bank, f"{case}/payment-plan", {**maker, **a_plan("600000.00", "396000.00")})
    unknown = {**checker, "code": "weather", "ok": True}
    assert desk.refused(bank, f"{case}/tick", unknown)["code"] == "approval.item_unknown"
    for code in ("seal", "decision_1"):
        desk.did(bank, f"{case}/tick", {**checker, "code": code, "ok": True})
    found = desk.refused(bank, f"{case}/clear", checker)
    assert found["code"] == "approval.conditions_open"
    assert found["fields"]["missing"] == [
        *("lock_final", "second_search_clean", "invoices_fresh", "debtor_notified"),
    ]

    desk.mine()
    desk.work()
    notice = desk.did(bank, f"/v1/pledges/{pledge}/notify-debtor", {})["id"]
    desk.did(desk.stage.cast.anchor, f"/v1/debtor-notices/{notice}/deliver", {})
    receipt = {"receipt_no": f"FK-{case[-5:]}", "amount": money("996000.00")}
    paid = {**receipt, "disbursed_on": TODAY}
    path = f"/v1/financings/{financing}/disbursement"
    assert desk.refused(bank, path, paid)["code"] == "approval.gate_closed"
    assert cleared(desk, case)["state"] == "CLEARED"
    desk.did(bank, path, paid)

    shown = case_of(desk, financing)
    assert shown["state"] == "LENT"
    answers = shown["records"][-1]["inputs"]["conditions"]
    assert [one["holds"] for one in answers] == [True] * 6
    assert tasks(desk, case) == {
        "approval.use": "2025-11-10",
        "approval.check": "2025-11-17",
        "approval.classify": "2025-12-15",
    }
    _used(desk, case, maker)
    _checked(desk, case, maker)
    _graded(desk, case, maker, checker)


def _used(desk, case, maker):
    bank, path = desk.stage.cast.bank, f"{case}/evidence-of-use"

    def papers(*given):
        return {
            **maker,
            "papers": [
                {"name": "发票.pdf", "sha256": HASHES[n], "amount": money(amount), "payee": payee}
                for n, amount, payee in given
            ],
        }

    for given, code in (
        ([(1, "1.00", "别人")], "approval.payee_not_planned"),
        ([(1, "600000.01", "钢材供应商")], "approval.use_beyond"),
        ([(1, "1.00", "运输公司"), (1, "2.00", "运输公司")], "approval.file_twice"),
    ):
        assert desk.refused(bank, path, papers(*given))["code"] == code
    shown = desk.did(bank, path, papers((1, "600000.00", "钢材供应商")))
    assert shown["used"] == money("600000.00")
    assert "approval.use" in tasks(desk, case)
    again = papers((1, "1.00", "运输公司"))
    assert desk.refused(bank, path, again)["code"] == "approval.file_twice"
    shown = desk.did(bank, path, papers((2, "396000.00", "运输公司")))
    assert shown["records"][-1]["inputs"]["complete"] is True
    assert "approval.use" not in tasks(desk, case)


def _checked(desk, case, maker):
    shown = desk.did(desk.stage.cast.bank, f"{case}/check", {**maker, "report": "经营正常"})

    assert shown["records"][-1]["inputs"]["number"] == 1
    assert tasks(desk, case)["approval.check"] == "2025-12-01"  # twenty working days on


def _graded(desk, case, maker, checker):
    bank = desk.stage.cast.bank

    def grade(word):
        return {"grade": word, "reasons": ["按期"]}

    early = {**checker, **grade("正常")}
    found = desk.refused(bank, f"{case}/confirm-grade", early)
    assert found["code"] == "approval.no_grade_proposed"
    desk.did(bank, f"{case}/propose-grade", {**maker, **grade("正常")})
    assert desk.did(bank, f"{case}/confirm-grade", {**checker, **grade("正常")})["grade"] == "正常"

    clock = desk.stage.clock
    clock.set(clock.now().replace(year=2026, month=1, day=5))  # thirteen days overdue
    found = desk.refused(bank, f"{case}/propose-grade", {**maker, **grade("正常")})
    assert found["code"] == "approval.grade_too_good"
    assert found["fields"] == {"grade": "正常", "best": "关注", "days_overdue": 13}
    desk.did(bank, f"{case}/propose-grade", {**maker, **grade("关注")})
    shown = desk.did(bank, f"{case}/confirm-grade", {**checker, **grade("次级")})
    assert [one["inputs"]["grade"] for one in shown["grades"]] == ["正常", "次级"]
    assert shown["records"][-1]["inputs"]["before"] == "正常"


def test_a_condition_that_fails_at_the_last_moment_stops_the_money(desk, receivable, checker):
    bank = desk.stage.cast.bank
    conditions = [{"code": "second_search_clean", "days": 0}]
    assert adopt(desk.stage, small(clearing={"within": 2, "conditions": conditions})).is_success
    financing = desk.request(receivable)
    case = path_of(desk, financing)
    investigate(desk, case)
    decide(desk, case)
    desk.approve(financing)
    pledge = desk.propose(financing)
    desk.contract(financing)
    desk.accept(pledge)
    desk.work()
    desk.mine()
    desk.work()
    cleared(desk, case)
    # The next day, and still within the hours that the law lets a search be used.
    desk.stage.clock.set(desk.stage.clock.now() + timedelta(hours=20))
    today = desk.stage.clock.today()

    body = {
        "receipt_no": f"FK-{case[-5:]}",
        "amount": money("996000.00"),
        "disbursed_on": today.isoformat(),
    }
    found = desk.refused(bank, f"/v1/financings/{financing}/disbursement", body)

    assert found["code"] == "approval.conditions_open"
    assert found["fields"]["missing"] == ["second_search_clean"]
    reopened = desk.did(bank, f"{case}/reopen", {**checker, "reason": "复查过期"})
    assert reopened["state"] == "OFFERED"
