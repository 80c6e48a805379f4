"""The register over HTTP."""

from typing import Any, Self

import httpx

from scf.kernel.clock import parse_date, parse_instant
from scf.registry.port import (
    Enrolled,
    Filing,
    Finding,
    Registration,
    RegistryRefused,
    RegistryUnavailable,
    SearchResult,
)
from scf_ledger.encoding import from_b64url

TIMEOUT = 5.0  # seconds for one answer
NOT_FOUND = 404
SERVER_ERROR = 500


class HttpRegistry:
    """Speaks to the register at a base URL, as a context manager.

    Every call may raise RegistryUnavailable.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def search(self, grantor: Enrolled) -> SearchResult:
        """Return every live entry against a grantor, under a numbered certificate."""
        answer = self._send("POST", "/searches", {"grantor": _enrolled(grantor)})
        return SearchResult(
            cert_no=answer["cert_no"],
            searched_at=parse_instant(answer["searched_at"]),
            findings=tuple(map(_read_finding, answer["results"])),
            results_hash=from_b64url(answer["results_hash"]),
            certificate=answer["certificate"].encode(),
        )

    def register(self, filing: Filing) -> Registration:
        """Register, or return what the same filing registered before. Raises RegistryRefused."""
        body = {
            "reference": filing.reference,
            "secured_party": _enrolled(filing.secured_party),
            "grantor": _enrolled(filing.grantor),
            "description": filing.description,
            "items": list(filing.items),
            "amount": filing.amount.text,
            "currency": filing.amount.currency,
            "contract_no": filing.contract_no,
            "term_months": filing.term_months,
        }
        return _read_registration(self._send("POST", "/registrations", body))

    def find(self, reference: str) -> Registration | None:
        """Return what stands under our own reference, cancelled or not."""
        answer = self._request("GET", "/registrations", params={"reference": reference})
        if answer.status_code == NOT_FOUND:
            return None
        return _read_registration(_accepted(answer))

    def cancel(self, reg_no: str, *, reason: str) -> Registration:
        """Cancel an entry; a cancelled one stays as it is. Raises RegistryRefused."""
        path = f"/registrations/{reg_no}/cancellation"
        return _read_registration(self._send("POST", path, {"reason": reason}))

    def _send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _accepted(self._request(method, path, json=body))

    def _request(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **what)
        except httpx.HTTPError as error:
            raise RegistryUnavailable from error
        if answer.status_code >= SERVER_ERROR:
            raise RegistryUnavailable(status=answer.status_code)
        return answer


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise RegistryUnavailable(status=answer.status_code) from error
    if not answer.is_success:
        raise RegistryRefused(status=answer.status_code, register_code=str(body.get("code")))
    read: dict[str, Any] = body
    return read


def _enrolled(party: Enrolled) -> dict[str, str]:
    return {"name": party.name, "uscc": party.uscc}


def _read_finding(row: dict[str, Any]) -> Finding:
    return Finding(
        reg_no=row["reg_no"],
        registered_at=parse_instant(row["registered_at"]),
        secured_party=Enrolled(**row["secured_party"]),
        description=row["description"],
    )


def _read_registration(row: dict[str, Any]) -> Registration:
    cancelled = row["cancelled_at"]
    return Registration(
        reg_no=row["reg_no"],
        reference=row["reference"],
        registered_at=parse_instant(row["registered_at"]),
        expires_on=parse_date(row["expires_on"]),
        cancelled_at=None if cancelled is None else parse_instant(cancelled),
        certificate=row["certificate"].encode(),
    )
