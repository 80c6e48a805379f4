"""Whose a warehouse receipt is: its issue, and the endorsements since, each naming the one before by hash.

Between them its goods may have come to another keeper, who signed for them: from then on that one attests. It ends
where it is divided: its holder and whoever it is pledged to sign what it becomes.
"""

from collections.abc import Sequence
from typing import Final

from scf_ledger.encoding import from_b64url
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure

ISSUED: Final = "receipt.issued"
ENDORSED: Final = "receipt.endorsed"
RELOCATED: Final = "receipt.relocated"
DIVIDED: Final = "receipt.divided"
_SHOWN: Final = {
    ENDORSED: ("title", "from", "to", "keeper"),
    RELOCATED: ("title", "keeper_before", "keeper"),
}


def chain(issued: Read, reads: Sequence[Read]) -> list[Read]:
    """Return a receipt's issue and its endorsements, from hand to hand (Civil Code 910).

    :raises LedgerError: one is hidden, does not follow the one before, or is not of its holder
    """
    subject = issued.event.subject
    later = (read for read in reads if read.type in _SHOWN and read.event.subject == subject)
    titles, keeper = [issued], issued.record["keeper"]
    for read in sorted(later, key=lambda read: read.event.version):
        with at(read.where):
            hidden = [field for field in _SHOWN[read.type] if field not in read.record]
            if hidden:
                raise Failure("completeness.field_hidden", field=hidden[0], type=read.type)
            if from_b64url(read.record["title"]) != titles[-1].body_hash:
                raise Failure("completeness.title_broken", subject=subject)
            moved = read.type == RELOCATED
            before = "keeper_before" if moved else "keeper"
            if read.record[before] != keeper:
                raise Failure("completeness.terms_differ", field=before, type=read.type)
            if moved:
                keeper = read.record["keeper"]
                continue
            if read.record["from"] != holder(titles[-1]):
                raise Failure("completeness.title_broken", subject=subject)
        titles.append(read)
    return titles


def division(issued: Read, reads: Sequence[Read]) -> Read | None:
    """Return what says that a receipt has become others, if it has.

    :raises LedgerError: a part of it is hidden
    """
    subject = issued.event.subject
    found = [read for read in reads if read.type == DIVIDED and read.event.subject == subject]
    if not found:
        return None
    with at(found[-1].where):
        for field in ("holder", "keeper", "pledgees", "of", "into"):
            if field not in found[-1].record:
                raise Failure("completeness.field_hidden", field=field, type=DIVIDED)
    return found[-1]


def check_division(
    divided: Read | None, old: Sequence[Read], issued: Read, *, pledgee: str
) -> None:
    """Verify that a receipt is one of those that another became, by a division that this pledgee signed.

    `old` are the titles of the receipt that was divided, `issued` is the issue of the one it is said to have become.

    :raises LedgerError: it is not, or nothing says so
    """
    if divided is None:
        raise Failure("completeness.entry_missing", type=DIVIDED, count=0)
    said, new = divided.record, issued.record
    becomes = {"number": new["number"], "quantity": new["quantity"]}
    sides = (holder(old[-1]), old[-1].record["keeper"])
    with at(issued.where):
        if sorted(new["of"]) != sorted(said["of"]) or becomes not in said["into"]:
            raise Failure("completeness.division_differs", subject=issued.event.subject)
    with at(divided.where):
        for record in (said, new):
            if (record["holder"], record["keeper"]) != sides:
                raise Failure("completeness.division_differs", subject=divided.event.subject)
        if divided.event.subject not in said["of"] or pledgee not in said["pledgees"]:
            raise Failure("completeness.division_differs", subject=divided.event.subject)


def holder(title: Read) -> str:
    """Return the code of the party that holds by a title."""
    code: str = title.record["holder" if title.type == ISSUED else "to"]
    return code
