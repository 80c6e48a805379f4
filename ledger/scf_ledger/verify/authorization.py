"""Fragment *authorization*: each signature given is a certified party's, over this very event.

Whether all signatures that are due are given is the question of *completeness*.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any

from scf_ledger import jws, shapes, statement
from scf_ledger.errors import LedgerError
from scf_ledger.event_types import PREFIXES, About, Signing
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure, Skipped
from scf_ledger.verify.signed import Parsed, Signed
from scf_ledger.verify.signers import Signers

_ABSENT: Any = object()
"""What a content does not say, and a record's optional field that is not shown: the two agree."""
_HIDDEN: Any = object()


def check(
    reads: Sequence[Read],
    parsed: Parsed,
    signers: Signers,
    *,
    origin: str | None,
    existed_by: datetime | None,
) -> None:
    """Verify every authorization of every entry.

    :param origin: the log's origin, which statements name; None when no checkpoint says it
    :param existed_by: when the entries provably existed, by witnesses or by a block
    :raises LedgerError: a signature, a certificate, or a value that does not hold
    """
    if not reads:
        raise Skipped("case.empty")
    for read in reads:
        with at(read.where):
            found = [_readable(item) for item in parsed[read.where]]
            for signed in found:
                _check_signature(signed, signers, existed_by)
                _check_meaning(signed, origin)
            for first, second in combinations(found, 2):
                if first.signing is second.signing and not _are_two_parties(first, second):
                    _check_pair(first, second)


def at_path(content: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path of signed content, or a value equal to nothing."""
    value: Any = content
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return _ABSENT
        value = value[key]
    return value


def _readable(item: Signed | LedgerError) -> Signed:
    if isinstance(item, LedgerError):
        raise item
    return item


def _check_signature(signed: Signed, signers: Signers, existed_by: datetime | None) -> None:
    """Verify who signed: listed by the event, by the key of a party in good standing."""
    if signed.hash not in signed.read.event.authorizations:
        raise Failure("authorization.not_listed")
    signer = signers.of(signed.jws.thumbprint)
    jws.verify(signed.jws, signer.key)
    statement.check_holder(signed.statement, signer.holder)
    if signer.authority.scope is not signed.signing.scope:
        raise Failure(
            "authorization.wrong_scope",
            scope=signer.authority.scope.value,
            needed=signed.signing.scope.value,
        )
    signers.check_in_force(signer, issued_at=signed.statement.issued_at, existed_by=existed_by)


def _check_meaning(signed: Signed, origin: str | None) -> None:
    """Verify what was signed: here, for this version, in time, with the record's values."""
    said, read, signing = signed.statement, signed.read, signed.signing
    if origin is not None and said.origin != origin:
        raise Failure("authorization.wrong_origin", origin=said.origin)
    listed = read.record.get(signing.party, said.party)
    if said.party not in (listed if isinstance(listed, list) else [listed]):
        raise Failure("authorization.wrong_party", party=said.party, role=signing.party)
    if said.step not in signing.steps:
        raise Failure("authorization.wrong_step", step=said.step)
    if not said.issued_at <= shapes.instant(read.event.occurred_at) <= said.expires_at:
        raise Failure("authorization.out_of_time", occurred_at=read.event.occurred_at)
    _check_about(signed, signing)
    for path, field in signing.content.items():
        shown = read.record.get(field, _ABSENT if field in read.event.type.optional else _HIDDEN)
        if shown is not _HIDDEN and at_path(signed.content, path) != shown:
            raise Failure("authorization.content_differs", key=path, field=field)


def _check_about(signed: Signed, signing: Signing) -> None:
    about, event = signed.about, signed.read.event
    if signing.about is About.PREVIOUS:
        named = (about.subject, about.version, about.event)
        holds = named == (event.subject, event.version - 1, event.previous)
    elif signing.about is About.GOODS:
        record = signed.read.record
        lots = [part["lot"] for part in record.get("lots", ())]
        holds = about.subject in (*record.get("of", ()), *lots)
    elif signing.about is About.TOGETHER:
        named = (about.subject, about.version, about.event)
        holds = named == (event.subject, event.version - 1, event.previous) or (
            about.subject != event.subject
            and about.subject in signed.read.record.get("of", [about.subject])
        )
    else:
        own = about.subject == event.subject and about.version < event.version
        holds = own or about.subject.startswith(PREFIXES["pledge"])
    if not holds:
        raise Failure("authorization.wrong_version", subject=about.subject, version=about.version)


def _are_two_parties(first: Signed, second: Signed) -> bool:
    """Say whether the record lists several parties for this part, and these are two of them."""
    listed = first.read.record.get(first.signing.party)
    return isinstance(listed, list) and first.statement.party != second.statement.party


def _check_pair(first: Signed, second: Signed) -> None:
    """Verify that maker and checker signed the same, and are two people with two keys."""
    one, two = first.statement, second.statement
    if one.step == two.step:
        raise Failure("authorization.step_twice", step=one.step)
    if (one.party, first.about, first.content) != (two.party, second.about, second.content):
        raise Failure("authorization.steps_differ")
    same = one.person == two.person or first.jws.thumbprint == second.jws.thumbprint
    if same or one.id == two.id:
        raise Failure("authorization.same_person", person=one.person)
