"""A warehouse for tests: a keeper, a supervisor and a trader beside the cast, and goods coming in.

yard = open_yard(stage); lot = yard.stored("140.000"); receipt = yard.issued(lot, "140.000")
"""

import base64
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.http.auth import create_client, issue_token
from scf.kernel.clock import business_date
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.parties import service
from scf.parties.models import PartyKind, Role, SizeClass
from scf.receipts import amending
from scf.receipts.models import WarehouseReceipt
from scf_ledger.event_types import Scope
from tests.support.actors import Company, Stage, engage

LIMIT: Final = Money.parse("100000000.00")
PARTIES: Final = {
    "keeper": ("渝川港桥仓储(示例)", "91500118MAYYC0G70N"),
    "supervisor": ("渝川监管(示例)", "91500118MAYYC0H84R"),
    "trader": ("渝川铜材贸易(示例)", "91500118MAYYC0J92A"),
    "second_trader": ("渝川金属(示例)", "91500118MAYYC0K04W"),
    "carrier": ("渝川物流(示例)", "91500118MAYYC0L107"),
    "far_keeper": ("江津珞璜仓储(示例)", "91500118MAYYC0M20X"),
    "buyer": ("江津电缆(示例)", "91500118MAYYC0N30L"),
}
PEOPLE: Final = {
    "clerk": [Role.MAKER],
    "manager": [Role.CHECKER, Role.SIGNER],
}


def tonnes(text: str) -> dict[str, str]:
    return {"quantity": text, "unit": "TNE"}


def pieces(count: int) -> dict[str, str]:
    return {"quantity": str(count), "unit": "C62"}


def found(stage: Stage, role: str) -> Company:
    """Register one more enterprise with its people and its system."""
    name, uscc = PARTIES[role]
    cast, now = stage.cast, stage.clock.now()
    with stage.database.transaction() as session:
        party = service.register_party(
            session,
            uscc=uscc,
            name=name,
            kind=PartyKind.ENTERPRISE,
            size_class=SizeClass.MEDIUM,
            now=now,
        )
        people = {
            title: engage(
                session,
                party,
                authority=cast.authorities[Scope.ENTERPRISE],
                keys=cast.keys,
                key_name=f"{role}-{title}",
                roles=roles,
                now=now,
                limit=LIMIT,
            )
            for title, roles in PEOPLE.items()
        }
        real_now = stage.clock.real()
        system, secret = create_client(session, name="WMS", party_id=party.id, now=real_now)
        return Company(
            party_id=party.id,
            uscc=party.uscc,
            name=party.name,
            kind=party.kind,
            people=people,
            client_id=system.id,
            client_secret=secret,
            token=issue_token(session, public_id("cli", system.id), secret, now=real_now),
        )


