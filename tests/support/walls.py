"""One platform on which everybody has something: what attackers of the walls are let loose on.

Of every kind of thing that has an id there is one. Its neighbours are the core enterprise, the SME and the bank
of the cast; `STRANGERS` take part in the platform, some in the same programme, and have nothing with it.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from scf.approvals.models import CasePaper
from scf.db.session import Database
from scf.devices import alarms
from scf.devices.comparing import Compared
from scf.evidence import keys
from scf.evidence.sequencing import open_log
from scf.feed import deliveries
from scf.http.auth import create_client, issue_token
from scf.kernel.ids import new_id, parse_id, public_id
from scf.parties import certification
from scf.parties.models import Role
from scf.pledges.models import PledgeSearch
from scf.registry.client import HttpRegistry
from scf.rules.book import shipped
from scf.runtime.site import write_private
from scf_ledger import uscc
from scf_ledger.encoding import b64
from scf_ledger.event_types import Scope
from scf_ledger.note import Signer
from tests.support import collateral, prices, warehouse, watching
from tests.support.actors import Company, Stage
from tests.support.approving import adopt, small
from tests.support.banking import entry, told
from tests.support.blind import outsider, token_of
from tests.support.clock import asked
from tests.support.freight import Freight, journey_of
from tests.support.invitations import invited
from tests.support.jobs import upload, upload_row, work
from tests.support.lending import Desk, lending_desk
from tests.support.lineage import put_forward
from tests.support.log import sequence_all
from tests.support.receivables import confirmation, identity, money, pay_to, register_invoice
from tests.support.transit import Road
from tests.support.warehouse import Yard, part
from tests.support.watching import a_device

ROLES: Final = (
    *("anonymous", "operator", "core", "other_core", "sme", "other_sme"),
    *("bank", "other_bank", "regulator", "outside_bank"),
)
STRANGERS: Final = ("other_core", "other_sme", "other_bank", "outside_bank")
NOWHERE: Final = "01k3e5m8q2x7v9b4c6d8f0g1h2"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class Rehearsal(Database):
    """A database on which everything is done and nothing kept: a walk leaves the platform as it was."""

    statements: list[str]

    @classmethod
    def on(cls, database_url: str) -> "Rehearsal":
        found = cls(database_url, pool_size=2)
        found.statements = []

        @event.listens_for(found.engine, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            found.statements.append(statement)

        return found

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            session.commit = session.flush  # type: ignore[method-assign]
            yield session


@dataclass
class Walls:
    """The platform, who calls, and one id of each kind."""

    desk: Desk
    database: Rehearsal
    app: FastAPI
    http: httpx.AsyncClient
    loop: asyncio.Runner
    tokens: Mapping[str, str | None]
    ids: dict[str, str]
    signer: Signer
    calls: int = 0

    def call(
        self,
        role: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> httpx.Response:
        """Call as a role, and leave nothing behind."""
        self.calls += 1
        token = self.tokens[role]
        sent_along = {"Invitation-Token": "x" * 43, **(headers or {})}
        if token is not None:
            sent_along["Authorization"] = f"Bearer {token}"
        if method == "POST":
            sent_along.setdefault("Idempotency-Key", f"walls-{self.calls}")
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        self.database.statements.clear()
        request = self.http.request(
            method,
            path,
            params=parameters,
            headers=sent_along,
            **(sent if body is not None else {}),
        )
        return self.loop.run(request)

    @property
    def asked(self) -> list[str]:
        """What the last call asked of the database, without its values."""
        return list(self.database.statements)

    @property
    def nobodys(self) -> dict[str, str]:
        """Ids of the same kinds that nobody has."""
        own = {"programme_id", "series_id"}  # strangers in it know it; prices are for all
        return {name: self.filled(f"{{{name}}}", nowhere=name not in own) for name in self.ids}

    def masked(self, text: str) -> str:
        """Return a text with every id of ours put as nobody's."""
        for name, value in self.ids.items():
            if len(value) > len(NOWHERE):
                text = text.replace(value, self.nobodys[name])
        return text

    def filled(self, path: str, *, nowhere: bool = False) -> str:
        """Put the ids of what is there into a path, or such as nobody has."""

        def one(found: re.Match[str]) -> str:
            value = self.ids[found[1]]
            prefix = value.partition("_")[0]
            return f"{prefix}_{NOWHERE}" if nowhere and len(value) > len(NOWHERE) else value

        return _PARAMETER.sub(one, path)


