"""HTTP shapes of the blind registry."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from scf.blind.models import BlindHold, State
from scf.blind.service import Ask
from scf.http.schemas import DocumentId, HoldId, In, InstantText, MoneyIn, MoneyOut, Out

Token = Annotated[
    str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$"), Field(examples=[f"0x{'5a' * 32}"])
]


class Answer(StrEnum):
    """All that is said of a paper."""

    OK = "OK"
    OVER_CAPACITY = "OVER_CAPACITY"


class HoldIn(In):
    """HOLD: a part of a paper's value, by its token; `document_value` is what the whole paper says."""

    token: Token
    amount: MoneyIn
    document_value: MoneyIn
    ttl_seconds: int = Field(strict=True, examples=[86_400])

    def value(self) -> Ask:
        """Return it as the service takes it."""
        return Ask(
            bytes.fromhex(self.token[2:]),
            self.amount,
            self.document_value,
            timedelta(seconds=max(min(self.ttl_seconds, 10**9), -1)),
        )


class HoldOut(Out):
    """A hold of one's own."""

    id: HoldId
    version: int
    token: Token
    amount: MoneyOut
    state: State
    placed_at: InstantText
    expires_at: InstantText | None

    @classmethod
    def of(cls, hold: BlindHold) -> Self:
        """Show a hold."""
        return cls(
            id=hold.id,
            version=hold.version,
            token=f"0x{hold.token.hex()}",
            amount=hold.amount,
            state=hold.state,
            placed_at=hold.placed_at,
            expires_at=hold.expires_at if hold.state is State.HELD else None,
        )


class HoldAnswerOut(Out):
    """OK with the hold, or OVER_CAPACITY with nothing: not by how much, nor because of whom."""

    answer: Answer
    hold: HoldOut | None

    @classmethod
    def of(cls, hold: BlindHold | None) -> Self:
        """Answer a HOLD."""
        if hold is None:
            return cls(answer=Answer.OVER_CAPACITY, hold=None)
        return cls(answer=Answer.OK, hold=HoldOut.of(hold))


class ProbeOut(Out):
    """Somebody asked about a paper of one's own: when, and what kind of caller."""

    document: DocumentId
    caller: str = Field(examples=["outside_bank"])
    asked_at: InstantText
