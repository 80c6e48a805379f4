"""Assignment and factoring: the gate, the contract, the notice that both sides sign, recourse, and the way back."""

import pytest

from scf.evidence import queries
from tests.support.pdf import attached, text_of
from tests.support.receivables import identity, money

CLEAR = {"future": False, "consignment": False, "title_clear": True}
DISCLOSED = {"kind": "factoring", "recourse": True, "disclosed": True}
UNDISCLOSED = {"kind": "factoring", "recourse": False, "disclosed": False}
ASSIGNMENT = {"kind": "assignment", "recourse": True, "disclosed": True}


def taken(desk, number, security, *, trade=CLEAR):
    """A claim taken, registered, locked, searched again."""
    return desk.ready_pledge(desk.receivable(number), security=security, trade=trade)


def financing_of(desk, pledge):
    found = desk.seen(desk.stage.cast.bank, "/v1/financings", limit=200)["items"]
    return next(one["id"] for one in found if one["pledge"] == pledge)


def prepared(desk, pledge):
    return desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/prepare-notice", {})["id"]


def signed_by(desk, who, notice, act):
    path = f"/v1/debtor-notices/{notice}"
    return desk.signed(who, f"{path}/sign-draft", {"signers": who.signers(act)}, f"{path}/sign")


def signed(desk, pledge):
    """The notice, signed by both sides."""
    cast, notice = desk.stage.cast, prepared(desk, pledge)
    signed_by(desk, cast.supplier, notice, "notify")
    assert signed_by(desk, cast.bank, notice, "countersign")["state"] == "SIGNED"
    return notice


def told(desk, notice):
    with desk.stage.database.reading() as session:
        return [event.type for event in queries.history(session, identity(notice))]


def acknowledged(desk, notice):
    anchor, path = desk.stage.cast.anchor, f"/v1/debtor-notices/{notice}"
    desk.did(anchor, f"{path}/deliver", {})
    desk.did(anchor, f"{path}/read", {})
    body = {"signers": anchor.signers("acknowledge")}
    return desk.signed(anchor, f"{path}/acknowledge-draft", body, f"{path}/acknowledge")


def pay_out(desk, pledge, receipt):
    path = f"/v1/financings/{financing_of(desk, pledge)}/disbursement"
    body = {"receipt_no": receipt, "amount": money("996000.00"), "disbursed_on": "2025-11-03"}
    return desk.stage.post(desk.stage.cast.bank, path, body)


class TestGate:
    @pytest.mark.parametrize(
        ("number", "trade"),
        [
            (1, None),
            (2, {**CLEAR, "future": True}),
            (3, {**CLEAR, "consignment": True}),
            (4, {**CLEAR, "title_clear": False}),
        ],
    )
    def test_what_cannot_be_factored_can_be_pledged(self, desk, number, trade):
        bank = desk.stage.cast.bank
        asked = {} if trade is None else {"trade": trade}
        financing = desk.request(desk.receivable(number), **asked)
        path = f"/v1/financings/{financing}/offer-draft"

        found = desk.refused(bank, path, desk.offer(bank, security=DISCLOSED))

        assert (found["code"], found["fields"]["rule"]) == ("rules.blocked", "BFG-01")
        assert "可以改为质押" in found["fields"]["message"]
        desk.approve(financing)
        assert desk.financing(financing)["terms"]["security"]["kind"] == "pledge"

    def test_a_programme_may_allow_pledges_alone(self, desk):
        bank, allow = desk.stage.cast.bank, f"/v1/programmes/{desk.stage.cast.programme}/securities"
        assert desk.stage.post(None, allow, {"securities": ["pledge"]}).is_success
        financing = desk.request(desk.receivable(91), trade=CLEAR)
        path, before = f"/v1/financings/{financing}/offer-draft", desk.types()
        for security in (DISCLOSED, ASSIGNMENT):
            found = desk.refused(bank, path, desk.offer(bank, security=security))
            assert found["code"] == "programme.security_not_allowed"
            assert found["fields"]["allowed"] == ["pledge"]
        assert desk.types() == before
        desk.approve(financing)
        assert desk.stage.post(None, allow, {"securities": None}).is_success
        desk.approve(desk.request(desk.receivable(92), trade=CLEAR), security=DISCLOSED)

    def test_the_gate_is_kept_with_the_offer(self, desk):
        financing = desk.request(desk.receivable(5), trade=CLEAR)
        desk.approve(financing, security=DISCLOSED)

        kept = desk.seen(desk.stage.cast.bank, "/v1/rule-results", subject=financing)["items"]
        results = {one["rule"]: one["outcome"] for one in kept[-1]["results"]}
        assert results["BFG-01"] == "pass"

    def test_a_pledge_has_no_other_choice(self, desk):
        bank, financing = desk.stage.cast.bank, desk.request(desk.receivable(6))
        body = desk.offer(bank, security={"kind": "pledge", "recourse": False, "disclosed": True})

        found = desk.refused(bank, f"/v1/financings/{financing}/offer-draft", body)
        assert found["code"] == "pledge.security_invalid"


