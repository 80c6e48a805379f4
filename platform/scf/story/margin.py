"""The copper's price in the second act: lines, a margin call, its cure by goods, and 2008 played over the bank's goods."""

from fractions import Fraction
from functools import partial
from importlib import resources
from typing import Any, Final

from scf.kernel.calendar import add_months
from scf.kernel.clock import instant_text
from scf.kernel.money import Money, Rounding
from scf.parties.models import Role
from scf.story import copper
from scf.story.copper import GOODS, LENT, RATE, described
from scf.story.enrol import Party
from scf.story.goods import issue, perfect, take_in, text_of, tonnes
from scf.story.scenes import text_of as yuan
from scf.story.warehouse import Yard, money

BOUGHT_AT: Final = "75000.00"
FALLEN_TO: Final = "70500.00"
MORE: Final = tonnes("10.000")
INSURED: Final = money("12000000.00")
SHARES: Final = {"advance_bps": 7000, "warning_bps": 500, "disposal_bps": 8000}
SAMPLE: Final = "copper-2008.csv"
WHOLE_BPS: Final = 10_000
LINES: Final = {"clear": "正常", "warning": "预警", "top_up": "补足", "disposal": "处置"}
STAGES: Final = {
    "CALLED": "已通知补足",
    "CURED": "已补足",
    "WARNED": "已预警",
    "LIFTED": "预警解除",
}


def agree(yard: Yard) -> str:
    """Bank, pledgor and supervisor sign the control agreement; the bank begins a series of prices."""
    yard.story.on("监管协议", "The control agreement of three", yard.season.pledged_on, "10:00")
    bank = yard.bank
    series = yard.do(
        bank,
        "series",
        "/v1/price-series",
        commodity=GOODS,
        unit="TNE",
        currency="CNY",
        source="现货报价（示例）",
        way="manual",
    )["id"]
    _quote(yard, series, BOUGHT_AT)
    control = yard.do(
        bank,
        "control",
        "/v1/control-agreements",
        pledgor=yard.trader.id,
        supervisor=yard.supervisor.id,
        contract_sha256=copper.principal(yard)["contract_sha256"],
        shares=SHARES,
        without_price_fall=True,
        goods=[{"goods": GOODS, "series": series}],
    )["id"]
    path = f"/v1/control-agreements/{control}"
    hands = {"entrust": yard.trader, "supervise": yard.supervisor, "appoint": bank}
    _sign(yard, "control", path, hands)
    rows = {
        "出质人 / 监管方 / 质权人": f"{yard.trader.name} / {yard.supervisor.name} / {bank.name}",
        "质押率": "70%",
        "预警 / 补足 / 处置": "低于最低控货价值 ×1.05 / 低于最低控货价值 / 债务达货值 80%",
        "报价": f"{Money.parse(BOUGHT_AT)} 元/吨，经办录入、复核生效",
    }
    yard.story.show(bank, "动产质押监管协议", rows, result="三方已签")
    return str(control)


def lend(yard: Yard, control: str, pledge: str) -> None:
    """The notice and the keeper's 回执, the insurance, the goods under the agreement, the debt; then the first mark."""
    yard.story.on("出质通知与放款", "Notice, insurance, the loan", yard.season.pledged_on, "11:00")
    bank, path = yard.bank, f"/v1/control-agreements/{control}"
    bought = money(BOUGHT_AT)
    yard.do(bank, "cover", f"{path}/pledges", pledge=pledge, invoice_price=bought)
    notice = yard.do(bank, "notice", f"{path}/notices", keeper=yard.keeper.id)["id"]
    hands = {"notify": yard.trader, "countersign": bank, "acknowledge": yard.keeper}
    told = _sign(yard, "notice", f"/v1/control-notices/{notice}", hands)
    listed = told["content"]["pledges"][0]
    rows = {"质物": f"{GOODS} {text_of(listed['quantity'])}", "保管人": yard.keeper.name}
    yard.story.show(yard.keeper, "出质通知书回执", rows, result="保管人已签回执，凭质权人解除放货")
    first = yard.season.pledged_on
    policy = {
        "insurer": "渝安财险(示例)",
        "policy": "PZ-2026-0001",
        "amount": INSURED,
        "first_on": first.isoformat(),
        "last_on": add_months(first, 12).isoformat(),
    }
    yard.do(yard.trader, "insure", f"{path}/insurances", **policy)
    debt = {
        "as_of_on": first.isoformat(),
        "principal": LENT,
        "interest": money("0.00"),
        "reserve": money("0.00"),
        "rate": RATE,
    }
    stated = yard.do(bank, "debt", f"{path}/debt", **debt)
    rows = _standing(stated["mark"])
    rows["保险"] = f"{yuan(INSURED)}，不低于货值"
    yard.story.show(bank, "放款后首次盯市", rows, result="正常")


