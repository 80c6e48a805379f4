"""No link to the register: a person files by hand, and hands the register's own PDFs in."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest

from scf.kernel.money import Money
from scf.papers import typesetting
from scf.registrations import searching
from scf.registry.certificates import registration_paper, wall_time
from scf.registry.client import HttpRegistry
from scf.registry.port import Business, Enrolled, Filing
from scf.registry.reading import read_paper
from tests.integration.registrations.test_changes import record, tasks
from tests.support.receivables import identity, money


@pytest.fixture
def by_hand(open_desk, desk):
    """The desk, its platform without a link; the register is still there for people."""
    linked, app = desk.context, desk.stage.http.app
    unlinked = {"registry_url": ""}
    desk.context = replace(linked, settings=linked.settings.model_copy(update=unlinked))
    settings, app.state.settings = app.state.settings, desk.context.settings
    yield desk
    desk.context, app.state.settings = linked, settings


@pytest.fixture
def registry(desk):
    with HttpRegistry(desk.registry.url) as client:
        yield client


def form_of(desk, pledge):
    """The register's form as a person reads it off the screen."""
    shown = desk.seen(desk.stage.cast.bank, f"/v1/pledges/{pledge}/registration-form")
    return {(field["section"], field["label"]): field["value"] for field in shown["fields"]}


def filed(desk, pledge, **slips):
    """What a person types into the register, with slips of the pen."""
    form = form_of(desk, pledge)
    secured, grantor, collateral = "担保权人信息", "担保人信息", "担保财产信息"
    typed = Filing(
        reference=f"hand-{pledge}-{len(slips)}",
        secured_party=Enrolled(form[secured, "名称"], form[secured, "统一社会信用代码"]),
        grantor=Enrolled(form[grantor, "名称"], form[grantor, "统一社会信用代码"]),
        description=form[collateral, "担保财产描述"],
        items=tuple(form[collateral, "发票号码"].split("、")),
        amount=Money.parse(form[collateral, "主合同金额"]),
        contract_no=form[collateral, "主合同号码"],
        term_months=int(form["登记基本信息", "登记期限（月）"]),
        business=Business(form["登记基本信息", "交易业务类型"]),
    )
    return replace(typed, **slips)


def hand_in(desk, pledge, pdf, who=None):
    """Hand a PDF in, as a browser would."""
    stage = desk.stage
    return stage.http.post(
        f"/v1/pledges/{pledge}/registry-papers",
        content=pdf,
        headers={
            **stage.headers(who or stage.cast.bank),
            "Idempotency-Key": f"{pledge}-{hash(pdf)}",
            "Content-Type": "application/pdf",
        },
    )


def taken(desk, pledge, pdf):
    answer = hand_in(desk, pledge, pdf)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert shown["taken"], shown["differences"]
    desk.work()
    return shown


def differences(desk, pledge, pdf):
    """Hand in what is not taken: the fields that stop it; nothing has moved."""
    before = (desk.types(), desk.pledge(pledge))
    answer = hand_in(desk, pledge, pdf)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert not shown["taken"]
    desk.work()
    assert (desk.types(), desk.pledge(pledge)) == before
    return {one["field"]: (one["expected"], one["found"]) for one in shown["differences"]}


def search_paper(registry, grantor):
    return registry.certificate_pdf(registry.search(grantor).cert_no)


def cancelled(registry, entry):
    """Cancel an entry; return the 注销登记证明."""
    registry.cancel(entry.reg_no, reason="撤回")
    done = registry.find(f"cancel-{entry.reg_no}")
    return registry.certificate_pdf(done.content.number)


def pdf_of(certificate):
    return typesetting.paper(registration_paper(certificate))


def grantor(desk):
    supplier = desk.stage.cast.supplier
    return Enrolled(supplier.name, supplier.uscc)


