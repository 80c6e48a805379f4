"""The fields of every record: name -> shape, a table for each kind of fact."""

from collections.abc import Mapping

from scf_ledger import shapes as s
from scf_ledger.shapes import Shape, nullable


def is_parties(value: object) -> bool:
    """Codes of parties that each sign, sorted and distinct."""
    return isinstance(value, list) and all(map(s.is_uscc, value)) and value == sorted(set(value))


COMMON: Mapping[str, Shape] = {
    "id": s.is_public_id,
    "actor": nullable(s.is_public_id),
    "at": s.is_instant,
}
DOCUMENT: Mapping[str, Shape] = {
    "kind": s.is_text,
    "seller": s.is_text,
    "buyer": s.is_text,
    "number": s.is_text,
    "issued_on": s.is_date,
    "net": s.is_foreign_money,
    "tax": s.is_foreign_money,
    "total": s.is_foreign_money,
    "original_sha256": s.is_digest,
}
SUBMITTED: Mapping[str, Shape] = {
    "programme": s.is_public_id,
    "creditor": s.is_uscc,
    "debtor": s.is_uscc,
    "line_no": s.is_text,
    "documents": s.array_of(
        s.object_of(id=s.is_public_id, hash=s.is_digest, number=s.is_text), least=1
    ),
    "claimed": s.is_money,
    "contract_no": nullable(s.is_text),
    "receipt_no": nullable(s.is_text),
    "delivered_on": nullable(s.is_date),
    "due_on": s.is_date,
}
CONFIRMED: Mapping[str, Shape] = {
    **SUBMITTED,
    "confirmed": s.is_money,
    "disputed": s.is_money,
    "rejected": s.is_money,
    "reason": nullable(s.is_text),
    "pay_to": s.map_of(s.is_text),
    "no_setoff": s.is_flag,
    "consents": s.array_of(s.is_text),
    "pool": s.is_public_id,
    "pool_secret_sha256": s.is_digest,
}
REFUSED: Mapping[str, Shape] = {
    "debtor": s.is_uscc,
    "reason": s.is_text,
    "amount": s.is_money,
}
REQUESTED: Mapping[str, Shape] = {
    "creditor": s.is_uscc,
    "debtor": s.is_uscc,
    "claimed": s.is_money,
    "requested_on": s.is_date,
    "creditor_size": nullable(s.is_text),
    "debtor_size": nullable(s.is_text),
    "statutory": s.is_flag,
    "deadline_on": nullable(s.is_date),
}
PAID: Mapping[str, Shape] = {"amount": s.is_money, "paid_on": s.is_date, "account": s.is_text}
PAYMENT_REVERSED: Mapping[str, Shape] = {
    "payment": s.is_digest,
    "amount": s.is_money,
    "reversed_on": s.is_date,
    "account": s.is_text,
}
ACCOUNT_CHANGED: Mapping[str, Shape] = {
    "owners": is_parties,
    "holders": is_parties,
    "pay_to": s.map_of(s.is_text),
    "pay_to_before": s.map_of(s.is_text),
    "reason": s.is_text,
}
SPLIT: Mapping[str, Shape] = {
    "owners": is_parties,
    "holders": is_parties,
    "parts": s.array_of(
        s.object_of(payee=s.is_uscc, amount=s.is_money, pay_to=s.map_of(s.is_text))
    ),
    "rest": s.is_money,
    "pay_to": s.map_of(s.is_text),
    "reason": s.is_text,
}
RECONCILIATION: Mapping[str, Shape] = {
    "parties": is_parties,
    "creditor": s.is_uscc,
    "debtor": s.is_uscc,
    "first_on": s.is_date,
    "last_on": s.is_date,
    "opening": s.is_money,
    "confirmed": s.is_money,
    "paid": s.is_money,
    "reversed": s.is_money,
    "credited": s.is_money,
    "closing": s.is_money,
    "lines_sha256": s.is_digest,
}
FINANCING: Mapping[str, Shape] = {
    "borrower": s.is_uscc,
    "lender": nullable(s.is_uscc),
    "receivable_event": s.is_digest,
    "amount": s.is_money,
    "rate": nullable(s.is_rate),
    "day_count": nullable(s.is_text),
    "days": nullable(s.is_count),
    "dates": s.map_of(nullable(s.is_date)),
    "reason": nullable(s.is_text),
    "contract_sha256": nullable(s.is_digest),
    "receipt_no": nullable(s.is_text),
}
AGREED: Mapping[str, Shape] = {
    **FINANCING,
    "lender": s.is_uscc,
    "rate": s.is_rate,
    "day_count": s.is_text,
    "days": s.is_count,
    "contract_sha256": s.is_digest,
}
PLEDGE: Mapping[str, Shape] = {
    "pledgor": s.is_uscc,
    "pledgee": s.is_uscc,
    "receivable_event": s.is_digest,
    "pool": s.is_public_id,
    "amount": s.is_measure,
    "principal": s.object_of(
        contract_sha256=s.is_digest, amount=s.is_money, rate=s.is_rate, due_on=s.is_date
    ),
}
SECURITY: Mapping[str, Shape] = {
    "security": s.object_of(
        kind=s.one_of("assignment", "factoring"), recourse=s.is_flag, disclosed=s.is_flag
    )
}
"""What it is, where it is no pledge."""
PART_RELEASED: Mapping[str, Shape] = {
    "pledgee": s.is_uscc,
    "released": s.is_measure,
    "rest": s.is_measure,
    "reason": s.is_text,
}
RECOURSE: Mapping[str, Shape] = {
    "pledgee": s.is_uscc,
    "amount": s.is_money,
    "due_on": s.is_date,
    "reason": s.is_text,
}
EXTENDED: Mapping[str, Shape] = {
    "pledgor": s.is_uscc,
    "pledgee": s.is_uscc,
    "receivable_event": s.is_digest,
    "principal": s.object_of(
        contract_sha256=s.is_digest, amount=s.is_money, rate=s.is_rate, due_on=s.is_date
    ),
    "due_on_before": s.is_date,
    "outstanding": s.is_money,
    "reason": s.is_text,
}
REGISTERED: Mapping[str, Shape] = {
    "search_no": s.is_text,
    "reg_no": s.is_text,
    "registered_at": s.is_instant,
    "certificate_sha256": s.is_digest,
}
LOCK: Mapping[str, Shape] = {
    "tokens": s.array_of(s.is_bytes32, least=1),
    "ticket_sha256": s.is_digest,
    "tx": s.is_bytes32,
}
SEARCHED: Mapping[str, Shape] = {
    "cert_no": s.is_text,
    "results_hash": s.is_digest,
    "clean": s.is_flag,
}
REGISTRATION_CHANGED: Mapping[str, Shape] = {
    "change": s.one_of("amended", "extended"),
    "reg_no": s.is_text,
    "change_no": s.is_text,
    "registered_at": s.is_instant,
    "expires_on": s.is_date,
    "certificate_sha256": s.is_digest,
    "reason": s.is_text,
}
OBJECTED: Mapping[str, Shape] = {
    "reg_no": s.is_text,
    "objection_no": s.is_text,
    "objected_at": s.is_instant,
}
RELEASED: Mapping[str, Shape] = {"pledgee": s.is_uscc, "reason": s.is_text}
CANCELLATION: Mapping[str, Shape] = {"due_on": s.is_date, "reg_no": s.is_text}
DEBTOR_NOTICE: Mapping[str, Shape] = {
    "pledge": s.is_public_id,
    "pledge_event": s.is_digest,
    "pledgor": s.is_uscc,
    "pledgee": s.is_uscc,
    "debtor": s.is_uscc,
    "receivable_event": s.is_digest,
    "amount": s.is_money,
    "pay_to": s.map_of(s.is_text),
    "reg_no": s.is_text,
}
RELEASE_NOTICE: Mapping[str, Shape] = {**DEBTOR_NOTICE, "reason": s.is_text}
RED_NOTE: Mapping[str, Shape] = {
    "seller": s.is_text,
    "buyer": s.is_text,
    "invoice": s.is_text,
    "form_no": s.is_text,
    "applicant": s.is_text,
    "used": s.is_flag,
    "reason": s.is_text,
    "net": s.is_foreign_money,
    "tax": s.is_foreign_money,
    "state": s.is_text,
    "encumbered": s.is_flag,
}
INVOICE_CHECKED: Mapping[str, Shape] = {
    "document": s.is_public_id,
    "seller": s.is_text,
    "invoice": s.is_text,
    "status": s.is_text,
    "sound": s.is_flag,
    "answered_at": s.is_instant,
}
APPROVAL: Mapping[str, Shape] = {
    "bank": s.is_uscc,
    "financing": s.is_public_id,
    "step": s.is_text,
    "record_sha256": s.is_digest,
}
STAGE_PAPER: Mapping[str, Shape] = {
    "kind": s.is_text,
    "seller": s.is_uscc,
    "buyer": s.is_uscc,
    "number": s.is_text,
    "issued_on": s.is_date,
    "original_sha256": s.is_digest,
}
STAGE: Mapping[str, Shape] = {
    **STAGE_PAPER,
    "due_on": s.is_date,
    "confirmed": s.is_money,
    "pool": s.is_public_id,
    "pool_secret_sha256": s.is_digest,
}
LOT: Mapping[str, Shape] = {
    "keeper": s.is_uscc,
    "depositor": s.is_uscc,
    "supervisor": nullable(s.is_uscc),
    "goods": s.is_text,
    "grade": nullable(s.is_text),
    "packing": nullable(s.is_text),
    "marks": nullable(s.is_text),
    "warehouse": s.is_text,
    "location": s.is_text,
    "loss_standard": s.is_rate,
    "declared": s.is_quantity,
    "units_sha256": nullable(s.is_digest),
}
"""Goods that are put forward for storing; `units_sha256` is over the sorted names of what has one (VIN, coil)."""
LOT_PAPER: Mapping[str, Shape] = {
    "kind": s.is_text,
    "source": s.is_text,
    "number": s.is_text,
    "made_on": s.is_date,
    "quantity": nullable(s.is_quantity),
    "passed": nullable(s.is_flag),
    "original_sha256": s.is_digest,
    "order": nullable(s.is_public_id),  # the 提货通知书 that it weighed goods out for
}
STORED: Mapping[str, Shape] = {
    **LOT,
    "quantity": s.is_quantity,
    "papers": s.array_of(s.is_digest, least=1),
    "pool": s.is_public_id,
    "pool_secret_sha256": s.is_digest,
}
LOT_COUNTED: Mapping[str, Shape] = {
    **dict.fromkeys(("book", "counted", "tolerance"), s.is_quantity),
    "source": s.is_text,
}
LOT_LOST: Mapping[str, Shape] = {"quantity": s.is_quantity, "reason": s.is_text}
INSURANCE: Shape = nullable(
    s.object_of(insurer=s.is_text, policy=s.is_text, amount=s.is_money, until=s.is_date)
)
RECEIPT: Mapping[str, Shape] = {
    "kind": s.is_text,
    "medium": s.one_of("electronic", "paper"),
    "number": s.is_text,
    "keeper": s.is_uscc,
    "depositor": s.is_uscc,
    "depositor_address": s.is_text,
    "holder": s.is_uscc,
    "goods": s.is_text,
    "grade": nullable(s.is_text),
    "quality": s.is_text,
    "packing": nullable(s.is_text),
    "pieces": nullable(s.is_count),
    "marks": nullable(s.is_text),
    "quantity": s.is_quantity,
    "units_sha256": nullable(s.is_digest),
    "loss_standard": s.is_rate,
    "warehouse": s.is_text,
    "location": s.is_text,
    "stored_from": s.is_date,
    "stored_until": s.is_date,
    "storage_fee": s.is_text,
    "insurance": INSURANCE,
    "issued_at": s.is_text,
    "issued_on": s.is_date,
    "lots": s.array_of(s.object_of(lot=s.is_public_id, quantity=s.is_quantity), least=1),
    "of": s.array_of(s.is_public_id),
    "pool": s.is_public_id,
    "pool_secret_sha256": s.is_digest,
}
"""The items of Civil Code article 909; `of` are the receipts that it was split from or merged of."""
ENDORSED: Mapping[str, Shape] = {
    "title": s.is_digest,
    "from": s.is_uscc,
    "to": s.is_uscc,
    "keeper": s.is_uscc,
}
"""`title` is the issue or endorsement by which the endorser holds it (Civil Code 910)."""
WITHDRAWAL: Mapping[str, Shape] = {
    "holder": s.is_uscc,
    "keeper": s.is_uscc,
    "order_no": s.is_text,
    "quantity": s.is_quantity,
    "units_sha256": nullable(s.is_digest),
    "taker": s.is_text,
}
"""提货通知书: what the holder asks the keeper to hand over, to whom."""
DELIVERED: Mapping[str, Shape] = {
    **WITHDRAWAL,
    "rest": s.is_quantity,
    "weighed": s.array_of(s.object_of(source=s.is_uscc, quantity=s.is_quantity), least=1),
    "papers": s.array_of(s.is_digest, least=1),
}
DIVIDED: Mapping[str, Shape] = {
    "holder": s.is_uscc,
    "keeper": s.is_uscc,
    "pledgees": s.array_of(s.is_uscc),
    "of": s.array_of(s.is_public_id, least=1),
    "into": s.array_of(s.object_of(number=s.is_text, quantity=s.is_quantity), least=1),
}
"""Receipts that become others, together what they were: split, or merged with those in `of` beside it."""
CANCELLED: Mapping[str, Shape] = {
    "title": s.is_digest,
    "holder": s.is_uscc,
    "keeper": s.is_uscc,
    "rest": s.is_quantity,
}
"""Handed in by its holder for nothing in return; `rest` is free in the lots again."""
AMENDED: Mapping[str, Shape] = {
    "keeper": s.is_uscc,
    "medium": s.one_of("electronic", "paper"),
    "stored_until": s.is_date,
    "storage_fee": s.is_text,
    "insurance": INSURANCE,
    "reason": s.is_text,
}
"""What of a receipt's items may change, as it stands now: how long, for what fee, how insured, on what medium."""
FEE_TOLD: Mapping[str, Shape] = {"owed": s.is_money, "as_of": s.is_date}
"""What the keeper is owed for storing: its lien stands for it (Civil Code 903)."""
RECEIPT_FACT: Mapping[str, Shape] = {"state": s.is_text, "reason": s.is_text}
"""Frozen, thawed, disputed, settled, expired, prolonged, cancelled: where it stands and why."""
HOLD: Mapping[str, Shape] = {
    "token": s.is_bytes32,
    "amount": s.is_money,
    "state": s.is_text,
    "expires_at": nullable(s.is_instant),
}
PRICES: Mapping[str, Shape] = {
    "commodity": s.is_text,
    "unit": s.is_text,
    "currency": s.is_text,
    "source": s.is_text,
    "way": s.one_of("file", "http", "manual"),
    "count": s.is_count,
    "first_at": s.is_instant,
    "last_at": s.is_instant,
    "prices_sha256": s.is_digest,
    "reason": nullable(s.is_text),
}
CONTROL: Mapping[str, Shape] = {
    "pledgor": s.is_uscc,
    "pledgee": s.is_uscc,
    "supervisor": s.is_uscc,
    "contract_sha256": s.is_digest,
    "kind": s.one_of("static", "floating"),
    "currency": s.is_text,
    "shares_bps": s.map_of(s.is_count),
    "days": s.map_of(s.is_count),
    "floor": nullable(s.is_money),
    "insured": s.is_flag,
    "goods": s.array_of(
        s.object_of(
            goods=s.is_text, series=s.is_public_id, quality_bps=s.is_count, liquidity_bps=s.is_count
        ),
        least=1,
    ),
}
COVERED: Mapping[str, Shape] = {
    "pledge": s.is_public_id,
    "receipt": s.is_public_id,
    "keeper": s.is_uscc,
    "goods": s.is_text,
    "warehouse": s.is_text,
    "quantity": s.is_quantity,
    "series": s.is_public_id,
    "price": s.is_money,
    "invoice_price": nullable(s.is_money),
    "replaces": nullable(s.is_public_id),
}
DEBT: Mapping[str, Shape] = {
    "as_of_on": s.is_date,
    "principal": s.is_money,
    "interest": s.is_money,
    "reserve": s.is_money,
    "rate": s.is_rate,
    "receipt_no": nullable(s.is_text),
}
INSURED: Mapping[str, Shape] = {
    "insurer": s.is_text,
    "policy": s.is_text,
    "amount": s.is_money,
    "first_on": s.is_date,
    "last_on": s.is_date,
}
CONTROL_NOTICE: Mapping[str, Shape] = {
    "pledgor": s.is_uscc,
    "pledgee": s.is_uscc,
    "supervisor": s.is_uscc,
    "keeper": s.is_uscc,
    "pledges": s.array_of(
        s.object_of(
            pledge=s.is_public_id, receipt=s.is_text, goods=s.is_text, quantity=s.is_quantity
        ),
        least=1,
    ),
}
MARGIN_CALL: Mapping[str, Shape] = {
    "agreement": s.is_public_id,
    "pledgor": s.is_uscc,
    "pledgee": s.is_uscc,
    "line": s.one_of("clear", "warning", "top_up", "disposal"),
    "value": s.is_money,
    "exposure": s.is_money,
    "floor": s.is_money,
    "goods_due": s.is_money,
    "cash_due": s.is_money,
    "stale": s.is_flag,
    "due_on": nullable(s.is_date),
}
DISPOSING: Mapping[str, Shape] = {"reason": s.is_text, "sale_from_on": s.is_date}
SOLD: Mapping[str, Shape] = {
    "sold_on": s.is_date,
    "buyer": s.is_text,
    "manner": s.one_of("auction", "sale"),
    "evidence": s.is_text,
    "proceeds": s.is_money,
    "market": s.is_money,
    "owed": s.is_money,
    "surplus": s.is_money,
}
SETTLED: Mapping[str, Shape] = {
    "surplus": s.is_money,
    "returned_on": s.is_date,
    "receipt_no": nullable(s.is_text),
}
RED_NOTE_MOVED: Mapping[str, Shape] = {
    "state": s.is_text,
    "encumbered": s.is_flag,
    "consented": s.is_flag,
}


def pool(kind: str) -> Mapping[str, Shape]:
    """Return the fields of a pool's entry of one kind."""
    return {
        "asset": s.is_public_id,
        "kind": s.one_of(kind),
        "confirmed_delta": s.is_measure,
        "used_delta": s.is_measure,
        "confirmed": s.is_measure,
        "used": s.is_measure,
        "shortfall": s.is_measure,
        "cause": s.is_digest,
        "holder": nullable(s.is_text),
    }
