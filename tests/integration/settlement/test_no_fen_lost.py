"""No order of payments, payments taken back and the same messages again loses or doubles a fen."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scf.audit import parties
from scf.audit.finding import Report
from scf.audit.subjects import receivables
from scf.capacity.models import Pool
from scf.receivables.models import Receivable
from tests.support.actors import Stage
from tests.support.banking import DIGITS, entry, hand_in, statement
from tests.support.pools import Value
from tests.support.receivables import confirmed_receivable, identity

PROMISED = 10_000
WRONG = "6222999900000000"
ACCOUNTS = st.sampled_from([DIGITS, DIGITS, WRONG])
AMOUNTS = st.integers(1, 14_000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), ACCOUNTS, AMOUNTS),
        st.tuples(st.just("back"), ACCOUNTS, AMOUNTS | st.none()),
        st.tuples(st.just("again"), st.just(""), st.just(0)),
    ),
    max_size=8,
)


@dataclass
class Books:
    """What should be, reckoned payment by payment."""

    left: list[tuple[str, int]] = field(default_factory=list)

    def pay(self, account: str, amount: int) -> None:
        self.left.append((account, amount))

    def take_back(self, account: str, amount: int) -> bool:
        """From the newest payment into the account that has as much left; else nothing happens."""
        for place in reversed(range(len(self.left))):
            where, left = self.left[place]
            if where == account and left >= amount:
                self.left[place] = (where, left - amount)
                return True
        return False

    def sum(self, account: str) -> int:
        return sum(left for where, left in self.left if where == account)


class Play:
    """One receivable, partly encumbered, and the messages that its bank sent."""

    def __init__(self, stage: Stage, held: int) -> None:
        self.stage, self.held = stage, held
        receivable = confirmed_receivable(stage, f"{PROMISED // 100}.00")
        self.id, self.pool = receivable["id"], identity(receivable["pool"])
        if held:
            Value(stage, self.pool, stage.cast.supplier.party_id).reserve(held)
        self.books, self.sent, self.number = Books(), [], 0

    def tell(self, account: str, amount: int, **other: object) -> str:
        self.number += 1
        one = entry(0, amount, receivable=self.id, account=account, **other)
        one["number"] = int(identity(self.id).int % 10**7) * 100 + self.number
        message = statement([one], name=f"N{self.number}")
        self.sent.append(message)
        (row,) = hand_in(self.stage, self.stage.cast.bank, message).json()["entries"]
        return row["state"]

    def pay(self, account: str, amount: int) -> None:
        assert self.tell(account, amount) == "RECORDED"
        self.books.pay(account, amount)

    def back(self, account: str, amount: int | None) -> None:
        newest = [left for where, left in self.books.left if where == account and left]
        asked = amount if amount is not None else (newest[-1] if newest else 1)
        fits = self.books.take_back(account, asked)
        state = self.tell(account, asked, direction="DBIT", reversal=1)
        assert state == ("RECORDED" if fits else "UNMATCHED")

    def again(self, *_: object) -> None:
        for message in self.sent:
            outcome = hand_in(self.stage, self.stage.cast.bank, message).json()
            assert (outcome["repeated"], outcome["entries"]) == (1, [])

    def check(self) -> None:
        named, astray = self.books.sum(DIGITS), self.books.sum(WRONG)
        with self.stage.database.reading() as session:
            receivable = session.get_one(Receivable, identity(self.id))
            pool = session.get_one(Pool, self.pool)
            assert (receivable.paid_minor, receivable.astray_minor) == (named, astray)
            taken = receivable.paid_taken_minor + receivable.astray_taken_minor
            assert pool.confirmed_minor == PROMISED - taken == max(PROMISED - named - astray, 0)
            assert 0 <= pool.used_minor <= self.held
            if astray == 0 and all(where == DIGITS for where, _ in self.books.left):
                assert pool.used_minor == min(self.held, pool.confirmed_minor)
            if named == astray == 0:
                assert (pool.confirmed_minor, pool.used_minor) == (PROMISED, self.held)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=st.sampled_from([0, 4_000, PROMISED]), steps=STEPS)
def test_nothing_is_lost_or_doubled(stage: Stage, held: int, steps: list):
    play = Play(stage, held)
    for name, account, amount in steps:
        getattr(play, name)(account, amount)
        play.check()
    while any(left for _, left in play.books.left):  # everything goes back
        account, left = next((a, n) for a, n in reversed(play.books.left) if n)
        play.back(account, left)
    play.check()


def test_the_audit_agrees(stage: Stage):
    """Every receivable of this file, folded again from its events, is as it stands."""
    with stage.database.reading() as session:
        report = Report()
        receivables.check(session, parties.usccs(session, report), report)
