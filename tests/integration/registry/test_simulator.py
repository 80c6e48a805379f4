"""The HTTP client against the simulator as a process of its own."""

import threading
from dataclasses import replace
from datetime import date

import pytest

from scf.kernel.calendar import add_months
from scf.kernel.money import Money
from scf.registry.client import HttpRegistry
from scf.registry.port import Enrolled, Filing, RegistryRefused, RegistryUnavailable
from scf.registry.reading import read_paper
from tests.support.registry import RegistryProcess

SUPPLIER = Enrolled("永川兴锐冲压件(示例)", "91500118MA5U00001Y")
BANK = Enrolled("示例农商行", "91500118MA5U00002X")


def a_filing(reference="plg_1", *, description="发票号码25112000000123456789", amount="1245000.00"):
    return Filing(
        reference=reference,
        secured_party=BANK,
        grantor=SUPPLIER,
        description=description,
        items=("25112000000123456789",),
        amount=Money.parse(amount),
        contract_no="fin_1",
        term_months=8,
    )


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    running = RegistryProcess(tmp_path_factory.mktemp("registry"))
    yield running
    running.kill()


@pytest.fixture
def registry(process):
    with HttpRegistry(process.url) as client:
        yield client


class TestRegister:
    def test_the_same_filing_again_is_the_same_entry(self, registry):
        first = registry.register(a_filing("again"))

        assert registry.register(a_filing("again")) == first
        assert registry.find("again") == first

    def test_a_reference_is_used_for_one_filing(self, registry):
        registry.register(a_filing("once"))

        with pytest.raises(RegistryRefused) as refused:
            registry.register(a_filing("once", amount="1.00"))

        assert refused.value.fields["register_code"] == "reference_reused"

    def test_nothing_stands_under_an_unknown_reference(self, registry):
        assert registry.find("never-used") is None

    def test_twenty_at_once_make_one_entry(self, process):
        numbers = []

        def register():
            with HttpRegistry(process.url) as client:
                numbers.append(client.register(a_filing("race")).reg_no)

        threads = [threading.Thread(target=register) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(numbers) == 20
        assert len(set(numbers)) == 1

    def test_the_term_ends_on_the_same_day_months_later(self, registry):
        entry = registry.register(a_filing("term"))

        assert isinstance(entry.expires_on, date)
        assert entry.certificate


class TestSearch:
    def test_finds_live_entries_and_numbers_its_certificate(self, registry):
        entry = registry.register(a_filing("searched"))

        first, second = registry.search(SUPPLIER), registry.search(SUPPLIER)

        found = next(f for f in first.findings if f.reg_no == entry.reg_no)
        assert found.secured_party == BANK
        assert first.cert_no != second.cert_no
        assert first.results_hash == second.results_hash

    def test_a_cancelled_entry_is_no_longer_found(self, registry):
        entry = registry.register(a_filing("cancelled"))
        cancelled = registry.cancel(entry.reg_no, reason="债务已清偿")

        assert cancelled.cancelled_at is not None
        assert registry.cancel(entry.reg_no, reason="再次注销") == cancelled
        assert entry.reg_no not in {f.reg_no for f in registry.search(SUPPLIER).findings}

    def test_another_grantors_entries_are_not_shown(self, registry):
        registry.register(a_filing("somebody"))

        assert registry.search(Enrolled("他人", "91500118MA5U00009J")).findings == ()


class TestChange:
    def test_what_is_added_has_the_priority_of_its_own_day(self, registry):
        entry = registry.register(a_filing("amended"))
        content = {
            "secured_party": {"name": BANK.name, "uscc": BANK.uscc},
            "grantor": {"name": SUPPLIER.name, "uscc": SUPPLIER.uscc},
            "description": entry.content.description,
            "items": list(entry.content.items),
            "amount": "1245000.00",
            "currency": "CNY",
            "contract_no": "fin_1",
            "business": "应收账款质押",
        }
        added = {"description": "发票号码25112000000999999999", "items": ["25112000000999999999"]}
        asked = {
            "reference": "amended-1",
            "reason": "增加担保财产",
            "content": content,
            "addition": added,
        }
        change = registry._http.post(f"/registrations/{entry.reg_no}/amendments", json=asked).json()

        assert (
            registry._http.post(f"/registrations/{entry.reg_no}/amendments", json=asked).json()
            == change
        )
        found = {one.reg_no: one for one in registry.search(SUPPLIER).findings}
        assert found[entry.reg_no].registered_at == entry.registered_at
        addition = found[change["reg_no"]]
        assert addition.items == ("25112000000999999999",)
        assert addition.registered_at > entry.registered_at
        certificate = read_paper(registry.certificate_pdf(change["reg_no"]))
        assert certificate.initial_no == entry.reg_no
        assert certificate.items == (*entry.content.items, "25112000000999999999")

        registry.cancel(entry.reg_no, reason="债务已清偿")
        assert change["reg_no"] not in {one.reg_no for one in registry.search(SUPPLIER).findings}

    def test_a_correction_keeps_its_place(self, registry):
        entry = registry.register(a_filing("corrected"))
        corrected = replace(a_filing("corrected-1"), grantor=replace(SUPPLIER, name="新名(示例)"))
        change = registry.amend(entry.reg_no, corrected, reason="名称变更")

        assert registry.amend(entry.reg_no, corrected, reason="名称变更") == change
        assert registry.find("corrected-1") == change
        (found,) = [f for f in registry.search(SUPPLIER).findings if f.reg_no == entry.reg_no]
        assert found.registered_at == entry.registered_at

    def test_extensions_follow_one_another_and_nothing_follows_the_end(self, registry):
        entry = registry.register(a_filing("extended"))
        first = registry.extend(entry.reg_no, reference="extended-1", months=6)
        second = registry.extend(entry.reg_no, reference="extended-2", months=1)
        assert registry.extend(entry.reg_no, reference="extended-1", months=6) == first

        assert first.expires_on == add_months(entry.expires_on, 6)
        assert second.expires_on == add_months(entry.expires_on, 7)
        registry.cancel(entry.reg_no, reason="债务已清偿")
        with pytest.raises(RegistryRefused) as refused:
            registry.extend(entry.reg_no, reference="extended-3", months=1)
        assert refused.value.fields["register_code"] == "cancelled"
        assert registry.find("extended-3") is None

    def test_objections_stand_beside_the_entry(self, registry):
        entry = registry.register(a_filing("objected"))
        assert registry.objections(entry.reg_no) == ()
        body = {"objector": {"name": "他人", "uscc": BANK.uscc}, "text": "无此笔"}
        made = registry._http.post(f"/registrations/{entry.reg_no}/objections", json=body).json()

        (objection,) = registry.objections(entry.reg_no)
        assert (objection.number, objection.text) == (made["number"], "无此笔")


class TestCertificate:
    def test_paper_and_machine_say_the_same(self, registry):
        entry = registry.register(a_filing("paper"))
        whole = entry.registered_at.replace(microsecond=0)

        assert read_paper(registry.certificate_pdf(entry.reg_no)) == replace(
            entry.content, registered_at=whole
        )
        result = registry.search(SUPPLIER)
        read = read_paper(registry.certificate_pdf(result.cert_no))
        assert [one.reg_no for one in read.findings] == [one.reg_no for one in result.findings]

    def test_one_that_was_never_issued(self, registry):
        with pytest.raises(RegistryRefused):
            registry.certificate_pdf("C0")


class TestFailure:
    def test_cancelling_what_is_not_there_is_refused(self, registry):
        with pytest.raises(RegistryRefused):
            registry.cancel("00000000", reason="无")

    def test_entries_survive_a_kill(self, process, registry):
        entry = registry.register(a_filing("survives"))
        process.kill()
        with pytest.raises(RegistryUnavailable):
            registry.find("survives")
        process.start()

        assert registry.find("survives") == entry
