"""The closed table of event types: what each says, and who has to sign it.

A record has exactly the fields of its type, and ``id``, ``actor`` and ``at``; an optional one stands
only where it says something. For a signed type the table names the act, the field that holds the
signing party's USCC, the steps (one signature, or maker and checker), and which key of the signed
content equals which field of the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scf_ledger import event_records as r
from scf_ledger import event_transit as t
from scf_ledger import event_watching as w
from scf_ledger import shapes as s
from scf_ledger.shapes import Shape


class Scope(StrEnum):
    """For whom a certificate authority may speak."""

    ENTERPRISE = "enterprise"
    BANK = "bank"
    REGISTRY = "registry"


class About(StrEnum):
    """Which version of which subject a statement speaks about."""

    PREVIOUS = "previous"
    """The version before the event, by number and hash."""
    CONTRACT = "contract"
    """An earlier one, or the pledge of the same contract; the contract's hash ties them."""
    GOODS = "goods"
    """A lot that the record names, or a receipt that it is of: what is signed is not there yet."""
    TOGETHER = "together"
    """The version before of this subject, or of one that the record names beside it: they change together."""


SOLE: Final[tuple[str | None, ...]] = (None,)
MAKER_AND_CHECKER: Final[tuple[str | None, ...]] = ("make", "check")


@dataclass(frozen=True, slots=True)
class Signing:
    """One party's part in an event: the act it signs, with how many hands, over which values."""

    act: str
    party: str
    """The record field that holds the USCC of the party that signs; of a list of codes, each signs."""
    scope: Scope
    steps: tuple[str | None, ...]
    content: Mapping[str, str]
    """Key of the signed content (dotted for a member) -> record field of the same value."""
    about: About = About.PREVIOUS


@dataclass(frozen=True, slots=True)
class EventType:
    """One row of the table."""

    name: str
    subject: str
    """Kind of the subject."""
    prefix: str
    """Prefix of the subject's public id."""
    fields: Mapping[str, Shape]
    """Every field of the record and its shape, ``id``, ``actor`` and ``at`` among them."""
    optional: Mapping[str, Shape]
    """Fields that a record has only where they say something."""
    signings: tuple[Signing, ...]


ACTS: Final = frozenset(
    {
        *("confirm", "dispute", "reject", "offer", "pledge", "accept", "release"),
        *("account", "consent", "reconcile", "acknowledge", "undertake"),
        *("notify", "countersign", "recourse"),
        *("extend", "prolong", "lift", "waive"),
        *("entrust", "supervise", "appoint", "dispose"),
        *("store", "issue", "endorse", "attest", "withdraw", "deliver"),
        *("divide", "surrender", "cancel", "amend"),
        *("consign", "hand_over", "take_over", "receive"),
        *("tariff", "bill", "answer"),
    }
)

PREFIXES: Final[Mapping[str, str]] = {
    "document": "doc",
    "receivable": "rcv",
    "pool": "cap",
    "financing": "fin",
    "pledge": "plg",
    "reconciliation": "rcn",
    "debtor_notice": "dnt",
    "red_note": "red",
    "invoice_check": "ivc",
    "approval": "apc",
    "stage": "stg",
    "hold": "hld",
    "lot": "lot",
    "receipt": "whr",
    "price": "prs",
    "device": "dev",
    "device_hour": "dvh",
    "alarm": "alm",
    "stocktake": "stk",
    "control": "ctl",
    "margin_call": "mgc",
    "consignment": "csg",
    "storage_tariff": "trf",
    "freight_bill": "frb",
}
"""Kind of subject -> prefix of its public id."""


def _same(*fields: str) -> Mapping[str, str]:
    return {field: field for field in fields}