class TestWholeLife:
    def test_from_the_first_search_to_the_cancellation(self, by_hand, registry):
        desk, bank = by_hand, by_hand.stage.cast.bank
        pledge = desk.signed_pledge(desk.receivable(1))
        desk.accept(pledge)
        desk.work()
        desk.do_again()
        (task,) = tasks(desk, pledge, "search")
        assert (task["state"], task["due_on"]) == ("open", "2025-11-04")

        taken(desk, pledge, search_paper(registry, grantor(desk)))
        assert [one["state"] for one in tasks(desk, pledge, "search")] == ["done"]
        (task,) = tasks(desk, pledge, "file")
        assert task["fields"]["paper"] == "登记证明"

        entry = registry.register(filed(desk, pledge))
        paper = taken(desk, pledge, registry.certificate_pdf(entry.reg_no))
        assert paper["differences"] == []
        shown = desk.pledge(pledge)
        assert (shown["state"], shown["registration"]["reg_no"]) == ("EFFECTIVE", entry.reg_no)
        whole = entry.registered_at.replace(microsecond=0)
        assert shown["legally_effective_at"] == whole.isoformat().replace("+00:00", "Z")
        assert [one["state"] for one in tasks(desk, pledge, "file")] == ["done"]
        certificate = desk.stage.get(bank, f"/v1/pledges/{pledge}/registration-certificate")
        assert certificate.headers["content-type"] == "application/pdf"

        desk.mine()
        desk.work()
        assert desk.pledge(pledge)["missing"] == ["clean_second_search"]
        taken(desk, pledge, search_paper(registry, grantor(desk)))
        assert desk.pledge(pledge)["missing"] == []

        desk.did(bank, f"/v1/pledges/{pledge}/extend-registration", {"months": 6})
        desk.work()
        extension = registry.extend(entry.reg_no, reference="hand-extend", months=6)
        taken(desk, pledge, registry.certificate_pdf(extension.reg_no))
        assert desk.pledge(pledge)["registration"]["expires_on"] == extension.expires_on.isoformat()
        assert [one["number"] for one in record(desk, pledge)["filings"]] == [
            entry.reg_no,
            extension.reg_no,
        ]

        desk.release(pledge)
        desk.work()
        (task,) = tasks(desk, pledge, "cancel")
        assert task["state"] == "open"
        registry.cancel(entry.reg_no, reason="主债权消灭")
        number = f"{int(extension.reg_no) + 1}"
        taken(desk, pledge, registry.certificate_pdf(number))
        assert desk.pledge(pledge)["registration"]["cancelled_at"] is not None
        assert [one["state"] for one in tasks(desk, pledge, "cancel")] == ["done"]


def registered(desk, registry, pledge):
    """Search, register and hand both papers in; return the entry."""
    taken(desk, pledge, search_paper(registry, grantor(desk)))
    entry = registry.register(filed(desk, pledge))
    taken(desk, pledge, registry.certificate_pdf(entry.reg_no))
    return entry


class TestMoney:
    def test_it_is_paid_out_on_the_rank_that_the_papers_show(self, by_hand, registry):
        desk, bank = by_hand, by_hand.stage.cast.bank
        pledge = desk.signed_pledge(desk.receivable(40))
        financing = desk.seen(bank, "/v1/financings")["items"][-1]["id"]
        desk.accept(pledge)
        desk.work()
        entry = registered(desk, registry, pledge)
        desk.mine()
        desk.work()
        search = registry.search(grantor(desk)).cert_no
        taken(desk, pledge, registry.certificate_pdf(search))

        shown = desk.seen(bank, f"/v1/financings/{financing}/rank")
        assert (shown["rank"], shown["registered"], shown["search_no"]) == (1, True, search)
        assert shown["places"][0]["reg_no"] == entry.reg_no
        receipt = {
            "receipt_no": "FK-HAND-40",
            "amount": money("996000.00"),
            "disbursed_on": "2025-11-03",
        }
        desk.did(bank, f"/v1/financings/{financing}/disbursement", receipt)

        assert desk.financing(financing)["state"] == "DISBURSED"
        kept = desk.seen(bank, f"/v1/financings/{financing}/rank")["stated"]
        assert (kept[-1]["step"], kept[-1]["search_no"]) == ("disbursement", search)

    def test_nobody_is_told_of_a_search_that_nobody_makes(self, by_hand):
        desk, cast = by_hand, by_hand.stage.cast
        financing = desk.request(desk.receivable(41))
        waiting = desk.waiting()
        looks = desk.seen(cast.supplier, "/v1/access-log")["items"]

        refusal = desk.refused(cast.bank, f"/v1/financings/{financing}/search", {})

        assert refusal["code"] == "registry.no_link"
        assert desk.waiting() == waiting
        assert desk.seen(cast.supplier, "/v1/access-log")["items"] == looks