def fall(yard: Yard, control: str) -> dict[str, Any]:
    """The price falls to 70,500: more goods or cash are due; return the agreement as it stood then."""
    yard.story.on("价格下跌", "The price falls", yard.season.pledged_on, "14:30")
    bank, series = yard.bank, yard.stage.journal.entries["goods:series"]["body"]["id"]
    _quote(yard, series, FALLEN_TO)
    marked: dict[str, Any] = yard.do(bank, "mark:fallen", f"/v1/control-agreements/{control}/mark")
    mark, call = marked["mark"], marked["call"]
    tons = Fraction(mark["lines"][0]["quantity_minor"], 1000)
    at = Money.from_json(mark["disposal_at"]).times(1 / tons, rounding=Rounding.DOWN)
    rows = {"报价": f"{Money.parse(FALLEN_TO)} 元/吨", **_standing(mark)}
    rows["应补货值 / 或现金"] = f"{yuan(call['goods_due'])} / {yuan(call['cash_due'])}"
    rows["期限"] = f"{call['due_on']}（3 个工作日）"
    rows["处置线"] = f"货值 {yuan(mark['disposal_at'])}，即每吨 {at} 元"
    yard.story.show(bank, "追加质物通知", rows, result=STAGES[call["state"]])
    return marked


def bring_more(yard: Yard) -> str:
    """A second lot with a receipt of its own is pledged for the same debt; return its pledge."""
    yard.story.on("补足质物", "More goods come in", yard.season.topped_on, "09:00")
    lot = take_in(yard, "TJ-03", yard.trader, MORE, **described("B-03"))
    found = issue(yard, "TJ-03", lot, **copper.TERMS)
    rows = {"仓单号": found["number"], "货物": f"{GOODS} {text_of(found['quantity'])}"}
    yard.story.show(yard.keeper, "电子仓单（补足）", rows, result="已签发，出质人出质，银行已接受")
    return copper.pledge(yard, "TJ-03", found)


def cure(yard: Yard, control: str, before: dict[str, Any], pledge: str) -> None:
    """Once the second receipt's pledge is in force it counts, and the call is over."""
    yard.story.on("补足生效", "The call is cured by goods", yard.season.topped_on, "14:00")
    perfect(yard, "TJ-03", pledge)
    bank, path = yard.bank, f"/v1/control-agreements/{control}"
    bought = money(BOUGHT_AT)
    after = yard.do(bank, "cover:more", f"{path}/pledges", pledge=pledge, invoice_price=bought)
    call = bank.desk.see(f"/v1/margin-calls/{before['call']['id']}")
    rows = _standing(after["mark"])
    yard.story.show(bank, "补足后盯市", rows, result=STAGES[call["state"]])