@pytest.fixture(scope="module")
def disclosed(open_desk):
    """A factoring of which the debtor is told at once."""
    return taken(open_desk, 10, DISCLOSED)


@pytest.fixture(scope="module")
def undisclosed(open_desk):
    """A factoring without recourse of which the debtor is not told."""
    return taken(open_desk, 20, UNDISCLOSED)


class TestDisclosed:
    def test_the_contract_says_what_it_is(self, desk, disclosed):
        path = f"/v1/financings/{financing_of(desk, disclosed)}/contract"
        text = desk.stage.get(desk.stage.cast.bank, path).text

        assert text.startswith("保理合同\n")
        assert "可以向转让人主张返还融资款本息或者回购" in text
        assert "剩余部分返还转让人（民法典第七百六十六条）" in text
        shown = desk.pledge(disclosed)["security"]
        assert (shown["name"], shown["surplus"]) == ("有追索权明保理", "pledgor")

    def test_no_money_before_the_notice_has_arrived(self, desk, disclosed):
        assert desk.pledge(disclosed)["missing"] == []
        answer = pay_out(desk, disclosed, "FK-10")

        assert answer.status_code == 409
        assert answer.json()["fields"]["blocked_by"] == ["BFG-03"]
        assert answer.json()["fields"]["article"].startswith("第五百四十六条")

    def test_the_notice_is_signed_by_both_before_it_is_sent(self, desk, disclosed):
        cast, path = desk.stage.cast, f"/v1/pledges/{disclosed}/notify-debtor"
        assert desk.refused(cast.bank, path, {})["code"] == "debtor_notice.not_signed"
        notice = prepared(desk, disclosed)
        hidden = desk.stage.get(cast.anchor, f"/v1/debtor-notices/{notice}")
        assert hidden.status_code == 404, "the debtor hears of it when it is sent"
        assert desk.seen(cast.anchor, "/v1/debtor-notices")["items"] == []
        signed_by(desk, cast.bank, notice, "countersign")
        again = {"signers": cast.bank.signers("countersign")}
        problem = desk.refused(cast.bank, f"/v1/debtor-notices/{notice}/sign-draft", again)
        assert problem["code"] == "debtor_notice.not_open"
        assert desk.refused(cast.bank, path, {})["code"] == "debtor_notice.not_signed"
        assert signed_by(desk, cast.supplier, notice, "notify")["state"] == "SIGNED"

        sent = desk.did(cast.supplier, path, {})
        assert (sent["id"], sent["state"]) == (notice, "ISSUED")
        assert told(desk, notice) == [
            "debtor_notice.prepared",
            "debtor_notice.signed",
            "debtor_notice.issued",
        ]
        assert desk.refused(cast.bank, path, {})["code"] == "debtor_notice.already_issued"

    def test_the_paper_shows_the_factor_and_both_signatures(self, desk, disclosed):
        cast = desk.stage.cast
        (notice,) = desk.seen(cast.anchor, "/v1/debtor-notices")["items"]
        pdf = desk.stage.get(cast.anchor, f"/v1/debtor-notices/{notice['id']}/notice.pdf").content
        text = text_of(pdf)

        assert "应收账款转让通知书" in text
        assert "保理，有追索权，通知债务人（明）" in text
        assert "第七百六十四条" in text
        assert text.count("电子签名") >= 3, "assignor, and the factor's maker and checker"
        files = attached(pdf)
        assert len([name for name in files if name.endswith(".jws")]) == 3
        assert any(name.startswith("登记证明") for name in files)

    def test_the_receipt_and_then_the_money(self, desk, disclosed):
        (notice,) = desk.seen(desk.stage.cast.anchor, "/v1/debtor-notices")["items"]
        assert acknowledged(desk, notice["id"])["state"] == "ACKNOWLEDGED"
        pdf = desk.stage.get(
            desk.stage.cast.bank, f"/v1/debtor-notices/{notice['id']}/receipt.pdf"
        ).content
        assert "应收账款转让通知书回执" in text_of(pdf)

        answer = pay_out(desk, disclosed, "FK-10")
        assert answer.status_code == 200, answer.text


