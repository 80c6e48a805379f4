"""Making a financing's dossier for its bank, and recording that it was taken away."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from scf.access import service as access
from scf.access.models import Looked, LookUp, Purpose
from scf.access.service import Look
from scf.dossier import collecting, layout
from scf.dossier.layout import COVER, INDEX, SUMS, TITLES, Dossier, Slot
from scf.evidence.service import SubjectNotFound
from scf.financing import queries as financings
from scf.financing.models import Financing
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.papers import layouts, typesetting
from scf.papers.layouts import Paper, Row, Section
from scf.parties import queries as parties
from scf.receivables.models import Receivable

_README = f"""\
融资业务档案 Dossier of a financing

1. 逐个核对文件 Check every file:            sha256sum -c {SUMS}
2. 核对存证证明 Check every proof:           for f in 10-proofs/*.scfproof; do scf-verify "$f" --trust trust.json; done
3. 目录、缺失材料、各文件由何处证明:          {COVER} · {INDEX}  (papers[].proven_by, missing[])

trust.json 由贵行自备 The trust file is the bank's own. scf-verify 无需平台即可安装 installs without the platform.
"proven_by" 指向证明文件及其中的字段 names a proof and the field in it; hashes in proofs are base64url of SHA-256:
    sha256sum FILE | xxd -r -p | basenc --base64url | tr -d =
"""


def download(
    session: Session, actor: Actor, financing_id: UUID, *, public_url: str, now: datetime
) -> bytes:
    """Return the dossier of a financing to its bank; that it was taken is recorded, and told to both others.

    The same papers make the same bytes. Raises SubjectNotFound for anybody else, EvidencePending,
    DossierTooLarge.
    """
    financing = financings.visible(session, actor.party, financing_id)
    if financing.lender_id != actor.party:
        raise SubjectNotFound
    content = build(session, actor, financing, public_url=public_url)
    receivable = session.get_one(Receivable, financing.receivable_id)
    subject = public_id("fin", financing.id)
    look = Look(Looked.DOSSIER, subject, Purpose.LOAN_FILE, taken=content)
    access.record(session, actor, [financing.borrower_id, receivable.debtor_id], look, now=now)
    return content


def build(session: Session, actor: Actor, financing: Financing, *, public_url: str) -> bytes:
    """Return the ZIP. Raises EvidencePending, DossierTooLarge."""
    dossier, proofs = collecting.collect(session, actor, financing, public_url=public_url)
    about = _about(session, financing, proofs.newest)
    readme = _README.encode()
    cover = typesetting.paper(_cover(session, financing, dossier, proofs.newest))
    index = layout.index(dossier, about, cover, readme)
    return layout.pack(dossier, cover=cover, index=index, readme=readme)


def downloads(session: Session, party_id: UUID, financing_id: UUID) -> Sequence[LookUp]:
    """Return who took a bank's dossier away, oldest first. Raises SubjectNotFound."""
    financing = financings.visible(session, party_id, financing_id)
    if financing.lender_id != party_id:
        raise SubjectNotFound
    subject = public_id("fin", financing.id)
    rows = select(LookUp).where(LookUp.kind == Looked.DOSSIER, LookUp.subject == subject)
    once = rows.ext(distinct_on(LookUp.look_id)).order_by(LookUp.look_id, LookUp.id)
    return session.scalars(once).all()


def _about(session: Session, financing: Financing, as_of: datetime) -> dict[str, Any]:
    return {
        "financing": public_id("fin", financing.id),
        "lender": parties.party(session, financing.lender_id).uscc,
        "borrower": parties.party(session, financing.borrower_id).uscc,
        "state": financing.state.value,
        "as_of": instant_text(as_of),
    }


def _cover(session: Session, financing: Financing, dossier: Dossier, as_of: datetime) -> Paper:
    """Return cover and table of contents: every file with its hash and where it is proven."""
    receivable = session.get_one(Receivable, financing.receivable_id)
    sides = [
        parties.party(session, identity)
        for identity in (financing.lender_id, financing.borrower_id, receivable.debtor_id)
    ]
    people = zip(("贷款人", "借款人", "债务人"), sides, strict=True)
    return Paper(
        title="融资业务档案",
        number=public_id("fin", financing.id),
        at=as_of,
        marks=layouts.marks(*(side.name for side in sides)),
        head=[
            Row("融资编号", public_id("fin", financing.id)),
            *(Row(label, f"{side.name}（{side.uscc}）") for label, side in people),
            Row("金额", f"{financing.amount} {financing.currency}"),
            Row("到期日", financing.due_on.isoformat() if financing.due_on else "—"),
            Row("状态", financing.state.value),
            Row("材料截至", instant_text(as_of)),
        ],
        preamble="本档案按业务顺序排列。每份材料列明其 SHA-256 摘要和证明其内容的存证；缺失的材料逐项注明。"
        f"用 sha256sum -c {SUMS} 核对文件，用 scf-verify 核对证明。",
        sections=[_section(dossier, slot) for slot in Slot],
    )


def _section(dossier: Dossier, slot: Slot) -> Section:
    rows = [
        Row(
            paper.title,
            "\n".join([paper.path, hashlib.sha256(paper.content).hexdigest(), *paper.proven_by]),
        )
        for paper in dossier.ordered()
        if paper.slot is slot
    ]
    rows += [Row(one.title, f"缺失：{one.reason}") for one in dossier.missing if one.slot is slot]
    title, title_en = TITLES[slot]
    return Section(f"{title} {title_en}", rows)
