"""A lending desk for tests: the real API, register and token service, with the workers run by hand.

desk.approve(desk.request(receivable))           the bank's signed offer
pledge = desk.contract(financing)                proposed and signed
desk.accept(pledge); desk.work(); desk.mine()    registered, locked, searched again
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from scf.db.outbox import Effect, EffectContext
from scf.db.session import Database
from scf.evidence import keys
from scf.evidence.contracts import connect, ensure_contracts, settle_home
from scf.evidence.models import ChainTransaction, Event, TransactionState
from scf.evidence.sender import tell
from scf.settings import Settings
from scf_ledger.tokens.setup import admit, initialise
from scf_workers.effects import HANDLERS
from scf_workers.relay import bring_about
from tests.support.actors import Company, Stage, set_stage
from tests.support.anvil import free_port
from tests.support.receivables import confirm, money, submit
from tests.support.registry import RegistryProcess
from tests.support.services import is_well
from tests.support.status import StatusService, status_service

OPERATOR = "0x" + "11" * 20
CONTRACT = "0x" + "22" * 20
DUE_ON = "2025-12-23"  # fifty days after the stage's first day
RATE = "0.0385"


@contextmanager
def token_service(folder: Path, *, contract: str = CONTRACT) -> Iterator[str]:
    """Run a token service on an initialised folder; give its URL."""
    port = free_port()
    command = [sys.executable, "-m", "scf_ledger.tokens", "--data", str(folder), "serve"]
    command += ["--port", str(port), "--chain-id", "31337", "--contract", contract]
    process = subprocess.Popen(command, env={"PATH": os.environ["PATH"]})
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not is_well(url):
            time.sleep(0.05)
            assert process.poll() is None, "the token service ended"
            assert time.monotonic() < deadline, "the token service does not answer"
        yield url
    finally:
        process.kill()
        process.wait()


@dataclass
class Desk:
    """One stage with its desk; every step asserts that it was accepted."""

    stage: Stage
    registry: RegistryProcess
    context: EffectContext
    status: StatusService

    # What the parties do

    def receivable(self, number: int = 1, total: str = "1245000.00") -> str:
        """A confirmed receivable; the supplier's own invoice behind it."""
        found = submit(self.stage, number, total)
        answer = confirm(self.stage, found, total)
        assert answer.status_code == 200, answer.text
        return found

    def request(
        self,
        receivable: str,
        *,
        bank: Company | None = None,
        amount: str = "996000.00",
        days: int = 50,
        **other: Any,
    ) -> str:
        body = {
            "receivable": receivable,
            "lender": (bank or self.stage.cast.bank).id,
            "amount": money(amount),
            "days": days,
            **other,
        }
        return str(self.did(self.stage.cast.supplier, "/v1/financings", body)["id"])

    def offer(self, bank: Company, **other: Any) -> dict[str, Any]:
        return {
            "amount": money(other.pop("amount", "996000.00")),
            "rate": RATE,
            "days": 50,
            "due_on": DUE_ON,
            "signers": bank.signers("offer"),
            **other,
        }

    def approve(self, financing: str, *, bank: Company | None = None, **other: Any) -> None:
        bank = bank or self.stage.cast.bank
        path = f"/v1/financings/{financing}"
        self.signed(bank, f"{path}/offer-draft", self.offer(bank, **other), f"{path}/approve")

    def propose(
        self, financing: str, *, bank: Company | None = None, amount: str | None = None
    ) -> str:
        body: dict[str, Any] = {"financing": financing}
        if amount is not None:
            body["amount"] = money(amount)
        return str(self.did(bank or self.stage.cast.bank, "/v1/pledges", body)["id"])

    def contract(self, financing: str) -> None:
        supplier, path = self.stage.cast.supplier, f"/v1/financings/{financing}"
        body = {"signers": supplier.signers("pledge")}
        self.signed(supplier, f"{path}/contract-draft", body, f"{path}/contract")

    def accept(self, pledge: str, *, bank: Company | None = None) -> dict[str, Any]:
        bank, path = bank or self.stage.cast.bank, f"/v1/pledges/{pledge}"
        body = {"signers": bank.signers("accept")}
        return self.signed(bank, f"{path}/accept-draft", body, f"{path}/accept")

    def release(self, pledge: str) -> dict[str, Any]:
        bank, path = self.stage.cast.bank, f"/v1/pledges/{pledge}"
        body = {"signers": bank.signers("release"), "reason": "主债权已清偿"}
        return self.signed(bank, f"{path}/release-draft", body, f"{path}/release")

    def signed_pledge(self, receivable: str, *, bank: Company | None = None, **other: Any) -> str:
        """Request, approve, propose, contract: a pledge that waits for the bank's acceptance."""
        pledged, trade = other.pop("pledged", None), other.pop("trade", None)
        amount = other.get("amount", "996000.00")
        asked = {} if trade is None else {"trade": trade}
        financing = self.request(receivable, bank=bank, amount=amount, **asked)
        self.approve(financing, bank=bank, **other)
        pledge = self.propose(financing, bank=bank, amount=pledged)
        self.contract(financing)
        return pledge

    def ready_pledge(self, receivable: str, **other: Any) -> str:
        """A pledge registered, locked, searched again: ready for the money."""
        pledge = self.signed_pledge(receivable, **other)
        self.accept(pledge, bank=other.get("bank"))
        self.work()
        self.mine()
        self.work()
        return pledge

    # What the workers do

    def work(self) -> int:
        """Run every effect that waits, and those that come of them, once each."""
        tried: set[int] = set()
        while due := [identity for identity in self.waiting() if identity not in tried]:
            for identity in due:
                bring_about(self.context, identity, HANDLERS)
                tried.add(identity)
        return len(tried)

    def work_on(self, kind: str) -> None:
        """Run the effects of one kind that wait, without those that come of them."""
        with self.stage.database.reading() as session:
            open_ = select(Effect.id).where(Effect.done_at.is_(None), Effect.kind == kind)
            due = list(session.scalars(open_.order_by(Effect.id)))
        for identity in due:
            bring_about(self.context, identity, HANDLERS)

    def waiting(self) -> list[int]:
        with self.stage.database.reading() as session:
            open_ = select(Effect.id).where(Effect.done_at.is_(None)).order_by(Effect.id)
            return list(session.scalars(open_))

    def failures(self) -> list[str | None]:
        """Errors of effects, transient ones too."""
        with self.stage.database.reading() as session:
            return list(session.scalars(select(Effect.error).where(Effect.error.is_not(None))))

    def do_again(self) -> int:
        """Run every effect that was ever asked for once more."""
        with self.stage.database.transaction() as session:
            session.execute(update(Effect).values(done_at=None, next_attempt_at=func.now()))
        return self.work()

    def mine(self, *, error: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Let the chain take (or refuse, with `error`) all that was prepared; return the calls."""
        with self.stage.database.transaction() as session:
            rows = session.scalars(
                select(ChainTransaction)
                .where(ChainTransaction.state == TransactionState.PREPARED)
                .order_by(ChainTransaction.id)
            ).all()
            for row in rows:
                row.tx_hash = row.id.to_bytes(32, "big")
                row.error = error
                row.state = TransactionState.FAILED if error else TransactionState.FINAL
                tell(session, row, "failed" if error else "final")
            return [{"purpose": row.purpose, **row.arguments} for row in rows]

    def lose(self) -> None:
        """Let the chain lose the newest final transaction."""
        with self.stage.database.transaction() as session:
            row = session.scalars(
                select(ChainTransaction)
                .where(ChainTransaction.state == TransactionState.FINAL)
                .order_by(ChainTransaction.id.desc())
                .limit(1)
            ).one()
            row.state = TransactionState.SIGNED
            tell(session, row, "lost")

    # What can be seen

    def pledge(self, pledge: str, who: Company | None = None) -> dict[str, Any]:
        return self.seen(who or self.stage.cast.bank, f"/v1/pledges/{pledge}")

    def financing(self, financing: str, who: Company | None = None) -> dict[str, Any]:
        return self.seen(who or self.stage.cast.supplier, f"/v1/financings/{financing}")

    def types(self) -> list[str]:
        """Every event's type, in order."""
        with self.stage.database.reading() as session:
            return list(session.scalars(select(Event.type).order_by(Event.seq)))

    def refused(self, who: Company, path: str, body: Any = None) -> dict[str, Any]:
        """Send what must be refused, and hold that no event came of it."""
        before = self.types()
        answer = self.stage.post(who, path, body)
        assert answer.is_client_error, answer.text
        assert self.types() == before
        problem: dict[str, Any] = answer.json()
        return problem

    def did(self, who: Company, path: str, body: Any) -> dict[str, Any]:
        answer = self.stage.post(who, path, body)
        assert answer.is_success, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def seen(self, who: Company, path: str, **parameters: Any) -> dict[str, Any]:
        answer = self.stage.get(who, path, **parameters)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def signed(self, who: Company, draft: str, body: Any, path: str) -> dict[str, Any]:
        """Draft, sign, hand back."""
        drafted = self.did(who, draft, body)
        return self.did(who, path, {"authorizations": who.sign_all(drafted)})


@contextmanager
def lending_desk(
    database_url: str, folder: Path, *, chain_url: str | None = None
) -> Iterator[Desk]:
    """Open a desk: the stage, a register on its business clock, a token service.

    Without `chain_url` the chain is played by `Desk.mine`; with it the contracts stand on it.
    """
    with set_stage(database_url, folder) as stage:
        chosen = {"chain_rpc_url": chain_url} if chain_url else {}
        settings = stage.settings.model_copy(update=chosen)
        settings.secrets.mkdir(parents=True, exist_ok=True)
        tokens = settings.data / "tokens"
        initialise(tokens)
        operator, contract = OPERATOR, CONTRACT
        if chain_url is not None:
            operator, contract = put_on_chain(settings, stage.database)
        bearer = admit(tokens, name="test", address=operator)
        (settings.secrets / keys.TOKEN_BEARER).write_text(bearer)
        registry = RegistryProcess(folder, business_clock=settings.business_clock)
        try:
            with (
                token_service(tokens, contract=contract) as url,
                status_service(folder) as status,
            ):
                found = {
                    "registry_url": registry.url,
                    "token_service_url": url,
                    "invoice_status_url": status.url,
                }
                context = EffectContext(
                    stage.database, settings.model_copy(update=found), stage.clock
                )
                yield Desk(stage, registry, context, status)
        finally:
            registry.kill()


def put_on_chain(settings: Settings, database: Database) -> tuple[str, str]:
    """Make keys and put the contracts in place; return our address and the registry's."""
    keys.make_keys(settings)
    home = ensure_contracts(settings, connect(settings))
    addresses = home.sender, home.registry_address
    with database.transaction() as session:
        settle_home(session, home)
    return addresses