def play_2008(yard: Yard) -> list[dict[str, Any]]:
    """The months of 2008 over what the bank holds: each month's fall from that year's highest, one call a month.

    Return what the goods would have come to in each month, for the report.
    """
    yard.story.on("重演 2008 年铜价", "The months of 2008", yard.season.topped_on, "15:00")
    bank, desk = yard.bank, yard.bank.desk
    series = yard.do(
        bank,
        "series:2008",
        "/v1/price-series",
        commodity=GOODS,
        unit="TNE",
        currency="USD",
        source="国际市场月均价",
        way="file",
        symbol="Copper",
    )["id"]
    file = resources.files("scf.samples").joinpath("prices").joinpath(SAMPLE).read_bytes()
    path = f"/v1/price-series/{series}"
    desk.upload("goods:import:2008", f"{path}/imports", file, filename=SAMPLE)
    quotes = desk.see(f"{path}/prices")["items"][::-1]
    highest = max(_minor(one["price"]) for one in quotes)
    begun = next(at for at, one in enumerate(quotes) if _minor(one["price"]) == highest)
    rows, played = {}, []
    for one in quotes[begun:]:
        bps = round(Fraction(highest - _minor(one["price"]), highest) * WHOLE_BPS)
        month = one["quoted_at"][:7]
        (found,) = yard.stage.journal.once(f"goods:shock:{month}", partial(_shocked, yard, bps))
        shocked = found["shocked"]
        rows[f"{month} −{bps / 100:.1f}%" if bps else month] = _shown(shocked)
        played.append(
            {
                "month": month,
                "fall_bps": bps,
                "value": shocked["value"],
                "value_at_risk": found["value_at_risk"],
                "line": _line(shocked),
            }
        )
    now = found["now"]
    rows = {"现在": f"货值 {yuan(now['value'])}，债务 {yuan(now['exposure'])}", **rows}
    yard.story.show(
        bank, "质物组合压力测试", rows, result=f"以 {quotes[begun]['quoted_at'][:7]} 为起点逐月重演"
    )
    return played


def figures(marked: dict[str, Any]) -> dict[str, Any]:
    """Return the margin call's figures for the report."""
    names = ("value", "floor", "goods_due", "cash_due", "disposal_at")
    return {name: marked["mark"][name] for name in names}


def _shocked(yard: Yard, bps: int) -> Any:
    return yard.bank.desk.see("/v1/collateral/portfolio", fall=f"{GOODS}:{bps}")


def _shown(total: dict[str, Any]) -> str:
    line = LINES[_line(total)]
    short = f"，缺 {yuan(total['shortfall'])}" if _minor(total["shortfall"]) else ""
    return f"货值 {yuan(total['value'])}，{line}{short}"


def _line(total: dict[str, Any]) -> str:
    """Return the line at which the bank's one agreement stands."""
    (line,) = (name for name, count in total["lines"].items() if count)
    return str(line)


def _standing(mark: dict[str, Any]) -> dict[str, str]:
    """Where the goods stand to the debt."""
    return {
        "货值": yuan(mark["value"]),
        "债务": yuan(mark["exposure"]),
        "最低控货价值": yuan(mark["floor"]),
        "到哪条线": LINES[mark["line"]],
    }


def _quote(yard: Yard, series: str, price: str) -> None:
    """The bank's two people put a price on record: one enters, the other approves."""
    hands = yard.bank.desk.hands.values()
    maker, checker = (
        next(
            {"person": one.person, "mandate": one.mandates[role]}
            for one in hands
            if role in one.mandates
        )
        for role in (Role.MAKER.value, Role.CHECKER.value)
    )

    def entered() -> dict[str, Any]:
        return {
            "quoted_at": instant_text(yard.stage.settings.clock.now()),
            "price": money(price),
            "evidence": f"现货报价单 {price}",
            "maker": maker,
        }

    desk, step = yard.bank.desk, f"goods:price:{price}"
    entry = desk.do(step, f"/v1/price-series/{series}/entries", entered)["id"]
    desk.do(f"{step}:approve", f"/v1/price-entries/{entry}/approve", lambda: {"checker": checker})


def _sign(yard: Yard, step: str, path: str, hands: dict[str, Party]) -> dict[str, Any]:
    """Have each party sign its part of a paper, in this order; return the paper."""
    signed: dict[str, Any] = {}
    for act, party in hands.items():
        signed = yard.signed(party, f"{step}:{act}", f"{path}/draft|{path}/sign", act)
    return signed


def _minor(amount: dict[str, str]) -> int:
    return Money.from_json(amount).minor
