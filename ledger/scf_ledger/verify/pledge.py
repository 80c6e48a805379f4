"""What a pledge proof has to hold together: confirmation, pool, pledge, acceptance, registration, lock.

Each builds on the one before by its hash; the pool's secret is the one whose hash the debtor
signed, so the operator cannot keep a second pool for the same receivable. A pledge that was taken
along from an order into the claim has a confirmation and a pool for each form.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scf_ledger.shapes import minor, unit
from scf_ledger.verify import lineage, pool, title
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure

TERMS: Final = ("pledgor", "pledgee", "receivable_event", "pool", "amount", "principal")
"""What the pledgor signs and the pledgee accepts, the same in both."""
SECURITY: Final = "security"
"""Beside the terms where it is an assignment or factoring: absent from both, it is a pledge."""

CONFIRMATIONS: Final[Mapping[str, Sequence[str]]] = {
    "receivable.confirmed": (
        "creditor",
        "debtor",
        "documents",
        "claimed",
        "confirmed",
        "disputed",
        "rejected",
        "due_on",
        "pay_to",
        "pool",
        "pool_secret_sha256",
    ),
    "stage.confirmed": (
        "kind",
        "seller",
        "buyer",
        "number",
        "due_on",
        "confirmed",
        "pool",
        "pool_secret_sha256",
    ),
    title.ISSUED: ("number", "keeper", "holder", "quantity", "of", "pool", "pool_secret_sha256"),
}
"""What a debtor, or a keeper, signs over a form of the value -> the fields that it has to show."""

_SHOWN: Final[Mapping[str, Sequence[str]]] = {
    "pledge.signed": TERMS,
    "pledge.accepted": (*TERMS, "signed_event"),
    "pledge.registered": ("search_no", "reg_no", "registered_at", "certificate_sha256"),
    "pledge.locked": ("tokens", "ticket_sha256", "tx"),
}
"""Required type -> the fields that it has to show."""

_OVER: Final = frozenset({"pledge.released", "pledge.cancellation_due", "pledge.cancelled"})


def check(reads: Sequence[Read]) -> None:
    """Verify a pledge proof as a whole; single entries have been verified.

    :raises LedgerError: a part is missing or hidden, a link is broken, a sum is false
    """
    found = {type_: _only(reads, type_) for type_ in _SHOWN if type_ != "pledge.locked"}
    signed = found["pledge.signed"]
    confirmations = [read for read in reads if read.type in CONFIRMATIONS]
    for read in confirmations:
        _check_shown(read, CONFIRMATIONS[read.type])
    _check_shown(signed, TERMS)
    confirmed = _first(confirmations, signed)
    pledge = _history(reads, signed.event.subject)
    found["pledge.locked"] = _standing_lock(pledge)
    for type_, read in found.items():
        _check_shown(read, _SHOWN[type_])
    histories = {
        read.record["pool"]: _history(reads, read.record["pool"]) for read in confirmations
    }
    for history in histories.values():
        for read in history:
            _check_shown(read, pool.SHOWN)
    _check_subjects(reads, confirmations, signed)
    _check_tokens(found["pledge.locked"], confirmed, confirmations)
    _check_pledge(pledge, found["pledge.accepted"], signed)
    _check_secrets(pledge)
    for history in histories.values():
        _check_secrets(history)
    forms = [_form(read, histories[read.record["pool"]], reads) for read in confirmations]
    first = forms[confirmations.index(confirmed)]
    _check_terms(found, first)
    lineage.check(forms, first, lineage.Taken.of(signed, pledge))


def _first(confirmations: Sequence[Read], signed: Read) -> Read:
    """Return the confirmation of the form that was pledged; each form is confirmed once."""
    pools = [read.record["pool"] for read in confirmations]
    if len(set(pools)) != len(pools):
        raise Failure("completeness.entry_twice", type=confirmations[0].type, count=len(pools))
    named = [read for read in confirmations if read.record["pool"] == signed.record["pool"]]
    if named:
        return named[0]
    if len(confirmations) == 1:
        return confirmations[0]
    raise Failure("completeness.entry_missing", type="receivable.confirmed", count=0)


def _only(reads: Sequence[Read], type_: str) -> Read:
    found = [read for read in reads if read.type == type_]
    if len(found) != 1:
        code = "completeness.entry_twice" if found else "completeness.entry_missing"
        raise Failure(code, type=type_, count=len(found))
    return found[0]


def _history(reads: Sequence[Read], subject: str) -> list[Read]:
    own = (read for read in reads if read.event.subject == subject)
    return sorted(own, key=lambda read: read.event.version)


def _standing_lock(pledge: Sequence[Read]) -> Read:
    """Return the newest lock, which was not lost since."""
    locks = [read for read in pledge if read.type in ("pledge.locked", "pledge.lock_lost")]
    if not locks:
        raise Failure("completeness.entry_missing", type="pledge.locked", count=0)
    if locks[-1].type == "pledge.lock_lost":
        raise Failure("completeness.lock_lost", version=locks[-1].event.version)
    return locks[-1]


def _check_shown(read: Read, fields: Sequence[str]) -> None:
    with at(read.where):
        for field in fields:
            if field not in read.record:
                raise Failure("completeness.field_hidden", field=field, type=read.type)


def _check_subjects(reads: Sequence[Read], confirmations: Sequence[Read], signed: Read) -> None:
    """Verify that nothing stands in the file that is not of this case."""
    own = {signed.event.subject}
    for confirmed in confirmations:
        own |= {confirmed.event.subject, confirmed.record["pool"]}
    for read in reads:
        with at(read.where):
            if read.event.subject not in own:
                raise Failure("completeness.foreign_entry", subject=read.event.subject)


def _check_terms(found: Mapping[str, Read], first: lineage.Form) -> None:
    """Verify that pledge and acceptance say the same, over the form that was confirmed."""
    signed, accepted = found["pledge.signed"], found["pledge.accepted"]
    with at(signed.where):
        _check_equal(signed, "pledgor", first.sides[0])
        _check_equal(signed, "pool", first.confirmed.record["pool"])
        lineage.check_link(signed, "receivable_event", first.titles[-1])
    with at(accepted.where):
        for field in TERMS:
            _check_equal(accepted, field, signed.record[field])
        if accepted.record.get(SECURITY) != signed.record.get(SECURITY):
            raise Failure("completeness.terms_differ", field=SECURITY, type=accepted.type)
        lineage.check_link(accepted, "signed_event", signed)


def _check_tokens(locked: Read, confirmed: Read, confirmations: Sequence[Read]) -> None:
    """Verify that the lock covers the papers of the form that was pledged, and of no more than were."""
    tokens = len(set(locked.record["tokens"]))
    least = _papers(confirmed)
    most = sum(map(_papers, confirmations))
    with at(locked.where):
        if not least <= tokens <= most:
            raise Failure("completeness.tokens", tokens=tokens, documents=least)


def _papers(confirmed: Read) -> int:
    return len(confirmed.record["documents"]) if "documents" in confirmed.record else 1


def _check_pledge(pledge: Sequence[Read], accepted: Read, signed: Read) -> None:
    """Verify that the pledge's versions are all there from its signing on, and that it is not over."""
    first = pledge[0].event.version
    for number, read in enumerate(pledge, start=first):
        with at(read.where):
            if read.event.version != number:
                raise Failure("completeness.version_missing", version=number)
            if read.type in _OVER:
                raise Failure("completeness.pledge_over", type=read.type)
            early = read.event.version <= accepted.event.version
            if early and read.type not in ("pledge.proposed", "pledge.signed", "pledge.accepted"):
                raise Failure("completeness.out_of_order", type=read.type)
    with at(accepted.where):
        if accepted.event.version <= signed.event.version:
            raise Failure("completeness.out_of_order", type=accepted.type)


