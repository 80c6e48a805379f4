"""The files that a case's records name by hash: handed in, kept as they came, handed out to the bank again.

A record says the hash first, and the log holds the record; the bytes follow. A file that never comes stays with
the bank, as before.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.approvals import journal, permissions
from scf.approvals.journal import Hand, Open
from scf.approvals.models import BYTES_MAX, Case, CasePaper, Kind
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Invalid, TooLarge
from scf.kernel.ids import new_id

CASE_BYTES_MAX: Final = 8 * BYTES_MAX
"""All files of a case together: they go into one dossier."""
ACTS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.INVESTIGATED: "investigate",
        Kind.REVIEWED: "review",
        Kind.USE_SHOWN: "inspect",
        Kind.CHECKED: "inspect",
    }
)
"""The records that name files, and the act under which such a record is made."""
OFD: Final = b"OFD.xml"
"""The entry with which every OFD package begins its reading (GB/T 33190)."""


class PaperNotNamed(Invalid):
    """A file is handed in for a record that names its hash."""

    code = "approval.paper_not_named"
    title = "没有任何一步记录列明该文件的摘要"
    title_en = "No record of the case names this hash"


class PaperDiffers(Invalid):
    """What is handed in has the hash that the record names."""

    code = "approval.paper_differs"
    title = "文件内容与所列摘要不符"
    title_en = "The file's bytes do not have this hash"


class PaperTypeUnknown(Invalid):
    """A file is a PDF, PNG, JPEG, XML or OFD, by its own first bytes."""

    code = "approval.paper_type_unknown"
    title = "仅接受 PDF、PNG、JPEG、XML、OFD 文件"
    title_en = "Only PDF, PNG, JPEG, XML and OFD files are kept"


class PaperTooLarge(TooLarge):
    """One file, and all files of a case together, stay within bounds."""

    code = "approval.paper_too_large"
    title = "文件或本案全部文件合计过大"
    title_en = "The file, or all files of the case together, are too large"


def keep(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    sha256: bytes,
    original: bytes,
    now: datetime,
) -> CasePaper:
    """Keep the bytes of a file that a record of the case names; what is kept already is returned as it is.

    Whoever may make the record may hand in its file. Raises SubjectNotFound, PaperDiffers, PaperTooLarge,
    PaperTypeUnknown, PaperNotNamed, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, None)
    digest = hashlib.sha256(original)
    if digest.digest() != sha256:
        raise PaperDiffers(field="sha256", named=sha256.hex(), found=digest.hexdigest())
    if len(original) > BYTES_MAX:
        raise PaperTooLarge(field="content", bytes=len(original), bytes_max=BYTES_MAX)
    media_type = type_of(original)
    name, kind = _named(found, sha256)
    journal.believe(session, found.case.bank_id, hand, ACTS[kind], step="make", now=now)
    kept = session.scalar(
        select(CasePaper).where(CasePaper.case_id == case_id, CasePaper.sha256 == sha256)
    )
    if kept is not None:
        return kept
    size = func.sum(func.octet_length(CasePaper.original))
    there = session.scalar(select(size).where(CasePaper.case_id == case_id)) or 0
    if there + len(original) > CASE_BYTES_MAX:
        raise PaperTooLarge(
            field="content", bytes=int(there) + len(original), bytes_max=CASE_BYTES_MAX
        )
    row = CasePaper(
        id=new_id(),
        case_id=case_id,
        sha256=sha256,
        name=name,
        media_type=media_type,
        original=original,
        person_id=hand.person,
        mandate_id=hand.mandate,
        client_id=actor.client_id,
        kept_at=now,
    )
    session.add(row)
    session.flush()
    return row


def of_case(session: Session, case_id: UUID) -> Sequence[CasePaper]:
    """Return what is kept of a case, in the order in which it came."""
    rows = select(CasePaper).where(CasePaper.case_id == case_id)
    return session.scalars(rows.order_by(CasePaper.id)).all()


def visible(session: Session, party_id: UUID, paper_id: UUID) -> CasePaper:
    """Return a file of a bank's own case. Raises SubjectNotFound."""
    own = select(CasePaper).join(Case, Case.id == CasePaper.case_id)
    found = session.scalar(own.where(CasePaper.id == paper_id, Case.bank_id == party_id))
    if found is None:
        raise SubjectNotFound
    return found


def type_of(original: bytes) -> str:
    """Return a file's media type, by its bytes and by nothing that is said of it. Raises PaperTypeUnknown."""
    begins = {
        b"%PDF-": "application/pdf",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"<?xml ": "application/xml",
        b"\xef\xbb\xbf<?xml ": "application/xml",
    }
    for start, media_type in begins.items():
        if original.startswith(start):
            return media_type
    if original.startswith(b"PK\x03\x04") and OFD in original:
        return "application/ofd"
    raise PaperTypeUnknown(field="content", known=sorted({*begins.values(), "application/ofd"}))


def _named(found: Open, sha256: bytes) -> tuple[str, Kind]:
    """Return what the first record that names a file calls it, and the record's kind."""
    for row in found.of(*ACTS):
        for paper in row.inputs["papers"]:
            if paper["sha256"] == sha256.hex():
                return str(paper["name"]), row.kind
    raise PaperNotNamed(field="sha256", named=sha256.hex())