@contextmanager
def walls(database_url: str, folder: Path) -> Iterator[Walls]:
    """Seed the platform and open it for rehearsals."""
    with lending_desk(database_url, folder) as desk:
        stage, cast = desk.stage, desk.stage.cast
        outside = outsider(stage, 1, code="91500000MA5U0AAA08")
        other_core = enterprise(stage, "500100", "渝东重工(示例)")
        ids, signer = seeded(desk, outside)
        rehearsal = Rehearsal.on(database_url)
        app, kept = stage.http.app, stage.database
        app.state.database = rehearsal
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        try:
            with asyncio.Runner() as loop:  # one for all calls: thousands are made
                yield Walls(
                    desk,
                    rehearsal,
                    app,
                    httpx.AsyncClient(transport=transport, base_url="http://testserver"),
                    loop,
                    {
                        "anonymous": None,
                        "operator": cast.operator_token,
                        "core": cast.anchor.token,
                        "other_core": other_core,
                        "sme": cast.supplier.token,
                        "other_sme": cast.second_supplier.token,
                        "bank": cast.bank.token,
                        "other_bank": cast.second_bank.token,
                        "regulator": cast.regulator.token,
                        "outside_bank": outside.headers["Authorization"].partition(" ")[2],
                    },
                    ids,
                    signer,
                )
        finally:
            app.state.database = kept
            rehearsal.close()


def enterprise(stage: Stage, district: str, name: str) -> str:
    """Register another core enterprise, in no programme; return its token."""
    code = f"91{district}MAYYC9F6X"
    body = {"uscc": code + uscc.check_digit(code), "name": name, "kind": "enterprise"}
    party = stage.post(None, "/v1/parties", body | {"size_class": "large"}).json()
    now = stage.clock.real()
    with stage.database.transaction() as session:
        client, secret = create_client(
            session, name="ERP", party_id=parse_id("pty", party["id"]), now=now
        )
        return issue_token(session, public_id("cli", client.id), secret, now=now)


def seeded(desk: Desk, outside: Any) -> tuple[dict[str, str], Signer]:
    """Play what gives everything an id; return one of each by the name of its path parameter."""
    stage, cast = desk.stage, desk.stage.cast
    write_private(stage.settings.secrets / keys.WEBHOOK_SECRET, b64(bytes(32)))
    daily = Signer.generate("test.example/feed").secret_text()
    write_private(stage.settings.secrets / keys.FEED_KEY, daily)
    core, sme, bank = cast.anchor, cast.supplier, cast.bank
    invoice = register_invoice(stage, sme)
    receivable = desk.receivable()
    pledge = desk.ready_pledge(receivable)
    notice = desk.did(bank, f"/v1/pledges/{pledge}/notify-debtor", {})
    request = asked(stage)
    draft = desk.did(
        core,
        f"/v1/receivables/{request['receivable']}/confirmation-draft",
        confirmation(stage),
    )
    told(stage, bank, entry(1, 10_000, receivable=receivable))
    job = upload(stage, [upload_row("1", sme.uscc, "25500000000000009001")])
    work(stage)
    moved = put_forward(stage, "采购订单", [("PO-1", "1", "100.00")], number="PO-1")
    hold = outside.hold(token_of("a paper"), "60.00")["hold"]["id"]
    assert adopt(stage, small()).is_success
    other = desk.receivable(2, "500.00")
    desk.request(other, amount="400.00")
    keeper = warehouse.found(stage, "keeper")
    goods = {**stored(stage, core, sme), **watched(stage, core, keeper), **counted(stage)}
    goods |= travelled(desk, core, sme)
    consent = {"to": bank.id, "until": "2026-06-30T00:00:00Z"}
    order = {
        "account": {"name": core.name, "account": "6100 0000 0000 0009", "bank": bank.name},
        "execute_on": "2025-11-03",
        "lines": [{"receivable": receivable}],
        "maker": core.signers("confirm")[0],
    }
    order["account"]["bank_uscc"] = bank.uscc
    change = {"pay_to": {**pay_to(bank), "account": "6222 0000 0000 0002"}, "reason": "换户"}
    made = {
        "consent_id": desk.did(sme, "/v1/consents", consent),
        "payment_order_id": desk.did(core, "/v1/payment-orders", order),
        "account_change_id": desk.did(sme, f"/v1/receivables/{other}/account-changes", change),
    }
    stage.clock.set(datetime(2025, 12, 3, 2, 0, tzinfo=UTC))
    month = {"creditor": sme.id, "debtor": core.id, "month": "2025-11"}
    made["reconciliation_id"] = desk.did(sme, "/v1/reconciliations", month)
    red = {"document": invoice, "form_no": "50011825110000000123", "reason": "销货退回"}
    red |= {"net": money("10.00"), "tax": money("0.00"), "used": False}
    red_note = desk.did(sme, "/v1/red-notes", red)["id"]
    webhook = {"url": "https://hooks.supplier.example/scf", "types": ["*"]}
    pushed = {"webhook_id": desk.did(sme, "/v1/webhooks", webhook)["id"]}
    series = prices.a_series(stage, bank)
    priced = f"/v1/price-series/{series}/entries"
    made["entry_id"] = desk.did(bank, priced, prices.entry(bank, "75000.00"))
    signer = publish(desk)
    pushed["delivery_id"] = delivery_to(desk, pushed["webhook_id"])
    owner = sme.people["owner"]
    found = {
        "party_id": sme.id,
        "client_id": public_id("cli", sme.client_id),
        "person_id": owner.person,
        "certificate_id": public_id("crt", owner.certificate_id),
        "mandate_id": public_id("mnd", next(iter(owner.mandates.values()))),
        "authority_id": public_id("aut", cast.authority_ids[Scope.ENTERPRISE]),
        "programme_id": cast.programme,
        "invitation_id": invited(stage).id,
        "document_id": invoice,
        "receivable_id": receivable,
        "pledge_id": pledge,
        "series_id": series,
        "notice_id": notice["id"],
        "request_id": request["id"],
        "job_id": job,
        "stage_id": moved["id"],
        "hold_id": hold,
        "draft_id": draft["draft"],
        "statement_id": draft["statements"][0]["id"],
        "rule_id": next(iter(shipped().rules)),
        "cert_no": certificate_of(desk, pledge),
        "number": "1",
        **{name: one["id"] for name, one in made.items()},
        **goods,
        **(first := first_of(desk, sme, bank)),
        "approval_paper_id": a_paper(desk, bank, first["case_id"]),
        "red_note_id": red_note,
        "paper_id": registry_paper(desk, pledge),
        **pushed,
        "device_id": a_device(stage, sme).id,
        "seq": "1",
        "path": "0/000",
        "day": "2025-11-03",
    }
    return found, signer


