"""The 确权函 as PDF, from the bytes that the debtor signed."""

from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy.orm import Session

from scf.evidence import proofs
from scf.evidence import queries as evidence
from scf.http.auth import Actor
from scf.http.calls import Call, query
from scf.http.downloads import download
from scf.http.schemas import ReceivableId
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.papers import typesetting
from scf.papers.layouts import Paper
from scf.parties import papers as signed
from scf.receivables import queries
from scf.receivables.models import Receivable

router = APIRouter(tags=["receivables 应收账款"])


class NotYetConfirmed(Conflict):
    """A 确权函 is there once the debtor has signed it."""

    code = "receivable.not_yet_confirmed"
    title = "应收账款尚未确权，没有确权函"
    title_en = "The debtor has not confirmed this: there is no letter of confirmation"


@query(
    router,
    "/v1/receivables/{receivable_id}/confirmation.pdf",
    responses={200: {"content": {typesetting.MEDIA_TYPE: {}}}},
)
def confirmation(call: Call, receivable_id: ReceivableId) -> Response:
    """下载确权函 The letter of confirmation as PDF/A, with what was signed inside."""
    found = queries.visible(call.session, call.actor, receivable_id)
    content = confirmation_paper(
        call.session, call.actor, found, public_url=call.settings.public_url
    )
    name = f"确权函-{public_id('rcv', found.id)}.pdf"
    return download(typesetting.paper(content), name, typesetting.MEDIA_TYPE)


def confirmation_paper(
    session: Session, actor: Actor, receivable: Receivable, *, public_url: str
) -> Paper:
    """Return the 确权函 of a receivable, with where to check it. Raises NotYetConfirmed."""
    if receivable.confirmed_event_hash is None:
        raise NotYetConfirmed(state=receivable.state.value)
    event = evidence.event_by_hash(session, receivable.confirmed_event_hash)
    paper = signed.signed_paper(session, actor, proofs.authorizations(session, event))
    return replace(paper, proof=signed.proof_of(session, event, public_url=public_url))
