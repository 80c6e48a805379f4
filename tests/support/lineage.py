"""Orders, goods and claims of one value for tests: papers registered, signed by the buyer, encumbered.

chain = Chain(stage, "PO-1"); order = chain.order("100.00"); chain.take(order, 7000)
claim = chain.claim("100.00"); chain.convert(claim, "a")
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from scf.capacity import service as capacity
from scf.capacity.edges import ConversionEdge
from scf.capacity.effects import HANDLERS
from scf.capacity.models import Pool
from scf.db.outbox import Effect, EffectContext
from scf.documents import trade
from scf.evidence.models import Event
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money
from scf_workers.relay import bring_about
from tests.support.actors import Stage
from tests.support.receivables import confirm, money, submit
from tests.support.trade import receipt_csv

DUE_ON = "2026-03-31"


def cause(stage: Stage) -> bytes:
    """The hash of some event that is there."""
    with stage.database.reading() as session:
        return session.scalars(select(Event.body_hash).order_by(Event.seq).limit(1)).one()


def put_forward(
    stage: Stage, kind: str, rows: list[tuple[str, str, str]], *, number: str
) -> dict[str, Any]:
    """Register a paper (`kind` as the CSV says) and put it forward; rows are (order, line, amount)."""
    buyer, seller = stage.cast.anchor, stage.cast.supplier
    issuer = seller if kind == "送货单" else buyer
    original = receipt_csv(
        buyer.uscc,
        seller.uscc,
        [(number, order, line, "100", amount) for order, line, amount in rows],
        kind=kind,
    )
    with stage.database.transaction() as session:
        (one,) = trade.register(session, issuer.actor, original, now=stage.clock.now())
        document = public_id("trd", one.document.id)
    answer = stage.post(seller, "/v1/stages", {"document": document})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def undertake(stage: Stage, found: dict[str, Any], **other: Any) -> httpx.Response:
    """Draft, sign and hand back the buyer's 确认书."""
    anchor, path = stage.cast.anchor, f"/v1/stages/{found['id']}"
    body = {"due_on": DUE_ON, "signers": anchor.signers("undertake"), **other}
    draft = stage.post(anchor, f"{path}/confirmation-draft", body)
    if not draft.is_success:
        return draft
    return stage.post(anchor, f"{path}/confirm", {"authorizations": anchor.sign_all(draft.json())})


@dataclass
class Chain:
    """One order's number, and the pools of what comes of it."""

    stage: Stage
    number: str
    holders: dict[str, UUID] = field(default_factory=dict)

    def order(self, amount: str) -> UUID:
        return self._confirmed("采购订单", [(self.number, "1", amount)], self.number)

    def sent(self, amount: str, number: str) -> UUID:
        return self._confirmed("送货单", [(self.number, "1", amount)], number)

    def received(self, amount: str, number: str) -> UUID:
        return self._confirmed("入库单", [(self.number, "1", amount)], number)

    def _confirmed(self, kind: str, rows: list[tuple[str, str, str]], number: str) -> UUID:
        answer = undertake(self.stage, put_forward(self.stage, kind, rows, number=number))
        assert answer.status_code == 200, answer.text
        return parse_id("cap", answer.json()["pool"])

    def claim(self, amount: str, **other: Any) -> UUID:
        """A claim that names the order as its contract, confirmed whole."""
        line = {"contract_no": self.number, "receipt_no": None, **other}
        answer = confirm(self.stage, submit(self.stage, total=amount, **line), amount)
        assert answer.status_code == 200, answer.text
        return parse_id("cap", answer.json()["pool"])

    def holder(self, name: str) -> UUID:
        return self.holders.setdefault(name, new_id())

    def take(self, pool: UUID, fen: int, name: str = "a", actor: UUID | None = None) -> None:
        holder = self.holder(name)
        with self.stage.database.transaction() as session:
            (locked,) = capacity.lock_pools(session, [pool])
            capacity.reserve(
                session,
                locked,
                holder_id=holder,
                holder=public_id("plg", holder),
                amount=Money(fen),
                cause=cause(self.stage),
                now=self.stage.clock.now(),
                actor=actor or self.stage.cast.bank.party_id,
            )

    def release(self, pool: UUID, name: str = "a") -> None:
        with self.stage.database.transaction() as session:
            (locked,) = capacity.lock_pools(session, [pool])
            capacity.release(
                session,
                locked,
                holder_id=self.holder(name),
                cause=cause(self.stage),
                now=self.stage.clock.now(),
                actor=self.stage.cast.bank.party_id,
            )
        work(self.stage)

    def convert(self, pool: UUID, name: str = "a", amount: str | None = None) -> httpx.Response:
        body: dict[str, Any] = {"holder": public_id("plg", self.holder(name))}
        if amount is not None:
            body["amount"] = money(amount)
        path = f"/v1/pools/{public_id('cap', pool)}/convert"
        return self.stage.post(self.stage.cast.bank, path, body)

    def numbers(self, pool: UUID) -> tuple[int, int, int]:
        """Confirmed, used, free."""
        with self.stage.database.reading() as session:
            row = session.get_one(Pool, pool)
            return row.confirmed_minor, row.used_minor, row.free_minor

    def edges(self, later: UUID) -> list[tuple[UUID, int, int]]:
        """From where, how much in all, how much of it is still carried."""
        with self.stage.database.reading() as session:
            rows = session.execute(
                select(
                    ConversionEdge.from_pool_id,
                    ConversionEdge.amount_minor,
                    ConversionEdge.carried_minor,
                )
                .where(ConversionEdge.to_pool_id == later)
                .order_by(ConversionEdge.id)
            )
            return [(source, amount, carried) for source, amount, carried in rows]


def work(stage: Stage) -> None:
    """Bring about what waits for pools."""
    context = EffectContext(stage.database, stage.settings, stage.clock)
    with stage.database.reading() as session:
        waiting = session.scalars(
            select(Effect.id).where(Effect.done_at.is_(None), Effect.kind.in_(HANDLERS))
        ).all()
    for identity in waiting:
        bring_about(context, identity, HANDLERS)