_CONFIRM = Signing(
    act="confirm",
    party="debtor",
    scope=Scope.ENTERPRISE,
    steps=MAKER_AND_CHECKER,
    content=_same(
        "creditor", "documents", "claimed", "due_on", "confirmed", "disputed", "rejected",
        "reason", "pay_to", "no_setoff", "consents", "pool", "pool_secret_sha256",
    ),
)  # fmt: skip
_DISPUTE = Signing("dispute", "debtor", Scope.ENTERPRISE, SOLE, _same("reason", "amount"))
_REJECT = Signing("reject", "debtor", Scope.ENTERPRISE, SOLE, _same("reason", "amount"))
_OFFER = Signing(
    act="offer",
    party="lender",
    scope=Scope.BANK,
    steps=MAKER_AND_CHECKER,
    content=_same(
        "borrower", "receivable_event", "amount", "rate", "day_count", "days", "contract_sha256"
    ),
)
_CONTRACT_OFFER = Signing(
    act="offer",
    party="lender",
    scope=Scope.BANK,
    steps=MAKER_AND_CHECKER,
    content=_same("borrower", "contract_sha256"),
    about=About.CONTRACT,
)
_CONTRACT_PLEDGE = Signing(
    act="pledge",
    party="borrower",
    scope=Scope.ENTERPRISE,
    steps=SOLE,
    content={"pledgee": "lender", "principal.contract_sha256": "contract_sha256"},
    about=About.CONTRACT,
)
_TERMS = _same("pledgor", "pledgee", "receivable_event", "pool", "amount", "principal", *r.SECURITY)
_SIGN_PLEDGE = Signing("pledge", "pledgor", Scope.ENTERPRISE, SOLE, _TERMS)
_ACCEPT = Signing("accept", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _TERMS)
_EXTEND = Signing("extend", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _same(*r.EXTENDED))
_PROLONG = Signing("prolong", "pledgor", Scope.ENTERPRISE, SOLE, _same(*r.EXTENDED))
_OF_CONTRACT = {"principal.contract_sha256": "contract_sha256"}
_LOAN_EXTEND = Signing(
    act="extend",
    party="lender",
    scope=Scope.BANK,
    steps=MAKER_AND_CHECKER,
    content={**_OF_CONTRACT, "pledgor": "borrower"},
    about=About.CONTRACT,
)
_LOAN_PROLONG = Signing(
    act="prolong",
    party="borrower",
    scope=Scope.ENTERPRISE,
    steps=SOLE,
    content={**_OF_CONTRACT, "pledgee": "lender"},
    about=About.CONTRACT,
)
_RELEASE = Signing("release", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _same("reason"))
_ACCOUNT_TERMS = _same("owners", "holders", "pay_to", "pay_to_before", "reason")
_ACCOUNT = Signing("account", "owners", Scope.ENTERPRISE, SOLE, _ACCOUNT_TERMS)
_CONSENT = Signing("consent", "holders", Scope.BANK, MAKER_AND_CHECKER, _ACCOUNT_TERMS)
_RECOURSE_CALL = Signing(
    act="recourse",
    party="pledgee",
    scope=Scope.BANK,
    steps=MAKER_AND_CHECKER,
    content=_same("amount", "due_on", "reason"),
)
_SPLIT_TERMS = _same(*r.SPLIT)
_SPLIT_OWNERS = Signing("account", "owners", Scope.ENTERPRISE, SOLE, _SPLIT_TERMS)
_SPLIT_HOLDERS = Signing("consent", "holders", Scope.BANK, MAKER_AND_CHECKER, _SPLIT_TERMS)
_RECONCILE = Signing(
    act="reconcile",
    party="parties",
    scope=Scope.ENTERPRISE,
    steps=SOLE,
    content=_same(*r.RECONCILIATION),
)
_NOTICE_TERMS = _same(*r.DEBTOR_NOTICE, *r.SECURITY)
_NOTIFY = Signing("notify", "pledgor", Scope.ENTERPRISE, SOLE, _NOTICE_TERMS)
_COUNTERSIGN = Signing("countersign", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _NOTICE_TERMS)
_ACKNOWLEDGE = Signing(
    act="acknowledge",
    party="debtor",
    scope=Scope.ENTERPRISE,
    steps=SOLE,
    content=_same(*r.RELEASE_NOTICE, *r.SECURITY),
)
_UNDERTAKE = Signing(
    act="undertake",
    party="buyer",
    scope=Scope.ENTERPRISE,
    steps=MAKER_AND_CHECKER,
    content=_same(*r.STAGE),
)

