"""Bills of carriers and keepers in tests: who bills whom for what, answered, settled, and paid as a bank tells.

ledger = open_ledger(road); bill = ledger.freight(journey, "140.000", "85.50", "11970.00")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
from sqlalchemy import select

from scf.db.outbox import Effect, EffectContext
from scf.db.session import Database
from scf.kernel.calendar import is_working_day
from scf.kernel.clock import business_date
from scf.transit import effects
from tests.support.actors import Company, Stage
from tests.support.banking import DEBTOR_ACCOUNT, entry, told
from tests.support.receivables import money
from tests.support.transit import Road
from tests.support.warehouse import tonnes

DIGITS: Final = "6222000000000055"
DUE: Final = "2025-12-31"


@dataclass(frozen=True)
class Freight:
    """Who bills whom on a road."""

    road: Road

    @property
    def stage(self) -> Stage:
        return self.road.desk.stage

    @property
    def working_day(self) -> str:
        """The next day on which banks execute."""
        day = business_date(self.stage.clock.now())
        while not is_working_day(day):
            day += timedelta(days=1)
        return day.isoformat()

    def account(self, who: Company, number: str = DIGITS) -> dict[str, str]:
        bank = self.stage.cast.bank
        return {"name": who.name, "account": number, "bank": bank.name, "bank_uscc": bank.uscc}

    def delivered(self, quantity: str = "140.000", weighed: str | None = None) -> dict[str, Any]:
        """A journey to the other warehouse that has come to its end."""
        journey = self.road.under_way(self.road.receipt(quantity))
        arrived = self.road.arrive(journey, self.road.weighed(quantity, weighed))
        assert arrived.status_code == 200, arrived.text
        shown: dict[str, Any] = arrived.json()
        return shown

    def body(
        self, who: Company, kind: str, items: Sequence[dict[str, Any]], **other: Any
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "number": other.pop("number", f"ZD-{len(self.bills(who)) + 1}-{who.uscc[-4:]}"),
            "due_on": DUE,
            "pay_to": self.account(who),
            "items": list(items),
            **other,
        }

    def enter(
        self, who: Company, kind: str, *items: dict[str, Any], **other: Any
    ) -> httpx.Response:
        return self.stage.post(who, "/v1/freight-bills", self.body(who, kind, items, **other))

    def issue(self, who: Company, bill: str) -> httpx.Response:
        path = f"/v1/freight-bills/{bill}"
        return self.road.yard.sign(who, "bill", f"{path}/issue-draft", f"{path}/issue")

    def issued(self, who: Company, kind: str, *items: dict[str, Any], **other: Any) -> str:
        entered = self.enter(who, kind, *items, **other)
        assert entered.status_code == 201, entered.text
        answer = self.issue(who, entered.json()["id"])
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def answer(self, who: Company, bill: str, *answers: dict[str, Any]) -> httpx.Response:
        path = f"/v1/freight-bills/{bill}"
        return self.road.yard.sign(
            who, "answer", f"{path}/answer-draft", f"{path}/answer", answers=list(answers)
        )

    def accepted(self, who: Company, bill: str) -> None:
        """Have the payer accept all that is billed."""
        items = self.shown(who, bill)["items"]
        said = [said_of(item["item"], item["amount"]["amount"], "核对无误") for item in items]
        answer = self.answer(who, bill, *said)
        assert answer.status_code == 200, answer.text

    def settle(self, who: Company, other: Company, **besides: Any) -> httpx.Response:
        body = {
            "counterparty": other.uscc,
            "account": self.account(who, DEBTOR_ACCOUNT),
            "execute_on": self.working_day,
            "maker": who.signers("answer")[0],
            **besides,
        }
        return self.stage.post(who, "/v1/freight-settlements", body)

    def approve(self, who: Company, order: str) -> dict[str, Any]:
        body = {"checker": who.signers("answer")[1]}
        return self.road.desk.did(who, f"/v1/payment-orders/{order}/approve", body)

    def came_in(self, order: str, minor: int, number: int, **other: Any) -> dict[str, Any]:
        """Have the bank tell that an order's transfer came in; what it brings about is done."""
        name = order.replace("_", "").upper()
        account = {"account": DIGITS, "end_to_end": name, **other}
        found = told(self.stage, self.stage.cast.bank, entry(number, minor, **account))
        self.learn()
        return found

    def learn(self) -> None:
        """Bring about what banks told of orders, as a worker does; twice, since it may be."""
        stage = self.stage
        context = EffectContext(stage.database, stage.settings, stage.clock)
        for payload in waiting(stage.database):
            for _ in range(2):
                effects.HANDLERS["payment_order.told"](context, payload)

    def turn(self) -> None:
        stage = self.stage
        effects.turn(EffectContext(stage.database, stage.settings, stage.clock))

    def shown(self, who: Company, bill: str) -> dict[str, Any]:
        return self.road.desk.seen(who, f"/v1/freight-bills/{bill}")

    def bills(self, who: Company) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.road.desk.seen(who, "/v1/freight-bills", limit=500)[
            "items"
        ]
        return found

    def settlement(self, who: Company, settlement: str) -> dict[str, Any]:
        return self.road.desk.seen(who, f"/v1/freight-settlements/{settlement}")

    def tariff(
        self, keeper: Company, client: Company, rate: str = "0.60", **other: Any
    ) -> dict[str, Any]:
        """A tariff that both have signed."""
        body = {
            "client": client.uscc,
            "unit": "TNE",
            "rate": money(rate),
            "payment_days": 10,
            "first_on": "2025-01-01",
            **other,
        }
        tariff = self.road.desk.did(keeper, "/v1/storage-tariffs", body)
        path = f"/v1/storage-tariffs/{tariff['id']}"
        for who in (keeper, client):
            answer = self.road.yard.sign(who, "tariff", f"{path}/draft", f"{path}/sign")
            assert answer.status_code == 200, answer.text
        signed: dict[str, Any] = answer.json()
        return signed


