"""The public log: unauthenticated, cacheable, exactly as C2SP tlog-tiles lays it out."""

from typing import Any, Self

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, Field

from scf.db.session import Database
from scf.evidence import log, queries
from scf.evidence.models import ChainHome
from scf.http import problems

router = APIRouter(tags=["日志 log"])

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-cache"}
ANYWHERE = {"Access-Control-Allow-Origin": "*"}  # public by intention, for verifiers in browsers
TILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}},
    404: {"content": {problems.MEDIA_TYPE: {}}, "model": problems.Problem},
}


class ContractsOut(BaseModel):
    """Where the log is anchored and assets are locked."""

    chain_id: int = Field(examples=[31337])
    anchor: str = Field(examples=["0x5FbDB2315678afecb367f032d93F642f64180aa3"])
    registry: str = Field(examples=["0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"])
    origin_key: str = Field(examples=["0x" + "00" * 32], description="日志在锚定合约中的键")

    @classmethod
    def of(cls, home: ChainHome) -> Self:
        """Show what is stored."""
        return cls(
            chain_id=home.chain_id,
            anchor=home.anchor_address,
            registry=home.registry_address,
            origin_key=f"0x{home.origin_key.hex()}",
        )


class LogOut(BaseModel):
    """What a stranger needs to read the log and to check it."""

    format: str = "scf-log/1"
    origin: str = Field(examples=["scf.example/log"])
    vkeys: list[str] = Field(examples=[["scf.example/log+8a1b2c3d+AQ…"]])
    size: int = Field(description="最新检查点的条目数", examples=[1024])
    chain: ContractsOut | None = None


@router.get("/log/checkpoint", response_class=PlainTextResponse, summary="最新检查点")
def checkpoint(request: Request) -> Response:
    """Return the newest signed head (C2SP tlog-checkpoint)."""
    with _database(request).reading() as session:
        note = log.newest(session).note
    return PlainTextResponse(note, headers=FRESH | ANYWHERE)


@router.get("/log/tile/{path:path}", responses=TILES, summary="日志分块或条目包")
def tile(request: Request, path: str) -> Response:
    """Return a tile `<L>/<N>[.p/<W>]` or a bundle `entries/<N>[.p/<W>]`; what is there never changes."""
    with _database(request).reading() as session:
        content = log.tile(session, path)
    return Response(content, headers=FOR_EVER | ANYWHERE, media_type="application/octet-stream")


@router.get("/.well-known/scf-log.json", summary="日志与合约的公开信息")
def describe(request: Request, response: Response) -> LogOut:
    """Return the log's origin and keys, the chain and the contracts."""
    response.headers.update(FRESH | ANYWHERE)
    with _database(request).reading() as session:
        head, home = queries.head(session), queries.chain_home(session)
    chain = None if home is None else ContractsOut.of(home)
    return LogOut(origin=head.origin, vkeys=[head.vkey], size=head.size, chain=chain)


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database
