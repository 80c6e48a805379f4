"""Issuing tickets: who asks, how often, for what; then token, signature and log line."""

import hashlib
import hmac
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scf_ledger import asset as identity
from scf_ledger.chain.keys import Key
from scf_ledger.chain.tickets import TICKET_LIFE_MAX, ticket_digest
from scf_ledger.encoding import from_b64url
from scf_ledger.errors import LedgerError
from scf_ledger.tokens import errors, store
from scf_ledger.tokens.schemas import (
    Asset,
    Health,
    TicketAnswer,
    TicketRequest,
    TokenAnswer,
    TokenRequest,
)
from scf_ledger.tokens.store import LogLine, Operator, Store

RATE_WINDOW = 60  # seconds
ASSETS_PER_MINUTE = 600
LOCK_TERM_MAX = 10 * 366 * 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Terms:
    """On which contract tickets are good, and how many assets an operator may ask for a minute."""

    chain_id: int
    contract: str
    assets_per_minute: int = ASSETS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Issued:
    """An answer as JSON text; `replayed` when it was given before."""

    body: str
    replayed: bool


class TokenService:
    """The rules of the service over its keys and its store.

    :param signer: the key that signs tickets; the contract knows its address
    :param secret: the key of the tokens, 32 bytes; who has it can test guesses
    """

    def __init__(
        self,
        *,
        signer: Key,
        secret: bytes,
        store_: Store,
        terms: Terms,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._signer = signer
        self._secret = secret
        self._store = store_
        self._terms = terms
        self._now = now

    def health(self) -> Health:
        """Say who this service is; fails when its database does."""
        with self._store.reading() as connection:
            connection.execute("SELECT 1 FROM operators").fetchone()
        return Health(
            signer=self._signer.address,
            chain_id=self._terms.chain_id,
            contract=self._terms.contract,
        )

    def operator(self, bearer: str) -> Operator:
        """Find who asks.

        :raises NotAdmitted: nobody has this bearer token
        """
        with self._store.reading() as connection:
            found = store.operator_of(connection, bearer)
        if found is None:
            raise errors.NotAdmitted
        return found

    def refuse(self, operator: Operator, refusal: errors.Refusal, *, assets: int = 1) -> None:
        """Log a refusal. Kept apart from the work, which was rolled back."""
        at = int(self._now())
        with self._store.transaction() as connection:
            store.log(connection, LogLine(at, operator.address, refusal.code, assets))

    def issue(self, operator: Operator, request: TicketRequest, idempotency_key: str) -> Issued:
        """Issue a ticket, or repeat the answer that this key got.

        :raises Refusal: logged already
        """
        with (
            self._refusals_logged(operator, request),
            self._store.transaction() as connection,
        ):
            fingerprint = hashlib.sha256(request.model_dump_json().encode()).digest()
            now = int(self._now())
            given = store.answered(connection, operator.address, idempotency_key)
            if given is not None:
                if given[0] != fingerprint:
                    raise errors.KeyReused
                line = LogLine(now, operator.address, "replayed", 0, idempotency_key)
                store.log(connection, line)
                return Issued(given[1], replayed=True)
            self._check_rate(connection, operator, len(request.assets), now)
            answer = self._issue(connection, operator, request, idempotency_key, now)
            body = answer.model_dump_json()
            store.record_answer(connection, operator.address, idempotency_key, fingerprint, body)
            return Issued(body, replayed=False)

    def name(self, operator: Operator, request: TokenRequest) -> TokenAnswer:
        """Say the tokens of invoices that the operator holds; nothing is locked by it.

        Logged and counted like a ticket: whoever tests guesses is seen, and slow.

        :raises Refusal: logged already
        """
        with (
            self._refusals_logged(operator, request),
            self._store.transaction() as connection,
        ):
            now = int(self._now())
            self._check_rate(connection, operator, len(request.assets), now)
            tokens = self._documents(request.assets)
            store.log(connection, LogLine(now, operator.address, "named", len(tokens)))
            return TokenAnswer(tokens=[f"0x{token.hex()}" for token in tokens])

    @contextmanager
    def _refusals_logged(
        self, operator: Operator, request: TicketRequest | TokenRequest
    ) -> Iterator[None]:
        try:
            yield
        except errors.Refusal as refusal:
            # What is over the limit does not count towards it: waiting always helps.
            counted = 0 if isinstance(refusal, errors.RateExceeded) else len(request.assets)
            self.refuse(operator, refusal, assets=counted)
            raise

    def _check_rate(
        self, connection: sqlite3.Connection, operator: Operator, assets: int, now: int
    ) -> None:
        limit = self._terms.assets_per_minute
        used = store.asked_since(connection, operator.address, now - RATE_WINDOW)
        if used + assets > limit:
            raise errors.RateExceeded(limit=limit, used=used, asked=assets, window=RATE_WINDOW)

    def _issue(
        self,
        connection: sqlite3.Connection,
        operator: Operator,
        request: TicketRequest,
        idempotency_key: str,
        now: int,
    ) -> TicketAnswer:
        documents = self._documents(request.assets)
        tokens = list(documents)
        # The contract takes a token's tickets in the order in which they run out, each moment once.
        last = store.last_valid_until(connection, tokens)
        valid_until = max(now + request.valid_for, last + 1)
        if valid_until > now + TICKET_LIFE_MAX:
            raise errors.AssetBusy(valid_until=valid_until, latest=now + TICKET_LIFE_MAX)
        if not valid_until < request.expiry <= now + LOCK_TERM_MAX:
            raise errors.ExpiryInvalid(
                expiry=request.expiry, after=valid_until, latest=now + LOCK_TERM_MAX
            )
        terms = self._terms
        digest = ticket_digest(
            chain_id=terms.chain_id,
            registry=terms.contract,
            operator=operator.address,
            tokens=tokens,
            expiry=request.expiry,
            valid_until=valid_until,
        )
        line = LogLine(
            now,
            operator.address,
            "issued",
            len(tokens),
            idempotency_key,
            request.expiry,
            valid_until,
            digest,
        )
        store.record_issued(connection, store.log(connection, line), documents, valid_until)
        return TicketAnswer(
            tokens=[f"0x{token.hex()}" for token in tokens],
            ticket=f"0x{self._signer.sign_digest(digest).hex()}",
            operator=operator.address,
            expiry=request.expiry,
            valid_until=valid_until,
            signer=self._signer.address,
            chain_id=terms.chain_id,
            contract=terms.contract,
        )

    def _documents(self, assets: list[Asset]) -> dict[bytes, bytes]:
        """Map each asset's token to its document's hash, in the order asked."""
        documents: dict[bytes, bytes] = {}
        for index, asset in enumerate(assets):
            try:
                name = identity.paper(asset.kind, issuer=asset.seller, number=asset.number)
                document = from_b64url(asset.document_sha256)
            except LedgerError as error:
                raise errors.AssetInvalid(index=index, reason=error.message) from error
            token = token_of(self._secret, name)
            if token in documents:
                raise errors.AssetRepeated(index=index)
            documents[token] = document
        return documents


def token_of(secret: bytes, name: bytes) -> bytes:
    """Key an asset's canonical identity: HMAC-SHA-256, 32 bytes."""
    return hmac.digest(secret, name, "sha256")