def stored(stage: Stage, keeper: Company, trader: Company) -> dict[str, str]:
    """Take goods in, issue a receipt, freeze it, and ask for another to be split."""
    yard = Yard(stage, keeper, trader, trader)
    lot = yard.stored("140.000", supervisor=None)
    receipt, other = yard.issued(lot, "40.000"), yard.issued(lot, "100.000")
    parts = [part("FG-1", lot, "60.000"), part("FG-2", lot, "40.000")]
    division = yard.divide([other], parts)
    assert division.status_code == 201, division.text
    body = {"basis": "court", "reference": "(2025)渝0118财保1号"}
    frozen = stage.post(keeper, f"/v1/warehouse-receipts/{receipt['id']}/freeze", body)
    assert frozen.status_code == 200, frozen.text
    return {
        "lot_id": lot["id"],
        "receipt_id": receipt["id"],
        "division_id": division.json()["id"],
        "restraint_id": yard.restraints(receipt)[0]["id"],
    }


def watched(stage: Stage, core: Company, keeper: Company) -> dict[str, str]:
    """Have the bank watch goods of the SME's, with the core enterprise as supervisor, and call for more."""
    bank = stage.cast.bank
    found = collateral.watched(stage, keeper=keeper)
    notice = collateral.did(
        stage.post(bank, f"/v1/control-agreements/{found.id}/notices", {"keeper": keeper.id})
    )
    collateral.priced(stage, found, "60000.00", at="2025-11-03T01:30:00Z")
    (call,) = collateral.did(stage.get(core, "/v1/margin-calls"))["items"]
    return {
        "control_id": found.id,
        "control_notice_id": notice["id"],
        "call_id": call["id"],
    }


def counted(stage: Stage) -> dict[str, str]:
    """Have the bank call a stocktake of the SME's goods at the core enterprise's, and an alarm raised over them."""
    cast = stage.cast
    yard = Yard(stage, cast.anchor, warehouse.found(stage, "supervisor"), cast.supplier)
    lot = yard.stored("10.000")
    watching.pledged(stage, yard, yard.issued(lot, "10.000"))
    body = {"lots": [lot["id"]], "draws": 1}
    stocktake = collateral.did(stage.post(cast.bank, "/v1/stocktakes", body))
    found = Compared(10_000, 9_000, tolerance=0, agrees=False)
    with stage.database.transaction() as session:
        alarm = alarms.raise_alarm(
            session,
            parse_id("lot", lot["id"]),
            "walls",
            "磅单",
            found,
            now=stage.clock.now(),
        )
        assert alarm is not None
        session.flush()
        raised = public_id("alm", alarm.id)
    return {"stocktake_id": stocktake["id"], "alarm_id": raised}


