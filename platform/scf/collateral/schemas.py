"""HTTP shapes of control agreements, marks, margin calls and portfolios."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from scf.collateral.agreements import Debt, Policy, Proposal
from scf.collateral.calls import FROZEN, Stage
from scf.collateral.holding_schemas import LastReadingOut, WatchedOut
from scf.collateral.holdings import Holding
from scf.collateral.models import (
    ControlAgreement,
    ControlNotice,
    MarginCall,
    Mark,
    MarkLine,
    PledgeKind,
    State,
)
from scf.collateral.portfolio import Seen, Share, Sum
from scf.collateral.valuation import WHOLE_BPS, Line
from scf.http.schemas import (
    ControlId,
    ControlNoticeId,
    DateText,
    DigestText,
    In,
    InstantText,
    MarginCallId,
    MoneyIn,
    MoneyOut,
    Out,
    PartyId,
    PledgeId,
    PositiveMoney,
    PriceSeriesId,
    RateText,
)
from scf.http.schemas import Line as OneLine
from scf.kernel.money import Money
from scf.parties.schemas import SignerIn
from scf.rules.schemas import ResultOut
from scf_ledger.encoding import b64url, from_b64url

Bps = Annotated[int, Field(ge=0, le=WHOLE_BPS)]
Days = Annotated[int, Field(ge=0, le=365)]
GOODS_MAX = 50


class GoodsIn(In):
    """One kind of goods: the series that prices it, and what is taken off its value, in basis points."""

    goods: OneLine = Field(examples=["阴极铜"])
    series: PriceSeriesId
    quality_bps: Bps = 0
    liquidity_bps: Bps = 0


class SharesIn(In):
    """The lines, in basis points; what is left out is customary."""

    advance_bps: Bps | None = Field(None, examples=[7000])
    warning_bps: Bps | None = Field(None, examples=[500])
    disposal_bps: Bps | None = Field(None, examples=[8000])
    price_fall_bps: Bps | None = Field(None, examples=[1500])
    stale_bps: Bps | None = None


class DaysIn(In):
    """Trading days after which a price is old, working days to cure, days from notice to sale."""

    stale_days: Days | None = None
    cure_days: Days | None = Field(None, examples=[3])
    notice_days: Days | None = None


class ControlIn(In):
    """What a bank proposes to a pledgor and a supervisor over the goods of one debt."""

    pledgor: PartyId
    supervisor: PartyId
    contract_sha256: DigestText
    kind: PledgeKind = PledgeKind.FLOATING
    currency: str = Field("CNY", pattern=r"^[A-Z]{3}$")
    shares: SharesIn = Field(default_factory=lambda: SharesIn.model_validate({}))
    days: DaysIn = Field(default_factory=lambda: DaysIn.model_validate({}))
    without_price_fall: bool = Field(
        False, description="不约定价格跌幅处置线 No line by the fall of the price alone"
    )
    floor: PositiveMoney | None = None
    insured: bool = True
    goods: list[GoodsIn] = Field(min_length=1, max_length=GOODS_MAX)

    def proposal(self) -> Proposal:
        """Return it as a command."""
        return Proposal(
            pledgor_id=self.pledgor,
            supervisor_id=self.supervisor,
            contract_sha256=from_b64url(self.contract_sha256),
            kind=self.kind,
            currency=self.currency,
            shares=self.shares.model_dump(exclude_none=True),
            days=self.days.model_dump(exclude_none=True),
            without_price_fall=self.without_price_fall,
            floor=self.floor,
            insured=self.insured,
            goods=[dict(one) for one in self.goods],
        )


class SignersIn(In):
    """Who is going to sign, in the order make, check; or one signer."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class CoverIn(In):
    """An effective pledge to be watched, with the price per unit that the goods were bought at."""

    pledge: PledgeId
    invoice_price: PositiveMoney | None = None
    replaces: PledgeId | None = Field(
        None, description="置换：所替换的质押 The watched pledge whose goods these are to replace"
    )


class DebtIn(In):
    """What is owed on a day. `reserve`: unpaid storage, which comes before the pledge (lien)."""

    as_of_on: DateText
    principal: MoneyIn
    interest: MoneyIn
    reserve: MoneyIn
    rate: RateText
    receipt_no: OneLine | None = None

    def debt(self) -> Debt:
        """Return it as a command."""
        return Debt(
            self.as_of_on,
            self.principal,
            self.interest,
            self.reserve,
            self.rate,
            self.receipt_no,
        )


