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

from scf_ledger import shapes as s
from scf_ledger.shapes import Shape, nullable


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
        *("extend", "prolong"),
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
}
"""Kind of subject -> prefix of its public id."""


def _is_parties(value: object) -> bool:
    """Codes of parties that each sign, sorted and distinct."""
    return isinstance(value, list) and all(map(s.is_uscc, value)) and value == sorted(set(value))


_COMMON: Mapping[str, Shape] = {
    "id": s.is_public_id,
    "actor": nullable(s.is_public_id),
    "at": s.is_instant,
}
_DOCUMENT: Mapping[str, Shape] = {
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
_SUBMITTED: Mapping[str, Shape] = {
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
_CONFIRMED: Mapping[str, Shape] = {
    **_SUBMITTED,
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
_REFUSED: Mapping[str, Shape] = {
    "debtor": s.is_uscc,
    "reason": s.is_text,
    "amount": s.is_money,
}
_REQUESTED: Mapping[str, Shape] = {
    "creditor": s.is_uscc,
    "debtor": s.is_uscc,
    "claimed": s.is_money,
    "requested_on": s.is_date,
    "creditor_size": nullable(s.is_text),
    "debtor_size": nullable(s.is_text),
    "statutory": s.is_flag,
    "deadline_on": nullable(s.is_date),
}
_PAID: Mapping[str, Shape] = {"amount": s.is_money, "paid_on": s.is_date, "account": s.is_text}
_PAYMENT_REVERSED: Mapping[str, Shape] = {
    "payment": s.is_digest,
    "amount": s.is_money,
    "reversed_on": s.is_date,
    "account": s.is_text,
}
_ACCOUNT_CHANGED: Mapping[str, Shape] = {
    "owners": _is_parties,
    "holders": _is_parties,
    "pay_to": s.map_of(s.is_text),
    "pay_to_before": s.map_of(s.is_text),
    "reason": s.is_text,
}
_SPLIT: Mapping[str, Shape] = {
    "owners": _is_parties,
    "holders": _is_parties,
    "parts": s.array_of(
        s.object_of(payee=s.is_uscc, amount=s.is_money, pay_to=s.map_of(s.is_text))
    ),
    "rest": s.is_money,
    "pay_to": s.map_of(s.is_text),
    "reason": s.is_text,
}
_RECONCILIATION: Mapping[str, Shape] = {
    "parties": _is_parties,
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
_FINANCING: Mapping[str, Shape] = {
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
_AGREED: Mapping[str, Shape] = {
    **_FINANCING,
    "lender": s.is_uscc,
    "rate": s.is_rate,
    "day_count": s.is_text,
    "days": s.is_count,
    "contract_sha256": s.is_digest,
}
_PLEDGE: Mapping[str, Shape] = {
    "pledgor": s.is_uscc,
    "pledgee": s.is_uscc,
    "receivable_event": s.is_digest,
    "pool": s.is_public_id,
    "amount": s.is_money,
    "principal": s.object_of(
        contract_sha256=s.is_digest, amount=s.is_money, rate=s.is_rate, due_on=s.is_date
    ),
}
_SECURITY: Mapping[str, Shape] = {
    "security": s.object_of(
        kind=s.one_of("assignment", "factoring"), recourse=s.is_flag, disclosed=s.is_flag
    )
}
"""What it is, where it is no pledge."""
_RECOURSE: Mapping[str, Shape] = {
    "pledgee": s.is_uscc,
    "amount": s.is_money,
    "due_on": s.is_date,
    "reason": s.is_text,
}
_EXTENDED: Mapping[str, Shape] = {
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
_REGISTERED: Mapping[str, Shape] = {
    "search_no": s.is_text,
    "reg_no": s.is_text,
    "registered_at": s.is_instant,
    "certificate_sha256": s.is_digest,
}
_LOCK: Mapping[str, Shape] = {
    "tokens": s.array_of(s.is_bytes32, least=1),
    "ticket_sha256": s.is_digest,
    "tx": s.is_bytes32,
}
_SEARCHED: Mapping[str, Shape] = {
    "cert_no": s.is_text,
    "results_hash": s.is_digest,
    "clean": s.is_flag,
}
_REGISTRATION_CHANGED: Mapping[str, Shape] = {
    "change": s.one_of("amended", "extended"),
    "reg_no": s.is_text,
    "change_no": s.is_text,
    "registered_at": s.is_instant,
    "expires_on": s.is_date,
    "certificate_sha256": s.is_digest,
    "reason": s.is_text,
}
_OBJECTED: Mapping[str, Shape] = {
    "reg_no": s.is_text,
    "objection_no": s.is_text,
    "objected_at": s.is_instant,
}
_RELEASED: Mapping[str, Shape] = {"pledgee": s.is_uscc, "reason": s.is_text}
_CANCELLATION: Mapping[str, Shape] = {"due_on": s.is_date, "reg_no": s.is_text}
_DEBTOR_NOTICE: Mapping[str, Shape] = {
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
_RELEASE_NOTICE: Mapping[str, Shape] = {**_DEBTOR_NOTICE, "reason": s.is_text}
_RED_NOTE: Mapping[str, Shape] = {
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
_INVOICE_CHECKED: Mapping[str, Shape] = {
    "document": s.is_public_id,
    "seller": s.is_text,
    "invoice": s.is_text,
    "status": s.is_text,
    "sound": s.is_flag,
    "answered_at": s.is_instant,
}
_APPROVAL: Mapping[str, Shape] = {
    "bank": s.is_uscc,
    "financing": s.is_public_id,
    "step": s.is_text,
    "record_sha256": s.is_digest,
}
_STAGE_PAPER: Mapping[str, Shape] = {
    "kind": s.is_text,
    "seller": s.is_uscc,
    "buyer": s.is_uscc,
    "number": s.is_text,
    "issued_on": s.is_date,
    "original_sha256": s.is_digest,
}
_STAGE: Mapping[str, Shape] = {
    **_STAGE_PAPER,
    "due_on": s.is_date,
    "confirmed": s.is_money,
    "pool": s.is_public_id,
    "pool_secret_sha256": s.is_digest,
}
_HOLD: Mapping[str, Shape] = {
    "token": s.is_bytes32,
    "amount": s.is_money,
    "state": s.is_text,
    "expires_at": nullable(s.is_instant),
}
_RED_NOTE_MOVED: Mapping[str, Shape] = {
    "state": s.is_text,
    "encumbered": s.is_flag,
    "consented": s.is_flag,
}


def _pool(kind: str) -> Mapping[str, Shape]:
    return {
        "asset": s.is_public_id,
        "kind": s.one_of(kind),
        "confirmed_delta": s.is_money,
        "used_delta": s.is_money,
        "confirmed": s.is_money,
        "used": s.is_money,
        "shortfall": s.is_money,
        "cause": s.is_digest,
        "holder": nullable(s.is_text),
    }


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
_TERMS = _same("pledgor", "pledgee", "receivable_event", "pool", "amount", "principal", *_SECURITY)
_SIGN_PLEDGE = Signing("pledge", "pledgor", Scope.ENTERPRISE, SOLE, _TERMS)
_ACCEPT = Signing("accept", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _TERMS)
_EXTEND = Signing("extend", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _same(*_EXTENDED))
_PROLONG = Signing("prolong", "pledgor", Scope.ENTERPRISE, SOLE, _same(*_EXTENDED))
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
_SPLIT_TERMS = _same(*_SPLIT)
_SPLIT_OWNERS = Signing("account", "owners", Scope.ENTERPRISE, SOLE, _SPLIT_TERMS)
_SPLIT_HOLDERS = Signing("consent", "holders", Scope.BANK, MAKER_AND_CHECKER, _SPLIT_TERMS)
_RECONCILE = Signing(
    act="reconcile",
    party="parties",
    scope=Scope.ENTERPRISE,
    steps=SOLE,
    content=_same(*_RECONCILIATION),
)
_NOTICE_TERMS = _same(*_DEBTOR_NOTICE, *_SECURITY)
_NOTIFY = Signing("notify", "pledgor", Scope.ENTERPRISE, SOLE, _NOTICE_TERMS)
_COUNTERSIGN = Signing("countersign", "pledgee", Scope.BANK, MAKER_AND_CHECKER, _NOTICE_TERMS)
_ACKNOWLEDGE = Signing(
    act="acknowledge",
    party="debtor",
    scope=Scope.ENTERPRISE,
    steps=SOLE,
    content=_same(*_RELEASE_NOTICE, *_SECURITY),
)
_UNDERTAKE = Signing(
    act="undertake",
    party="buyer",
    scope=Scope.ENTERPRISE,
    steps=MAKER_AND_CHECKER,
    content=_same(*_STAGE),
)

_ROWS: tuple[tuple[str, str, Mapping[str, Shape], tuple[Signing, ...]], ...] = (
    ("document.registered", "document", _DOCUMENT, ()),
    ("receivable.submitted", "receivable", _SUBMITTED, ()),
    ("receivable.withdrawn", "receivable", {"creditor": s.is_uscc, "reason": s.is_text}, ()),
    ("receivable.requested", "receivable", _REQUESTED, ()),
    ("receivable.confirmed", "receivable", _CONFIRMED, (_CONFIRM,)),
    ("receivable.disputed", "receivable", _REFUSED, (_DISPUTE,)),
    ("receivable.rejected", "receivable", _REFUSED, (_REJECT,)),
    ("receivable.paid", "receivable", _PAID, ()),
    ("receivable.payment_reversed", "receivable", _PAYMENT_REVERSED, ()),
    ("receivable.account_changed", "receivable", _ACCOUNT_CHANGED, (_ACCOUNT, _CONSENT)),
    ("receivable.split_agreed", "receivable", _SPLIT, (_SPLIT_OWNERS, _SPLIT_HOLDERS)),
    ("pool.opened", "pool", _pool("OPEN"), ()),
    ("pool.reserved", "pool", _pool("RESERVE"), ()),
    ("pool.paid", "pool", _pool("PAY"), ()),
    ("pool.diluted", "pool", _pool("DILUTE"), ()),
    ("pool.released", "pool", _pool("RELEASE"), ()),
    ("pool.reversed", "pool", _pool("REVERSE"), ()),
    ("pool.carried", "pool", _pool("CARRY"), ()),
    ("pool.converted", "pool", _pool("CONVERT"), ()),
    ("stage.registered", "stage", _STAGE_PAPER, ()),
    ("stage.confirmed", "stage", _STAGE, (_UNDERTAKE,)),
    ("stage.reduced", "stage", {"amount": s.is_money, "reason": s.is_text}, ()),
    ("financing.requested", "financing", _FINANCING, ()),
    ("financing.approved", "financing", _AGREED, (_OFFER,)),
    ("financing.refused", "financing", _FINANCING, ()),
    ("financing.contracted", "financing", _AGREED, (_CONTRACT_OFFER, _CONTRACT_PLEDGE)),
    ("financing.disbursed", "financing", _AGREED, ()),
    ("financing.extended", "financing", _AGREED, (_LOAN_EXTEND, _LOAN_PROLONG)),
    ("financing.repaid", "financing", _AGREED, ()),
    ("financing.closed", "financing", _FINANCING, ()),
    ("pledge.proposed", "pledge", _PLEDGE, ()),
    ("pledge.signed", "pledge", _PLEDGE, (_SIGN_PLEDGE,)),
    ("pledge.accepted", "pledge", {**_PLEDGE, "signed_event": s.is_digest}, (_ACCEPT,)),
    ("pledge.registered", "pledge", _REGISTERED, ()),
    ("pledge.locked", "pledge", _LOCK, ()),
    ("pledge.searched", "pledge", _SEARCHED, ()),
    ("pledge.registration_changed", "pledge", _REGISTRATION_CHANGED, ()),
    ("pledge.objected", "pledge", _OBJECTED, ()),
    ("pledge.lock_lost", "pledge", _LOCK, ()),
    ("pledge.extended", "pledge", _EXTENDED, (_EXTEND, _PROLONG)),
    ("pledge.recourse_called", "pledge", _RECOURSE, (_RECOURSE_CALL,)),
    ("pledge.released", "pledge", _RELEASED, (_RELEASE,)),
    ("pledge.cancellation_due", "pledge", _CANCELLATION, ()),
    ("pledge.cancelled", "pledge", _CANCELLATION, ()),
    ("reconciliation.drawn", "reconciliation", _RECONCILIATION, ()),
    ("reconciliation.agreed", "reconciliation", _RECONCILIATION, (_RECONCILE,)),
    ("debtor_notice.prepared", "debtor_notice", _DEBTOR_NOTICE, ()),
    ("debtor_notice.signed", "debtor_notice", _DEBTOR_NOTICE, (_NOTIFY, _COUNTERSIGN)),
    ("debtor_notice.issued", "debtor_notice", _DEBTOR_NOTICE, ()),
    ("debtor_notice.release_issued", "debtor_notice", _RELEASE_NOTICE, ()),
    ("debtor_notice.delivered", "debtor_notice", {"debtor": s.is_uscc}, ()),
    ("debtor_notice.acknowledged", "debtor_notice", _DEBTOR_NOTICE, (_ACKNOWLEDGE,)),
    ("red_note.entered", "red_note", _RED_NOTE, ()),
    ("red_note.moved", "red_note", _RED_NOTE_MOVED, ()),
    ("red_note.answered", "red_note", {"holder": s.is_uscc, "given": s.is_flag}, ()),
    ("invoice_check.made", "invoice_check", _INVOICE_CHECKED, ()),
    ("approval.recorded", "approval", _APPROVAL, ()),
    ("hold.placed", "hold", _HOLD, ()),
    ("hold.committed", "hold", _HOLD, ()),
    ("hold.ended", "hold", _HOLD, ()),
)

_OPTIONAL: Final[Mapping[str, Mapping[str, Shape]]] = {
    "receivable.paid": {"bank": s.is_text},
    **dict.fromkeys(("pledge.proposed", "pledge.signed", "pledge.accepted"), _SECURITY),
    **{
        f"debtor_notice.{step}": _SECURITY
        for step in ("prepared", "signed", "issued", "release_issued")
    },
    "debtor_notice.acknowledged": {**_SECURITY, "reason": s.is_text},
}
"""Type name -> fields that a record may have beside those of its row."""

EVENT_TYPES: Final[Mapping[str, EventType]] = {
    name: EventType(
        name=name,
        subject=subject,
        prefix=PREFIXES[subject],
        fields={**_COMMON, **fields},
        optional=_OPTIONAL.get(name, {}),
        signings=signings,
    )
    for name, subject, fields, signings in _ROWS
}
"""Type name -> its row."""
