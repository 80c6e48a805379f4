"""What goes over the wire.

Hashes of documents are base64url as in every format of the platform;
tokens, tickets and addresses are ``0x…`` as on chain; instants are Unix seconds as on chain.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ASSETS_MAX = 200
VALID_FOR_MAX = 1800  # seconds; leaves room below the contract's hour for a later clock
VALID_FOR_DEFAULT = 600

Word = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asset(_Model):
    """A paper by what identifies it, and the hash of the document that the operator holds.

    `seller` is an invoice's; of an order, goods sent or received, or a warehouse receipt, it is whoever issued the paper.
    """

    kind: Literal["invoice", "order", "goods", "receipt"]
    seller: Annotated[str, Field(min_length=1, max_length=64, examples=["91500118MA5U7XHR4R"])]
    number: Annotated[str, Field(min_length=1, max_length=64, examples=["25502000000112345678"])]
    document_sha256: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


class TicketRequest(_Model):
    """Asks for one ticket over all `assets`: to be locked together or not at all."""

    assets: Annotated[list[Asset], Field(min_length=1, max_length=ASSETS_MAX)]
    expiry: Annotated[int, Field(gt=0, lt=2**48, strict=True)]
    valid_for: Annotated[int, Field(ge=1, le=VALID_FOR_MAX, strict=True)] = VALID_FOR_DEFAULT


class TokenRequest(_Model):
    """Asks what invoices are called among those who do not show each other their papers."""

    assets: Annotated[list[Asset], Field(min_length=1, max_length=ASSETS_MAX)]


class TokenAnswer(_Model):
    """The tokens, in the order of the assets."""

    tokens: list[Word]


class TicketAnswer(_Model):
    """A ticket, with all that the contract's ``lock`` takes; tokens in the order of the assets.

    `valid_until` may lie a little later than asked: the contract takes the tickets of a token in
    the order in which they run out.
    """

    tokens: list[Word]
    ticket: Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]
    operator: str
    expiry: int
    valid_until: int
    signer: str
    chain_id: int
    contract: str


class Health(_Model):
    """Who this service is."""

    status: Literal["ok"] = "ok"
    signer: str
    chain_id: int
    contract: str


class Problem(BaseModel):
    """RFC 9457: every refusal."""

    type: str
    title: Annotated[str, Field(examples=["请求过于频繁"])]
    status: int
    detail: str
    code: Annotated[str, Field(examples=["token.rate_exceeded"])]
    fields: dict[str, object]
