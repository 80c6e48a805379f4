"""Whose a warehouse receipt is: its issue, and the endorsements since, each naming the one before by hash."""

from collections.abc import Sequence
from typing import Final

from scf_ledger.encoding import from_b64url
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure

ISSUED: Final = "receipt.issued"
ENDORSED: Final = "receipt.endorsed"
_SHOWN: Final = ("title", "from", "to", "keeper")


def chain(issued: Read, reads: Sequence[Read]) -> list[Read]:
    """Return a receipt's issue and its endorsements, from hand to hand (Civil Code 910).

    :raises LedgerError: one is hidden, does not follow the one before, or is not of its holder
    """
    subject = issued.event.subject
    endorsed = (read for read in reads if read.type == ENDORSED and read.event.subject == subject)
    titles = [issued]
    for read in sorted(endorsed, key=lambda read: read.event.version):
        with at(read.where):
            hidden = [field for field in _SHOWN if field not in read.record]
            if hidden:
                raise Failure("completeness.field_hidden", field=hidden[0], type=read.type)
            follows = from_b64url(read.record["title"]) == titles[-1].body_hash
            if not follows or read.record["from"] != holder(titles[-1]):
                raise Failure("completeness.title_broken", subject=subject)
            if read.record["keeper"] != issued.record["keeper"]:
                raise Failure("completeness.terms_differ", field="keeper", type=read.type)
        titles.append(read)
    return titles


def holder(title: Read) -> str:
    """Return the code of the party that holds by a title."""
    code: str = title.record["holder" if title.type == ISSUED else "to"]
    return code
