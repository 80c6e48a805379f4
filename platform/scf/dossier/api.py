"""Endpoints of the dossier, for the bank of its financing only."""

from typing import Any, Final, Self

from fastapi import APIRouter
from fastapi.responses import Response

from scf.access.models import LookUp
from scf.dossier import service
from scf.http.calls import Call, query, recorded_query
from scf.http.downloads import download
from scf.http.schemas import ClientId, FinancingId, InstantText, Out, PersonId
from scf.kernel.ids import public_id

router = APIRouter(tags=["dossier 尽职免责档案"])
MEDIA_TYPE: Final = "application/zip"
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


class DownloadOut(Out):
    """Who took the dossier away, and which; `sha256` as `sha256sum` prints it."""

    client: ClientId
    person: PersonId | None
    sha256: str
    size: int
    downloaded_at: InstantText

    @classmethod
    def of(cls, row: LookUp) -> Self:
        """Show a download."""
        assert row.taken_sha256 is not None, "a dossier is taken whole"
        assert row.taken_size is not None, "a dossier is taken whole"
        return cls(
            client=row.client_id,
            person=row.person_id,
            sha256=row.taken_sha256.hex(),
            size=row.taken_size,
            downloaded_at=row.made_at,
        )


@recorded_query(
    router,
    "/v1/financings/{financing_id}/dossier.zip",
    responses={200: {"content": {MEDIA_TYPE: _FILE}}},
)
def dossier(call: Call, financing_id: FinancingId) -> Response:
    """下载档案 Contract, order, receipt, invoices, 确权函, certificates, checklist and proofs in one ZIP."""
    content = service.download(
        call.session,
        call.actor,
        financing_id,
        public_url=call.settings.public_url,
        now=call.now,
    )
    return download(content, f"档案-{public_id('fin', financing_id)}.zip", MEDIA_TYPE)


@query(router, "/v1/financings/{financing_id}/dossier/downloads")
def downloads(call: Call, financing_id: FinancingId) -> list[DownloadOut]:
    """下载记录 Which of the bank's systems took the dossier away, when."""
    found = service.downloads(call.session, call.actor.party, financing_id)
    return [DownloadOut.of(row) for row in found]
