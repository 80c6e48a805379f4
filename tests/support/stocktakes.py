"""Random stocktakes in tests: taken step by step, on a chain that is as long as a test says."""

import base64
import hashlib
from dataclasses import dataclass, field
from itertools import count

from scf.stocktakes import effects
from scf_ledger.chain.types import Block
from scf_ledger.encoding import b64url
from scf_ledger.uscc import check_digit
from tests.support import warehouse
from tests.support.actors import Stage
from tests.support.warehouse import Yard

NUMBERS = count(1)
SALTS = {"bank": b"s" * 32, "supervisor": b"t" * 32}
VALUES = {"bank": b"v" * 32, "supervisor": b"w" * 32}
_OTHERS = {
    "watched_keeper": ("渝西示例仓储", "91500118MAYYC0T10"),
    "watching_supervisor": ("渝西示例监管", "91500118MAYYC0T20"),
    "watched_trader": ("渝西示例贸易", "91500118MAYYC0T30"),
}


def another_yard(stage: Stage) -> Yard:
    """A second warehouse beside the cast's, with parties of its own."""
    for role, (name, code) in _OTHERS.items():
        warehouse.PARTIES[role] = (name, code + check_digit(code))
    return Yard(stage, *(warehouse.found(stage, role) for role in _OTHERS))


def block(number, fork=b""):
    return hashlib.sha256(b"block %d " % number + fork).digest()


@dataclass
class FakeChain:
    """A chain that is as long as a test says, and can lose blocks."""

    number: int = 100
    fork: bytes = b""
    chain_id: int = 31337
    asked: list[int] = field(default_factory=list)

    def head(self):
        return Block(self.number, block(self.number, self.fork), 0)

    def block_hash(self, number):
        self.asked.append(number)
        return block(number, self.fork) if number <= self.number else None


@dataclass
class Run:
    """One stocktake, taken step by step."""

    stage: object
    yard: object
    bank: object
    chain: FakeChain
    lots: list[str]
    id: str = ""

    def call(self, draws=2, lots=None, who=None):
        body = {"lots": lots or self.lots, "draws": draws}
        answer = self.stage.post(who or self.bank, "/v1/stocktakes", body)
        if answer.is_success:
            self.id = answer.json()["id"]
        return answer

    def side(self, name):
        return self.bank if name == "bank" else self.yard.supervisor

    def act(self, who, name, body):
        return self.stage.post(who, f"/v1/stocktakes/{self.id}/{name}", body)

    def commit(self, name, value=None):
        digest = hashlib.sha256(SALTS[name] + (value or VALUES[name])).digest()
        return self.act(self.side(name), "commit", {"commitment": b64url(digest)})

    def reveal(self, name, **change):
        body = {"salt": b64url(SALTS[name]), "value": b64url(VALUES[name]), **change}
        return self.act(self.side(name), "reveal", body)

    def turn(self):
        now = self.stage.clock.now()
        effects.lapse(self.stage.database, now=now)
        effects.advance(self.stage.database, self.chain, now=now)

    def seen(self, who=None):
        answer = self.stage.get(who or self.bank, f"/v1/stocktakes/{self.id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until_sealed(self):
        assert self.call().status_code == 201
        for name in ("bank", "supervisor"):
            assert self.commit(name).is_success
        self.turn()
        self.chain.number += 30
        self.turn()
        assert self.seen()["state"] == "SEALED"
        return self

    def until_drawn(self):
        self.until_sealed()
        for name in ("supervisor", "bank"):
            assert self.reveal(name).is_success
        return self.seen()

    def count(self, lot, counted, who=None):
        body = {
            "lot": lot,
            "counted": counted,
            "number": f"XK-{next(NUMBERS)}",
            "made_on": "2025-11-03",
            "original": base64.b64encode("巡库记录".encode()).decode(),
        }
        return self.act(who or self.yard.supervisor, "counts", body)
