"""Asking the token service, from a platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import httpx
from pydantic import ValidationError

from scf_ledger.encoding import b64url
from scf_ledger.tokens.errors import TokenServiceRefused, TokenServiceUnavailable
from scf_ledger.tokens.schemas import VALID_FOR_DEFAULT, TicketAnswer, TokenAnswer


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice, or another paper by its issuer, that the platform holds the document of."""

    seller: str
    number: str
    document_sha256: bytes
    kind: str = "invoice"


@dataclass(frozen=True, slots=True)
class Ticket:
    """All that `prepare_lock` takes; tokens in the order of the invoices, Unix seconds."""

    tokens: tuple[bytes, ...]
    ticket: bytes
    expiry: int
    valid_until: int
    signer: str
    chain_id: int
    contract: str


class TokenClient:
    """One operator's way to the token service.

    :param timeout: seconds for one answer; nothing is tried twice
    """

    def __init__(self, url: str, bearer: str, *, timeout: float = 5.0) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {bearer}"},
            timeout=timeout,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ticket(
        self,
        invoices: Sequence[Invoice],
        *,
        expiry: int,
        idempotency_key: str,
        valid_for: int = VALID_FOR_DEFAULT,
    ) -> Ticket:
        """Get a ticket to lock all of `invoices` until `expiry`.

        The same key gets the same ticket, even one that has run out: a fresh one has a fresh key.

        :param expiry: Unix seconds
        :param valid_for: seconds
        :raises TokenServiceUnavailable: no answer in time, or a defect there; may be repeated
        :raises TokenServiceRefused: with the service's code and title
        """
        body = {"assets": _assets(invoices), "expiry": expiry, "valid_for": valid_for}
        response = self._asked("/v1/tickets", body, {"Idempotency-Key": idempotency_key})
        return _ticket(response)

    def tokens(self, invoices: Sequence[Invoice]) -> tuple[bytes, ...]:
        """Get the tokens of `invoices`, in their order; nothing is locked by it.

        :raises TokenServiceUnavailable: no answer in time, or a defect there; may be repeated
        :raises TokenServiceRefused: with the service's code and title
        """
        response = self._asked("/v1/tokens", {"assets": _assets(invoices)}, {})
        try:
            answer = TokenAnswer.model_validate_json(response.content)
        except ValidationError as error:
            raise TokenServiceUnavailable("the answer makes no sense") from error
        return tuple(bytes.fromhex(token[2:]) for token in answer.tokens)

    def _asked(self, path: str, body: object, headers: Mapping[str, str]) -> httpx.Response:
        try:
            response = self._http.post(path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise TokenServiceUnavailable("no answer", cause=type(error).__name__) from error
        if response.is_server_error:
            raise TokenServiceUnavailable("a defect there", status=response.status_code)
        if not response.is_success:
            raise _refusal(response)
        return response


def _assets(invoices: Sequence[Invoice]) -> list[dict[str, str]]:
    return [
        {
            "kind": invoice.kind,
            "seller": invoice.seller,
            "number": invoice.number,
            "document_sha256": b64url(invoice.document_sha256),
        }
        for invoice in invoices
    ]


def _ticket(response: httpx.Response) -> Ticket:
    try:
        answer = TicketAnswer.model_validate_json(response.content)
    except ValidationError as error:
        raise TokenServiceUnavailable("the answer makes no sense") from error
    return Ticket(
        tuple(bytes.fromhex(token[2:]) for token in answer.tokens),
        bytes.fromhex(answer.ticket[2:]),
        answer.expiry,
        answer.valid_until,
        answer.signer,
        answer.chain_id,
        answer.contract,
    )


def _refusal(response: httpx.Response) -> TokenServiceRefused:
    try:
        problem = response.json()
        code, title, detail = problem["code"], problem["title"], problem["detail"]
    except (ValueError, KeyError, TypeError):
        code, title, detail = f"http.{response.status_code}", "令牌服务拒绝了请求", "refused"
    return TokenServiceRefused(
        str(detail), status=response.status_code, refused_code=str(code), title=str(title)
    )