class TestGivenUp:
    """A pledge that the bank gives up after it was registered, and before it took effect."""

    @pytest.fixture
    def entry(self, by_hand, registry):
        return self.early(by_hand, registry, 50 + len(by_hand.types()))

    def early(self, desk, registry, number):
        """Registered, its paper handed in before that of the search."""
        pledge = desk.signed_pledge(desk.receivable(number))
        desk.accept(pledge)
        desk.work()
        entry = registry.register(filed(desk, pledge))
        taken(desk, pledge, registry.certificate_pdf(entry.reg_no))
        assert desk.pledge(pledge)["state"] == "RESERVED"
        return pledge, entry

    def test_it_ends_and_frees_the_claim_with_the_cancellation(self, by_hand, registry, entry):
        desk, bank = by_hand, by_hand.stage.cast.bank
        pledge, registered = entry
        desk.did(bank, f"/v1/pledges/{pledge}/give-up", {"reason": "撤回"})
        desk.work()
        assert desk.pledge(pledge)["state"] == "RESERVED"
        assert [one["state"] for one in tasks(desk, pledge, "cancel")] == ["open"]

        paper = taken(desk, pledge, cancelled(registry, registered))

        assert paper["differences"] == []
        assert desk.pledge(pledge)["state"] == "CANCELLED"
        assert [one["state"] for one in tasks(desk, pledge, "cancel")] == ["done"]
        assert desk.types()[-3:] == ["pledge.cancelled", "pool.released", "financing.refused"]

    def test_the_cancellation_of_another_entry_does_not_end_it(self, by_hand, registry, entry):
        desk, bank = by_hand, by_hand.stage.cast.bank
        pledge, _ = entry
        _, other = self.early(desk, registry, 51 + len(desk.types()))
        desk.did(bank, f"/v1/pledges/{pledge}/give-up", {"reason": "撤回"})
        desk.work()

        found = differences(desk, pledge, cancelled(registry, other))

        assert set(found) == {"initial_no"}

    def test_what_was_cancelled_first_registers_nothing(self, by_hand, registry, entry):
        desk = by_hand
        pledge, registered = entry
        taken(desk, pledge, cancelled(registry, registered))
        taken(desk, pledge, search_paper(registry, grantor(desk)))

        assert desk.pledge(pledge)["state"] == "RESERVED"
        assert [one["state"] for one in tasks(desk, pledge, "file")] == ["open"]
        again = registry.register(filed(desk, pledge, reference=f"again-{pledge}"))
        taken(desk, pledge, registry.certificate_pdf(again.reg_no))
        assert desk.pledge(pledge)["registration"]["reg_no"] == again.reg_no


