"""HTTP shapes of random stocktakes."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import Base64Bytes, Field

from scf.http.schemas import (
    DateText,
    DigestText,
    In,
    InstantText,
    Line,
    LotId,
    Out,
    PartyId,
    QuantityOut,
    StocktakeId,
)
from scf.kernel.quantity import QuantityInvalid
from scf.stock.models import Lot
from scf.stock.schemas import ORIGINAL_MAX
from scf.stocktakes.models import State, Stocktake, StocktakeCount, StocktakeSide
from scf.stocktakes.service import Counted
from scf_ledger.draw import list_hash
from scf_ledger.encoding import b64url

LOTS_MAX: Final = 500
Draws = Annotated[int, Field(ge=1, le=LOTS_MAX, strict=True)]


class StocktakeIn(In):
    """Which lots can be drawn, and how many are."""

    lots: list[LotId] = Field(min_length=1, max_length=LOTS_MAX)
    draws: Draws


class CommitIn(In):
    """SHA-256(salt ‖ value), each 32 random bytes that stay with you until the reveal."""

    commitment: DigestText


class RevealIn(In):
    """What was committed to."""

    salt: DigestText
    value: DigestText


class SideOut(Out):
    """One side: what it committed to, and what it revealed."""

    party: PartyId
    commitment: DigestText
    salt: DigestText | None
    value: DigestText | None

    @classmethod
    def of(cls, side: StocktakeSide) -> Self:
        """Show a side."""
        return cls(
            party=side.party_id,
            commitment=b64url(side.commitment),
            salt=None if side.salt is None else b64url(side.salt),
            value=None if side.value is None else b64url(side.value),
        )


class CountIn(In):
    """What was found of a drawn lot, nothing included, with the 巡库记录 (a scan or file, base64)."""

    lot: LotId
    counted: QuantityOut
    number: Line = Field(examples=["XK-2025-1103"])
    made_on: DateText
    original: Base64Bytes = Field(min_length=1, max_length=ORIGINAL_MAX, examples=["JVBERi0xLjcK"])

    def value(self) -> Counted:
        """Return it as the service takes it. Raises QuantityInvalid below zero."""
        if self.counted.minor < 0:
            raise QuantityInvalid(field="counted", quantity=self.counted.text)
        return Counted(self.lot, self.counted, self.number, self.made_on, self.original)


class CountOut(Out):
    """What was counted of a lot, beside the book."""

    lot: LotId
    book: QuantityOut
    counted: QuantityOut
    tolerance: QuantityOut
    paper_number: str
    counted_at: InstantText

    @classmethod
    def of(cls, count: StocktakeCount, lot: Lot) -> Self:
        """Show a count in its lot's unit."""
        return cls(
            lot=count.lot_id,
            book=lot.quantity(count.book_minor),
            counted=lot.quantity(count.counted_minor),
            tolerance=lot.quantity(count.tolerance_minor),
            paper_number=count.paper_number,
            counted_at=count.counted_at,
        )


class StocktakeOut(Out):
    """A stocktake: who is to do what by when, and what came of it."""

    id: StocktakeId
    version: int
    state: State
    bank: PartyId
    supervisor: PartyId
    keeper: PartyId
    lots: list[LotId]
    draws: int
    due_at: InstantText | None
    called_at: InstantText
    chain_id: int | None
    height: int | None = Field(description="事先公布的区块高度")
    block_hash: str | None = Field(examples=["0x" + "5a" * 32])
    sides: list[SideOut]
    seed: DigestText | None
    drawn: list[LotId] | None
    counts: list[CountOut]
    failed: list[PartyId]

    @classmethod
    def of(
        cls,
        found: Stocktake,
        sides: dict[UUID, StocktakeSide],
        counts: list[CountOut],
    ) -> Self:
        """Show a stocktake."""
        return cls(
            id=found.id,
            version=found.version,
            state=found.state,
            bank=found.bank_id,
            supervisor=found.supervisor_id,
            keeper=found.keeper_id,
            lots=found.lots,
            draws=found.draws,
            due_at=found.due_at,
            called_at=found.called_at,
            chain_id=found.chain_id,
            height=found.height,
            block_hash=_hex(found.block_hash),
            sides=[SideOut.of(sides[party]) for party in found.sides if party in sides],
            seed=None if found.seed is None else b64url(found.seed),
            drawn=found.drawn,
            counts=counts,
            failed=found.failed,
        )


def draw_file(
    found: Stocktake, lots: list[str], sides: dict[UUID, StocktakeSide]
) -> dict[str, Any]:
    """Return a draw as anyone checks it: see docs/formats/draw.md."""
    bank, supervisor = (SideOut.of(sides[party]).model_dump(mode="json") for party in found.sides)
    out = StocktakeOut.of(found, sides, []).model_dump(mode="json")
    return {
        "format": "scf-draw/1",
        "stocktake": out["id"],
        "lots": lots,
        "lots_sha256": b64url(list_hash(lots)),
        "draws": found.draws,
        "bank": bank,
        "supervisor": supervisor,
        "chain_id": found.chain_id,
        "height": found.height,
        "block_hash": out["block_hash"],
        "seed": out["seed"],
        "drawn": out["drawn"],
    }


def _hex(value: bytes | None) -> str | None:
    return None if value is None else f"0x{value.hex()}"
