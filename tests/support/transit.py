"""Goods on their way in tests: a carrier, a keeper at the other end, a buyer; and a bank's pledge over a receipt.

road = open_road(desk); journey = road.plan(receipt); road.agree(journey); road.dispatch(journey)
"""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from scf.kernel.clock import instant_text
from tests.support.actors import Company
from tests.support.lending import Desk
from tests.support.receivables import money
from tests.support.warehouse import Yard, found, open_yard, tonnes

PRINCIPAL: Final = {
    "contract_sha256": "A" * 43,
    "amount": money("4900000.00"),
    "rate": "0.0435",
    "due_on": "2026-05-03",
}
FROM: Final = {"lat": "29.356000", "lon": "105.927000"}
HALFWAY: Final = {"lat": "29.356000", "lon": "106.127000"}
TO: Final = {"lat": "29.356000", "lon": "106.327000"}


@dataclass(frozen=True)
class Road:
    """The way from 港桥 to 珞璜, and who is on it."""

    desk: Desk
    yard: Yard
    carrier: Company
    far_keeper: Company
    buyer: Company

    def receipt(self, quantity: str = "140.000") -> dict[str, Any]:
        return self.yard.issued(self.yard.stored(quantity), quantity)

    def pledged(self, receipt: dict[str, Any]) -> str:
        """The bank's pledge over a receipt: registered, locked, searched again."""
        desk, trader = self.desk, self.yard.trader
        body = {"pledgee": desk.stage.cast.bank.id, "principal": PRINCIPAL}
        path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
        pledge = str(desk.did(trader, path, body)["id"])
        path, signers = f"/v1/pledges/{pledge}", {"signers": trader.signers("pledge")}
        desk.signed(trader, f"{path}/sign-draft", signers, f"{path}/sign")
        desk.accept(pledge)
        desk.work()
        desk.mine()
        desk.work()
        return pledge

    def body(self, receipt: dict[str, Any], **other: Any) -> dict[str, Any]:
        now = self.desk.stage.clock.now()
        return {
            "receipt": receipt["id"],
            "carrier": self.carrier.uscc,
            "waybill_no": "YD-2025-0001",
            "mode": "road",
            "vehicles": ["渝C12345", "渝C12346"],
            "route": [
                {"place": "港桥", "at": instant_text(now + timedelta(hours=1)), **FROM},
                {"place": "珞璜", "at": instant_text(now + timedelta(hours=5)), **TO},
            ],
            "fence": {"kind": "corridor", "points": [FROM, TO], "tolerance": 500},
            "halt_minutes": 60,
            "destination": {
                "kind": "warehouse",
                "party": self.far_keeper.uscc,
                "address": "重庆市江津区珞璜 2 号库",
            },
            "freight_rate": money("85.50"),
            **other,
        }

    def plan(self, receipt: dict[str, Any], **other: Any) -> dict[str, Any]:
        return self.desk.did(self.yard.trader, "/v1/consignments", self.body(receipt, **other))

    def sale(self, receipt: dict[str, Any]) -> dict[str, Any]:
        """A journey to the buyer's door."""
        to = {"kind": "buyer", "party": self.buyer.uscc, "address": "重庆市江津区示例路 8 号"}
        return self.plan(receipt, destination=to)

    def step(self, journey: dict[str, Any], who: Company, act: str) -> httpx.Response:
        """Have one party draft, sign and hand back its part."""
        path = f"/v1/consignments/{journey['id']}"
        draft, path = {
            "consign": (f"{path}/agreement-draft", f"{path}/agree"),
            "consent": (f"{path}/agreement-draft", f"{path}/agree"),
            "hand_over": (f"{path}/dispatch-draft", f"{path}/dispatch"),
            "take_over": (f"{path}/dispatch-draft", f"{path}/dispatch"),
        }[act]
        return self.yard.sign(who, act, draft, path)

    def agree(self, journey: dict[str, Any]) -> None:
        """Have the holder order it, and the bank agree where it holds a pledge."""
        assert self.step(journey, self.yard.trader, "consign").status_code == 200
        if journey["pledgees"]:
            answer = self.step(journey, self.desk.stage.cast.bank, "consent")
            assert answer.status_code == 200, answer.text

    def dispatch(self, journey: dict[str, Any]) -> dict[str, Any]:
        for who, act in ((self.yard.keeper, "hand_over"), (self.carrier, "take_over")):
            answer = self.step(journey, who, act)
            assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def under_way(self, receipt: dict[str, Any], **other: Any) -> dict[str, Any]:
        journey = self.plan(receipt, **other)
        self.agree(journey)
        return self.dispatch(journey)

    def weighed(self, declared: str, weighed: str | None = None, **other: Any) -> str:
        """A lot at the far keeper's, seen by two sources and not stored yet."""
        yard, body = self.yard, {"depositor": self.yard.trader.uscc, **other}
        answer = self.desk.stage.post(
            self.far_keeper,
            "/v1/lots",
            {
                "supervisor": yard.supervisor.uscc,
                "goods": "电解铜",
                "grade": "Cu-CATH-1",
                "warehouse": "珞璜 2 号库",
                "location": "B-07",
                "declared": tonnes(declared),
                **body,
            },
        )
        assert answer.status_code == 201, answer.text
        lot = str(answer.json()["id"])
        for who in (self.far_keeper, yard.supervisor):
            seen = yard.paper(lot, who, "weighing", tonnes(weighed or declared))
            assert seen.status_code == 200, seen.text
            seen = yard.paper(lot, who, "assay", passed=True)
            assert seen.status_code == 200, seen.text
        return lot

    def draft_arrival(self, journey: dict[str, Any], lot: str) -> httpx.Response:
        body = {"lot": lot, "signers": self.far_keeper.signers("receive")}
        path = f"/v1/consignments/{journey['id']}/arrival-draft"
        return self.desk.stage.post(self.far_keeper, path, body)

    def arrive(self, journey: dict[str, Any], lot: str) -> httpx.Response:
        drafted = self.draft_arrival(journey, lot)
        if not drafted.is_success:
            return drafted
        papers = drafted.json()
        signed = [
            one
            for paper in ("storing", "receiving")
            for one in self.far_keeper.sign_all(papers[paper])
        ]
        return self.desk.stage.post(
            self.far_keeper,
            f"/v1/consignments/{journey['id']}/arrive",
            {"lot": lot, "authorizations": signed},
        )

    def hand_out(self, journey: dict[str, Any]) -> httpx.Response:
        path = f"/v1/consignments/{journey['id']}"
        papers = [base64.b64encode("签收单".encode()).decode()]
        return self.yard.sign(
            self.carrier, "deliver", f"{path}/delivery-draft", f"{path}/deliver", papers=papers
        )

    def at(self, minutes: int, place: dict[str, str], **other: Any) -> dict[str, Any]:
        """A position so many minutes after now."""
        seen_at = self.desk.stage.clock.now() + timedelta(minutes=minutes)
        return {"at": instant_text(seen_at), **place, **other}

    def seen(self, journey: dict[str, Any], *positions: dict[str, Any]) -> httpx.Response:
        path = f"/v1/consignments/{journey['id']}/positions"
        return self.desk.stage.post(self.carrier, path, {"positions": list(positions)})

    def shown(self, journey: dict[str, Any]) -> dict[str, Any]:
        return self.desk.seen(self.carrier, f"/v1/consignments/{journey['id']}")

    def goods(self, receipt: dict[str, Any], who: Company | None = None) -> dict[str, Any]:
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        return self.desk.seen(who or self.yard.trader, path)


def open_road(desk: Desk) -> Road:
    """Open the yard, and register whoever is on the way from it."""
    yard = open_yard(desk.stage)
    return Road(
        desk, yard, *(found(desk.stage, role) for role in ("carrier", "far_keeper", "buyer"))
    )
