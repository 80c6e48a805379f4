"""Control agreements, what they watch, the marks made of it, and margin calls.

An agreement's row is locked before anything of it changes: a mark, a debt, a call.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.collateral.calls import TRANSITIONS, Stage
from scf.collateral.valuation import Line, Terms
from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.parties.countersigning import Countersigned


class State(StrEnum):
    """Where a control agreement stands: it watches from AGREED on."""

    PROPOSED = "PROPOSED"
    AGREED = "AGREED"
    ENDED = "ENDED"


STATES: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.PROPOSED: frozenset({State.AGREED, State.ENDED}),
        State.AGREED: frozenset({State.ENDED}),
        State.ENDED: frozenset(),
    }
)
"""The one table of an agreement's moves."""


class PledgeKind(StrEnum):
    """Static: the same goods stay. Floating: what is above the floor may come and go (动态质押)."""

    STATIC = "static"
    FLOATING = "floating"


class MoveRefused(Conflict):
    """An agreement and its margin calls move only as their tables say."""

    code = "collateral.state_forbids"
    title = "监管协议或追加通知当前状态不允许此操作"
    title_en = "The agreement's or the call's state does not allow this now"


class ControlAgreement(Subject, Countersigned, Base):
    """监管协议: pledgor, pledgee and supervisor over the goods that secure one debt (`contract_sha256`).

    Shares in basis points. `mark_id` is the newest mark, `marked_on` the day of the last daily one, `debt_id` what the
    bank said last of the debt.
    """

    __tablename__ = "control_agreements"
    __table_args__ = (
        Index("ix_control_agreements_pledgor_id_id", "pledgor_id", "id"),
        Index("ix_control_agreements_supervisor_id_id", "supervisor_id", "id"),
        Index("ix_control_agreements_pledgee_id_id", "pledgee_id", "id"),
        Index(
            "uq_control_agreements_contract",
            "pledgee_id",
            "contract_sha256",
            unique=True,
            postgresql_where=text("state <> 'ENDED'"),
        ),
        Index(
            "ix_control_agreements_unmarked",
            "marked_on",
            "id",
            postgresql_where=text("state = 'AGREED'"),
        ),
        CheckConstraint(
            "0 < advance_bps AND advance_bps < disposal_bps AND disposal_bps <= 10000"
            " AND warning_bps BETWEEN 0 AND 10000",
            name="lines_in_order",
        ),
        CheckConstraint("floor_minor > 0", name="floor_positive"),
        CheckConstraint("least(cure_days, notice_days, stale_days) >= 0", name="days_count"),
    )

    pledgor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    pledgee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    supervisor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    contract_sha256: Mapped[bytes]
    kind: Mapped[PledgeKind] = mapped_column(text_enum(PledgeKind))
    currency: Mapped[str] = mapped_column(Text)
    advance_bps: Mapped[int]
    warning_bps: Mapped[int]
    disposal_bps: Mapped[int]
    price_fall_bps: Mapped[int | None]
    stale_bps: Mapped[int]
    stale_days: Mapped[int]
    cure_days: Mapped[int]
    notice_days: Mapped[int]
    floor_minor: Mapped[int | None]
    insured: Mapped[bool]
    goods: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    proposed_at: Mapped[datetime]
    debt_id: Mapped[UUID | None] = mapped_column(Uuid)
    mark_id: Mapped[UUID | None] = mapped_column(Uuid)
    marked_on: Mapped[date | None] = mapped_column(Date)

    def move(self, to: State, *, now: datetime) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        if to not in STATES[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)
        self.state, self.state_since = to, now

    def require_agreed(self) -> None:
        """Raise MoveRefused for whatever needs an agreement in force."""
        if self.state is not State.AGREED:
            raise MoveRefused(state=self.state.value, asked=State.AGREED.value)

    def money(self, minor: int) -> Money:
        """Return an amount in the debt's currency."""
        return Money(minor, self.currency)

    @property
    def terms(self) -> Terms:
        """Its lines."""
        return Terms(self.advance_bps, self.warning_bps, self.disposal_bps, self.price_fall_bps)

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        return [self.pledgor_id, self.pledgee_id, self.supervisor_id]


