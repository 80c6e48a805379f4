"""The second act: goods in a warehouse, pledged to the bank, watched by weight and by price."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, Self

from scf.kernel.calendar import add_working_days
from scf.kernel.money import Money
from scf.parties.models import Role
from scf.parties.rules import ROLES
from scf.story.desk import Desk, Hand, StoryDiverged
from scf.story.enrol import PEOPLE, Cast, Office, Party, People, listed
from scf.story.scenes import Story
from scf.story.script import Script
from scf.story.stage import Stage
from scf_ledger.event_types import Scope

LATER: Final = timedelta(days=40)  # the goods' season, after the last day of the receivable's story
LIMIT: Final = Money.parse("20000000.00")
HANDS: Final[People] = {
    "clerk": ("马骏(示例)", [Role.MAKER]),
    "manager": ("郭敏(示例)", [Role.CHECKER, Role.SIGNER]),
}
OWNER: Final[People] = {"owner": ("林涛(示例)", [Role.SIGNER])}
COMPANIES: Final[dict[str, tuple[str, People]]] = {
    "keeper": ("保管人", HANDS),
    "supervisor": ("监管方", HANDS),
    "trader": ("存货人", OWNER),
    "dealer": ("汽车经销商", OWNER),
}
"""Role -> what it is called, and who signs for it."""
PAGE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Season:
    """The business days of the act: working days, one after the other."""

    stored_on: date
    """Goods come in, receipts are issued."""
    pledged_on: date
    """They are pledged, the money is lent, the price falls."""
    topped_on: date
    """More goods come in, vehicles leave, a scale reports."""
    checked_on: date
    """The bank checks its proofs."""

    @classmethod
    def of(cls, script: Script) -> Self:
        """Lay the days out. Raises CalendarUnpublished."""
        begins = script.uploaded_on + LATER
        return cls(*(add_working_days(begins, count) for count in range(1, 5)))


@dataclass(frozen=True, slots=True)
class Yard:
    """Who plays in the second act, and what was refused in it."""

    story: Story
    """Its own, so that the first act's refusals stay what they were."""
    season: Season
    keeper: Party
    supervisor: Party
    trader: Party
    dealer: Party
    bank: Party
    """The first act's, with mandates of its own for what is lent here."""

    @property
    def stage(self) -> Stage:
        """The installation, the journal and the screen."""
        return self.story.stage

    def do(self, who: Party, step: str, path: str, **body: Any) -> Any:
        """Carry a command out, once."""
        return who.desk.do(f"goods:{step}", path, lambda: body)

    def signed(self, who: Party, step: str, path: str, act: str, **body: Any) -> dict[str, Any]:
        """Have a statement drafted, signed by the party's people and handed back: `path` is `draft|command`."""
        return self.story.signed(who, f"goods:{step}", path, act, **body)

    def refused(self, what: str, who: Party, paper: str, step: str, path: str, **body: Any) -> Any:
        """Try what is refused, show it, remember it; return the problem."""
        problem = who.desk.refused(f"goods:{step}", path, lambda: body)
        self.story.refuse(what, who.name, paper, problem)
        return problem

    def told(self, kind: str, subject: str) -> dict[str, Any]:
        """Return what the bank was told about a pledge of its own. Raises StoryDiverged."""
        found: list[dict[str, Any]] = self.bank.desk.see("/v1/notices", limit=PAGE_MAX)["items"]
        for one in found:
            if (one["kind"], one["subject"]) == (kind, subject):
                return one
        raise StoryDiverged(step="notices", subject=subject, expected=kind)


def open_yard(stage: Stage, cast: Cast, season: Season) -> Yard:
    """Register keeper, supervisor, trader and dealer, and give the bank's people wider mandates."""
    story = Story(stage, cast)
    story.on(
        "存货融资：各方入驻", "Finance against goods: who registers", season.stored_on, "09:00"
    )
    office, entries = Office(stage, cast.operator), listed()
    companies = {
        role: office.party(role, entries[role], people, limit=LIMIT)
        for role, (_, people) in COMPANIES.items()
    }
    bank = cast.bank
    desk = Desk(bank.desk.api, stage.journal, name=bank.name, hands=_wider(office, bank))
    rows = {
        title: f"{companies[role].name}  {companies[role].uscc}"
        for role, (title, _) in COMPANIES.items()
    }
    rows["银行授权"] = f"{bank.name}经办、复核限额各 {LIMIT} 元"
    stage.screen.form(
        cast.operator.name, "仓单融资参与方", rows, result="已登记，保管人与监管方相互独立"
    )
    return Yard(story=story, season=season, bank=replace(bank, desk=desk), **companies)


def _wider(office: Office, bank: Party) -> dict[str, Hand]:
    """Give each of the bank's people a second mandate, up to what is lent against goods."""
    assert set(PEOPLE["bank"]) == set(bank.desk.hands), "the same people"
    roles = {role.value: role for role in ROLES.values()}
    return {
        title: Hand(
            hand.person,
            hand.identity,
            office.mandates(
                f"goods:mandate:bank-{title}",
                hand.person,
                Scope.BANK,
                [roles[role] for role in hand.mandates],
                limit=LIMIT,
            ),
        )
        for title, hand in bank.desk.hands.items()
    }


def money(text: str) -> dict[str, str]:
    """Return yuan as a body names them."""
    return Money.parse(text).to_json()
