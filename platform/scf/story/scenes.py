"""The scenes, in order. Each is safe to play again: what was done is read back, not done twice."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import PurePath
from typing import Any, Final

from scf.documents.service import FILENAME_LENGTH_MAX
from scf.kernel.clock import parse_instant, wall_text
from scf.kernel.money import Money
from scf.parties import rendering
from scf.parties.authority import LocalAuthority
from scf.story import answers
from scf.story.desk import StoryDiverged
from scf.story.enrol import Cast, Party
from scf.story.script import RATE, RATE_OF_2020, SHOPPED_RATE, Script
from scf.story.stage import Stage
from scf_ledger.encoding import from_b64url

ACCOUNT: Final = "6217 0000 2025 1020 01"
PERFECTING: Final = "登记、链上锁定、复查 / registration, lock, second search"
RELEASING: Final = "链上解锁、注销期限 / unlocking, the date to cancel by"


@dataclass(slots=True)
class Story:
    """Who plays on which stage, and what was refused so far."""

    stage: Stage
    cast: Cast
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def script(self) -> Script:
        """The figures and days."""
        return self.stage.script

    def on(self, title: str, english: str, day: date, clock: str) -> None:
        """Open a scene."""
        self.stage.on(title, english, day, clock)

    def show(self, party: Party, paper: str, rows: dict[str, str], *, result: str = "") -> None:
        """Show a party's paper."""
        self.stage.screen.form(party.name, paper, rows, result=result)

    def refuse(self, what: str, who: str, paper: str, problem: dict[str, Any]) -> None:
        """Show a refusal and remember it for the end."""
        self.stage.screen.refused(who, paper, problem)
        self.refused.append({"what": what, "code": str(problem["code"])})

    def signed(self, party: Party, step: str, path: str, act: str, **body: Any) -> dict[str, Any]:
        """Have a statement drafted (`path`-draft), signed by the party's people, and handed back."""
        draft_path, command_path = path.split("|")
        draft = party.desk.do(
            f"{step}:draft", draft_path, lambda: {**body, "signers": party.desk.signers(act)}
        )
        answer: dict[str, Any] = party.desk.do(step, command_path, lambda: party.desk.sign(draft))
        return answer


def text_of(amount: dict[str, str]) -> str:
    """Show an amount as a form does."""
    return f"{Money.from_json(amount)} 元"


def time_of(instant: str) -> str:
    """Show an instant as on the wall in Shanghai."""
    return wall_text(parse_instant(instant))


def percent(rate: str) -> str:
    """Show a yearly rate."""
    return f"{Decimal(rate) * 100:.2f}%"


def register_documents(story: Story) -> list[str]:
    """The month's 对账单 comes in: its invoices, each an XML as it was issued."""
    story.on(
        "供应商登记发票", "The supplier brings its invoices", story.script.submitted_on, "09:30"
    )
    supplier = story.cast.supplier
    ids = []
    for paper in story.script.papers.invoices:
        answer = supplier.desk.upload(
            f"document:{paper.name}",
            "/v1/documents",
            paper.original,
            filename=PurePath(paper.name).name[-FILENAME_LENGTH_MAX:],
        )
        document = answer["document"]
        ids.append(document["id"])
        rows = {
            "文件": paper.name,
            "发票号码": document["number"],
            "购买方": paper.invoice.buyer.name,
            "价税合计": text_of(document["total"]),
            "开票日期": document["issued_on"],
        }
        story.show(supplier, "发票登记", rows, result="已登记")
    return ids


