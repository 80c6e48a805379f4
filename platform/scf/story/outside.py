"""A bank that is not on the platform is shown the same invoice, and asks before it lends."""

import hashlib
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import exists, select

from scf.blind.models import BlindToken
from scf.blind.rules import SCOPE
from scf.blind.schemas import Answer
from scf.db.session import Database
from scf.documents.models import Document
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf.parties.models import PartyKind
from scf.story.desk import Api, Desk, StoryDiverged
from scf.story.scenes import Story
from scf.story.waiting import NotYet
from scf_ledger import uscc
from scf_ledger.chain.keys import create_key, load_key
from scf_ledger.encoding import b64url
from scf_ledger.tokens.client import Invoice, TokenClient
from scf_ledger.tokens.setup import admit

NAME: Final = "示例城商行(平台外)"
STEM: Final = "91500000MA5U0BLB0"
LEARNING: Final = "平台获知发票令牌 / the platform learns the invoice's token"
DAY: Final = 86_400  # seconds


def ask(story: Story, database: Database, ids: Sequence[str]) -> None:
    """The bank gets the invoice's token, and a HOLD is over capacity: by how much, because of whom, unsaid."""
    stage = story.stage
    with database.reading() as session:
        paper = session.get_one(Document, parse_id("doc", ids[0]))
    stage.patience.until(LEARNING, partial(_learnt, database, paper))
    desk = _desk(story)
    value = Money(paper.payable_minor, paper.currency).to_json()
    token = stage.journal.once("outside:token", partial(_token, story, paper))
    answer: dict[str, Any] = desk.do(
        "outside:hold",
        "/v1/blind/holds",
        lambda: {"token": token, "amount": value, "document_value": value, "ttl_seconds": DAY},
    )
    if answer["answer"] != Answer.OVER_CAPACITY:
        raise StoryDiverged(step="outside bank", expected=Answer.OVER_CAPACITY.value)
    problem = {
        "code": answer["answer"],
        "title": "超出可用额度",
        "detail": "Over capacity; nobody and no amount is named",
        "fields": {},
    }
    story.refuse("a hold of the first invoice by a bank outside", NAME, "盲登记 HOLD", problem)


def _learnt(database: Database, paper: Document) -> None:
    with database.reading() as session:
        if not session.scalar(select(exists().where(BlindToken.document_id == paper.id))):
            raise NotYet("the clock has not asked for its token yet")


def _desk(story: Story) -> Desk:
    """Register the bank with one client that may do nothing else."""
    stage, operator = story.stage, story.cast.operator
    bank = {"name": NAME, "uscc": STEM + uscc.check_digit(STEM), "kind": PartyKind.BANK.value}
    party = operator.do("outside:party", "/v1/parties", lambda: {**bank, "size_class": None})
    secret = stage.journal.once("outside:secret", lambda: secrets.token_urlsafe(32))
    client = operator.do(
        "outside:client",
        f"/v1/parties/{party['id']}/clients",
        lambda: {
            "name": "credit",
            "secret_sha256": b64url(hashlib.sha256(secret.encode()).digest()),
            "scope": SCOPE,
        },
    )
    api = Api(stage.settings.public_url, client["id"], secret, stage.patience)
    return Desk(api, stage.journal, name=NAME)


def _token(story: Story, paper: Document) -> str:
    """Ask the token service, as a bank that it admitted and that holds the paper."""
    settings, path = story.stage.settings, story.stage.folder / "outside-bank.key"
    key = load_key(path) if path.exists() else create_key(path)
    bearer = admit(settings.data / "tokens", name="outside bank", address=key.address)
    with TokenClient(settings.token_service_url, bearer) as client:
        (token,) = client.tokens([Invoice(paper.seller_uscc, paper.number, paper.original_sha256)])
    return f"0x{token.hex()}"