def travelled(desk: Desk, keeper: Company, trader: Company) -> dict[str, str]:
    """Carry goods of the trader's to another keeper's, with freight billed, a loss claimed and paid for, and a tariff."""
    carrier, far_keeper, supervisor = (
        warehouse.found(desk.stage, one) for one in ("carrier", "far_keeper", "second_trader")
    )
    yard = Yard(desk.stage, keeper, supervisor, trader)
    freight = Freight(Road(desk, yard, carrier, far_keeper, far_keeper))
    journey = freight.delivered("10.000", "9.900")
    item = journey_of(journey, "9.900", "85.50", "846.45")
    bill = freight.issued(carrier, "freight", item)
    claim = freight.issued(
        trader, "claim", journey_of(journey, "0.100", "70000.00", "7000.00"), number="SP-1"
    )
    freight.accepted(carrier, claim)
    settled = freight.settle(carrier, trader)
    assert settled.status_code == 201, settled.text
    return {
        "consignment_id": journey["id"],
        "tariff_id": freight.tariff(keeper, trader)["id"],
        "settlement_id": settled.json()["id"],
        "bill_id": bill,
    }


def publish(desk: Desk) -> Signer:
    """Take in the authorities' revocation lists and put everything into a log."""
    stage, cast = desk.stage, desk.stage.cast
    now = stage.clock.now()
    signer = Signer.generate(stage.settings.log_origin)
    with stage.database.transaction() as session:
        open_log(session, signer, now=stage.clock.real())
        for scope, authority in cast.authorities.items():
            der = authority.crl(at=now)
            certification.receive_revocations(session, cast.authority_ids[scope], der=der, now=now)
    sequence_all(stage.settings.database_url, signer)
    return signer


def delivery_to(desk: Desk, webhook: str) -> str:
    """Queue what is in the log for an endpoint; return the first of it."""
    with desk.stage.database.transaction() as session:
        deliveries.spread(session, now=desk.stage.clock.real())
    found = desk.seen(desk.stage.cast.supplier, f"/v1/webhooks/{webhook}/deliveries")
    return str(found["items"][0]["id"])


def registry_paper(desk: Desk, pledge: str) -> str:
    """Hand the register's own certificate of a search in; return the paper that was kept."""
    stage, path = desk.stage, f"/v1/pledges/{pledge}"
    headers = stage.headers(stage.cast.bank) | {"Idempotency-Key": "a paper"}
    with HttpRegistry(desk.registry.url) as registry:
        pdf = registry.certificate_pdf(certificate_of(desk, pledge))
    kept = stage.http.post(f"{path}/registry-papers", content=pdf, headers=headers)
    assert kept.status_code == 201, kept.text
    return str(kept.json()["id"])


def certificate_of(desk: Desk, pledge: str) -> str:
    """Return the number of a search that was made for a pledge."""
    with desk.stage.database.reading() as session:
        numbers = select(PledgeSearch.cert_no).where(PledgeSearch.pledge_id == identity(pledge))
        return session.scalars(numbers.limit(1)).one()


def a_paper(desk: Desk, bank: Company, case: str) -> str:
    """Keep a file of a bank's case; return its id."""
    original, hand = b"%PDF-1.7", bank.people["officer"]
    row = CasePaper(
        id=new_id(),
        case_id=parse_id("apc", case),
        sha256=hashlib.sha256(original).digest(),
        name="合同",
        media_type="application/pdf",
        original=original,
        person_id=hand.person_id,
        mandate_id=hand.mandates[Role.MAKER],
        client_id=bank.client_id,
        kept_at=desk.stage.clock.now(),
    )
    with desk.stage.database.transaction() as session:
        session.add(row)
    return public_id("apf", row.id)


def first_of(desk: Desk, sme: Company, bank: Company) -> dict[str, str]:
    """Return the first of what lists show to its owner."""
    shown = {
        "financing_id": (sme, "/v1/financings"),
        "pool_id": (sme, "/v1/receivables"),
        "case_id": (bank, "/v1/approval-cases"),
        "event_id": (sme, "/v1/events"),
        "task_id": (bank, "/v1/tasks"),
        "line_id": (desk.stage.cast.anchor, "/v1/payables"),
        "trade_document_id": (sme, "/v1/trade-documents"),
        "bank_entry_id": (bank, "/v1/bank-entries"),
    }
    found = {}
    for name, (who, path) in shown.items():
        item = desk.seen(who, path)["items"][0]
        found[name] = item["pool"] if name == "pool_id" else item["id"]
    return found