def submit_receivable(story: Story, documents: list[str]) -> dict[str, Any]:
    """The companion list adds contract, goods receipt and due date; the line goes to its debtor."""
    story.on("提交确权请求", "The supplier submits the line", story.script.submitted_on, "10:00")
    supplier, line = story.cast.supplier, story.script.papers.line
    month = line.delivered_on or story.script.submitted_on
    body: dict[str, Any] = {
        "programme": story.cast.programme,
        "line_no": f"DZ-{month:%Y-%m}-{line.line_no.zfill(2)}",
        "documents": documents,
        "contract_no": line.contract_no,
        "receipt_no": line.receipt_no,
        "delivered_on": line.delivered_on.isoformat() if line.delivered_on else None,
        "due_on": line.due_on.isoformat(),
    }
    submitted = supplier.desk.do("receivable", "/v1/receivables", lambda: body)
    term = (
        f"{line.delivered_on} + {(line.due_on - line.delivered_on).days} 天 → "
        if line.delivered_on
        else ""
    )
    rows = {
        "付款人": story.cast.anchor.name,
        "对账单行": body["line_no"],
        "发票": f"{len(documents)} 张",
        "申报金额": text_of(submitted["claimed"]),
        "合同 / 入库单": f"{line.contract_no or '—'} / {line.receipt_no or '—'}",
        "收货 / 到期": f"{term}{line.due_on}",
    }
    story.show(supplier, "确权请求", rows, result="已提交，待核心企业确权")
    again = supplier.desk.refused(
        "receivable:again", "/v1/receivables", lambda: {**body, "line_no": f"{body['line_no']}-2"}
    )
    story.refuse("the same invoices in a second line", supplier.name, "同一发票再次提交", again)
    result: dict[str, Any] = submitted
    return result


def confirm(story: Story, receivable: str) -> dict[str, Any]:
    """The clerk fills the returned list; clerk and approver sign the 确权函."""
    story.on("核心企业确权", "The core enterprise confirms", story.script.confirmed_on, "14:20")
    anchor, supplier, bank = story.cast.anchor, story.cast.supplier, story.cast.bank
    script = story.script

    def filled() -> dict[str, Any]:
        pending = anchor.desk.read("/v1/receivables/pending.xlsx").content
        return {
            "xlsx": answers.fill(
                pending, receivable, confirmed=script.confirmed, disputed=script.papers.disputed
            ),
            "pay_to": {
                "name": supplier.name,
                "account": ACCOUNT,
                "bank": f"{bank.name}永川支行",
                "bank_uscc": bank.uscc,
            },
            "no_setoff": True,
            "consents": ["pledge", "assignment", "pay_only_named_account", "no_red_invoice"],
            "signers": anchor.desk.signers("confirm"),
        }

    sheet = anchor.desk.do("confirm:drafts", "/v1/receivables/confirmation-drafts", filled)
    draft = sheet["draft"]
    if sheet["errors"] or draft is None or len(draft["lines"]) != 1:
        raise StoryDiverged(step="confirm", errors=sheet["errors"])
    paper = rendering.render(from_b64url(draft["statements"][0]["payload"]), draft["lines"])
    story.stage.screen.paper("确权函（经办待签原文）", paper)
    anchor.desk.do("confirm", "/v1/receivables/confirmations", lambda: anchor.desk.sign(draft))
    confirmed: dict[str, Any] = anchor.desk.see(f"/v1/receivables/{receivable}")
    rows = {"确认金额": text_of(confirmed["confirmed"])}
    if script.papers.disputed.minor:
        rows["争议金额"] = f"{text_of(confirmed['disputed'])}（{confirmed['reason']}）"
    rows |= {"到期日": confirmed["due_on"], "签署": "经办、复核各一枚证书"}
    story.show(anchor, "应收账款确权函", rows, result="已确权，额度池已开立")
    return confirmed


def ask(story: Story, receivable: str) -> dict[str, dict[str, Any]]:
    """The supplier compares what arrives in hand, and asks two banks."""
    story.on("申请融资", "The supplier asks for money", story.script.pledged_on, "09:10")
    supplier, loan, days = story.cast.supplier, story.script.loan, story.script.days
    for name, rate in (("示例农商行报价", RATE), ("规划所载 2020 年平均利率", RATE_OF_2020)):
        quote = supplier.desk.see("/v1/quotes", amount=loan.text, rate=rate, days=days)
        rows = {
            "借款": f"{text_of(quote['principal'])}，{days} 天，年利率 {percent(rate)}",
            "到手": text_of(quote["in_hand"]),
            "到期利息": text_of(quote["interest"]),
            "到期应还": text_of(quote["to_repay"]),
        }
        story.show(supplier, f"到手多少 · {name}", rows)
    asked = {}
    for role, bank in (("bank", story.cast.bank), ("second_bank", story.cast.second_bank)):
        body = {"receivable": receivable, "lender": bank.id, "amount": loan.to_json(), "days": days}
        request = supplier.desk.do(f"ask:{role}", "/v1/financings", partial(dict, body))
        asked[role] = request
        show_standing(story, supplier, f"融资申请 → {bank.name}", request, loan)
    return asked


