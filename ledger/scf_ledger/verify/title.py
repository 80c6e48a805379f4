"""Whose a warehouse receipt is: its issue, and the endorsements since, each naming the one before by hash.

Between them its goods may have come to another keeper, who signed for them: from then on that one attests.
"""

from collections.abc import Sequence
from typing import Final

from scf_ledger.encoding import from_b64url
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure

ISSUED: Final = "receipt.issued"
ENDORSED: Final = "receipt.endorsed"
RELOCATED: Final = "receipt.relocated"
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


def holder(title: Read) -> str:
    """Return the code of the party that holds by a title."""
    code: str = title.record["holder" if title.type == ISSUED else "to"]
    return code
