"""The bank's gateway over HTTP: an answer is believed whole, in time and in its form, or it is none."""

import base64
import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest

from scf.settlement.bank import (
    STATUS_BYTES_MAX,
    AnswerUnreadable,
    BankRefused,
    BankUnavailable,
    FileState,
    FileStatus,
    HttpBank,
    Issued,
)
from tests.support.status import answering, dripping, saying, silent

NAME = "PMO01K3E5M8Q2X7V9B4C6D8F0G1H2"
STATUS = {"message_id": NAME, "state": "ACCEPTED", "reason": None}


def page(*numbers: int) -> dict:
    body = base64.b64encode(b"<Document/>").decode()
    return {"reports": [{"number": number, "body": body} for number in numbers]}


def test_what_is_in_its_form_is_read():
    with answering(saying(STATUS)) as url, HttpBank(url) as bank:
        assert bank.status(NAME) == FileStatus(NAME, FileState.ACCEPTED, None)
    with answering(saying(page(3, 4))) as url, HttpBank(url) as bank:
        assert bank.issued(2) == [Issued(3, b"<Document/>"), Issued(4, b"<Document/>")]


@pytest.mark.parametrize(
    "respond",
    [
        saying(b""),
        saying(b"\xff\xfe<html>"),
        saying(b"[" * 5_000),
        saying(b" " * (STATUS_BYTES_MAX + 1)),
        saying([]),
        saying({}),
        saying({**STATUS, "state": "PAID"}),
        saying({**STATUS, "state": ["ACCEPTED"]}),
        saying({**STATUS, "message_id": NAME[:-1] + "3"}),
        dripping(2),
    ],
)
def test_what_is_no_status_is_never_believed(respond):
    with (
        answering(respond) as url,
        HttpBank(url, timeout=0.3, patience=0.3) as bank,
        pytest.raises(AnswerUnreadable),
    ):
        bank.status(NAME)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reports": None},
        {"reports": ["x"]},
        {"reports": [{"number": 3}]},
        {"reports": [{"number": "3", "body": ""}]},
        {"reports": [{"number": True, "body": ""}]},
        {"reports": [{"number": 3, "body": "not base64!"}]},
        page(2),
        page(4, 3),
        page(3, 3),
    ],
)
def test_reports_out_of_form_or_order_are_none(body: dict):
    with answering(saying(body)) as url, HttpBank(url) as bank, pytest.raises(AnswerUnreadable):
        bank.issued(2)


def test_a_page_that_is_too_long_is_asked_for_one_by_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scf.settlement.bank.REPORTS_BYTES_MAX", 100)
    asked = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        limit = int(parse_qs(urlsplit(handler.path).query)["limit"][0])
        asked.append(limit)
        saying(json.dumps(page(*range(3, 3 + limit))).encode())(handler)

    with answering(respond) as url, HttpBank(url) as bank:
        assert [report.number for report in bank.issued(2)] == [3]
    assert asked == [50, 1]


@pytest.mark.parametrize("respond", [silent(0.6), saying(STATUS, 500), saying(STATUS, 503)])
def test_a_bank_that_cannot_answer_is_asked_again(respond):
    with (
        answering(respond) as url,
        HttpBank(url, timeout=0.3) as bank,
        pytest.raises(BankUnavailable),
    ):
        bank.status(NAME)


def test_no_is_an_answer():
    with answering(saying({"code": "FF01"}, 400)) as url, HttpBank(url) as bank:
        with pytest.raises(BankRefused) as refused:
            bank.status(NAME)
        assert refused.value.fields == {"status": 400, "bank_code": "FF01"}
    with answering(saying({"code": "no_such_file"}, 404)) as url, HttpBank(url) as bank:
        assert bank.status(NAME) is None