def show_standing(
    story: Story, party: Party, paper: str, thing: dict[str, Any], amount: Money
) -> None:
    """到哪一步、从何时起、在谁手里."""
    standing = thing["standing"]
    waiting = standing["waiting_for"]
    rows = {"金额": f"{amount} 元"}
    rows |= {"到哪一步": standing["line"], "从何时起": time_of(standing["since"])}
    rows["在谁手里"] = waiting["name"] if waiting else "—"
    story.show(party, paper, rows)


def approve(story: Story, bank: Party, financing: str, role: str, rate: str) -> dict[str, Any]:
    """A bank's officer and approver sign the offer."""
    path = f"/v1/financings/{financing}"
    approved = story.signed(
        bank,
        f"approve:{role}",
        f"{path}/offer-draft|{path}/approve",
        "offer",
        amount=story.script.loan.to_json(),
        rate=rate,
        days=story.script.days,
    )
    terms = approved["terms"]
    rows = {
        "金额": f"{text_of(terms['amount'])}（确认金额的 80%）",
        "利率": f"{percent(rate)}，{terms['day_count']}，{terms['days']} 天",
        "起止": f"{terms['starts_on']} → {terms['due_on']}",
        "到期利息": text_of(terms["quote"]["interest"]),
    }
    story.show(bank, "贷款条件", rows, result="经办、复核已签，批准")
    return approved


def pledge(story: Story, financing: str) -> dict[str, Any]:
    """Contract and pledge over one hash; the bank accepts and takes the pool."""
    story.on("签约与质押", "Contract and pledge", story.script.pledged_on, "15:40")
    bank, supplier = story.cast.bank, story.cast.supplier
    proposed = bank.desk.do("propose", "/v1/pledges", lambda: {"financing": financing})
    path = f"/v1/financings/{financing}"
    story.signed(supplier, "contract", f"{path}/contract-draft|{path}/contract", "pledge")
    rows = {
        "质押金额": f"{text_of(proposed['amount'])}（整笔应收账款）",
        "主债权": text_of(proposed["principal"]["amount"]),
        "合同摘要": proposed["principal"]["contract_sha256"],
    }
    story.show(supplier, "借款合同、质押合同", rows, result="出质人已签")
    path = f"/v1/pledges/{proposed['id']}"
    accepted = story.signed(bank, "accept", f"{path}/accept-draft|{path}/accept", "accept")
    show_standing(story, bank, "接受质押", accepted, story.script.confirmed)
    return accepted


def refuse_second_bank(story: Story, financing: str) -> None:
    """A second bank approves the same claim in good faith, and finds nothing left of it."""
    second = story.cast.second_bank
    approve(story, second, financing, "second_bank", SHOPPED_RATE)
    problem = second.desk.refused("propose:second", "/v1/pledges", lambda: {"financing": financing})
    story.refuse("a second bank on the same claim", second.name, "发起质押", problem)


def perfect(story: Story, pledge_id: str) -> dict[str, Any]:
    """Workers search, register, lock on chain and search again; the bank watches."""
    story.on(
        "登记、锁定、复查", "Registration, lock, second search", story.script.pledged_on, "16:30"
    )
    bank = story.cast.bank
    ready = bank.desk.awaited(
        "perfected", PERFECTING, f"/v1/pledges/{pledge_id}", has("ready_to_disburse_at")
    )
    form = bank.desk.see(f"/v1/pledges/{pledge_id}/registration-form")["fields"]
    described = next(one["value"] for one in form if one["label"] == "担保财产描述")
    rows = {
        "质押金额": text_of(ready["amount"]),
        "登记内容": described,
        "登记编号": ready["registration"]["reg_no"],
        "质权设立": time_of(ready["legally_effective_at"]),
        "链上锁定确认": time_of(ready["lock_final_at"]),
        "复查无异议，可放款": time_of(ready["ready_to_disburse_at"]),
    }
    story.show(bank, "质押登记（三个日期）", rows, result="质权已设立")
    result: dict[str, Any] = ready
    return result