class PolicyIn(In):
    """A policy over the goods."""

    insurer: OneLine
    policy: OneLine
    amount: PositiveMoney
    first_on: DateText
    last_on: DateText

    def value(self) -> Policy:
        """Return it as a command."""
        return Policy(self.insurer, self.policy, self.amount, self.first_on, self.last_on)


class ReasonIn(In):
    """Why."""

    reason: OneLine


class KeeperIn(In):
    """To whom a notice goes."""

    keeper: PartyId


class DisposalIn(In):
    """Why goods are to be sold, and who signs: maker, then checker."""

    reason: OneLine
    signers: list[SignerIn] = Field(min_length=2, max_length=2)


class SaleIn(In):
    """How the goods were sold, and what shows the market."""

    sold_on: DateText
    buyer: OneLine
    manner: Literal["auction", "sale"]
    evidence: OneLine = Field(examples=["上期所 2025-12-01 结算价"])
    proceeds: PositiveMoney


class SettleIn(In):
    """By which receipt the surplus went back to the pledgor; none where there was no surplus."""

    returned_on: DateText
    receipt_no: OneLine | None = None


class MarkLineOut(Out):
    """One pledge of a mark."""

    pledge: PledgeId
    quantity_minor: int
    quoted_at: InstantText
    spot: MoneyOut
    average: MoneyOut
    stale: bool
    value: MoneyOut


