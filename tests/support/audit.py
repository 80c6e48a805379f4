"""A whole business, played to its end on a real chain, for the audit to read."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from scf.blind.service import merge_token
from scf.documents import trade
from scf.evidence import keys, log
from scf.evidence.chain import anchor_newest
from scf.evidence.sender import Sender
from scf.feed import daily
from scf.kernel.clock import instant_text
from scf.parties import certification
from scf.receivables.upload_rows import UPLOAD
from scf.registry.client import HttpRegistry
from scf_ledger.event_types import Scope
from scf_ledger.note import Signer
from tests.support import clock, collateral, prices
from tests.support.approving import adopt, decide, investigate, path_of, small
from tests.support.banking import entry, told
from tests.support.blind import CODES, learn, outsider, token_of
from tests.support.factoring import factored
from tests.support.freight import billed
from tests.support.invitations import invited
from tests.support.jobs import a_csv, handed_in, work
from tests.support.lending import Desk
from tests.support.lineage import Chain, put_forward, undertake
from tests.support.log import sequence_all
from tests.support.receivables import (
    confirm,
    confirmation,
    invoice_number,
    line,
    money,
    pay,
    pay_to,
    register_invoice,
    submit,
)
from tests.support.stocktakes import FakeChain, Run, another_yard
from tests.support.trade import receipt_csv
from tests.support.transit import HALFWAY, Road
from tests.support.warehouse import Yard, found, part, pieces, tonnes
from tests.support.watching import a_device, pledged, watch


@dataclass
class World:
    """The desk, with the sender and the sequencer run by hand."""

    desk: Desk
    sender: Sender
    signer: Signer

    def sequence(self) -> None:
        """Give every event its place."""
        sequence_all(self.desk.stage.settings.database_url, self.signer)

    def anchor(self) -> None:
        """Have the newest head anchored, to the end."""
        database = self.desk.stage.database
        with database.reading() as session:
            size = log.newest(session).size
        anchor_newest(database, self.sender.chain, self.desk.stage.clock)
        self.until(lambda: self.anchored() >= size)

    def anchored(self) -> int:
        """Return the size of the newest anchored head."""
        with self.desk.stage.database.reading() as session:
            found = log.newest_anchored(session)
        return found.checkpoint.size if found else 0

    def ready(self, pledge: str) -> None:
        """Have a pledge registered, locked and searched again."""
        self.until(lambda: self.desk.pledge(pledge)["ready_to_disburse_at"] is not None)

    def until(self, done: Callable[[], bool], seconds: float = 30) -> None:
        """Give the sender and the workers their turns until something holds."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "not in time"
            self.sender.advance()
            self.desk.work()
            time.sleep(0.05)


def play(world: World) -> None:
    """Play it: every table that is audited has a row at the end, every optional column a value."""
    desk = world.desk
    stage, cast = desk.stage, desk.stage.cast
    first = _financed(world, number=1)
    _notified(world, first[-1])
    second = _financed(world, number=2)
    _extended(world, *second[1:])
    _kept_at_the_register(world, second[-1])
    world.sequence()
    world.anchor()
    factored(desk, 77, ready=world.ready)
    _answered_otherwise(world)
    _approved(world)
    _uploaded(world)
    _red_lettered(world)
    _received(world)
    _ordered(world)
    _held_blind(world)
    _priced(world)
    request = clock.asked(stage)
    _revocations(world)
    _repaid(world, *first)
    _escalated(world, request)
    _settled(world)
    yard = _watched(world)
    kept = _stored(world, yard)
    road, arrived = _travelled(world, yard)
    billed(road, arrived, kept)
    world.sequence()
    world.anchor()
    _reported(world)
    register_invoice(stage, cast.supplier, 90)  # waits for the sequencer


def _financed(world: World, *, number: int) -> tuple[str, str, str]:
    desk = world.desk
    cast = desk.stage.cast
    receivable = desk.receivable(number)
    financing = desk.request(receivable)
    desk.approve(financing)
    pledge = desk.propose(financing)
    desk.contract(financing)
    desk.accept(pledge)
    world.until(lambda: desk.pledge(pledge)["ready_to_disburse_at"] is not None)
    body = {
        "receipt_no": f"FK-{number}",
        "amount": money("996000.00"),
        "disbursed_on": "2025-11-03",
    }
    desk.did(cast.bank, f"/v1/financings/{financing}/disbursement", body)
    return receivable, financing, pledge