def journey_of(journey: dict[str, Any], quantity: str, rate: str, amount: str) -> dict[str, Any]:
    """An item of freight, or of a claim."""
    return {
        "about": {"consignment": journey["id"]},
        "quantity": tonnes(quantity),
        "rate": money(rate),
        "amount": money(amount),
    }


def days_of(
    receipt: dict[str, Any],
    first_on: str,
    last_on: str,
    quantity: str,
    amount: str,
    *,
    rate: str = "0.60",
) -> dict[str, Any]:
    """An item of storage, in tonnes times days."""
    return {
        "about": {"receipt": receipt["id"], "first_on": first_on, "last_on": last_on},
        "quantity": tonnes(quantity),
        "rate": money(rate),
        "amount": money(amount),
    }


def billed(road: Road, arrived: dict[str, Any], stored: dict[str, Any]) -> None:
    """A journey of 4.9 t billed too high, accepted in part, conceded and paid; days of storage that are due and unpaid."""
    freight, stage, yard = Freight(road), road.desk.stage, road.yard
    holder = stage.cast.supplier
    freight.tariff(yard.keeper, holder)
    freight.tariff(yard.keeper, yard.trader, last_on="2026-12-31")
    due_on = (business_date(stage.clock.now()) + timedelta(days=30)).isoformat()
    item = journey_of(arrived, "5.000", "90.00", "450.00")
    bill = freight.issued(road.carrier, "freight", item, due_on=due_on)
    assert freight.answer(yard.trader, bill, said_of(1, "418.95", "以到货磅单为准")).is_success
    path = f"/v1/freight-bills/{bill}"
    road.desk.did(road.carrier, f"{path}/concede", {"reason": "认可"})
    order = freight.settle(yard.trader, road.carrier).json()["order"]
    assert freight.came_in(order, 41_895, 900)["recorded"] == 1
    day = business_date(stage.clock.now()).isoformat()
    stage.clock.set(stage.clock.now() + timedelta(days=1))
    item = days_of(stored, day, day, "59.700", "35.82")
    freight.issued(yard.keeper, "storage", item, due_on=due_on)
    stage.clock.set(stage.clock.now() + timedelta(days=30))
    freight.turn()


def said_of(item: int, accepted: str, reason: str | None = None) -> dict[str, Any]:
    return {"item": item, "accepted": money(accepted), "reason": reason}


def waiting(database: Database) -> list[dict[str, Any]]:
    """What effects of orders told of wait for."""
    with database.reading() as session:
        found = select(Effect.payload).where(Effect.kind == "payment_order.told")
        return list(session.scalars(found.order_by(Effect.id)))
