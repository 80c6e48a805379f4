"""A pledge through the forms of its value: reserved in one pool, taken along into others by hash.

What leaves a pool for the pledge's sake names the signed pledge as its cause; what arrives in the next
one names the event of leaving. So nothing is added on the way, and nobody else's part is taken for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scf_ledger.encoding import from_b64url
from scf_ledger.shapes import fen
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.pool import Sums
from scf_ledger.verify.report import Failure


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the value: who confirmed it, its pool's versions, and the state after each."""

    confirmed: Read
    history: Sequence[Read]
    states: Sequence[Sums]


def sides(confirmed: Read) -> tuple[Any, Any]:
    """Return to whom and by whom a form is owed: creditor and debtor, or seller and buyer."""
    record = confirmed.record
    if confirmed.type == "stage.confirmed":
        return record["seller"], record["buyer"]
    return record["creditor"], record["debtor"]


def check(forms: Sequence[Form], first: Form, signed: Read) -> None:
    """Verify that the pledge was reserved once, and that what it holds was never less since.

    :raises LedgerError: reserved not at all, twice or in another amount; taken along without leaving or
        arriving; a form that it never came to; a reservation that is gone
    """
    _check_reserved(forms, first, signed)
    gone = {
        read.body_hash: read
        for form in forms
        for read in form.history
        if _is_leaving(read) and hash_field(read, "cause") == signed.body_hash
    }
    arrived = [
        read
        for form in forms
        for read in form.history
        if _is_arriving(read) and hash_field(read, "cause") in gone
    ]
    _check_moved(gone, arrived)
    own = frozenset({*gone, *(read.body_hash for read in arrived)})
    for form in forms:
        if form is not first and not any(read.body_hash in own for read in form.history):
            raise Failure("completeness.foreign_entry", subject=form.confirmed.event.subject)
        if sides(form.confirmed) != sides(first.confirmed):
            raise Failure("completeness.terms_differ", field="pledgor", type=form.confirmed.type)
        _check_held(form, signed, own)


def _check_reserved(forms: Sequence[Form], first: Form, signed: Read) -> None:
    reserved = [
        (form, read)
        for form in forms
        for read in form.history
        if read.type == "pool.reserved" and hash_field(read, "cause") == signed.body_hash
    ]
    if len(reserved) != 1 or reserved[0][0] is not first:
        raise Failure("completeness.reserved_once", count=len(reserved))
    with at(reserved[0][1].where):
        if fen(reserved[0][1].record["used_delta"]) != fen(signed.record["amount"]):
            raise Failure("completeness.reserved_amount", amount=signed.record["amount"]["amount"])


def _check_moved(gone: Mapping[bytes, Read], arrived: Sequence[Read]) -> None:
    """Verify that all that left arrived, once, in the same amount."""
    causes = [hash_field(read, "cause") for read in arrived]
    for body_hash, read in gone.items():
        with at(read.where):
            if causes.count(body_hash) != 1:
                raise Failure("completeness.conversion_open", version=read.event.version)
    for read, cause in zip(arrived, causes, strict=True):
        with at(read.where):
            if fen(read.record["used_delta"]) != -fen(gone[cause].record["used_delta"]):
                raise Failure("completeness.conversion_open", version=read.event.version)


def _check_held(form: Form, signed: Read, own: frozenset[bytes]) -> None:
    """Verify that the pool is never used for less than the pledge holds of it, but by payments."""
    held, base, left = 0, 0, 0
    for read, state in zip(form.history, form.states, strict=True):
        ours = read.body_hash in own or (
            read.type == "pool.reserved" and hash_field(read, "cause") == signed.body_hash
        )
        if ours:
            delta = fen(read.record["used_delta"])
            base = state.paid if held == 0 and left == 0 else base
            left += max(-delta, 0)
            held += delta
        with at(read.where):
            if held < 0 or state.used + state.paid - base - left < held:
                raise Failure("completeness.reservation_gone", version=read.event.version)


def check_link(read: Read, field: str, to: Read) -> None:
    """Verify that a field is the hash of another entry."""
    if hash_field(read, field) != to.body_hash:
        raise Failure("completeness.link_broken", field=field, to=to.type)


def hash_field(read: Read, field: str) -> bytes:
    """Return a hash that a record shows."""
    return from_b64url(read.record[field])


def _is_leaving(read: Read) -> bool:
    return read.type == "pool.converted" and fen(read.record["used_delta"]) < 0


def _is_arriving(read: Read) -> bool:
    return read.type == "pool.converted" and fen(read.record["used_delta"]) > 0