def _priced(world: World) -> None:
    """A price by two hands, and its correction."""
    stage, bank = world.desk.stage, world.desk.stage.cast.bank
    series = prices.a_series(stage, bank)
    prices.entered(stage, bank, series, "57000.00")
    prices.entered(stage, bank, series, "75000.00", reason="录入时数字颠倒")
    _sold_out(world, series)


def _sold_out(world: World, series: str) -> None:
    """A debt over goods that are not there: called, sold after notice, the surplus given back."""
    stage, bank = world.desk.stage, world.desk.stage.cast.bank
    body = collateral.proposal(
        stage,
        series,
        bytes(32),
        days={"notice_days": 0},
        floor=money("1000.00"),
        without_price_fall=False,
    )
    control = world.desk.did(bank, "/v1/control-agreements", body)["id"]
    path, day = f"/v1/control-agreements/{control}", stage.clock.today().isoformat()
    collateral.signed(stage, path, collateral.three(stage))
    policy = {"insurer": "渝安财险(示例)", "policy": "PZ-1", "amount": money("1000.00")}
    run = {"first_on": "2025-11-01", "last_on": "2026-10-31"}
    world.desk.did(bank, f"{path}/insurances", policy | run)
    owed = collateral.debt("1000.00", as_of_on=day, rate="0.0385", receipt_no="HK-9")
    call = world.desk.did(bank, f"{path}/debt", owed)["call"]["id"]
    path = f"/v1/margin-calls/{call}"
    said = {"reason": "触及处置线", "signers": bank.signers("dispose")}
    world.desk.signed(bank, f"{path}/disposal-draft", said, f"{path}/disposal-notice")
    sale = {
        "sold_on": day,
        "buyer": "渝北金属(示例)",
        "manner": "auction",
        "evidence": "成交确认书",
    }
    world.desk.did(bank, f"{path}/sale", sale | {"proceeds": money("1200.00")})
    world.desk.did(bank, f"{path}/settle", {"returned_on": day, "receipt_no": "TK-9"})


def _notified(world: World, pledge: str) -> None:
    """The debtor is told of the pledge, and acknowledges."""
    desk, anchor = world.desk, world.desk.stage.cast.anchor
    notice = desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/notify-debtor", {})["id"]
    path = f"/v1/debtor-notices/{notice}"
    desk.did(anchor, f"{path}/deliver", {})
    desk.did(anchor, f"{path}/read", {})
    body = {"signers": anchor.signers("acknowledge")}
    desk.signed(anchor, f"{path}/acknowledge-draft", body, f"{path}/acknowledge")


def _kept_at_the_register(world: World, pledge: str) -> None:
    """The registration is extended and objected to, and its certificate handed in to be compared."""
    desk, bank = world.desk, world.desk.stage.cast.bank
    path = f"/v1/pledges/{pledge}"
    desk.did(bank, f"{path}/extend-registration", {"months": 6})
    objection = {
        "number": "Y20251103000000000001",
        "objected_at": "2025-11-03T03:00:00Z",
        "objector": "异议人(示例)",
        "objector_uscc": bank.uscc,
        "text": "并无此笔应收账款",
    }
    desk.did(bank, f"{path}/objections", objection)
    desk.work()
    with HttpRegistry(desk.registry.url) as registry:
        paper = registry.certificate_pdf(desk.pledge(pledge)["registration"]["reg_no"])
    headers = {**desk.stage.headers(bank), "Idempotency-Key": f"{pledge}-paper"}
    answer = desk.stage.http.post(f"{path}/registry-papers", content=paper, headers=headers)
    assert answer.json()["differences"] == [], answer.text


def _repaid(world: World, receivable: str, financing: str, pledge: str) -> None:
    desk = world.desk
    stage, cast = desk.stage, desk.stage.cast
    stage.clock.set(stage.clock.now().replace(month=12, day=23))
    assert pay(stage, receivable, "1245000.00", paid_on="2025-12-23").is_success
    body = {"receipt_no": "HK-1", "amount": money("1001325.83"), "repaid_on": "2025-12-23"}
    desk.did(cast.bank, f"/v1/financings/{financing}/repayment", body)
    desk.release(pledge)
    desk.work()
    desk.did(cast.bank, f"/v1/pledges/{pledge}/cancel-registration", {})
    world.until(lambda: desk.pledge(pledge)["lock"]["state"] == "none")


