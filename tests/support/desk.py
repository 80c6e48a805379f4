"""A desk where statements are drafted, signed and handed back, in one transaction."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from scf.evidence.models import Statement
from scf.kernel.ids import new_id
from scf.kernel.money import Money
from scf.parties import queries, signing
from scf.parties.models import Party
from scf.parties.schemas import DraftOut, SignerIn
from scf_ledger import jws as ledger_jws
from scf_ledger.encoding import b64url
from tests.support import actors
from tests.support.actors import STORY_BEGINS

AMOUNT = Money.parse("1245000.00")
CONTENT = {"confirmed": AMOUNT.to_json(), "reason": None, "creditor": "91500118MAYYC0B218"}


@dataclass
class Desk:
    """One subject, one party, one transaction."""

    session: object
    cast: actors.Cast
    company: actors.Company
    act: str = "confirm"
    now: object = STORY_BEGINS
    subject: object = field(
        default_factory=lambda: SimpleNamespace(id=new_id(), version=3, head_hash=bytes(range(32)))
    )

    @property
    def party(self) -> Party:
        return queries.party(self.session, self.company.party_id)

    def draft(self, **changes):
        arguments = {
            "origin": "test.example/log",
            "party": self.party,
            "act": self.act,
            "subject": self.subject,
            "prefix": "rcv",
            "content": CONTENT,
            "amount": AMOUNT,
            "signers": self.signers(),
            "now": self.now,
            "reserved": {"secret": "kept"},
        }
        return signing.draft(self.session, **(arguments | changes))

    def signers(self):
        return [SignerIn.model_validate(one) for one in self.company.signers(self.act)]

    def sign(self, statements):
        return self.company.sign_all(DraftOut.of(statements).model_dump(mode="json"))

    def collect(self, signed, **changes):
        arguments = {
            "party": self.party,
            "act": self.act,
            "subject": self.subject,
            "jws": signed,
            "now": self.now + timedelta(hours=1),
        }
        return signing.collect(self.session, **(arguments | changes))

    def rows(self):
        self.session.expire_all()
        found = self.session.execute(
            select(Statement.id, Statement.jws, Statement.authorization_hash).order_by(Statement.id)
        )
        return [tuple(row) for row in found]


def refused(desk, error, signed, **changes):
    """The refusal is `error`, and no statement was touched."""
    before = desk.rows()
    with pytest.raises(error) as found:
        desk.collect(signed, **changes)
    desk.session.flush()
    assert desk.rows() == before
    return found.value


def high_s(jws):
    """The other signature that verifies, as other libraries make it half of the time."""
    parsed = ledger_jws.parse(jws)
    s = ledger_jws.P256_ORDER - parsed.s
    return (
        parsed.signing_input.decode()
        + "."
        + b64url(parsed.r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    )


def resigned(desk, statements, changes, *, title="clerk"):
    """Sign other bytes than the first statement's, with a right key."""
    payload = statements[0].payload
    for old, new in changes.items():
        assert old in payload
        payload = payload.replace(old, new)
    identity = desk.company.people[title].identity
    return ledger_jws.sign(payload, identity.key, identity.certificate)