class TestRecourse:
    def demand(self, desk, pledge, **other):
        bank, path = desk.stage.cast.bank, f"/v1/pledges/{pledge}"
        body = {
            "amount": money("996000.00"),
            "due_on": "2025-11-13",
            "reason": "付款义务人到期未付",
            "signers": bank.signers("recourse"),
            **other,
        }
        return path, body

    def test_only_with_recourse(self, desk, disclosed, undisclosed):
        bank = desk.stage.cast.bank
        path, body = self.demand(desk, undisclosed)
        found = desk.refused(bank, f"{path}/recourse-draft", body)
        assert (found["code"], found["fields"]["recourse"]) == ("pledge.no_recourse", False)
        path, body = self.demand(desk, disclosed)
        supplier = desk.stage.cast.supplier
        assert desk.refused(supplier, f"{path}/recourse-draft", body)["code"] == (
            "pledge.not_allowed"
        )

    @pytest.mark.parametrize(
        ("other", "code"),
        [
            ({"amount": money("1245000.01")}, "pledge.recourse_above_taken"),
            ({"due_on": "2025-11-02"}, "pledge.recourse_due_passed"),
        ],
    )
    def test_what_cannot_be_demanded(self, desk, disclosed, other, code):
        path, body = self.demand(desk, disclosed, **other)
        bank = desk.stage.cast.bank
        assert desk.refused(bank, f"{path}/recourse-draft", body)["code"] == code

    def test_the_seller_buys_back_and_the_claim_returns(self, desk, disclosed):
        cast = desk.stage.cast
        path, body = self.demand(desk, disclosed)
        shown = desk.signed(cast.bank, f"{path}/recourse-draft", body, f"{path}/recourse")
        assert shown["recourse_called_at"] is not None
        assert shown["standing"]["line"].endswith("已要求转让人回购")
        assert shown["standing"]["waiting_for"]["party"] == cast.supplier.id
        found = desk.refused(cast.bank, f"{path}/recourse-draft", body)
        assert found["code"] == "pledge.recourse_called"
        told = desk.seen(cast.supplier, "/v1/notices", limit=200)["items"]
        assert told[-1]["kind"] == "pledge.recourse_called"
        assert told[-1]["fields"]["amount"] == money("996000.00")

        financing = financing_of(desk, disclosed)
        repaid = {"receipt_no": "HG-10", "amount": money("996000.00"), "repaid_on": "2025-11-03"}
        desk.did(cast.bank, f"/v1/financings/{financing}/repayment", repaid)
        assert desk.release(disclosed)["state"] == "RELEASED"
        desk.work()
        assert desk.financing(financing)["state"] == "CLOSED"
        kept = desk.seen(cast.bank, "/v1/rule-results", subject=financing)["items"]
        assert [one["transition"] for one in kept][-1] == "factoring.settle"