def _settled(world: World) -> None:
    """Money astray and money taken back, another account, a month that both sides agree on."""
    desk = world.desk
    stage, cast = desk.stage, desk.stage.cast
    receivable = desk.receivable(30)
    told(stage, cast.bank, entry(1, 4_000, receivable=receivable))
    told(stage, cast.bank, entry(2, 1_000, receivable=receivable, account="6222999900000000"))
    back = entry(3, 3_000, receivable=receivable, direction="DBIT", reversal=1)
    told(stage, cast.bank, back)
    body = {"pay_to": {**pay_to(cast.bank), "account": "6222 0000 0000 0077"}, "reason": "变更"}
    path = f"/v1/receivables/{receivable}/account-changes"
    change = desk.did(cast.supplier, path, body)["id"]
    month = {"creditor": cast.supplier.id, "debtor": cast.anchor.id, "month": "2025-11"}
    balance = desk.did(cast.supplier, "/v1/reconciliations", month)["id"]
    for who in (cast.supplier, cast.anchor):
        for act, path in (
            ("account", f"/v1/account-changes/{change}"),
            ("reconcile", f"/v1/reconciliations/{balance}"),
        ):
            body = {"signers": who.signers(act)}
            desk.signed(who, f"{path}/draft", body, f"{path}/sign")


def _escalated(world: World, request: dict[str, Any]) -> None:
    """A request that nobody answered in time: reminders, a letter, and an answer at last."""
    stage = world.desk.stage
    clock.turn(stage)
    assert clock.act(stage, stage.cast.supplier, request, "escalate").is_success
    assert clock.refuse(stage, request, "质量争议").is_success
    clock.turn(stage)


def _answered_otherwise(world: World) -> None:
    """A dispute, a refusal, a partly confirmed claim whose invoice is taken back in part."""
    desk = world.desk
    stage, cast = desk.stage, desk.stage.cast
    disputed = submit(stage, 3)
    path = f"/v1/receivables/{disputed}"
    body = {
        "signers": cast.anchor.signers("dispute"),
        "reason": "数量不符",
        "amount": money("10.00"),
    }
    desk.signed(cast.anchor, f"{path}/dispute-draft", body, f"{path}/dispute")
    terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
    lines = [{"receivable": submit(stage, n), "confirmed": money("100.00")} for n in (7, 8)]
    body = {"items": lines, "pay_to": pay_to(cast.bank), **terms}
    drafted = desk.did(cast.anchor, "/v1/receivables/confirmation-drafts", body)["draft"]
    signed = {"authorizations": cast.anchor.sign_all(drafted)}
    desk.did(cast.anchor, "/v1/receivables/confirmations", signed)
    asked = desk.request(desk.receivable(4))
    desk.did(cast.bank, f"/v1/financings/{asked}/refuse", {"reason": "其他", "note": "额度已满"})
    desk.receivable(5, "500.00")
    register_invoice(
        stage,
        cast.supplier,
        6,
        "-100.00",
        blue="N",
        red=f"<OriginalInvoiceCode>{2550:04}{5:016}</OriginalInvoiceCode>",
    )
    desk.work()


def _extended(world: World, financing: str, pledge: str) -> None:
    """A loan that is due later, its lock taken again for longer."""
    desk, cast = world.desk, world.desk.stage.cast
    path = f"/v1/financings/{financing}/extension"
    desk.did(cast.supplier, path, {"due_on": "2026-01-30", "reason": "回款延迟"})
    for who, act in ((cast.supplier, "prolong"), (cast.bank, "extend")):
        desk.signed(who, f"{path}-draft", {"signers": who.signers(act)}, f"{path}-sign")
    world.until(lambda: desk.pledge(pledge)["lock"]["state"] == "final")


def _approved(world: World) -> None:
    """A bank's own way to its offer."""
    desk = world.desk
    assert adopt(desk.stage, small()).is_success
    financing = desk.request(desk.receivable(50))
    case = path_of(desk, financing)
    investigate(desk, case)
    decide(desk, case)
    desk.approve(financing)


