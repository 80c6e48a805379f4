"""The register over HTTP. What it answers is believed only where it is an answer to what was asked."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Self, TypeVar

import httpx

from scf.evidence.service import hash_text
from scf.kernel.clock import parse_date, parse_instant
from scf.kernel.errors import SCFError
from scf.registry import certificates
from scf.registry.port import (
    Certificate,
    Enrolled,
    Filing,
    Objection,
    Registration,
    RegistryGarbled,
    RegistryRefused,
    RegistryUnavailable,
    SearchResult,
)
from scf_ledger import canonical, receipt
from scf_ledger.errors import LedgerError
from scf_ledger.receipt import Receipt

TIMEOUT: Final = 5.0  # seconds for one answer
ANSWER_MAX: Final = 32 * 1024 * 1024  # bytes; ten thousand findings
NOT_FOUND: Final = 404
SERVER_ERROR: Final = 500

_NO_ANSWER: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

Answer = TypeVar("Answer")


class HttpRegistry:
    """Speaks to the register at a base URL, as a context manager.

    Every call may raise RegistryUnavailable: also RegistryGarbled, where the answer is none, or is about
    something else than was asked.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def search(self, grantor: Enrolled) -> SearchResult:
        """Return every live entry against a grantor, under a numbered certificate."""
        asked = {"grantor": certificates.enrolled_facts(grantor)}
        return self._post("/searches", asked, lambda answer: _read_search(answer, grantor))

    def register(self, filing: Filing, *, sent_before: bool = False) -> Registration:
        """Register, or return what the same filing registered before. Raises RegistryRefused."""
        content = {**_content(filing), "term_months": filing.term_months}
        found = self._file("/registrations", filing.reference, content, sent_before=sent_before)
        _require_filed(filing, found)
        return found

    def amend(
        self, reg_no: str, filing: Filing, *, reason: str, sent_before: bool = False
    ) -> Registration:
        """Change what stands under a number to what a filing says. Raises RegistryRefused."""
        change = {"reason": reason, "content": _content(filing)}
        path = f"/registrations/{reg_no}/amendments"
        found = self._file(path, filing.reference, change, sent_before=sent_before)
        _require_filed(filing, found)
        return _of(found, reg_no)

    def extend(
        self, reg_no: str, *, reference: str, months: int, sent_before: bool = False
    ) -> Registration:
        """Let an entry stand some months longer. Raises RegistryRefused."""
        path = f"/registrations/{reg_no}/extensions"
        found = self._file(path, reference, {"term_months": months}, sent_before=sent_before)
        return _of(found, reg_no)

    def find(self, reference: str) -> Registration | None:
        """Return what stands under our own reference, cancelled or not."""
        answer = self._request("GET", "/registrations", params={"reference": reference})
        if answer.status_code == NOT_FOUND:
            return None
        return _read(answer, _reader(reference))

    def cancel(self, reg_no: str, *, reason: str) -> Registration:
        """Cancel an entry; a cancelled one stays as it is. Raises RegistryRefused."""
        path = f"/registrations/{reg_no}/cancellation"
        found = self._post(path, {"reason": reason}, _read_registration)
        if found.reg_no != reg_no or found.cancelled_at is None:
            raise RegistryGarbled(reg_no=reg_no)
        return found

    def objections(self, reg_no: str) -> tuple[Objection, ...]:
        """Return the objections against an entry, in their order."""
        answer = self._request("GET", f"/registrations/{reg_no}/objections")
        return _read(answer, lambda body: tuple(map(_read_objection, body["objections"])))

    def certificate_pdf(self, number: str) -> bytes:
        """Return a certificate as PDF."""
        answer = self._request("GET", f"/certificates/{number}.pdf")
        if not answer.is_success:
            raise RegistryRefused(status=answer.status_code, register_code="no_certificate")
        return answer.content

    def _file(
        self, path: str, reference: str, body: dict[str, Any], *, sent_before: bool
    ) -> Registration:
        """File under our reference, once: what was sent before is looked for first."""
        found = self.find(reference) if sent_before else None
        return found or self._post(path, {**body, "reference": reference}, _reader(reference))

    def _post(
        self, path: str, body: dict[str, Any], read: Callable[[dict[str, Any]], Answer]
    ) -> Answer:
        return _read(self._request("POST", path, json=body), read)

    def _request(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Ask, and take no more of an answer than one is. Raises RegistryUnavailable."""
        try:
            with self._http.stream(method, path, **what) as answer:
                parts, size = [], 0
                for part in answer.iter_bytes():
                    parts.append(part)
                    size += len(part)
                    if size > ANSWER_MAX:
                        raise RegistryGarbled(size=size)
        except httpx.HTTPError as error:
            raise RegistryUnavailable from error
        if answer.status_code >= SERVER_ERROR:
            raise RegistryUnavailable(status=answer.status_code)
        return httpx.Response(answer.status_code, content=b"".join(parts))


def _of(found: Registration, reg_no: str) -> Registration:
    """Return an entry that changes a registration. Raises RegistryGarbled where it is of another."""
    if found.content.initial_no != reg_no:
        raise RegistryGarbled(reg_no=reg_no, answered=found.content.initial_no[:100])
    return found


def _require_filed(filing: Filing, found: Registration) -> None:
    """Raise RegistryGarbled where an entry is about something else than the filing."""
    said = found.content
    as_filed = replace(
        said,
        business=filing.business,
        secured_party=filing.secured_party,
        grantor=filing.grantor,
        contract_no=filing.contract_no,
        amount=filing.amount,
        description=filing.description,
        items=filing.items,
    )
    if said != as_filed:
        raise RegistryGarbled(reference=filing.reference, reg_no=found.reg_no[:100])


def _read(answer: httpx.Response, read: Callable[[dict[str, Any]], Answer]) -> Answer:
    """Read an answer. Raises RegistryRefused for a refusal, RegistryGarbled for what is no answer."""
    try:
        body = answer.json()
        if answer.is_success:
            return read(body)
        refusal = str(body["code"])
    except RegistryGarbled:
        raise
    except (*_NO_ANSWER, SCFError, LedgerError) as error:
        raise RegistryGarbled(status=answer.status_code, reason=type(error).__name__) from error
    raise RegistryRefused(status=answer.status_code, register_code=refusal)


def _content(filing: Filing) -> dict[str, Any]:
    return {
        "secured_party": certificates.enrolled_facts(filing.secured_party),
        "grantor": certificates.enrolled_facts(filing.grantor),
        "description": filing.description,
        "items": list(filing.items),
        "amount": filing.amount.text,
        "currency": filing.amount.currency,
        "contract_no": filing.contract_no,
        "business": filing.business.value,
    }


def _reader(reference: str) -> Callable[[Any], Registration]:
    """Return what reads an answer about one reference. Raises RegistryGarbled."""

    def read(row: dict[str, Any]) -> Registration:
        found = _read_registration(row)
        if found.reference != reference:
            raise RegistryGarbled(reference=reference, answered=found.reference[:100])
        return found

    return read


def _read_registration(row: dict[str, Any]) -> Registration:
    certificate = row["certificate"].encode()
    content = certificates.read_registration(canonical.decode(certificate, max_bytes=ANSWER_MAX))
    cancelled = row["cancelled_at"]
    found = Registration(
        reg_no=row["reg_no"],
        reference=row["reference"],
        registered_at=parse_instant(row["registered_at"]),
        expires_on=parse_date(row["expires_on"]),
        cancelled_at=None if cancelled is None else parse_instant(cancelled),
        certificate=certificate,
        content=content,
        receipt=_read_receipt(row, content, certificate),
    )
    said = (found.reg_no, found.registered_at, found.expires_on)
    if said != (content.number, content.registered_at, content.expires_on):
        raise RegistryGarbled(reg_no=found.reg_no[:100], certified=content.number[:100])
    return found


def _read_receipt(row: dict[str, Any], content: Certificate, certificate: bytes) -> Receipt | None:
    """Read the receipt of an entry. Raises RegistryGarbled where it is of another; who signed is a verifier's to ask."""
    if row.get("receipt") is None:
        return None
    found = receipt.from_json(row["receipt"], "receipt")
    _, said = receipt.read(found.jws)
    expected = (row["reference"], content.number, hash_text(hashlib.sha256(certificate).digest()))
    if (said["reference"], said["number"], said["certificate_sha256"]) != expected:
        raise RegistryGarbled(reg_no=content.number[:100], receipt=said["number"][:100])
    return found


def _read_search(answer: dict[str, Any], grantor: Enrolled) -> SearchResult:
    certificate = answer["certificate"].encode()
    found = certificates.read_search(canonical.decode(certificate, max_bytes=ANSWER_MAX))
    if found.grantor.uscc != grantor.uscc or found.cert_no != answer["cert_no"]:
        raise RegistryGarbled(asked=grantor.uscc, answered=found.grantor.uscc[:100])
    return found


def _read_objection(row: dict[str, Any]) -> Objection:
    return Objection(
        number=row["number"],
        objected_at=parse_instant(row["objected_at"]),
        objector=certificates.read_enrolled(row["objector"]),
        text=row["text"],
    )
