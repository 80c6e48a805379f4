"""A pledge through the forms of its value: reserved in one pool, taken along into others by hash.

What leaves a pool for the pledge's sake names the signed pledge as its cause; what arrives in the next
one names the event of leaving. So nothing is added on the way, and nobody else's part is taken for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from scf_ledger.encoding import from_b64url
from scf_ledger.shapes import minor, unit
from scf_ledger.verify import title
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.pool import Sums
from scf_ledger.verify.report import Failure

PART_RELEASED: Final = "pledge.part_released"


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the value: its confirmation, its pool's versions, and the state after each.

    `titles` are the confirmation and, of a receipt, the endorsements since; `divided` what says that it became others.
    """

    titles: Sequence[Read]
    history: Sequence[Read]
    states: Sequence[Sums]
    divided: Read | None = None

    @property
    def confirmed(self) -> Read:
        """What a debtor or a keeper signed."""
        return self.titles[0]

    @property
    def sides(self) -> tuple[Any, Any]:
        """To whom and by whom it is owed: creditor and debtor, seller and buyer; whose a receipt is.

        Goods may be kept elsewhere than before: that their keepers follow each other is asked of each division.
        """
        record = self.confirmed.record
        if self.confirmed.type == title.ISSUED:
            return title.holder(self.titles[-1]), None
        if self.confirmed.type == "stage.confirmed":
            return record["seller"], record["buyer"]
        return record["creditor"], record["debtor"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was pledged, and by which signed events of the pledge parts of it were given back."""

    signed: Read
    given_back: Mapping[bytes, int]

    @classmethod
    def of(cls, signed: Read, pledge: Sequence[Read]) -> Self:
        """Read it out of a pledge's versions.

        :raises LedgerError: a release in part hides how much
        """
        parts = [read for read in pledge if read.type == PART_RELEASED]
        for read in parts:
            if "released" not in read.record:
                with at(read.where):
                    raise Failure("completeness.field_hidden", field="released", type=read.type)
        return cls(signed, {read.body_hash: minor(read.record["released"]) for read in parts})


def check(forms: Sequence[Form], first: Form, taken: Taken) -> None:
    """Verify that the pledge was reserved once, and that what it holds was never less since.

    :raises LedgerError: reserved not at all, twice or in another amount; taken along without leaving or
        arriving; a form that it never came to; a reservation that is gone
    """
    signed = taken.signed
    _check_reserved(forms, first, signed)
    _check_given_back(forms, taken)
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
    _check_divided(forms, gone, arrived, signed.record["pledgee"])
    own = frozenset({*gone, *(read.body_hash for read in arrived)})
    for form in forms:
        if form is not first and not any(read.body_hash in own for read in form.history):
            raise Failure("completeness.foreign_entry", subject=form.confirmed.event.subject)
        if form.sides != first.sides:
            raise Failure("completeness.terms_differ", field="pledgor", type=form.confirmed.type)
        _check_held(form, taken, own)


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
        delta, amount = reserved[0][1].record["used_delta"], signed.record["amount"]
        if (minor(delta), unit(delta)) != (minor(amount), unit(amount)):
            raise Failure("completeness.reserved_amount", amount=" ".join(amount.values()))


def _check_moved(gone: Mapping[bytes, Read], arrived: Sequence[Read]) -> None:
    """Verify that all that left arrived, once, in the same amount."""
    causes = [hash_field(read, "cause") for read in arrived]
    for body_hash, read in gone.items():
        with at(read.where):
            if causes.count(body_hash) != 1:
                raise Failure("completeness.conversion_open", version=read.event.version)
    for read, cause in zip(arrived, causes, strict=True):
        with at(read.where):
            if minor(read.record["used_delta"]) != -minor(gone[cause].record["used_delta"]):
                raise Failure("completeness.conversion_open", version=read.event.version)


def _check_divided(
    forms: Sequence[Form], gone: Mapping[bytes, Read], arrived: Sequence[Read], pledgee: str
) -> None:
    """Verify that a pledge came from receipt to receipt only where its pledgee had signed their division."""
    by_pool = {form.history[0].event.subject: form for form in forms}
    for read in arrived:
        old = by_pool[gone[hash_field(read, "cause")].event.subject]
        new = by_pool[read.event.subject]
        if title.ISSUED in (old.confirmed.type, new.confirmed.type):
            title.check_division(old.divided, old.titles, new.confirmed, pledgee=pledgee)


def _check_given_back(forms: Sequence[Form], taken: Taken) -> None:
    """Verify that a release in part gave back what its signature says."""
    given = dict.fromkeys(taken.given_back, 0)
    for form in forms:
        for read in form.history:
            cause = hash_field(read, "cause")
            if read.type == "pool.released" and cause in given:
                given[cause] -= minor(read.record["used_delta"])
    if given != taken.given_back:
        raise Failure("completeness.given_back", given=[*given.values()])


def _check_held(form: Form, taken: Taken, own: frozenset[bytes]) -> None:
    """Verify that a pool is never used for less than the pledge holds, but by payments to holders."""
    held, base, left = 0, 0, 0
    for read, state in zip(form.history, form.states, strict=True):
        cause = hash_field(read, "cause")
        delta = minor(read.record["used_delta"])
        if read.type == "pool.released" and cause in taken.given_back:
            held += delta
        elif read.body_hash in own or (
            read.type == "pool.reserved" and cause == taken.signed.body_hash
        ):
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
    return read.type == "pool.converted" and minor(read.record["used_delta"]) < 0


def _is_arriving(read: Read) -> bool:
    return read.type == "pool.converted" and minor(read.record["used_delta"]) > 0