def _check_secrets(history: Sequence[Read]) -> None:
    """Verify that every version gives the subject's one secret; tags were checked with it."""
    for read in history:
        with at(read.where):
            if read.entry.tag_secret is None:
                raise Failure("completeness.secret_missing", subject=read.event.subject)
            if read.entry.tag_secret != history[0].entry.tag_secret:
                raise Failure("completeness.secret_differs", subject=read.event.subject)


def _form(confirmed: Read, history: Sequence[Read], reads: Sequence[Read]) -> lineage.Form:
    """Verify that a pool is the confirmed one and adds up; return it as a form of the value."""
    if not history:
        raise Failure("completeness.entry_missing", type="pool.opened", count=0)
    states = pool.add_up(history)
    opened = history[0]
    with at(opened.where):
        lineage.check_link(opened, "cause", confirmed)
        secret = hashlib.sha256(opened.entry.tag_secret or b"").digest()
        if secret != lineage.hash_field(confirmed, "pool_secret_sha256"):
            raise Failure("completeness.other_pool", pool=opened.event.subject)
        is_receipt = confirmed.type == title.ISSUED
        value = confirmed.record["quantity" if is_receipt else "confirmed"]
        if states[0].confirmed != minor(value):
            raise Failure("completeness.pool_sum", version=opened.event.version)
        if unit(opened.record["confirmed"]) != unit(value):
            raise Failure("completeness.pool_unit", version=opened.event.version)
    for read in history:
        with at(read.where):
            _check_equal(read, "asset", confirmed.event.subject)
    if not is_receipt:
        return lineage.Form([confirmed], history, states)
    titles, divided = title.chain(confirmed, reads), title.division(confirmed, reads)
    return lineage.Form(titles, history, states, divided)


def _check_equal(read: Read, field: str, value: Any) -> None:
    if read.record[field] != value:
        raise Failure("completeness.terms_differ", field=field, type=read.type)