class TestBounds:
    """A certificate's time and number are held to what is known: rank hangs on them."""

    @pytest.fixture
    def pledge(self, by_hand):
        pledge = by_hand.signed_pledge(by_hand.receivable(60 + len(by_hand.types())))
        by_hand.accept(pledge)
        by_hand.work()
        return pledge

    @pytest.mark.parametrize("searched", [True, False])
    @pytest.mark.parametrize("days", [-730, 2])
    def test_a_registration_is_made_after_the_search_and_not_to_come(
        self, by_hand, registry, pledge, days, searched
    ):
        desk = by_hand
        if searched:
            taken(desk, pledge, search_paper(registry, grantor(desk)))
        entry = registry.register(filed(desk, pledge))
        said = read_paper(registry.certificate_pdf(entry.reg_no))
        at = said.registered_at + timedelta(days=days)
        forged = replace(said, registered_at=at, expires_on=date(2030, 1, 1))

        found = differences(desk, pledge, pdf_of(forged))

        assert set(found) == {"registered_at", "expires_on"}
        span, shown = found["registered_at"]
        assert shown == wall_time(at)
        earliest, _, latest = span.partition("—")
        assert earliest < wall_time(said.registered_at) <= latest
        taken(desk, pledge, registry.certificate_pdf(entry.reg_no))

    def test_a_search_comes_before_the_registration_that_waits_for_it(
        self, by_hand, registry, pledge
    ):
        desk = by_hand
        entry = registry.register(filed(desk, pledge))
        taken(desk, pledge, registry.certificate_pdf(entry.reg_no))
        desk.stage.clock.set(desk.stage.clock.now() + timedelta(minutes=5))

        found = differences(desk, pledge, search_paper(registry, grantor(desk)))

        assert set(found) == {"searched_at"}

    def test_an_entry_is_one_pledges(self, by_hand, registry, pledge):
        desk = by_hand
        other = registered(desk, registry, pledge)
        again = desk.signed_pledge(desk.receivable(61 + len(desk.types())))
        desk.accept(again)
        desk.work()
        taken(desk, again, search_paper(registry, grantor(desk)))
        entry = registry.register(filed(desk, again))
        said = read_paper(registry.certificate_pdf(entry.reg_no))
        used = replace(said, number=other.reg_no, initial_no=other.reg_no)

        found = differences(desk, again, pdf_of(used))

        unused = ("（未用于其他质押）", other.reg_no)
        assert found == {"number": unused, "initial_no": unused}


class TestAtOnce:
    """Two pledges of one grantor; the same paper is handed in for both at the same moment."""

    @pytest.fixture
    def two(self, by_hand):
        desk, number = by_hand, 400 + len(by_hand.types())
        pledges = [desk.signed_pledge(desk.receivable(number + one)) for one in range(2)]
        for pledge in pledges:
            desk.accept(pledge)
        desk.work()
        return pledges

    def at_once(self, desk, pledges, pdf):
        with ThreadPoolExecutor(len(pledges)) as pool:
            answers = list(pool.map(lambda one: hand_in(desk, one, pdf), pledges))
        assert [one.status_code for one in answers] == [201, 201], [one.text for one in answers]
        desk.work()
        return [one.json() for one in answers]

    def test_a_search_is_of_the_grantor_and_answers_for_both(self, by_hand, registry, two):
        shown = self.at_once(by_hand, two, search_paper(registry, grantor(by_hand)))

        assert [one["taken"] for one in shown] == [True, True]
        for pledge in two:
            (search,) = record(by_hand, pledge)["searches"]
            assert (search["cert_no"], search["clean"]) == (shown[0]["number"], True)

    def test_a_registration_is_one_pledges_and_refused_for_the_other(self, by_hand, registry, two):
        desk = by_hand
        self.at_once(desk, two, search_paper(registry, grantor(desk)))
        entry = registry.register(
            replace(
                filed(desk, two[0]),
                items=tuple(item for one in two for item in filed(desk, one).items),
            )
        )
        shown = self.at_once(desk, two, registry.certificate_pdf(entry.reg_no))

        assert sorted(one["taken"] for one in shown) == [False, True]
        (refused,) = [one for one in shown if not one["taken"]]
        stopping = {one["field"] for one in refused["differences"] if one["weight"] == "stops"}
        assert stopping == {"number", "initial_no"}
        states = sorted(desk.pledge(pledge)["state"] for pledge in two)
        assert states == ["EFFECTIVE", "RESERVED"]

    def test_one_search_for_one_pledge_is_kept_once_by_two_workers(self, by_hand, registry, two):
        desk, (pledge, _) = by_hand, two
        hand_in(desk, pledge, search_paper(registry, grantor(desk)))
        payload = {"pledge_id": str(identity(pledge)), "again": True}

        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(searching.search_first, desk.context, payload) for _ in range(2)]
        for one in done:
            one.result()

        assert len(record(desk, pledge)["searches"]) == 1