def publish_revocations(story: Story, step: str = "revocations") -> None:
    """The authorities sign their lists, as they do every day: a verifier wants one of after the signing."""
    at = story.stage.settings.clock.real()

    def signed(authority: LocalAuthority) -> dict[str, str]:
        return {"crl": base64.b64encode(authority.crl(at=at)).decode()}

    for identity, authority in story.cast.authorities.items():
        path = f"/v1/authorities/{identity}/revocation-lists"
        story.cast.operator.do(f"{step}:{identity}", path, partial(signed, authority))
    story.stage.screen.say(
        "证书机构已发布吊销清单 / the authorities published their revocation lists"
    )


def has(name: str) -> Callable[[Any], bool]:
    """Return what says whether a field is there."""
    return lambda answer: answer[name] is not None


def disburse(story: Story, financing: str) -> None:
    """The bank pays out, outside the platform, and reports its receipt."""
    day = story.script.disbursed_on
    story.on("放款", "Disbursement", day, "10:05")
    bank, supplier = story.cast.bank, story.cast.supplier
    body: dict[str, Any] = {
        "receipt_no": f"FK{day:%Y%m%d}00017",
        "amount": story.script.loan.to_json(),
        "disbursed_on": day.isoformat(),
    }
    paid = bank.desk.do("disburse", f"/v1/financings/{financing}/disbursement", lambda: body)
    rows = {"回单号": body["receipt_no"], "金额": text_of(body["amount"]), "收款人": supplier.name}
    story.show(bank, "放款回单", rows, result="已放款（资金不经平台）")
    show_standing(story, supplier, "融资进度", paid, story.script.loan)


def collect(story: Story, receivable: str, financing: str) -> dict[str, Any]:
    """The debtor pays into the named account; the bank takes its due, the rest is the supplier's."""
    day = story.script.due_on
    story.on("到期回款与还款", "The debtor pays, the loan is repaid", day, "11:00")
    bank, anchor = story.cast.bank, story.cast.anchor
    body: dict[str, Any] = {
        "receipt_no": f"HK{day:%Y%m%d}00042",
        "amount": story.script.confirmed.to_json(),
        "paid_on": day.isoformat(),
        "account": ACCOUNT,
    }
    bank.desk.do("pay", f"/v1/receivables/{receivable}/payments", lambda: body)
    rows = {
        "回单号": body["receipt_no"],
        "付款人": anchor.name,
        "金额": text_of(body["amount"]),
        "账户": f"{ACCOUNT}（确权函载明）",
    }
    story.show(bank, "回款通知", rows, result="已到账，质权及于价款")
    owed = bank.desk.do(
        "repay",
        f"/v1/financings/{financing}/repayment",
        lambda: {
            "receipt_no": f"HK{day:%Y%m%d}00043",
            "amount": bank.desk.see(f"/v1/financings/{financing}")["owed"]["total"],
            "repaid_on": day.isoformat(),
        },
    )
    rows = {
        "回单号": f"HK{day:%Y%m%d}00043",
        "本息（利随本清）": text_of(owed["repaid"]),
        "余款归供应商": text_of(owed["remainder"]),
    }
    story.show(bank, "还款回单", rows, result="已结清")
    result: dict[str, Any] = owed
    return result


def release(story: Story, pledge_id: str, financing: str) -> None:
    """The bank signs the release; the registration's cancellation falls due ten working days on."""
    story.on("解除质押", "Release", story.script.due_on, "15:00")
    bank = story.cast.bank
    path = f"/v1/pledges/{pledge_id}"
    signed = story.signed(
        bank, "release", f"{path}/release-draft|{path}/release", "release", reason="主债权已清偿"
    )
    released = bank.desk.awaited(
        "released",
        RELEASING,
        path,
        lambda seen: seen["registration"]["cancellation_due_on"] is not None,
    )
    financed = f"/v1/financings/{financing}"
    bank.desk.awaited("closed", RELEASING, financed, lambda seen: seen["state"] == "CLOSED")
    due = bank.desk.see("/v1/tasks", subject=pledge_id, kind="registration.cancel")
    (task,) = due["items"]
    rows = {
        "质押": pledge_id,
        "解除金额": text_of(signed["amount"]),
        "登记注销期限": f"{released['registration']['cancellation_due_on']}（10 个工作日）",
        "待办": f"{task['title']}，{task['due_on']} 前",
    }
    story.show(bank, "解除质押通知书", rows, result="已解除，额度池已释放")