def _received(world: World) -> None:
    """The buyer's receipt note."""
    stage, cast = world.desk.stage, world.desk.stage.cast
    original = receipt_csv(
        cast.anchor.uscc, cast.supplier.uscc, [("RK-1", "PO-1", "1", "5.5", "80.00")]
    )
    with stage.database.transaction() as session:
        trade.register(session, cast.anchor.actor, original, now=stage.clock.now())


def _ordered(world: World) -> None:
    """An order of which a part is claimed and a part cancelled."""
    stage = world.desk.stage
    chain = Chain(stage, "PO-60")
    order = put_forward(stage, "采购订单", [("PO-60", "1", "80.00")], number="PO-60")
    assert undertake(stage, order).is_success
    chain.claim("50.00")
    body = {"reason": "余量取消"}
    world.desk.did(stage.cast.anchor, f"/v1/stages/{order['id']}/reduce", body)


def _held_blind(world: World) -> None:
    """A bank outside holds a paper that is claimed here later; another hold of it was given back."""
    stage = world.desk.stage
    bank = outsider(stage, 1, code=CODES[0])
    document = register_invoice(stage, stage.cast.supplier, 61)
    token = token_of(invoice_number(61))
    bank.hold(token, "60.00")
    assert bank.release(bank.hold(token, "10.00")["hold"]["id"]).is_success
    learn(stage, [document])
    answer = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, [document]))
    assert confirm(stage, answer.json()["id"]).is_success
    with stage.database.transaction() as session:
        merge_token(session, token, now=stage.clock.now())


def _red_lettered(world: World) -> None:
    """A form over what is pledged, to which the bank consents, and its red invoice."""
    desk = world.desk
    stage, cast = desk.stage, desk.stage.cast
    invoice = desk.seen(cast.supplier, "/v1/documents", number=f"2550{2:016}")["items"][0]["id"]
    body = {
        "document": invoice,
        "form_no": "50011825110000000001",
        "reason": "销售折让",
        "net": money("1000.00"),
        "tax": money("0.00"),
        "used": True,
    }
    path = f"/v1/red-notes/{desk.did(cast.supplier, '/v1/red-notes', body)['id']}"
    desk.did(cast.bank, f"{path}/consent", {"given": True})
    desk.did(cast.anchor, f"{path}/confirm", {})
    red = f"<OriginalInvoiceCode>{2550:04}{2:016}</OriginalInvoiceCode>"
    register_invoice(stage, cast.supplier, 9, "-1000.00", blue="N", red=red)
    desk.work()


def _uploaded(world: World) -> None:
    """The buyer's own list: a line that is a receivable, one whose supplier has come in since."""
    stage = world.desk.stage
    register_invoice(stage, stage.cast.supplier, 40)
    guest = invited(stage)
    example = {**UPLOAD.example, "amount": "100.00", "supplier": stage.cast.supplier.uscc}
    account = dict(
        zip(
            ("account_name", "account", "bank", "bank_uscc"),
            pay_to(stage.cast.bank).values(),
            strict=True,
        )
    )
    known = {**example, **account, "invoices": invoice_number(40), "currency": "CNY"}
    unknown = {**known, "supplier": guest.uscc, "line_no": "DZ-2025-10-02"}
    rows = [[row[field] for field in UPLOAD.columns] for row in (known, unknown)]
    body = a_csv(list(UPLOAD.columns.values()), rows)
    handed_in(stage, stage.cast.anchor, "/v1/payables/uploads", body)
    work(stage)
    guest.come_in()


def _watched(world: World) -> Yard:
    """A scale with a hole in its numbers, an hour closed and supplemented, one open; a revoked locator."""
    stage = world.desk.stage
    yard = another_yard(stage)
    began = stage.clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    scale = a_device(stage, yard.keeper, location="S-0", warehouse="港桥 1 号仓")
    scale.send(scale.said(1, began), scale.said(4, began + timedelta(minutes=1)))
    watch(stage)
    scale.send(scale.said(2, began), scale.said(5, began + timedelta(hours=2)))
    gps = a_device(stage, yard.keeper, kind="gps", unit=None, algorithm="ES256")
    at = {"at": instant_text(began), "lat": "29.356123", "lon": "105.927001"}
    gps.send({"seq": 1, **at})
    path = f"/v1/devices/{gps.id}/revoke"
    world.desk.did(yard.keeper, path, {"reason": "损坏"})
    _counted(world, yard)
    stage.clock.set(stage.clock.now() + timedelta(hours=1, minutes=1))
    watch(stage)
    return yard


