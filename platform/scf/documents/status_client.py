"""The status of invoices over HTTP. What is late, long or not to be read is no answer."""

import json
from typing import Any, Final, Self

import httpx

from scf.documents.status import Inquiry, InvoiceStatus, StatusAnswer, StatusUnavailable
from scf.http.outbound import AnswerUnfit, fetch
from scf.kernel.clock import parse_instant
from scf.kernel.errors import ValueInvalid

TIMEOUT: Final = 3.0  # seconds until the next byte
PATIENCE: Final = 6.0  # seconds for one whole answer
BYTES_MAX: Final = 16_384


class HttpInvoiceStatus:
    """Asks a service at a base URL, as a context manager."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT, patience: float = PATIENCE) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, invoice: Inquiry) -> StatusAnswer:
        """Return how an invoice stands. Raises StatusUnavailable."""
        parameters = {
            "seller": invoice.seller,
            "issued_on": invoice.issued_on.isoformat(),
            "total": invoice.total.text,
        }
        try:
            body = json.loads(self._read(f"/invoices/{invoice.number}", parameters))
        except (httpx.HTTPError, AnswerUnfit, ValueError, RecursionError) as error:
            raise StatusUnavailable(number=invoice.number) from error
        return _answer(body, invoice)

    def _read(self, path: str, parameters: dict[str, str]) -> bytes:
        answer = fetch(
            self._http,
            "GET",
            path,
            bytes_max=BYTES_MAX,
            patience=self._patience,
            params=parameters,
        )
        if answer.is_error:
            raise AnswerUnfit(f"status {answer.status}")
        return answer.body


def _answer(body: Any, invoice: Inquiry) -> StatusAnswer:
    try:
        number, status = body["number"], InvoiceStatus(body["status"])
        answered_at = parse_instant(body["answered_at"])
    except (KeyError, TypeError, ValueError, ValueInvalid) as error:
        raise StatusUnavailable(number=invoice.number) from error
    if number != invoice.number:
        raise StatusUnavailable(number=invoice.number)
    return StatusAnswer(status, answered_at)
