"""Endpoints of daily files, each for the bank that it was made for."""

from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from scf.evidence import keys
from scf.feed import daily
from scf.feed.daily_models import DailyFile
from scf.http.calls import Call, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page
from scf.http.schemas import DateText, InstantText, Out, PageSize
from scf_ledger.encoding import b64url

router = APIRouter(tags=["daily files 日终对账文件"])
JOSE = "application/jose"


class DailyFileOut(Out):
    """A file of one date in Shanghai, and which entries of the log it covers."""

    day: DateText
    first_index: int
    last_index: int
    size: int
    made_at: InstantText
    links: dict[str, str] = Field(examples=[{"file": "/v1/daily-files/2025-11-03"}])

    @classmethod
    def of(cls, row: DailyFile) -> Self:
        """Show a file."""
        path = f"/v1/daily-files/{row.day.isoformat()}"
        return cls(
            day=row.day,
            first_index=row.first_index,
            last_index=row.last_index,
            size=len(row.content),
            made_at=row.made_at,
            links={"file": path, "signature": f"{path}/signature"},
        )


class FeedKeyOut(Out):
    """The public key (Ed25519) that verifies daily files, in three forms."""

    kid: str = Field(examples=["8a1b2c3d"])
    pem: str
    jwk: dict[str, str]
    vkey: str


@query(router, "/v1/daily-files")
def daily_files(
    call: Call, cursor: DateText | None = None, limit: PageSize = PAGE_SIZE
) -> Page[DailyFileOut]:
    """日终文件列表 One's files, oldest first; the cursor is the date of the last that one has."""
    found = daily.page(call.session, call.actor.party, after=cursor, size=limit)
    full = len(found) == limit
    return Page[DailyFileOut](
        items=[DailyFileOut.of(row) for row in found],
        next=found[-1].day.isoformat() if full else None,
    )


@query(router, "/v1/daily-files/key")
def key(call: Call) -> FeedKeyOut:
    """验签公钥 The key of daily files; keep it from a day that you trust."""
    verifier = keys.feed_key(call.settings).verifier
    public = Ed25519PublicKey.from_public_bytes(verifier.public_key)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64url(verifier.public_key)}
    kid = verifier.key_id.hex()
    return FeedKeyOut(kid=kid, pem=pem, jwk={**jwk, "kid": kid}, vkey=str(verifier))


@query(router, "/v1/daily-files/{day}", responses={200: {"content": {"application/json": {}}}})
def daily_file(call: Call, day: DateText) -> Response:
    """下载日终文件 The file, byte for byte as signed."""
    found = daily.of_day(call.session, call.actor.party, day)
    return download(found.content, f"scf-daily-{day.isoformat()}.json", "application/json")


@query(router, "/v1/daily-files/{day}/signature", responses={200: {"content": {JOSE: {}}}})
def signature(call: Call, day: DateText) -> Response:
    """下载签名 The compact JWS over the file's bytes, its payload detached."""
    found = daily.of_day(call.session, call.actor.party, day)
    return download(found.signature, f"scf-daily-{day.isoformat()}.jws", JOSE)
