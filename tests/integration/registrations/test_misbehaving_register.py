"""The register on its bad days: whatever it does, a pledge is registered once, and nothing is half-written."""

from dataclasses import replace

import pytest

from scf.registry import client
from scf.registry.client import HttpRegistry
from scf.registry.port import Enrolled, RegistryUnavailable
from tests.integration.registrations.test_changes import record
from tests.support.misbehaving import Fault, line_to

REGISTER = "POST /registrations"


@pytest.fixture
def line(desk, monkeypatch):
    """The desk's register behind a faulty line."""
    monkeypatch.setattr(client, "TIMEOUT", 2.0)
    linked = desk.context
    with line_to(desk.registry.url, kill=desk.registry.kill) as found:
        settings = linked.settings.model_copy(update={"registry_url": found.url})
        desk.context = replace(linked, settings=settings)
        yield found
        desk.context = linked


def entries(desk, number):
    """What stands at the register over an invoice."""
    supplier = desk.stage.cast.supplier
    with HttpRegistry(desk.registry.url) as registry:
        findings = registry.search(Enrolled(supplier.name, supplier.uscc)).findings
    return [one for one in findings if f"{number:016}" in one.description]


FAULTS = [fault for fault in Fault if fault is not Fault.DIES]


@pytest.mark.parametrize(("number", "fault"), list(enumerate(FAULTS, start=1)))
def test_searching_and_registering_come_about_once(desk, line, number, fault):
    """The search meets the fault, then the filing does; each time the line gets well again."""
    pledge = desk.signed_pledge(desk.receivable(number))
    desk.accept(pledge)
    before = desk.types()
    line.faults = [fault]
    desk.work_on("pledge.perfect")
    if fault is not Fault.TWICE:
        assert record(desk, pledge)["searches"] == []
        desk.work_on("pledge.perfect")
    assert [one["step"] for one in record(desk, pledge)["searches"]] == ["before"]
    line.faults = [fault]

    desk.work()

    if fault is not Fault.TWICE:
        shown = desk.pledge(pledge)
        assert (shown["state"], shown["registration"]["reg_no"]) == ("RESERVED", None)
        assert desk.types() == before, "nothing is half-written"
        assert any("registry." in (error or "") for error in desk.failures())
        desk.work()
    (entry,) = entries(desk, number)
    assert desk.pledge(pledge)["registration"]["reg_no"] == entry.reg_no
    filings = [asked for asked in line.asked if asked == REGISTER]
    assert len(filings) == (2 if fault is Fault.FAILS else 1), (
        "what may have been done is asked for"
    )


def test_one_that_dies_between_registering_and_answering_is_asked_by_our_reference(desk, line):
    pledge = desk.signed_pledge(desk.receivable(20))
    desk.accept(pledge)
    desk.work_on("pledge.perfect")
    line.faults = [Fault.DIES]

    desk.work()
    assert desk.pledge(pledge)["state"] == "RESERVED"
    desk.registry.start()
    desk.work()

    (entry,) = entries(desk, 20)
    assert desk.pledge(pledge)["registration"]["reg_no"] == entry.reg_no
    assert line.asked.count(REGISTER) == 1
    assert line.asked[-1] == f"GET /registrations?reference={pledge}"


@pytest.mark.parametrize(("number", "fault"), [(40, Fault.FAILS_AFTER), (41, Fault.TWICE)])
def test_a_cancellation_and_an_extension_come_about_once(desk, line, number, fault):
    bank = desk.stage.cast.bank
    pledge = desk.ready_pledge(desk.receivable(number))
    desk.did(bank, f"/v1/pledges/{pledge}/extend-registration", {"months": 1})
    line.faults = [fault]
    desk.work()
    desk.work()
    extension = record(desk, pledge)["filings"][1]
    assert extension["problem"] is None
    assert desk.pledge(pledge)["registration"]["expires_on"] == extension["expires_on"]

    desk.release(pledge)
    desk.work()
    desk.did(bank, f"/v1/pledges/{pledge}/cancel-registration", {})
    line.faults = [fault]
    desk.work()
    desk.work()
    assert entries(desk, number) == []
    assert desk.pledge(pledge)["registration"]["cancelled_at"] is not None
    assert desk.types().count("pledge.registration_changed") == number - 39


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"cert_no": 1}',
        b'{"cert_no": "C1", "certificate": "{}"}',
        b'{"cert_no": "C1", "certificate": "[[[["}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_none(body):
    answer = client.httpx.Response(201, content=body)

    with pytest.raises(RegistryUnavailable):
        client._read(answer, lambda found: client._read_search(found, Enrolled("甲", "乙")))
