"""Goods pledged and watched by nobody's shortcut: stored, put on receipts, pledged, registered, under an agreement.

Slower than `tests.support.collateral`, whose receipts are put into the database as they would stand.
"""

import os
import uuid
from dataclasses import dataclass, field
from typing import Any

from scf_ledger.encoding import b64url
from tests.support.collateral import debt, did, money, proposal, signed
from tests.support.lending import Desk
from tests.support.prices import a_series, entered
from tests.support.problems import refusal
from tests.support.warehouse import Yard, tonnes

GOODS = "电解铜"
WAREHOUSE = "港桥 1 号仓"
DUE_ON = "2026-05-03"


@dataclass
class Goods:
    """A trader's copper, its pledges to the bank for one debt, and the agreement that watches them."""

    desk: Desk
    yard: Yard
    contract: bytes = field(default_factory=lambda: os.urandom(32))
    id: str = ""
    series: str = ""

    @property
    def path(self) -> str:
        return f"/v1/control-agreements/{self.id}"

    @property
    def bank(self) -> Any:
        return self.desk.stage.cast.bank

    def pledged(self, quantity: str, **lot: Any) -> tuple[dict[str, Any], dict[str, Any], str]:
        """A lot, a receipt over it, and the receipt's pledge, in force."""
        until = {"stored_until": lot.pop("stored_until", "2026-11-02")}
        stored = self.yard.stored(quantity, **lot)
        receipt = self.yard.issued(stored, quantity, **until)
        body = {
            "pledgee": self.bank.id,
            "principal": {
                "contract_sha256": b64url(self.contract),
                "amount": money("4900000.00"),  # of several contracts under one debt
                "rate": "0.0435",
                "due_on": DUE_ON,
            },
        }
        path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
        pledge = self.desk.did(self.yard.trader, path, body)["id"]
        path, signers = f"/v1/pledges/{pledge}", {"signers": self.yard.trader.signers("pledge")}
        self.desk.signed(self.yard.trader, f"{path}/sign-draft", signers, f"{path}/sign")
        self.desk.accept(pledge)
        self.desk.work()
        self.desk.mine()
        self.desk.work()
        return stored, receipt, pledge

    def agreed(self, price: str = "75000.00", **said: Any) -> "Goods":
        """Three sign an agreement over copper at a price."""
        stage, bank = self.desk.stage, self.bank
        self.series = a_series(stage, bank, source=f"现货 {uuid.uuid4().hex[:8]}")
        entered(stage, bank, self.series, price, at="2025-11-03T01:00:00Z")
        body = proposal(stage, self.series, self.contract) | {
            "pledgor": self.yard.trader.id,
            "supervisor": self.yard.supervisor.id,
            "goods": [{"goods": GOODS, "series": self.series}],
            **said,
        }
        self.id = did(stage.post(bank, "/v1/control-agreements", body))["id"]
        hands = {"entrust": self.yard.trader, "supervise": self.yard.supervisor, "appoint": bank}
        signed(stage, self.path, hands)
        return self

    def cover(self, pledge: str, **said: Any) -> dict[str, Any]:
        return self.desk.did(self.bank, f"{self.path}/pledges", {"pledge": pledge, **said})

    def owe(self, principal: str, **said: Any) -> dict[str, Any]:
        return self.desk.did(self.bank, f"{self.path}/debt", debt(principal, **said))

    def price(self, price: str, at: str) -> dict[str, Any]:
        entered(self.desk.stage, self.bank, self.series, price, at=at)
        return self.desk.did(self.bank, f"{self.path}/mark", {})

    def seen(self, who: Any = None) -> dict[str, Any]:
        return self.desk.seen(who or self.bank, self.path)

    def release_draft(self, pledge: str, quantity: str | None = None) -> Any:
        """Ask for the release of a part of a pledge's goods, or of all."""
        body: dict[str, Any] = {"reason": "补货后释放", "signers": self.bank.signers("release")}
        if quantity is None:
            return self.desk.stage.post(self.bank, f"/v1/pledges/{pledge}/release-draft", body)
        body["released"] = tonnes(quantity)
        return self.desk.stage.post(self.bank, f"/v1/pledges/{pledge}/part-release-draft", body)

    def release(self, pledge: str, quantity: str | None = None) -> Any:
        """Have it drafted, signed and handed back."""
        draft = did(self.release_draft(pledge, quantity))
        return self.hand_back(pledge, draft, whole=quantity is None)

    def hand_back(self, pledge: str, draft: Any, *, whole: bool = False) -> Any:
        command = "release" if whole else "part-release"
        body = {"authorizations": self.bank.sign_all(draft)}
        return self.desk.stage.post(self.bank, f"/v1/pledges/{pledge}/{command}", body)

    def refuses(self, pledge: str, quantity: str | None, reason: str) -> dict[str, Any]:
        """Hold that a release is refused for a reason, and that nothing came of asking."""
        before = self.desk.types()
        fields = refusal(self.release_draft(pledge, quantity), 409, "collateral.release_refused")[
            "fields"
        ]
        assert (fields["reason"], self.desk.types()) == (reason, before)
        return dict(fields)