class TestUndisclosed:
    def test_money_moves_without_notice(self, desk, undisclosed):
        assert pay_out(desk, undisclosed, "FK-20").is_success
        shown = desk.pledge(undisclosed)["security"]
        assert (shown["name"], shown["surplus"]) == ("无追索权暗保理", "pledgee")

    def test_later_on_a_trigger_by_the_bank_alone(self, desk, undisclosed):
        cast, path = desk.stage.cast, f"/v1/pledges/{undisclosed}/notify-debtor"
        notice = signed(desk, undisclosed)
        body = {"trigger": "应收账款到期未付"}

        assert desk.refused(cast.supplier, path, body)["code"] == "debtor_notice.undisclosed"
        for trigger in ({}, {"trigger": "想通知"}):
            problem = desk.refused(cast.bank, path, trigger)
            assert problem["code"] == "debtor_notice.trigger_missing"
        assert desk.stage.get(cast.anchor, f"/v1/debtor-notices/{notice}").status_code == 404

        sent = desk.did(cast.bank, path, body)
        assert (sent["state"], sent["trigger"]) == ("ISSUED", "应收账款到期未付")
        assert acknowledged(desk, notice)["state"] == "ACKNOWLEDGED"

    def test_the_way_back_tells_the_debtor_whom_to_pay(self, desk, undisclosed):
        cast = desk.stage.cast
        shown = desk.release(undisclosed)
        assert "已反转让" in shown["standing"]["line"]

        back = desk.seen(cast.anchor, "/v1/debtor-notices", waiting=True)["items"][-1]
        assert (back["purpose"], back["reason"]) == ("released", "主债权已清偿")
        assert told(desk, back["id"]) == ["debtor_notice.release_issued"]
        pdf = desk.stage.get(cast.anchor, f"/v1/debtor-notices/{back['id']}/notice.pdf").content
        text = text_of(pdf)
        assert "应收账款反转让通知书" in text
        assert "向债权人支付" in text
        assert len([name for name in attached(pdf) if name.endswith(".jws")]) == 2
        assert acknowledged(desk, back["id"])["state"] == "ACKNOWLEDGED"
        receipt = desk.stage.get(cast.bank, f"/v1/debtor-notices/{back['id']}/receipt.pdf")
        assert "应收账款反转让通知书回执" in text_of(receipt.content)


class TestPledgesStayAsTheyAre:
    def test_its_notice_is_not_signed_in_advance(self, desk):
        pledge = desk.ready_pledge(desk.receivable(30))
        found = desk.refused(desk.stage.cast.bank, f"/v1/pledges/{pledge}/prepare-notice", {})

        assert found["code"] == "debtor_notice.needs_no_signature"

    def test_who_was_never_told_hears_nothing_at_the_end(self, desk):
        pledge = desk.ready_pledge(desk.receivable(31))
        before = len(desk.types())
        desk.release(pledge)

        assert not [type_ for type_ in desk.types()[before:] if "notice" in type_]

    def test_a_pledge_that_was_told_is_told_to_be_over(self, desk):
        cast = desk.stage.cast
        pledge = desk.ready_pledge(desk.receivable(32))
        desk.did(cast.bank, f"/v1/pledges/{pledge}/notify-debtor", {})
        desk.release(pledge)

        back = desk.seen(cast.anchor, "/v1/debtor-notices", waiting=True)["items"][-1]
        assert (back["pledge"], back["purpose"]) == (pledge, "released")
        pdf = desk.stage.get(cast.anchor, f"/v1/debtor-notices/{back['id']}/notice.pdf").content
        assert "解除应收账款质押通知书" in text_of(pdf)