class MarkOut(Out):
    """Where the goods stood to the debt. `ltv_bps` is rounded up; null where nothing is left."""

    marked_at: InstantText
    value: MoneyOut
    exposure: MoneyOut
    floor: MoneyOut
    warning_below: MoneyOut
    disposal_at: MoneyOut
    ltv_bps: int | None
    line: Line
    goods_due: MoneyOut
    cash_due: MoneyOut
    stale: bool
    price_fell: bool
    lines: list[MarkLineOut]

    @classmethod
    def of(cls, agreement: ControlAgreement, mark: Mark, lines: list[MarkLine]) -> Self:
        """Show a mark."""
        money = agreement.money
        owed, worth = mark.exposure_minor, mark.value_minor
        return cls(
            marked_at=mark.marked_at,
            value=money(worth),
            exposure=money(owed),
            floor=money(mark.floor_minor),
            warning_below=money(mark.warning_minor),
            disposal_at=money(mark.disposal_minor),
            ltv_bps=-(-owed * WHOLE_BPS // worth) if worth else None,
            line=mark.line,
            goods_due=money(mark.goods_due_minor),
            cash_due=money(mark.cash_due_minor),
            stale=mark.stale,
            price_fell=mark.fell,
            lines=[
                MarkLineOut(
                    pledge=line.pledge_id,
                    quantity_minor=line.quantity_minor,
                    quoted_at=line.quoted_at,
                    spot=money(line.spot_minor),
                    average=money(line.average_minor),
                    stale=line.stale,
                    value=money(line.value_minor),
                )
                for line in lines
            ],
        )


class CallOut(Out):
    """A margin call; `frozen` says that nothing may leave."""

    id: MarginCallId
    version: int
    agreement: ControlId
    state: Stage
    state_since: InstantText
    raised_at: InstantText
    goods_due: MoneyOut
    cash_due: MoneyOut
    due_on: DateText | None
    sale_from_on: DateText | None
    frozen: bool

    @classmethod
    def of(cls, agreement: ControlAgreement, call: MarginCall) -> Self:
        """Show a call."""
        return cls(
            id=call.id,
            version=call.version,
            agreement=call.agreement_id,
            state=call.state,
            state_since=call.state_since,
            raised_at=call.raised_at,
            goods_due=agreement.money(call.goods_due_minor),
            cash_due=agreement.money(call.cash_due_minor),
            due_on=call.due_on,
            sale_from_on=call.sale_from_on,
            frozen=call.state in FROZEN,
        )


class ControlOut(Out):
    """A control agreement with what stands of it. `last_reading` is the newest of any of its goods."""

    id: ControlId
    version: int
    pledgor: PartyId
    pledgee: PartyId
    supervisor: PartyId
    contract_sha256: str
    kind: PledgeKind
    currency: str
    shares_bps: Mapping[str, int]
    days: Mapping[str, int]
    floor: MoneyOut | None
    insured: bool
    state: State
    signed: list[PartyId]
    mark: MarkOut | None
    call: CallOut | None
    insured_for: MoneyOut
    insured_until: DateText | None
    last_reading: LastReadingOut | None

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """Show an agreement."""
        row = seen.agreement
        return cls(
            id=row.id,
            version=row.version,
            pledgor=row.pledgor_id,
            pledgee=row.pledgee_id,
            supervisor=row.supervisor_id,
            contract_sha256=b64url(row.contract_sha256),
            kind=row.kind,
            currency=row.currency,
            shares_bps=row.content["shares_bps"],
            days=row.content["days"],
            floor=row.money(row.floor_minor) if row.floor_minor else None,
            insured=row.insured,
            state=row.state,
            signed=row.signed,
            mark=MarkOut.of(row, seen.mark, list(seen.lines)) if seen.mark else None,
            call=CallOut.of(row, seen.call) if seen.call else None,
            insured_for=row.money(seen.insured_minor),
            insured_until=seen.insured_until,
            last_reading=LastReadingOut.of(seen.last) if seen.last else None,
        )


class ControlWholeOut(ControlOut):
    """An agreement with the goods that it watches."""

    goods: list[WatchedOut]

    @classmethod
    def whole(cls, seen: Seen, holdings: Sequence[Holding]) -> Self:
        """Show an agreement with its goods."""
        shown = ControlOut.of(seen)
        values = {name: getattr(shown, name) for name in ControlOut.model_fields}
        return cls(**values, goods=[WatchedOut.of(one) for one in holdings])


class ControlNoticeOut(Out):
    """出质通知书 and, once `acknowledged_at` is set, its 回执."""

    id: ControlNoticeId
    agreement: ControlId
    keeper: PartyId
    content: Mapping[str, object]
    signed: list[PartyId]
    drawn_at: InstantText
    acknowledged_at: InstantText | None

    @classmethod
    def of(cls, row: ControlNotice) -> Self:
        """Show a notice."""
        return cls(
            id=row.id,
            agreement=row.agreement_id,
            keeper=row.keeper_id,
            content=row.content,
            signed=row.signed,
            drawn_at=row.drawn_at,
            acknowledged_at=row.acknowledged_at,
        )


class ReleaseCheckOut(Out):
    """Whether so much of a pledge may go: what would be left, and why not."""

    allowed: bool
    reason: str | None
    value_after: MoneyOut
    floor: MoneyOut


class ShareOut(Out):
    """One warehouse or kind of goods, of all pledged value; `excess` lies above the limit (COL-02)."""

    name: str
    value: MoneyOut
    share_bps: int
    excess: MoneyOut

    @classmethod
    def of(cls, share: Share, currency: str) -> Self:
        """Show a share."""
        return cls(
            name=share.name,
            value=Money(share.value_minor, currency),
            share_bps=share.share_bps,
            excess=Money(share.excess_minor, currency),
        )


class SumOut(Out):
    """What a bank's agreements come to: value, exposure, how many at which line, and what is short in all."""

    agreements: int
    value: MoneyOut
    exposure: MoneyOut
    ltv_bps: int | None
    shortfall: MoneyOut
    lines: Mapping[str, int]

    @classmethod
    def of(cls, found: Sum) -> Self:
        """Show a sum."""
        return cls(
            agreements=found.agreements,
            value=Money(found.value_minor, found.currency),
            exposure=Money(found.exposure_minor, found.currency),
            ltv_bps=-(-found.exposure_minor * WHOLE_BPS // found.value_minor)
            if found.value_minor
            else None,
            shortfall=Money(found.short_minor, found.currency),
            lines={line.value: count for line, count in found.counts.items()},
        )


class PortfolioOut(Out):
    """A bank's pledged goods of one currency, as marked, and after the fall that was asked about.

    `value_at_risk` is what the fall takes from the goods, `uncovered` what of the debts would stand above their own
    goods' value then: another debt's goods do not answer for it.
    """

    currency: str
    now: SumOut
    shocked: SumOut
    value_at_risk: MoneyOut
    uncovered: MoneyOut
    warehouses: list[ShareOut]
    goods: list[ShareOut]
    findings: list[ResultOut]