class ControlledPledge(Base):
    """A pledge that an agreement watches, with the price when it came in; insert only.

    One that has ended watches nothing any more: the next agreement over the debt may take the same pledge in.
    `warehouse` is where the goods lay and `quantity_minor` how many there were then, `pledged_minor` the spot price
    per unit. `replaces_id` is the watched pledge whose goods these are to replace.
    """

    __tablename__ = "controlled_pledges"
    __table_args__ = (
        CheckConstraint("pledged_minor > 0 AND invoice_minor > 0", name="prices_positive"),
        CheckConstraint("quantity_minor > 0", name="quantity_positive"),
        CheckConstraint("replaces_id <> pledge_id", name="replaces_another"),
        CheckConstraint(
            "quality_bps BETWEEN 0 AND 10000 AND liquidity_bps BETWEEN 0 AND 10000",
            name="haircuts_within_the_whole",
        ),
        ForeignKeyConstraint(
            ["agreement_id", "replaces_id"],
            ["controlled_pledges.agreement_id", "controlled_pledges.pledge_id"],
            name="fk_controlled_pledges_replaces",
        ),
        Index("ix_controlled_pledges_pledge_id", "pledge_id"),
    )

    agreement_id: Mapped[UUID] = mapped_column(
        ForeignKey("control_agreements.id"), primary_key=True
    )
    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    goods: Mapped[str] = mapped_column(Text)
    warehouse: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("price_series.id"))
    quality_bps: Mapped[int]
    liquidity_bps: Mapped[int]
    quantity_minor: Mapped[int]
    invoice_minor: Mapped[int | None]
    pledged_minor: Mapped[int]
    replaces_id: Mapped[UUID | None] = mapped_column(Uuid)
    covered_at: Mapped[datetime]


