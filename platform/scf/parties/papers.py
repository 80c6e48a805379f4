"""Statements as papers: drafts before they are signed, and where a signed one can be checked."""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy.orm import Session

from scf.evidence import queries as evidence
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound, hash_text
from scf.http.auth import Actor
from scf.http.calls import Call, query
from scf.http.downloads import download
from scf.http.schemas import DraftId, StatementId
from scf.kernel.ids import parse_id, public_id
from scf.papers import typesetting
from scf.papers.layouts import Paper, Proof, Row
from scf.parties import names, queries, rendering
from scf.parties.models import Person
from scf.parties.signed import read_signed

router = APIRouter(tags=["parties 参与方"])


@query(
    router,
    "/v1/drafts/{draft_id}/{statement_id}.pdf",
    responses={200: {"content": {typesetting.MEDIA_TYPE: {}}}},
)
def draft_paper(call: Call, draft_id: DraftId, statement_id: StatementId) -> Response:
    """下载待签文件 What one of a draft's hands is to sign, as PDF; 草稿 until it is signed."""
    drafted = queries.draft(call.session, draft_id, party_id=call.actor.party)
    found = next((one for one in drafted if one.id == statement_id), None)
    if found is None:
        raise SubjectNotFound
    if found.jws is None:
        paper = rendering.read(found.payload, queries.draft_lines(call.session, draft_id))
    else:
        paper = signed_paper(call.session, call.actor, [found.jws])
    name = f"{paper.title}-{public_id('stm', found.id)}.pdf"
    return download(typesetting.paper(paper), name, typesetting.MEDIA_TYPE)


def signed_paper(session: Session, actor: Actor, authorizations: Sequence[str]) -> Paper:
    """Return a signed paper as this party sees it: the names of its own people, ids of all others."""

    def name_of(person: str) -> str | None:
        found = session.get(Person, parse_id("psn", person))
        if found is None or found.party_id != actor.party:
            return None
        return names.name_of(session, found.id)

    return read_signed(authorizations, name_of=name_of)


def proof_of(session: Session, event: Event, *, public_url: str) -> Proof:
    """Return where an event can be checked: its proof's address, its hash, its place in the log.

    The checkpoint is the first that covers it, so that the paper does not change as the log grows.
    """
    identity, digest = public_id("evt", event.id), hash_text(event.body_hash)
    rows = [Row("存证事件", identity), Row("事件摘要 SHA-256", digest)]
    index = evidence.index_of(session, event.id)
    covering = None if index is None else evidence.first_covering(session, index)
    if index is not None:
        rows.append(Row("日志序号", str(index)))
    if covering is not None:
        rows.append(Row("检查点", f"{covering.size} 条，根 {hash_text(covering.root)}"))
    return Proof(f"{public_url.rstrip('/')}/v1/events/{identity}/proof#{digest}", rows)