def _counted(world: World, yard: Yard) -> None:
    """Goods reported short, the alarm lifted; a stocktake counted short, one that nobody committed to."""
    stage, bank = world.desk.stage, world.desk.stage.cast.bank
    lots = []
    for number in range(2):
        lot = yard.stored("100.000", location=f"S-{number}")
        pledged(stage, yard, yard.issued(lot, "100.000"))
        lots.append(lot["id"])
    assert yard.paper(lots[0], yard.keeper, "daily_stock", tonnes("90.000")).is_success
    watch(stage)
    alarm = stage.get(bank, "/v1/stock-alarms").json()["items"][0]["id"]
    path = f"/v1/stock-alarms/{alarm}"
    world.desk.did(bank, f"{path}/lifting", {"reason": "已复核"})
    assert yard.sign(bank, "waive", f"{path}/draft", f"{path}/sign").is_success
    left, run = (Run(stage, yard, bank, FakeChain(), lots) for _ in range(2))
    drawn = run.until_drawn()["drawn"]
    assert run.count(drawn[0], tonnes("80.000")).is_success
    assert left.call().is_success
    stage.clock.set(stage.clock.now() + timedelta(hours=25))
    left.turn()


def _travelled(world: World, yard: Yard) -> tuple[Road, dict[str, Any]]:
    """Copper that arrived at another keeper's, and more of it that left its way."""
    stage = world.desk.stage
    others = (found(stage, role) for role in ("carrier", "far_keeper", "buyer"))
    road = Road(world.desk, yard, *others)
    arriving, straying = (road.under_way(road.receipt("5.000")) for _ in range(2))
    stage.clock.set(stage.clock.now() + timedelta(hours=2))
    assert road.seen(straying, road.at(-60, HALFWAY)).is_success
    assert road.seen(straying, road.at(-30, {**HALFWAY, "lat": "29.956000"})).is_success
    assert road.arrive(arriving, road.weighed("4.900")).is_success
    return road, arriving


def _stored(world: World, yard: Yard) -> dict[str, Any]:
    """Copper and a car: received, passed on, split, lost in part, found in part, handed over."""
    stage = world.desk.stage
    lot = yard.stored("100.000", location="B-1", packing="捆", marks="GQ")
    kept, other = yard.issued(lot, "60.000"), yard.issued(lot, "40.000")
    yard.divided([other], [part("FG-1", lot, "30.000"), part("FG-2", lot, "10.000")])
    assert yard.lose(lot, tonnes("2.000")).is_success
    assert yard.lose(lot, tonnes("1.500"), "finds").is_success
    (dispute,) = [one for one in yard.restraints(kept) if one["lifted_at"] is None]
    path = f"/v1/warehouse-receipts/{kept['id']}"
    for who in (yard.keeper, yard.supervisor):
        world.desk.did(who, f"{path}/restraints/{dispute['id']}/clear", {})
    assert yard.amend(kept, stored_until="2027-01-31").is_success
    assert yard.endorse(kept, stage.cast.supplier).is_success
    assert yard.attest(kept).is_success
    vin = "LSVAA4181E2184841"
    units = [{"name": vin, "quantity": pieces(1), "certificate_no": "HGZ1"}]
    car = yard.stored_goods(pieces(1), goods="乘用车", grade=None, units=units)
    receipt = yard.issue(car, pieces(1)).json()
    assert yard.withdraw(receipt, pieces(1), "TH-1", units=[vin]).is_success
    assert yard.deliver(receipt, "TH-1").is_success
    return kept


def _revocations(world: World) -> None:
    stage = world.desk.stage
    authority = stage.cast.authorities[Scope.BANK]
    der = authority.crl(at=stage.clock.now())
    with stage.database.transaction() as session:
        certification.receive_revocations(
            session, stage.cast.authority_ids[Scope.BANK], der=der, now=stage.clock.now()
        )


def _reported(world: World) -> None:
    """The bank's files of its first two days."""
    context, bank = world.desk.context, world.desk.stage.cast.bank
    signer = keys.feed_key(context.settings)
    for _ in range(2):
        with context.database.transaction() as session:
            daily.make_next(
                session,
                bank.party_id,
                signer,
                context.settings.log_origin,
                now=context.clock.now() + timedelta(days=2),
            )