class ControlDebt(Base):
    """What the bank says of the debt on a day; insert only, the newest counts.

    Interest runs on the principal from `as_of_on` at `rate`, Act/360; `reserve_minor` is what comes before the pledge:
    unpaid storage (the keeper's lien, Civil Code 456). `receipt_no` is the bank's, where money came in.
    """

    __tablename__ = "control_debts"
    __table_args__ = (
        Index("ix_control_debts_agreement_id_id", "agreement_id", "id"),
        CheckConstraint(
            "least(principal_minor, interest_minor, reserve_minor) >= 0", name="not_negative"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("control_agreements.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    as_of_on: Mapped[date] = mapped_column(Date)
    principal_minor: Mapped[int]
    interest_minor: Mapped[int]
    reserve_minor: Mapped[int]
    rate: Mapped[str] = mapped_column(Text)
    receipt_no: Mapped[str | None] = mapped_column(Text)
    stated_at: Mapped[datetime]


class ControlInsurance(Base):
    """A policy over the goods; insert only. Those that run on a day count together."""

    __tablename__ = "control_insurances"
    __table_args__ = (
        Index("ix_control_insurances_agreement_id_id", "agreement_id", "id"),
        CheckConstraint("amount_minor > 0 AND first_on <= last_on", name="covers_something"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("control_agreements.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    insurer: Mapped[str] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date] = mapped_column(Date)
    told_at: Mapped[datetime]


class Mark(Base):
    """What an agreement's goods were worth at an instant, and where that stood to the debt; insert only.

    It follows from its lines, the debt and the terms by `valuation`, and an audit derives it again.
    """

    __tablename__ = "marks"
    __table_args__ = (
        Index("ix_marks_agreement_id_id", "agreement_id", "id"),
        CheckConstraint("value_minor >= 0 AND exposure_minor >= 0", name="not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("control_agreements.id"))
    marked_on: Mapped[date] = mapped_column(Date)
    marked_at: Mapped[datetime]
    debt_id: Mapped[UUID] = mapped_column(ForeignKey("control_debts.id"))
    value_minor: Mapped[int]
    exposure_minor: Mapped[int]
    floor_minor: Mapped[int]
    warning_minor: Mapped[int]
    disposal_minor: Mapped[int]
    goods_due_minor: Mapped[int]
    cash_due_minor: Mapped[int]
    fell: Mapped[bool]
    stale: Mapped[bool]
    line: Mapped[Line] = mapped_column(text_enum(Line))


class MarkLine(Base):
    """One pledge in a mark: its quantity in smallest parts, the prices with their time, and its value; insert only."""

    __tablename__ = "mark_lines"

    mark_id: Mapped[UUID] = mapped_column(ForeignKey("marks.id"), primary_key=True)
    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    quantity_minor: Mapped[int]
    quoted_at: Mapped[datetime]
    spot_minor: Mapped[int]
    average_minor: Mapped[int]
    stale: Mapped[bool]
    value_minor: Mapped[int]


class MarginCall(Subject, Base):
    """追加担保通知: from the first warning to its end. One is open of an agreement at a time.

    `due_on` is the last day to cure, `sale_from_on` the first on which goods may be sold; `goods_due_minor` and
    `cash_due_minor` are what either cure took when it last moved.
    """

    __tablename__ = "margin_calls"
    __table_args__ = (
        Index("ix_margin_calls_agreement_id_id", "agreement_id", "id"),
        Index(
            "uq_margin_calls_open",
            "agreement_id",
            unique=True,
            postgresql_where=text("state NOT IN ('LIFTED', 'LAPSED', 'CURED', 'SETTLED')"),
        ),
    )

    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("control_agreements.id"))
    state: Mapped[Stage] = mapped_column(text_enum(Stage))
    state_since: Mapped[datetime]
    raised_at: Mapped[datetime]
    mark_id: Mapped[UUID] = mapped_column(ForeignKey("marks.id"))
    goods_due_minor: Mapped[int]
    cash_due_minor: Mapped[int]
    due_on: Mapped[date | None] = mapped_column(Date)
    sale_from_on: Mapped[date | None] = mapped_column(Date)

    def move(self, to: Stage, *, now: datetime) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)
        self.state, self.state_since = to, now


class Disposal(Base):
    """A sale of pledged goods after notice; insert only. `market_minor` is what the mark's spot prices made of them, without haircuts.

    `surplus_minor` is the pledgor's (Civil Code 438), `returned` says by which receipt it went back.
    """

    __tablename__ = "disposals"
    __table_args__ = (
        CheckConstraint(
            "proceeds_minor > 0 AND owed_minor >= 0"
            " AND surplus_minor = greatest(proceeds_minor - owed_minor, 0)",
            name="surplus_is_what_is_left",
        ),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey("margin_calls.id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    sold_on: Mapped[date] = mapped_column(Date)
    buyer: Mapped[str] = mapped_column(Text)
    manner: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)
    proceeds_minor: Mapped[int]
    market_minor: Mapped[int]
    owed_minor: Mapped[int]
    surplus_minor: Mapped[int]
    told_at: Mapped[datetime]


class SurplusReturn(Base):
    """That a sale's surplus went back to the pledgor, by the bank's receipt; insert only."""

    __tablename__ = "surplus_returns"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("disposals.call_id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    receipt_no: Mapped[str | None] = mapped_column(Text)
    returned_on: Mapped[date] = mapped_column(Date)
    told_at: Mapped[datetime]


class ControlNotice(Countersigned, Base):
    """出质通知书 to a keeper, signed by pledgor and pledgee, with the keeper's 回执 as the last signature."""

    __tablename__ = "control_notices"
    __table_args__ = (
        Index(
            "uq_control_notices_open",
            "agreement_id",
            "keeper_id",
            unique=True,
            postgresql_where=text("acknowledged_at IS NULL"),
        ),
        Index("ix_control_notices_agreement_id_id", "agreement_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("control_agreements.id"))
    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    pledges: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    drawn_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    event_hash: Mapped[bytes | None] = mapped_column(LargeBinary)


guard_states(ControlAgreement, STATES)
guard_states(MarginCall, TRANSITIONS)
append_only(
    ControlledPledge, ControlDebt, ControlInsurance, Mark, MarkLine, Disposal, SurplusReturn
)
