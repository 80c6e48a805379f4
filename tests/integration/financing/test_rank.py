"""Your rank if you register now, and what each would recover: shown before money moves, kept with the decision."""

from dataclasses import replace

import httpx
import pytest

from tests.support.receivables import money

OTHER_BANK = {"name": "某外地银行(示例)", "uscc": "91350100M000100Y43"}


def rank(desk, financing, who=None, **sums):
    return desk.seen(who or desk.stage.cast.bank, f"/v1/financings/{financing}/rank", **sums)


def searched(desk, financing, who=None):
    """Have the register searched, and return the rank that follows."""
    who = who or desk.stage.cast.bank
    desk.did(who, f"/v1/financings/{financing}/search", {})
    desk.work()
    return rank(desk, financing, who)


def at_the_register(desk, invoice, *, stated="应收账款金额：人民币300000.00元"):
    """Somebody who never joined registers the supplier's invoice by hand."""
    supplier = desk.stage.cast.supplier
    grantor = {"name": supplier.name, "uscc": supplier.uscc}
    body = {
        "reference": f"outside-{invoice}",
        "secured_party": OTHER_BANK,
        "grantor": grantor,
        "description": f"发票号码：{invoice}（共1张）；{stated}。",
        "items": [invoice],
        "amount": "300000.00",
        "currency": "CNY",
        "contract_no": "WB-1",
        "term_months": 12,
        "business": "应收账款质押",
    }
    answer = httpx.post(f"{desk.registry.url}/registrations", json=body, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()["reg_no"]


def invoice_of(desk, receivable):
    shown = desk.seen(desk.stage.cast.supplier, f"/v1/receivables/{receivable}")
    return shown["documents"][0]["number"]


class TestAlone:
    def test_first_if_registered_now(self, desk):
        financing = desk.request(desk.receivable(1))
        found = rank(desk, financing, sum=["1245000.00", "500000.01"])

        assert (found["rank"], found["registered"], found["search_no"]) == (1, False, None)
        (own,) = found["places"]
        assert (own["whose"], own["name"]) == ("own", desk.stage.cast.bank.name)
        assert "第七百六十八条" in own["article"]
        whole, half = found["recoveries"]
        assert whole["shares"] == [
            {"rank": 1, "whose": "own", "gets": money("996000.00"), "lacks": money("0.00")}
        ]
        assert whole["surplus"] == money("249000.00")
        assert half["shares"][0]["gets"] == money("500000.01")
        assert half["shares"][0]["lacks"] == money("495999.99")

    def test_the_registered_time_counts_once_there_is_one(self, desk):
        receivable = desk.receivable(2)
        pledge = desk.ready_pledge(receivable)
        financing = desk.seen(desk.stage.cast.bank, "/v1/financings")["items"][-1]["id"]
        found = rank(desk, financing)

        assert found["registered"]
        shown = desk.pledge(pledge)
        assert found["places"][0]["since"] == shown["registration"]["registered_at"]
        assert found["search_no"] is not None

    def test_a_stranger_learns_nothing(self, desk):
        financing = desk.request(desk.receivable(3))
        path = f"/v1/financings/{financing}/rank"
        other, supplier = desk.stage.cast.second_bank, desk.stage.cast.supplier

        assert desk.refused(other, f"/v1/financings/{financing}/search", {})["code"] == (
            "subject.not_found"
        )
        assert desk.stage.get(other, path).status_code == 404
        assert desk.refused(supplier, f"/v1/financings/{financing}/search", {})["code"] == (
            "financing.not_allowed"
        )

    @pytest.mark.parametrize("text", ["-1.00", "1.234", "x"])
    def test_a_sum_is_an_amount(self, desk, text):
        financing = desk.seen(desk.stage.cast.bank, "/v1/financings")["items"][-1]["id"]
        answer = desk.stage.get(desk.stage.cast.bank, f"/v1/financings/{financing}/rank", sum=text)

        assert answer.status_code == 422
        assert answer.json()["code"] == "money.invalid"


class TestBehindOthers:
    def test_behind_another_bank_here_without_its_name(self, desk):
        """The first bank is registered; the second would come after it, and learns date and amount only."""
        cast = desk.stage.cast
        receivable = desk.receivable(10)
        second = desk.request(receivable, bank=cast.second_bank)
        first = desk.ready_pledge(receivable)
        found = rank(desk, second, cast.second_bank, sum=["1500000.00"])

        assert found["rank"] == 2
        ahead, own = found["places"]
        assert (ahead["whose"], ahead["name"], ahead["kind"]) == ("other", "其他权利人", None)
        assert ahead["since"] == desk.pledge(first)["registration"]["registered_at"]
        assert ahead["amount"] == money("1245000.00"), "what the register shows: the part taken"
        assert own["whose"] == "own"
        gets = [share["gets"] for share in found["recoveries"][0]["shares"]]
        assert gets == [money("1245000.00"), money("255000.00")]
        assert cast.bank.name not in str(found)
        assert cast.bank.id not in str(found)
        assert "996000.00" not in str(found["places"][0])

    def test_what_is_not_registered_is_nobody_elses_business(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(11)
        second = desk.request(receivable, bank=cast.second_bank)
        desk.accept(desk.signed_pledge(receivable))

        assert [one["whose"] for one in rank(desk, second, cast.second_bank)["places"]] == ["own"]
        seen = rank(desk, second, cast.supplier)["places"]
        assert {one["name"] for one in seen} == {cast.bank.name, cast.second_bank.name}
        assert [one["secured"] for one in seen] == [True, False], "a pledge arises by registration"
        desk.work()
        assert rank(desk, second, cast.second_bank)["rank"] == 2

    def test_behind_what_the_search_of_the_register_found(self, desk):
        receivable = desk.receivable(12)
        reg_no = at_the_register(desk, invoice_of(desk, receivable))
        financing = desk.request(receivable)
        assert rank(desk, financing)["rank"] == 1, "nobody has searched yet"

        found = searched(desk, financing)

        assert found["rank"] == 2
        assert found["search_no"] is not None
        ahead = found["places"][0]
        assert (ahead["reg_no"], ahead["amount"]) == (reg_no, money("300000.00"))
        assert not ahead["amount_assumed"]
        assert ahead["name"] == "其他权利人"

    def test_an_entry_without_an_amount_is_taken_to_be_on_the_whole(self, desk):
        receivable = desk.receivable(13)
        at_the_register(desk, invoice_of(desk, receivable), stated="金额以合同为准")
        found = searched(desk, desk.request(receivable))

        ahead = found["places"][0]
        assert ahead["amount_assumed"]
        assert ahead["amount"] == money("1245000.00")
        assert found["recoveries"][0]["shares"][1]["gets"] == money("0.00")

    def test_a_search_that_names_other_invoices_changes_nothing(self, desk):
        at_the_register(desk, "99999999999999999999")
        found = searched(desk, desk.request(desk.receivable(14)))

        assert (found["rank"], len(found["places"])) == (1, 1)


class TestLinkGone:
    """A search is asked for over the link; when the worker comes to it the installation has none."""

    @pytest.fixture
    def unlinked(self, desk):
        linked = desk.context
        bare = linked.settings.model_copy(update={"registry_url": ""})
        desk.context = replace(linked, settings=bare)
        yield desk
        desk.context = linked

    def asked(self, desk, number):
        financing = desk.request(desk.receivable(number))
        desk.did(desk.stage.cast.bank, f"/v1/financings/{financing}/search", {})
        desk.work()
        return financing

    def told(self, desk, financing):
        bank = desk.stage.cast.bank
        return desk.seen(bank, "/v1/tasks", subject=financing, kind="registration.unlinked")[
            "items"
        ]

    def test_it_is_refused_once_and_becomes_the_banks_own_to_do(self, unlinked):
        desk, before = unlinked, unlinked.types()
        financing = self.asked(desk, 30)

        assert any("registry.no_link" in (error or "") for error in desk.failures())
        assert desk.waiting() == [], "nothing is tried again"
        assert rank(desk, financing)["search_no"] is None
        assert desk.types()[len(before) :].count("pledge.searched") == 0
        (task,) = self.told(desk, financing)
        assert (task["state"], task["role"], task["due_on"]) == ("open", "registrar", "2025-11-04")

    def test_a_later_search_over_the_link_closes_it(self, unlinked):
        desk, bank = unlinked, unlinked.stage.cast.bank
        financing = self.asked(desk, 31)
        url = {"registry_url": desk.registry.url}
        desk.context = replace(desk.context, settings=desk.context.settings.model_copy(update=url))
        desk.did(bank, f"/v1/financings/{financing}/search", {})
        desk.work()

        assert rank(desk, financing)["search_no"] is not None
        (task,) = self.told(desk, financing)
        assert task["state"] == "done"

    def test_the_banks_decision_lets_go_of_it(self, unlinked):
        desk = unlinked
        financing = self.asked(desk, 32)
        desk.approve(financing)

        (task,) = self.told(desk, financing)
        assert task["state"] == "void"


class TestKept:
    def test_with_the_offer_and_with_the_payment(self, desk):
        cast = desk.stage.cast
        receivable = desk.receivable(20)
        financing = desk.request(receivable)
        before = searched(desk, financing)
        assert before["stated"] == []
        desk.approve(financing)
        (offered,) = rank(desk, financing)["stated"]
        assert (offered["step"], offered["rank"], offered["of"]) == ("offer", 1, 1)
        assert offered["search_no"] == before["search_no"]

        pledge = desk.propose(financing)
        desk.contract(financing)
        desk.accept(pledge)
        desk.work()
        desk.mine()
        desk.work()
        body = {
            "receipt_no": "FK-RANK-20",
            "amount": money("996000.00"),
            "disbursed_on": "2025-11-03",
        }
        desk.did(cast.bank, f"/v1/financings/{financing}/disbursement", body)

        kept = rank(desk, financing)["stated"]
        assert [one["step"] for one in kept] == ["offer", "disbursement"]
        assert kept[1]["search_no"] not in (None, before["search_no"]), "the second search"