_STORE = Signing("store", "keeper", Scope.ENTERPRISE, SOLE, _same(*r.STORED))
_ISSUE = Signing(
    act="issue",
    party="keeper",
    scope=Scope.ENTERPRISE,
    steps=MAKER_AND_CHECKER,
    content=_same(*r.RECEIPT),
    about=About.GOODS,
)
_ENDORSE = Signing("endorse", "from", Scope.ENTERPRISE, SOLE, _same(*r.ENDORSED))
_REGISTER_ENDORSEMENT = Signing("attest", "keeper", Scope.ENTERPRISE, SOLE, _same(*r.ENDORSED))
_WITHDRAW = Signing("withdraw", "holder", Scope.ENTERPRISE, SOLE, _same(*r.WITHDRAWAL))
_DELIVER = Signing("deliver", "keeper", Scope.ENTERPRISE, SOLE, _same(*r.DELIVERED))
_DIVIDE = Signing("divide", "holder", Scope.ENTERPRISE, SOLE, _same(*r.DIVIDED), About.TOGETHER)
_DIVIDE_CONSENT = Signing(
    "consent", "pledgees", Scope.BANK, MAKER_AND_CHECKER, _same(*r.DIVIDED), About.TOGETHER
)
_SURRENDER = Signing("surrender", "holder", Scope.ENTERPRISE, SOLE, _same(*r.CANCELLED))
_CANCEL = Signing("cancel", "keeper", Scope.ENTERPRISE, SOLE, _same(*r.CANCELLED))
_AMEND = Signing("amend", "keeper", Scope.ENTERPRISE, SOLE, _same(*r.AMENDED))
_RELEASE_PART = Signing(
    "release", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _same(*r.PART_RELEASED)
)
_PLANNED = _same(*t.CONSIGNMENT)
_CONSIGN = Signing("consign", "holder", Scope.ENTERPRISE, SOLE, _PLANNED)
_TRAVEL_CONSENT = Signing("consent", "pledgees", Scope.BANK, MAKER_AND_CHECKER, _PLANNED)
_HAND_OVER = Signing("hand_over", "keeper", Scope.ENTERPRISE, SOLE, _same(*t.DISPATCHED))
_TAKE_OVER = Signing("take_over", "carrier", Scope.ENTERPRISE, SOLE, _same(*t.DISPATCHED))
_RECEIVE = Signing("receive", "keeper", Scope.ENTERPRISE, SOLE, _same(*t.RELOCATED))
_HAND_OUT = Signing("deliver", "carrier", Scope.ENTERPRISE, SOLE, _same(*t.HANDED_OUT))
_AGREE_TARIFF = Signing("tariff", "parties", Scope.ENTERPRISE, SOLE, _same(*t.TARIFF))
_BILL = Signing("bill", "payee", Scope.ENTERPRISE, SOLE, _same(*t.BILL))
_ANSWER = Signing("answer", "payer", Scope.ENTERPRISE, MAKER_AND_CHECKER, _same(*t.ANSWERED))

_LIFTED = _same(*w.ALARM_LIFTED)
_LIFT_OWNERS = Signing("lift", "owners", Scope.ENTERPRISE, SOLE, _LIFTED)
_LIFT_HOLDERS = Signing("waive", "holders", Scope.BANK, MAKER_AND_CHECKER, _LIFTED)
_CONTROL_TERMS = _same(*r.CONTROL)
_ENTRUST = Signing("entrust", "pledgor", Scope.ENTERPRISE, SOLE, _CONTROL_TERMS)
_SUPERVISE = Signing("supervise", "supervisor", Scope.ENTERPRISE, SOLE, _CONTROL_TERMS)
_APPOINT = Signing("appoint", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _CONTROL_TERMS)
_KEEP_TERMS = _same(*r.CONTROL_NOTICE)
_KEEP_NOTIFY = Signing("notify", "pledgor", Scope.ENTERPRISE, SOLE, _KEEP_TERMS)
_KEEP_COUNTERSIGN = Signing("countersign", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _KEEP_TERMS)
_KEEP_ACKNOWLEDGE = Signing("acknowledge", "keeper", Scope.ENTERPRISE, SOLE, _KEEP_TERMS)
_DISPOSE = Signing("dispose", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _same(*r.DISPOSING))