@dataclass(frozen=True)
class Yard:
    """A keeper's warehouse, watched by a supervisor; a trader's goods lie in it."""

    stage: Stage
    keeper: Company
    supervisor: Company
    trader: Company

    def enter(self, quantity: dict[str, str], **other: Any) -> httpx.Response:
        body = {
            "depositor": self.trader.uscc,
            "supervisor": self.supervisor.uscc,
            "goods": "电解铜",
            "grade": "Cu-CATH-1",
            "warehouse": "港桥 1 号仓",
            "location": "A-12",
            "loss_standard": "0.001",
            "declared": quantity,
            **other,
        }
        return self.stage.post(self.keeper, "/v1/lots", body)

    def paper(
        self, lot: str, who: Company, kind: str, quantity: Any = None, **other: Any
    ) -> httpx.Response:
        body = {
            "kind": kind,
            "number": uuid.uuid4().hex[:12],
            "made_on": business_date(self.stage.clock.now()).isoformat(),
            "quantity": quantity,
            "original": base64.b64encode(f"{kind} of {lot} by {who.name}".encode()).decode(),
            **other,
        }
        return self.stage.post(who, f"/v1/lots/{lot}/papers", body)

    def seen(self, lot: str, quantity: dict[str, str]) -> None:
        """Have both sources weigh and assay a lot."""
        for who in (self.keeper, self.supervisor):
            for answer in (
                self.paper(lot, who, "weighing", quantity),
                self.paper(lot, who, "assay", passed=True),
            ):
                assert answer.status_code == 200, answer.text

    def store(self, lot: str) -> httpx.Response:
        return self.sign(
            self.keeper, "store", f"/v1/lots/{lot}/storing-draft", f"/v1/lots/{lot}/store"
        )

    def stored(self, quantity: str, **other: Any) -> dict[str, Any]:
        """A lot of copper that is there, in tonnes."""
        return self.stored_goods(tonnes(quantity), **other)

    def stored_goods(self, quantity: dict[str, str], **other: Any) -> dict[str, Any]:
        entered = self.enter(quantity, **other)
        assert entered.status_code == 201, entered.text
        lot = entered.json()["id"]
        self.seen(lot, quantity)
        answer = self.store(lot)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def issue(self, lot: dict[str, Any], quantity: dict[str, str], **other: Any) -> httpx.Response:
        """Draft, sign and hand back a receipt over a part of a lot."""
        return self.sign(self.keeper, "issue", *_issuing(lot), **self.terms(lot, quantity, **other))

    def issuance(
        self, lot: dict[str, Any], quantity: dict[str, str], **other: Any
    ) -> Callable[[], httpx.Response]:
        """Draft and sign a receipt over a part of a lot; what hands it back."""
        body = self.terms(lot, quantity, **other)
        return self.prepared(self.keeper, "issue", *_issuing(lot), **body)

    def terms(self, lot: dict[str, Any], quantity: dict[str, str], **other: Any) -> dict[str, Any]:
        """What a keeper puts on a receipt over a part of a lot, under a new number."""
        return {
            "number": f"GQ-{uuid.uuid4().hex[:12]}",
            "lots": [{"lot": lot["id"], "quantity": quantity}],
            "depositor_address": "重庆市永川区示例路 1 号",
            "quality": "Cu+Ag ≥ 99.95%",
            "stored_until": "2026-11-02",
            "storage_fee": "每吨每日 0.60 元",
            "issued_at": "重庆市永川区",
            **other,
        }

    def issued(self, lot: dict[str, Any], quantity: str, **other: Any) -> dict[str, Any]:
        answer = self.issue(lot, tonnes(quantity), **other)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def withdraw(
        self, receipt: dict[str, Any], quantity: dict[str, str], order_no: str, **other: Any
    ) -> httpx.Response:
        """Have the holder order goods out."""
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        body = {"order_no": order_no, "quantity": quantity, "taker": "渝川物流 渝C12345", **other}
        return self.sign(
            self.trader, "withdraw", f"{path}/withdrawal-draft", f"{path}/withdrawals", **body
        )

    def deliver(self, receipt: dict[str, Any], order_no: str) -> httpx.Response:
        """Have the keeper hand the goods over."""
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        body = self.leaving(receipt, order_no)
        return self.sign(
            self.keeper, "deliver", f"{path}/delivery-draft", f"{path}/deliver", **body
        )

    def delivery(self, receipt: dict[str, Any], order_no: str) -> Callable[[], httpx.Response]:
        """Have the keeper sign that the goods have left; what hands it back."""
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        body = self.leaving(receipt, order_no)
        return self.prepared(
            self.keeper, "deliver", f"{path}/delivery-draft", f"{path}/deliver", **body
        )

    def leaving(self, receipt: dict[str, Any], order_no: str) -> dict[str, Any]:
        """What the keeper says of goods that leave: against which order, by which papers; both have weighed them."""
        for who in (self.keeper, self.supervisor):
            self.weigh_out(receipt, order_no, who)
        papers = [base64.b64encode(one.encode()).decode() for one in ("出库单", "出门证")]
        return {"order_no": order_no, "papers": papers}

    def weigh_out(
        self,
        receipt: dict[str, Any],
        order_no: str,
        who: Company,
        seen: dict[str, str] | None = None,
    ) -> None:
        """Have a source weigh goods out for an order that is open: as ordered, unless it saw otherwise."""
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        for order in self.stage.get(self.keeper, f"{path}/withdrawals").json():
            if order["order_no"] == order_no:
                said = {"order": order["id"], "number": f"CK-{uuid.uuid4().hex[:12]}"}
                lots = [part["lot"] for part in self.shown(receipt)["lots"]]
                lot = next(
                    one for one in lots if self.stage.get(self.keeper, f"/v1/lots/{one}").is_success
                )
                answer = self.paper(lot, who, "weighing", seen or order["quantity"], **said)
                assert answer.status_code == 200, answer.text

    def sign(
        self, who: Company, act: str, draft_path: str, path: str, **body: Any
    ) -> httpx.Response:
        draft = self.stage.post(who, draft_path, {**body, "signers": who.signers(act)})
        if not draft.is_success:
            return draft
        return self.stage.post(who, path, {"authorizations": who.sign_all(draft.json())})

    def prepared(
        self, who: Company, act: str, draft_path: str, path: str, **body: Any
    ) -> Callable[[], httpx.Response]:
        """Draft and sign; what hands it back."""
        draft = self.stage.post(who, draft_path, {**body, "signers": who.signers(act)})
        assert draft.is_success, draft.text
        answer = {"authorizations": who.sign_all(draft.json())}
        return lambda: self.stage.post(who, path, answer)

    def endorse(self, receipt: dict[str, Any], to: Company, **other: Any) -> httpx.Response:
        """Have the holder sign the receipt over; the keeper has not attested it."""
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        holder = other.pop("holder", self.trader)
        return self.sign(
            holder, "endorse", f"{path}/endorsement-draft", f"{path}/endorse", to=to.uscc
        )

    def attest(self, receipt: dict[str, Any], act: str = "attest") -> httpx.Response:
        """Have the keeper sign what waits: an endorsement, or a surrender (`cancel`)."""
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        return self.sign(self.keeper, act, f"{path}/attestation-draft", f"{path}/attest")

    def surrender(self, receipt: dict[str, Any]) -> httpx.Response:
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        return self.sign(self.trader, "surrender", f"{path}/surrender-draft", f"{path}/surrender")

    def amend(self, receipt: dict[str, Any], **items: Any) -> httpx.Response:
        """Have the keeper change what of a receipt may change."""
        path = f"/v1/warehouse-receipts/{receipt['id']}"
        body = {"reason": "续存", **items}
        return self.sign(self.keeper, "amend", f"{path}/amendment-draft", f"{path}/amend", **body)

    def divide(
        self, receipts: Sequence[dict[str, Any]], into: Sequence[dict[str, Any]]
    ) -> httpx.Response:
        """Have the holder ask for receipts to become others; nobody has signed."""
        body = {"of": [one["id"] for one in receipts], "into": list(into)}
        return self.stage.post(self.trader, "/v1/receipt-divisions", body)

    def sign_division(self, division: str, who: Company, act: str = "divide") -> httpx.Response:
        path = f"/v1/receipt-divisions/{division}"
        return self.sign(who, act, f"{path}/draft", f"{path}/sign")

    def carry_out(self, division: str) -> httpx.Response:
        """Have the keeper issue the new receipts for the old."""
        path = f"/v1/receipt-divisions/{division}"
        body = {"signers": self.keeper.signers("issue")}
        drafts = self.stage.post(self.keeper, f"{path}/issue-drafts", body)
        return self.issue_drafted(division, drafts.json()) if drafts.is_success else drafts

    def issue_drafted(self, division: str, drafts: Sequence[dict[str, Any]]) -> httpx.Response:
        """Have the keeper sign the new receipts and hand them back."""
        issues = [{"authorizations": self.keeper.sign_all(draft)} for draft in drafts]
        path = f"/v1/receipt-divisions/{division}/carry-out"
        return self.stage.post(self.keeper, path, {"issues": issues})

    def divided(
        self, receipts: Sequence[dict[str, Any]], into: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        asked = self.divide(receipts, into)
        assert asked.status_code == 201, asked.text
        assert self.sign_division(asked.json()["id"], self.trader).is_success
        done = self.carry_out(asked.json()["id"])
        assert done.status_code == 201, done.text
        made: list[dict[str, Any]] = done.json()
        return made

    def lose(
        self, lot: dict[str, Any], quantity: dict[str, str], what: str = "losses"
    ) -> httpx.Response:
        body = {"quantity": quantity, "reason": "盘点短少"}
        return self.stage.post(self.supervisor, f"/v1/lots/{lot['id']}/{what}", body)

    def shown(self, receipt: dict[str, Any], who: Company | None = None) -> dict[str, Any]:
        """A receipt as it stands now."""
        answer = self.stage.get(who or self.keeper, f"/v1/warehouse-receipts/{receipt['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def restraints(self, receipt: dict[str, Any]) -> list[dict[str, Any]]:
        path = f"/v1/warehouse-receipts/{receipt['id']}/restraints"
        found: list[dict[str, Any]] = self.stage.get(self.keeper, path).json()
        return found

    def owe(self, receipt: dict[str, Any], amount: str) -> None:
        """State what is owed for storing a receipt's goods, as the keeper's bills that are due do."""
        now = self.stage.clock.now()
        with self.stage.database.transaction() as session:
            found = evidence.lock(session, WarehouseReceipt, parse_id("whr", receipt["id"]))
            owed, as_of = Money.parse(amount), business_date(now)
            amending.restate_fee(session, found, owed, as_of=as_of, actor=None, now=now)

    def hold(self, receipt: dict[str, Any], bank: Company, quantity: str) -> uuid.UUID:
        """Take goods of a receipt for a bank, as its pledge does; return who holds them."""
        holder = new_id()
        with self.stage.database.transaction() as session:
            (pool,) = capacity.lock_pools(session, [parse_id("cap", receipt["pool"])])
            assert pool.head_hash is not None
            capacity.reserve(
                session,
                pool,
                holder_id=holder,
                holder=public_id("plg", holder),
                amount=Quantity.parse(quantity, "TNE"),
                cause=pool.head_hash,
                now=self.stage.clock.now(),
                actor=bank.party_id,
            )
        return holder

    def pool(self, who: Company, pool: str) -> dict[str, Any]:
        answer = self.stage.get(who, f"/v1/pools/{pool}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


def open_yard(stage: Stage) -> Yard:
    """Register the keeper, the supervisor and the trader."""
    return Yard(stage, *(found(stage, role) for role in ("keeper", "supervisor", "trader")))


def part(number: str, lot: dict[str, Any], quantity: str, **other: Any) -> dict[str, Any]:
    """One of the receipts that others become, in tonnes."""
    return {"number": number, "lots": [{"lot": lot["id"], "quantity": tonnes(quantity)}], **other}


def _issuing(lot: dict[str, Any]) -> tuple[str, str]:
    return "/v1/warehouse-receipts/draft", f"/v1/lots/{lot['id']}/warehouse-receipts"