class TestDifferences:
    @pytest.fixture
    def searched(self, by_hand, registry):
        desk = by_hand
        number = len(desk.types())
        pledge = desk.signed_pledge(desk.receivable(number))
        desk.accept(pledge)
        desk.work()
        taken(desk, pledge, search_paper(registry, grantor(desk)))
        return pledge

    def test_what_matters_stops_it_and_is_named(self, by_hand, registry, searched):
        desk = by_hand
        right = filed(desk, searched)
        slips = {
            "grantor": Enrolled("永川兴锐冲压件厂", right.grantor.uscc),
            "items": ("25509999999999999999",),
            "description": "应收账款，发票号码：25509999999999999999。",
            "amount": Money.parse("99600.00"),
            "term_months": 1,
        }
        entry = registry.register(filed(desk, searched, **slips))

        found = differences(desk, searched, registry.certificate_pdf(entry.reg_no))

        assert found["grantor.name"] == (right.grantor.name, "永川兴锐冲压件厂")
        assert found["amount"] == ("996000.00", "99600.00")
        assert set(found) == {
            *("grantor.name", "amount", "items", "description", "expires_on"),
        }
        paper = record(desk, searched)["papers"][-1]
        weights = {one["label"]: one["weight"] for one in paper["differences"]}
        assert weights["担保人名称"] == weights["登记到期日"] == "stops"
        assert weights["担保财产描述"] == "noted"

    def test_other_words_for_the_same_claim_are_noted_and_taken(self, by_hand, registry, searched):
        desk = by_hand
        right = filed(desk, searched)
        entry = registry.register(
            replace(right, description=f"货款，发票号码{'、'.join(right.items)}")
        )

        paper = taken(desk, searched, registry.certificate_pdf(entry.reg_no))

        assert [one["weight"] for one in paper["differences"]] == ["noted"]
        assert desk.pledge(searched)["state"] == "EFFECTIVE"

    def test_a_search_that_is_old_or_of_somebody_else_does_not_count(self, by_hand, registry):
        desk = by_hand
        pledge = desk.signed_pledge(desk.receivable(77))
        desk.accept(pledge)
        desk.work()
        other = Enrolled("他人", "91500118MA5U00009J")
        old = search_paper(registry, grantor(desk))
        assert set(differences(desk, pledge, search_paper(registry, other))) == {
            *("grantor.name", "grantor.uscc"),
        }
        desk.stage.clock.set(desk.stage.clock.now() + timedelta(hours=26))

        assert set(differences(desk, pledge, old)) == {"searched_at"}


class TestRefusal:
    def test_what_is_no_certificate_is_refused_and_not_kept(self, by_hand):
        desk = by_hand
        pledge = desk.signed_pledge(desk.receivable(78))
        desk.accept(pledge)
        before = desk.types()

        answer = hand_in(desk, pledge, b"%PDF-1.7 nothing")
        assert (answer.status_code, answer.json()["code"]) == (422, "registry.paper_unreadable")
        form = desk.stage.get(desk.stage.cast.bank, f"/v1/pledges/{pledge}/registration-form.pdf")
        answer = hand_in(desk, pledge, form.content)
        assert answer.json()["code"] == "registry.paper_unreadable"

        assert record(desk, pledge)["papers"] == []
        assert desk.types() == before
        answer = hand_in(desk, pledge, form.content, desk.stage.cast.supplier)
        assert answer.json()["code"] == "pledge.not_allowed"

    def test_the_form_is_text_to_copy_too(self, by_hand):
        desk, bank = by_hand, by_hand.stage.cast.bank
        pledge = desk.signed_pledge(desk.receivable(79))
        unsigned = desk.stage.get(bank, f"/v1/pledges/{pledge}/registration-form")
        assert unsigned.json()["code"] == "registry.nothing_to_compare"
        desk.accept(pledge)

        text = desk.stage.get(bank, f"/v1/pledges/{pledge}/registration-form.txt").text

        assert text.startswith("【登记基本信息】\n交易业务类型：应收账款质押\n")
        assert "\n主合同金额：996000.00\n" in text
        assert "出质人（应收账款债权人）" in text
