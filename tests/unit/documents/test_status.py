"""The status of invoices over HTTP: answers are believed when they are whole, in time, and about the invoice."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scf.documents.status import Inquiry, InvoiceStatus, StatusUnavailable
from scf.documents.status_client import BYTES_MAX, HttpInvoiceStatus
from scf.kernel.money import Money
from tests.support.status import answering, dripping, saying, silent, status_service

NUMBER = "25500000000000000001"
INQUIRY = Inquiry(NUMBER, "91500118MAYYC0B218", date(2025, 10, 22), Money(11_300))
ANSWER = {"number": NUMBER, "status": "正常", "answered_at": "2025-11-03T02:00:00Z"}


def test_an_answer_is_read():
    with (
        answering(saying({**ANSWER, "status": "红冲"})) as url,
        HttpInvoiceStatus(url) as authority,
    ):
        found = authority.ask(INQUIRY)

    assert found.status is InvoiceStatus.REVERSED
    assert found.answered_at == datetime(2025, 11, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "respond",
    [
        saying(ANSWER, 500),
        saying(ANSWER, 404),
        saying(b""),
        saying(b"\xff\xfe<html>"),
        saying(b"[" * 5_000),
        saying(b" " * (BYTES_MAX + 1)),
        saying([]),
        saying(None),
        saying({**ANSWER, "status": "normal"}),
        saying({**ANSWER, "status": ["正常"]}),
        saying({**ANSWER, "number": NUMBER[:-1] + "2"}),
        saying({**ANSWER, "answered_at": "yesterday"}),
        saying({**ANSWER, "answered_at": 5}),
        saying({"number": NUMBER, "status": "正常"}),
        silent(0.6),
        dripping(2),
    ],
)
def test_what_is_no_answer_is_never_a_good_one(respond):
    with (
        answering(respond) as url,
        HttpInvoiceStatus(url, timeout=0.3, patience=0.3) as authority,
        pytest.raises(StatusUnavailable),
    ):
        authority.ask(INQUIRY)


def test_nobody_there_is_no_answer():
    with HttpInvoiceStatus("http://127.0.0.1:9") as authority, pytest.raises(StatusUnavailable):
        authority.ask(INQUIRY)


class TestSimulator:
    def test_every_invoice_stands_until_it_is_told_otherwise(self, tmp_path: Path):
        with status_service(tmp_path) as service, HttpInvoiceStatus(service.url) as authority:
            before = authority.ask(INQUIRY).status
            service.set(NUMBER, "作废")
            after = authority.ask(INQUIRY).status

        with status_service(tmp_path) as again, HttpInvoiceStatus(again.url) as authority:
            kept = authority.ask(INQUIRY).status
        assert (before, after, kept) == (
            InvoiceStatus.NORMAL,
            InvoiceStatus.VOID,
            InvoiceStatus.VOID,
        )

    def test_what_is_no_status_is_refused(self, tmp_path: Path):
        with status_service(tmp_path) as service, HttpInvoiceStatus(service.url) as authority:
            with pytest.raises(AssertionError, match="statuses"):
                service.set(NUMBER, "蓝冲")
            assert authority.ask(INQUIRY).status is InvoiceStatus.NORMAL