_ROWS: tuple[tuple[str, str, Mapping[str, Shape], tuple[Signing, ...]], ...] = (
    ("document.registered", "document", r.DOCUMENT, ()),
    ("receivable.submitted", "receivable", r.SUBMITTED, ()),
    ("receivable.withdrawn", "receivable", {"creditor": s.is_uscc, "reason": s.is_text}, ()),
    ("receivable.requested", "receivable", r.REQUESTED, ()),
    ("receivable.confirmed", "receivable", r.CONFIRMED, (_CONFIRM,)),
    ("receivable.disputed", "receivable", r.REFUSED, (_DISPUTE,)),
    ("receivable.rejected", "receivable", r.REFUSED, (_REJECT,)),
    ("receivable.paid", "receivable", r.PAID, ()),
    ("receivable.payment_reversed", "receivable", r.PAYMENT_REVERSED, ()),
    ("receivable.account_changed", "receivable", r.ACCOUNT_CHANGED, (_ACCOUNT, _CONSENT)),
    ("receivable.split_agreed", "receivable", r.SPLIT, (_SPLIT_OWNERS, _SPLIT_HOLDERS)),
    ("pool.opened", "pool", r.pool("OPEN"), ()),
    ("pool.reserved", "pool", r.pool("RESERVE"), ()),
    ("pool.paid", "pool", r.pool("PAY"), ()),
    ("pool.diluted", "pool", r.pool("DILUTE"), ()),
    ("pool.released", "pool", r.pool("RELEASE"), ()),
    ("pool.reversed", "pool", r.pool("REVERSE"), ()),
    ("pool.carried", "pool", r.pool("CARRY"), ()),
    ("pool.converted", "pool", r.pool("CONVERT"), ()),
    ("pool.delivered", "pool", r.pool("DELIVER"), ()),
    ("lot.entered", "lot", r.LOT, ()),
    ("lot.paper_added", "lot", r.LOT_PAPER, ()),
    ("lot.stored", "lot", r.STORED, (_STORE,)),
    ("lot.turned_away", "lot", {"reason": s.is_text}, ()),
    ("lot.counted", "lot", r.LOT_COUNTED, ()),
    ("lot.lost", "lot", r.LOT_LOST, ()),
    ("lot.found", "lot", r.LOT_LOST, ()),
    ("receipt.issued", "receipt", r.RECEIPT, (_ISSUE,)),
    ("receipt.endorsed", "receipt", r.ENDORSED, (_ENDORSE, _REGISTER_ENDORSEMENT)),
    ("receipt.withdrawal_ordered", "receipt", r.WITHDRAWAL, (_WITHDRAW,)),
    ("receipt.delivered", "receipt", r.DELIVERED, (_DELIVER,)),
    ("receipt.moved", "receipt", r.RECEIPT_FACT, ()),
    ("receipt.withdrawal_refused", "receipt", {"asked": s.is_quantity}, ()),
    ("receipt.divided", "receipt", r.DIVIDED, (_DIVIDE, _DIVIDE_CONSENT)),
    ("receipt.cancelled", "receipt", r.CANCELLED, (_SURRENDER, _CANCEL)),
    ("receipt.amended", "receipt", r.AMENDED, (_AMEND,)),
    ("receipt.fee_told", "receipt", r.FEE_TOLD, ()),
    ("receipt.relocated", "receipt", t.RELOCATED, (_RECEIVE,)),
    ("consignment.planned", "consignment", t.CONSIGNMENT, ()),
    ("consignment.agreed", "consignment", t.CONSIGNMENT, (_CONSIGN, _TRAVEL_CONSENT)),
    ("consignment.dispatched", "consignment", t.DISPATCHED, (_HAND_OVER, _TAKE_OVER)),
    ("consignment.alarmed", "consignment", t.ALARMED, ()),
    ("consignment.cleared", "consignment", t.CLEARED, ()),
    ("consignment.arrived", "consignment", t.ARRIVED, ()),
    ("consignment.delivered", "consignment", t.HANDED_OUT, (_HAND_OUT,)),
    ("consignment.cancelled", "consignment", {"reason": s.is_text}, ()),
    ("storage_tariff.proposed", "storage_tariff", t.TARIFF, ()),
    ("storage_tariff.agreed", "storage_tariff", t.TARIFF, (_AGREE_TARIFF,)),
    ("freight_bill.entered", "freight_bill", t.ENTERED, ()),
    ("freight_bill.issued", "freight_bill", t.BILL, (_BILL,)),
    ("freight_bill.withdrawn", "freight_bill", {"reason": s.is_text}, ()),
    ("freight_bill.answered", "freight_bill", t.ANSWERED, (_ANSWER,)),
    ("freight_bill.conceded", "freight_bill", {"conceded": s.is_money, "reason": s.is_text}, ()),
    ("freight_bill.instructed", "freight_bill", t.INSTRUCTED, ()),
    ("freight_bill.paid", "freight_bill", t.SETTLED, ()),
    ("freight_bill.payment_reversed", "freight_bill", t.SETTLED, ()),
    ("stage.registered", "stage", r.STAGE_PAPER, ()),
    ("stage.confirmed", "stage", r.STAGE, (_UNDERTAKE,)),
    ("stage.reduced", "stage", {"amount": s.is_money, "reason": s.is_text}, ()),
    ("financing.requested", "financing", r.FINANCING, ()),
    ("financing.approved", "financing", r.AGREED, (_OFFER,)),
    ("financing.refused", "financing", r.FINANCING, ()),
    ("financing.contracted", "financing", r.AGREED, (_CONTRACT_OFFER, _CONTRACT_PLEDGE)),
    ("financing.disbursed", "financing", r.AGREED, ()),
    ("financing.extended", "financing", r.AGREED, (_LOAN_EXTEND, _LOAN_PROLONG)),
    ("financing.repaid", "financing", r.AGREED, ()),
    ("financing.closed", "financing", r.FINANCING, ()),
    ("pledge.proposed", "pledge", r.PLEDGE, ()),
    ("pledge.signed", "pledge", r.PLEDGE, (_SIGN_PLEDGE,)),
    ("pledge.accepted", "pledge", {**r.PLEDGE, "signed_event": s.is_digest}, (_ACCEPT,)),
    ("pledge.registered", "pledge", r.REGISTERED, ()),
    ("pledge.locked", "pledge", r.LOCK, ()),
    ("pledge.searched", "pledge", r.SEARCHED, ()),
    ("pledge.registration_changed", "pledge", r.REGISTRATION_CHANGED, ()),
    ("pledge.objected", "pledge", r.OBJECTED, ()),
    ("pledge.lock_lost", "pledge", r.LOCK, ()),
    ("pledge.extended", "pledge", r.EXTENDED, (_EXTEND, _PROLONG)),
    ("pledge.recourse_called", "pledge", r.RECOURSE, (_RECOURSE_CALL,)),
    ("pledge.part_released", "pledge", r.PART_RELEASED, (_RELEASE_PART,)),
    ("pledge.released", "pledge", r.RELEASED, (_RELEASE,)),
    ("pledge.cancellation_due", "pledge", r.CANCELLATION, ()),
    ("pledge.cancelled", "pledge", r.CANCELLATION, ()),
    ("reconciliation.drawn", "reconciliation", r.RECONCILIATION, ()),
    ("reconciliation.agreed", "reconciliation", r.RECONCILIATION, (_RECONCILE,)),
    ("debtor_notice.prepared", "debtor_notice", r.DEBTOR_NOTICE, ()),
    ("debtor_notice.signed", "debtor_notice", r.DEBTOR_NOTICE, (_NOTIFY, _COUNTERSIGN)),
    ("debtor_notice.issued", "debtor_notice", r.DEBTOR_NOTICE, ()),
    ("debtor_notice.release_issued", "debtor_notice", r.RELEASE_NOTICE, ()),
    ("debtor_notice.delivered", "debtor_notice", {"debtor": s.is_uscc}, ()),
    ("debtor_notice.acknowledged", "debtor_notice", r.DEBTOR_NOTICE, (_ACKNOWLEDGE,)),
    ("red_note.entered", "red_note", r.RED_NOTE, ()),
    ("red_note.moved", "red_note", r.RED_NOTE_MOVED, ()),
    ("red_note.answered", "red_note", {"holder": s.is_uscc, "given": s.is_flag}, ()),
    ("invoice_check.made", "invoice_check", r.INVOICE_CHECKED, ()),
    ("approval.recorded", "approval", r.APPROVAL, ()),
    ("hold.placed", "hold", r.HOLD, ()),
    ("hold.committed", "hold", r.HOLD, ()),
    ("hold.ended", "hold", r.HOLD, ()),
    ("price.recorded", "price", r.PRICES, ()),
    ("device.registered", "device", w.DEVICE, ()),
    ("device.revoked", "device", w.DEVICE_REVOKED, ()),
    ("device.silent", "device", w.DEVICE_SILENT, ()),
    ("device.heard_again", "device", w.DEVICE_BACK, ()),
    ("alarm.raised", "alarm", w.ALARM, ()),
    ("alarm.lifted", "alarm", w.ALARM_LIFTED, (_LIFT_OWNERS, _LIFT_HOLDERS)),
    ("stocktake.called", "stocktake", w.STOCKTAKE, ()),
    ("stocktake.committed", "stocktake", w.STOCKTAKE_COMMITTED, ()),
    ("stocktake.announced", "stocktake", w.STOCKTAKE_ANNOUNCED, ()),
    ("stocktake.sealed", "stocktake", w.STOCKTAKE_SEALED, ()),
    ("stocktake.revealed", "stocktake", w.STOCKTAKE_REVEALED, ()),
    ("stocktake.drawn", "stocktake", w.STOCKTAKE_DRAWN, ()),
    ("stocktake.counted", "stocktake", w.STOCKTAKE_COUNTED, ()),
    ("stocktake.ended", "stocktake", w.STOCKTAKE_ENDED, ()),
    ("device_hour.closed", "device_hour", w.DEVICE_HOUR, ()),
    ("device_hour.supplemented", "device_hour", w.DEVICE_HOUR, ()),
    ("control.proposed", "control", r.CONTROL, ()),
    ("control.agreed", "control", r.CONTROL, (_ENTRUST, _SUPERVISE, _APPOINT)),
    ("control.covered", "control", r.COVERED, ()),
    ("control.debt_stated", "control", r.DEBT, ()),
    ("control.insured", "control", r.INSURED, ()),
    (
        *("control.acknowledged", "control", r.CONTROL_NOTICE),
        (_KEEP_NOTIFY, _KEEP_COUNTERSIGN, _KEEP_ACKNOWLEDGE),
    ),
    ("control.ended", "control", {"reason": s.is_text}, ()),
    *(
        (f"margin_call.{stage}", "margin_call", r.MARGIN_CALL, ())
        for stage in ("warned", "called", "breached", "lifted", "cured", "lapsed")
    ),
    ("margin_call.noticed", "margin_call", {**r.MARGIN_CALL, **r.DISPOSING}, (_DISPOSE,)),
    ("margin_call.sold", "margin_call", {**r.MARGIN_CALL, **r.SOLD}, ()),
    ("margin_call.settled", "margin_call", {**r.MARGIN_CALL, **r.SETTLED}, ()),
)

_OPTIONAL: Final[Mapping[str, Mapping[str, Shape]]] = {
    "receivable.paid": {"bank": s.is_text},
    "pledge.registered": {"expires_on": s.is_date},
    **dict.fromkeys(("pledge.proposed", "pledge.signed", "pledge.accepted"), r.SECURITY),
    **{
        f"debtor_notice.{step}": r.SECURITY
        for step in ("prepared", "signed", "issued", "release_issued")
    },
    "debtor_notice.acknowledged": {**r.SECURITY, "reason": s.is_text},
}
"""Type name -> fields that a record may have beside those of its row."""

EVENT_TYPES: Final[Mapping[str, EventType]] = {
    name: EventType(
        name=name,
        subject=subject,
        prefix=PREFIXES[subject],
        fields={**r.COMMON, **fields},
        optional=_OPTIONAL.get(name, {}),
        signings=signings,
    )
    for name, subject, fields, signings in _ROWS
}
"""Type name -> its row."""
