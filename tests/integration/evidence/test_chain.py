"""What is sent to the chain gets there once, through crashes, lost blocks and a vanished chain."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from scf.db.outbox import Effect
from scf.db.session import Database
from scf.evidence import chain as sending
from scf.evidence import keys, log
from scf.evidence.chain import anchor_newest, prepare
from scf.evidence.contracts import connect, ensure_contracts, make_sender, settle_home
from scf.evidence.models import Anchor, ChainHome, ChainTransaction
from scf.evidence.models import TransactionState as State
from scf.evidence.sender import Sender, sole_sender
from scf.evidence.sequencing import open_log
from scf.kernel.ids import new_id
from scf.settings import Settings
from scf_ledger.chain.client import Chain
from scf_ledger.chain.errors import ChainUnavailable
from scf_ledger.chain.transactions import sign
from scf_ledger.chain.types import Call
from scf_ledger.note import Signer
from tests.support.anvil import Anvil, running_anvil
from tests.support.log import NOW, append_some, sequence_all


@dataclass
class Installation:
    """A database, a chain, and what stands between them."""

    settings: Settings
    database: Database
    signer: Signer
    sender: Sender

    def log_some(self, count: int = 3) -> int:
        append_some(self.database, count)
        return sequence_all(self.settings.database_url, self.signer)[-1].size

    def anchor(self) -> None:
        anchor_newest(self.database, self.sender.chain, self.settings.clock)

    def until(self, done: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.rows()
            assert self.sender.advance()
            time.sleep(0.05)

    def rows(self) -> list[tuple[str, State, int | None]]:
        with self.database.reading() as session:
            rows = session.scalars(select(ChainTransaction).order_by(ChainTransaction.id))
            return [(row.purpose, row.state, row.nonce) for row in rows]

    def settled(self) -> bool:
        """Whether nothing is open; rows of one block may become final in two turns."""
        return all(state in (State.FINAL, State.FAILED) for _, state, _ in self.rows())

    def anchored(self) -> int:
        with self.database.reading() as session:
            found = log.newest_anchored(session)
            return found.checkpoint.size if found else 0

    def effects(self) -> list[str]:
        with self.database.reading() as session:
            return list(session.scalars(select(Effect.kind).order_by(Effect.id)))

    def on_chain(self, size: int) -> bytes | None:
        with self.database.reading() as session:
            home = session.scalars(select(ChainHome)).one()
        return self.sender.chain.anchored_root(home.anchor_address, home.origin_key, size)


def install(database_url: str, database: Database, chain_url: str, data: Path) -> Installation:
    settings = Settings.model_validate(
        {"SCF_DATA": data, "DATABASE_URL": database_url, "CHAIN_RPC_URL": chain_url}
    )
    keys.make_keys(settings)
    signer = keys.log_key(settings)
    home = ensure_contracts(settings, connect(settings))
    with database.transaction() as session:
        open_log(session, signer, now=NOW)
        settle_home(session, home)
    return Installation(settings, database, signer, make_sender(settings, database))


@pytest.fixture
def installation(
    database_url: str, database: Database, chain_url: str, tmp_path: Path
) -> Installation:
    return install(database_url, database, chain_url, tmp_path)


class TestAnchoring:
    def test_publishes_the_newest_head_and_becomes_final(self, installation: Installation) -> None:
        size = installation.log_some()

        installation.anchor()
        installation.until(lambda: installation.anchored() == size)

        with installation.database.reading() as session:
            covering = log.covering(session, size)
            assert covering is not None
            assert covering.transaction is not None
            assert covering.transaction.gas_used is not None
            assert covering.transaction.gas_used < 90_000
            assert installation.on_chain(size) == covering.checkpoint.root
        assert [row[0] for row in installation.rows()] == ["origin_claim", "anchor"]

    def test_a_proof_made_to_last_stands_over_the_first_anchored_head(
        self, installation: Installation
    ) -> None:
        for _ in range(2):
            installation.log_some(1)
        with installation.database.reading() as session:
            unanchored = log.first_covering(session, 1)
        anchored = installation.log_some(1)
        installation.anchor()
        installation.until(lambda: installation.anchored() == anchored)
        installation.log_some(1)

        with installation.database.reading() as session:
            found = [log.first_covering(session, size) for size in (1, 3, 4, 5)]
        assert unanchored is not None
        assert (unanchored.checkpoint.size, unanchored.transaction) == (1, None)
        assert [one and one.checkpoint.size for one in found] == [3, 3, 4, None]
        assert [one is not None and one.transaction is not None for one in found] == [
            True,
            True,
            False,
            False,
        ]

    def test_asks_once_for_one_head(self, installation: Installation) -> None:
        installation.log_some()

        installation.anchor()
        installation.anchor()

        assert len(installation.rows()) == 2

    def test_what_comes_meanwhile_shares_the_next(self, installation: Installation) -> None:
        installation.log_some()
        installation.anchor()
        size = 0
        for _ in range(3):
            size = installation.log_some(1)
            installation.anchor()
        installation.until(lambda: installation.anchored() == 3)

        installation.anchor()
        installation.until(lambda: installation.anchored() == size)

        assert [row[0] for row in installation.rows()].count("anchor") == 2

    def test_says_nothing_of_an_empty_log(self, installation: Installation) -> None:
        installation.anchor()

        assert installation.rows() == []


class TestSending:
    def test_a_refused_call_fails_with_the_contracts_words_and_tells(
        self, installation: Installation
    ) -> None:
        subject = new_id()
        with installation.database.transaction() as session:
            arguments = {"tokens": ["0x" + "07" * 32]}
            prepare(
                session,
                purpose=sending.UNLOCK,
                subject_id=subject,
                arguments=arguments,
                now=NOW,
            )

        installation.sender.advance()

        with installation.database.reading() as session:
            row = session.scalars(select(ChainTransaction)).one()
            assert row.state is State.FAILED
            assert row.nonce is None
            assert row.error is not None
            assert row.error["error"] == "RegistryNotHolder"
            effect = session.scalars(select(Effect)).one()
        assert effect.kind == "asset_unlock.failed"
        assert effect.payload == {"transaction_id": row.id, "subject_id": str(subject)}

    def test_one_sender_at_a_time(self, installation: Installation) -> None:
        with sole_sender(installation.database) as first, sole_sender(installation.database) as two:
            assert (first, two) == (True, False)
            assert not installation.sender.advance()
        assert installation.sender.advance()

    def test_signed_bytes_outlive_a_crash_before_they_left(
        self, installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installation.log_some()
        installation.anchor()
        with monkeypatch.context() as patch:
            patch.setattr(Chain, "broadcast", no_answer)
            with pytest.raises(ChainUnavailable):
                installation.sender.advance()
        with installation.database.reading() as session:
            claim = session.scalars(select(ChainTransaction).order_by(ChainTransaction.id)).first()
            assert claim is not None
            assert (claim.state, claim.nonce) == (State.BROADCAST, 0)

        installation.until(installation.settled)

        with installation.database.reading() as session:
            again = session.get_one(ChainTransaction, claim.id)
            assert (again.state, again.raw) == (State.FINAL, claim.raw)

    def test_a_nonce_that_somebody_else_used_is_replaced(
        self, installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installation.log_some()
        installation.anchor()
        with monkeypatch.context() as patch:
            patch.setattr(Chain, "broadcast", no_answer)
            with pytest.raises(ChainUnavailable):
                installation.sender.advance()
        chain, key = installation.sender.chain, installation.sender.key
        call = Call(key.address, b"", 21_000)
        foreign = sign(call, chain_id=chain.chain_id, nonce=0, fees=chain.fees(), key=key)
        chain.wait(chain.broadcast(foreign.raw))
        with installation.database.transaction() as session:
            for row in session.scalars(select(ChainTransaction)):
                row.changed_at = NOW  # long ago: it is sent again

        installation.until(installation.settled)

        assert installation.anchored() == 3
        assert installation.rows() == [
            ("origin_claim", State.FINAL, 1),
            ("anchor", State.FINAL, 2),
        ]


def no_answer(*_: object) -> bytes:
    raise ChainUnavailable("down")


@pytest.fixture
def own_anvil(tmp_path: Path) -> Iterator[Anvil]:
    with running_anvil() as (anvil, _chain):
        yield anvil


class TestLostBlocks:
    def test_a_vanished_chain_gets_everything_again(
        self, database_url: str, database: Database, own_anvil: Anvil, tmp_path: Path
    ) -> None:
        """Contracts, claim and heads come back, in nonce order, to the same addresses."""
        here = install(database_url, database, own_anvil.url, tmp_path)
        for _ in range(2):
            size = here.log_some()
            here.anchor()
            here.until(here.settled)
            assert here.anchored() == size
        with database.transaction() as session:
            row = session.scalars(
                select(ChainTransaction).where(ChainTransaction.purpose == "anchor").limit(1)
            ).one()
            row.subject_id = new_id()
        before = here.rows()

        own_anvil.kill()
        own_anvil.start()
        assert here.sender.advance()
        assert here.anchored() == 0
        assert here.effects() == ["anchor.lost"]
        here.until(here.settled)

        assert here.anchored() == 6
        assert here.rows() == before
        assert here.on_chain(3) is not None
        assert here.on_chain(6) is not None
        assert here.effects() == ["anchor.lost", "anchor.final"]

    def test_gaps_are_filled_where_a_refusal_or_a_stranger_stood(
        self, database_url: str, database: Database, own_anvil: Anvil, tmp_path: Path
    ) -> None:
        here = install(database_url, database, own_anvil.url, tmp_path)
        here.log_some()
        here.anchor()
        here.until(lambda: here.anchored() == 3)
        with database.transaction() as session:
            # The claim was another installation's: its nonce is missing here.
            claim = session.scalars(select(ChainTransaction).order_by(ChainTransaction.id)).first()
            assert claim is not None
            claim.state, claim.raw = State.FAILED, None

        own_anvil.kill()
        own_anvil.start()
        here.sender.advance()
        here.until(here.settled)
        here.anchor()
        here.until(here.settled)

        assert here.anchored() == 3
        assert here.rows() == [
            ("origin_claim", State.FAILED, None),
            ("anchor", State.FAILED, 1),
            ("nonce_gap", State.FINAL, 0),
            ("origin_claim", State.FINAL, 2),
            ("anchor", State.FINAL, 3),
        ]
        with database.reading() as session:
            assert session.scalars(select(Anchor)).one().size == 3
