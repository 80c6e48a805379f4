"""HTTP shapes of parties, their people and what they sign."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from scf.evidence.models import Statement
from scf.http.schemas import DraftId, In, InstantText, MandateId, Out, PersonId, StatementId
from scf.parties import rendering
from scf_ledger.encoding import b64url
from scf_ledger.jws import JWS_BYTES_MAX


class SignerIn(In):
    """Who is going to sign, and under which mandate. In the order make, check."""

    person: PersonId
    mandate: MandateId


class SignedIn(In):
    """Drafted statements, handed back signed: one compact JWS, or the maker's and the checker's."""

    authorizations: list[str] = Field(
        min_length=1,
        max_length=2,
        examples=[["eyJhbGciOiJFUzI1NiIs….eyJhY3QiOiJjb25maXJtIiw….MEUCIQ…"]],
    )

    @property
    def jws(self) -> list[str]:
        """The texts, cut where nothing signed can be longer."""
        return [text[: JWS_BYTES_MAX + 1] for text in self.authorizations]


class DraftedStatementOut(Out):
    """One statement to sign: the bytes (base64url), and what they say in Chinese."""

    id: StatementId
    step: str | None = Field(examples=["make"])
    person: PersonId
    payload: str = Field(examples=["eyJhY3QiOiJjb25maXJtIiwi…"])
    text: str = Field(examples=["应收账款确权函\n…"])


class DraftOut(Out):
    """What is to be signed, and until when. Only these bytes are accepted back."""

    draft: DraftId
    act: str = Field(examples=["confirm"])
    expires_at: InstantText
    statements: list[DraftedStatementOut]

    @classmethod
    def of(cls, statements: list[Statement]) -> Self:
        """Show a draft's statements, in the order make, check."""
        first = statements[0]
        draft: UUID = first.draft_id
        expires_at: datetime = first.expires_at
        return cls(
            draft=draft,
            act=first.act,
            expires_at=expires_at,
            statements=[
                DraftedStatementOut(
                    id=statement.id,
                    step=statement.step,
                    person=statement.person_id,
                    payload=b64url(statement.payload),
                    text=rendering.render(statement.payload),
                )
                for statement in statements
            ],
        )
