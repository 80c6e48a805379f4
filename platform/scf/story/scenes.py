"""The scenes, in order. Each is safe to play again: what was done is read back, not done twice."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib import resources
from typing import Any, Final

from scf.documents import companion
from scf.kernel.clock import SHANGHAI, business_date
from scf.kernel.money import Money
from scf.parties.authority import LocalAuthority
from scf.settings import Settings
from scf.story import answers
from scf.story.desk import StoryDiverged
from scf.story.enrol import Cast, Party
from scf.story.journal import Journal
from scf.story.screens import Screen

CONFIRMED: Final = "1245000.00"
DISPUTED: Final = "41400.00"
LOAN: Final = "996000.00"
RATE: Final = "0.0385"
RATE_OF_2020: Final = "0.053"  # the development plan's average of 2020
DAYS: Final = 50
SHOPPED_RATE: Final = "0.0420"  # the second bank's
INVOICES: Final = ("invoices/25502000000000010101.xml",)


@dataclass(slots=True)
class Story:
    """What the scenes share, and what the end reports."""

    settings: Settings
    journal: Journal
    screen: Screen
    cast: Cast
    refused: list[dict[str, str]] = field(default_factory=list)

    def on(self, title: str, english: str, text: str) -> None:
        """Open a scene at a business time (Shanghai), which only ever moves on."""
        instant = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
        clock = self.settings.clock
        self.journal.once(f"clock:{text}", lambda: clock.set(instant))
        self.screen.scene(title, english, f"{business_date(instant):%Y-%m-%d}")

    def refuse(self, what: str, who: str, paper: str, problem: dict[str, Any]) -> None:
        """Show a refusal and remember it for the end."""
        self.screen.refused(who, paper, problem)
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


def cny(amount: str) -> dict[str, str]:
    """Return an amount of CNY on the wire."""
    return {"amount": amount, "currency": "CNY"}


def register_documents(story: Story) -> list[str]:
    """October's 对账单 comes in: three invoices, each an XML as the tax bureau issued it."""
    story.on("供应商登记发票", "The supplier brings its invoices", "2025-10-27T09:30:00")
    supplier = story.cast.supplier
    folder = resources.files("scf.samples") / "invoices"
    ids = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".xml"):
            continue
        content = file.read_bytes()
        answer = supplier.desk.upload(
            f"document:{file.name}", "/v1/documents", content, filename=file.name
        )
        if answer["status"] != 200:  # noqa: PLR2004 - OK
            raise StoryDiverged(step=file.name, code=answer["body"].get("code"))
        document = answer["body"]["document"]
        ids.append(document["id"])
        rows = {"发票号码": document["number"], "价税合计": text_of(document["total"])}
        rows |= {"开票日期": document["issued_on"], "文件": file.name}
        story.screen.form(supplier.name, "数电票登记", rows, result="已登记")
    return ids


def submit_receivable(story: Story, documents: list[str]) -> dict[str, Any]:
    """The companion list adds contract, goods receipt and due date; the line goes to its debtor."""
    story.on("提交确权请求", "The supplier submits the line", "2025-10-27T10:00:00")
    supplier = story.cast.supplier
    sheet = (resources.files("scf.samples") / "companion.csv").read_bytes()
    (line,) = companion.parse(sheet)
    if line.delivered_on is None:
        raise StoryDiverged(step="companion", missing="delivered_on")
    body: dict[str, Any] = {
        "programme": story.cast.programme,
        "line_no": f"DZ-2025-10-{int(line.line_no):02d}",
        "documents": documents,
        "contract_no": line.contract_no,
        "receipt_no": line.receipt_no,
        "delivered_on": line.delivered_on.isoformat(),
        "due_on": line.due_on.isoformat(),
    }
    submitted = supplier.desk.do("receivable", "/v1/receivables", lambda: body)
    rows = {
        "付款人": story.cast.anchor.name,
        "对账单行": body["line_no"],
        "发票": f"{len(documents)} 张",
        "申报金额": text_of(submitted["claimed"]),
        "合同 / 入库单": f"{line.contract_no} / {line.receipt_no}",
        "收货 / 到期": f"{line.delivered_on} + 60 天 → {line.due_on}",
    }
    story.screen.form(supplier.name, "确权请求", rows, result="已提交，待核心企业确权")
    again = supplier.desk.refused(
        "receivable:again", "/v1/receivables", lambda: {**body, "line_no": "DZ-2025-10-99"}
    )
    story.refuse("the same invoices in a second line", supplier.name, "同一发票再次提交", again)
    result: dict[str, Any] = submitted
    return result


def confirm(story: Story, receivable: str) -> dict[str, Any]:
    """The clerk fills the returned list; clerk and approver sign the 确权函."""
    story.on("核心企业确权", "The core enterprise confirms", "2025-10-28T14:20:00")
    anchor, supplier = story.cast.anchor, story.cast.supplier

    def filled() -> dict[str, Any]:
        pending = anchor.desk.read("/v1/receivables/pending.csv").content
        return {
            "csv": answers.fill(pending, receivable, confirmed=CONFIRMED, disputed=DISPUTED),
            "pay_to": {
                "name": supplier.name,
                "account": "6217 0000 2025 1020 01",
                "bank": f"{story.cast.bank.name}永川支行",
                "bank_uscc": story.cast.bank.uscc,
            },
            "no_setoff": True,
            "consents": ["pledge", "assignment", "pay_only_named_account", "no_red_invoice"],
            "signers": anchor.desk.signers("confirm"),
        }

    sheet = anchor.desk.do("confirm:drafts", "/v1/receivables/confirmation-drafts", filled)
    if sheet["errors"] or len(sheet["drafts"]) != 1:
        raise StoryDiverged(step="confirm", errors=sheet["errors"])
    draft = sheet["drafts"][0]["draft"]
    for statement in draft["statements"][:1]:
        story.screen.paper("确权函（待签原文）", statement["text"])
    confirmed: dict[str, Any] = anchor.desk.do(
        "confirm", f"/v1/receivables/{receivable}/confirm", lambda: anchor.desk.sign(draft)
    )
    rows = {
        "确认金额": text_of(confirmed["confirmed"]),
        "争议金额": f"{text_of(confirmed['disputed'])}（{confirmed['reason']}）",
        "到期日": confirmed["due_on"],
        "签署": "经办、复核各一枚证书",
    }
    story.screen.form(anchor.name, "应收账款确权", rows, result="已确权，额度池已开立")
    return confirmed


def ask(story: Story, receivable: str) -> dict[str, dict[str, Any]]:
    """The supplier compares what arrives in hand, and asks two banks."""
    story.on("申请融资", "The supplier asks for money", "2025-10-29T09:10:00")
    supplier = story.cast.supplier
    for name, rate in (("示例农商行报价", RATE), ("2020 年平均利率（规划）", RATE_OF_2020)):
        quote = supplier.desk.see("/v1/quotes", amount=LOAN, rate=rate, days=DAYS)
        rows = {
            "借款": f"{text_of(quote['principal'])}，{DAYS} 天，年利率 {rate}",
            "到手": text_of(quote["in_hand"]),
            "到期利息": text_of(quote["interest"]),
            "到期应还": text_of(quote["to_repay"]),
        }
        story.screen.form(supplier.name, f"到手多少 · {name}", rows)
    asked = {}
    for role, bank in (("bank", story.cast.bank), ("second_bank", story.cast.second_bank)):
        body = {"receivable": receivable, "lender": bank.id, "amount": cny(LOAN), "days": DAYS}
        request = supplier.desk.do(f"ask:{role}", "/v1/financings", partial(dict, body))
        asked[role] = request
        show_standing(story, supplier, f"融资申请 → {bank.name}", request)
    return asked


def show_standing(story: Story, party: Party, paper: str, thing: dict[str, Any]) -> None:
    """到哪一步、从何时起、在谁手里."""
    standing = thing["standing"]
    waiting = standing["waiting_for"]
    rows = {"到哪一步": standing["line"], "从何时起": standing["since"]}
    rows["在谁手里"] = waiting["name"] if waiting else "—"
    story.screen.form(party.name, paper, rows)


def approve(story: Story, bank: Party, financing: str, role: str, rate: str) -> dict[str, Any]:
    """A bank's officer and approver sign the offer."""
    path = f"/v1/financings/{financing}"
    approved = story.signed(
        bank,
        f"approve:{role}",
        f"{path}/offer-draft|{path}/approve",
        "offer",
        amount=cny(LOAN),
        rate=rate,
        days=DAYS,
    )
    terms = approved["terms"]
    rows = {
        "金额": f"{text_of(terms['amount'])}（确认金额的 80%）",
        "利率": f"{rate}，{terms['day_count']}，{terms['days']} 天",
        "起止": f"{terms['starts_on']} → {terms['due_on']}",
        "到期利息": text_of(terms["quote"]["interest"]),
    }
    story.screen.form(bank.name, "贷款条件", rows, result="经办、复核已签，批准")
    return approved


def pledge(story: Story, financing: str) -> dict[str, Any]:
    """Contract and pledge over one hash; the bank accepts and takes the pool."""
    story.on("签约与质押", "Contract and pledge", "2025-10-29T15:40:00")
    bank, supplier = story.cast.bank, story.cast.supplier
    proposed = bank.desk.do("propose", "/v1/pledges", lambda: {"financing": financing})
    path = f"/v1/financings/{financing}"
    story.signed(supplier, "contract", f"{path}/contract-draft|{path}/contract", "pledge")
    rows = {
        "质押金额": f"{text_of(proposed['amount'])}（整笔应收账款）",
        "主债权": text_of(proposed["principal"]["amount"]),
        "合同摘要": proposed["principal"]["contract_sha256"],
    }
    story.screen.form(supplier.name, "借款合同、质押合同", rows, result="出质人已签")
    path = f"/v1/pledges/{proposed['id']}"
    accepted = story.signed(bank, "accept", f"{path}/accept-draft|{path}/accept", "accept")
    show_standing(story, bank, "接受质押", accepted)
    return accepted


def refuse_second_bank(story: Story, financing: str) -> None:
    """A second bank approves the same claim in good faith, and finds nothing left of it."""
    second = story.cast.second_bank
    approve(story, second, financing, "second_bank", SHOPPED_RATE)
    problem = second.desk.refused("propose:second", "/v1/pledges", lambda: {"financing": financing})
    story.refuse("a second bank on the same claim", second.name, "发起质押", problem)


def perfect(story: Story, pledge_id: str) -> dict[str, Any]:
    """Workers search, register, lock on chain and search again; the bank watches."""
    story.on("登记、锁定、复查", "Registration, lock, second search", "2025-10-29T16:30:00")
    bank = story.cast.bank
    ready = bank.desk.awaited("perfected", f"/v1/pledges/{pledge_id}", has("ready_to_disburse_at"))
    rows = {
        "登记编号": ready["registration"]["reg_no"],
        "质权设立": ready["legally_effective_at"],
        "链上锁定确认": ready["lock_final_at"],
        "复查无异议，可放款": ready["ready_to_disburse_at"],
    }
    story.screen.form(bank.name, "质押登记（三个日期）", rows, result="质权已设立")
    result: dict[str, Any] = ready
    return result


def publish_revocations(story: Story) -> None:
    """The authorities sign their lists, as they do every day: a verifier wants one of after the signing."""
    at = story.settings.clock.real()

    def signed(authority: LocalAuthority) -> dict[str, str]:
        return {"crl": base64.b64encode(authority.crl(at=at)).decode()}

    for identity, authority in story.cast.authorities.items():
        path = f"/v1/authorities/{identity}/revocation-lists"
        story.cast.operator.do(f"revocations:{identity}", path, partial(signed, authority))
    story.screen.say("证书机构已发布吊销清单 / the authorities published their revocation lists")


def has(name: str) -> Callable[[Any], bool]:
    """Return what says whether a field is there."""
    return lambda answer: answer[name] is not None


def disburse(story: Story, financing: str) -> None:
    """The bank pays out, outside the platform, and reports its receipt."""
    story.on("放款", "Disbursement", "2025-10-30T10:05:00")
    bank, supplier = story.cast.bank, story.cast.supplier
    body: dict[str, Any] = {
        "receipt_no": "FK2025103000017",
        "amount": cny(LOAN),
        "disbursed_on": "2025-10-30",
    }
    paid = bank.desk.do("disburse", f"/v1/financings/{financing}/disbursement", lambda: body)
    rows = {"回单号": body["receipt_no"], "金额": text_of(body["amount"]), "收款人": supplier.name}
    story.screen.form(bank.name, "放款回单", rows, result="已放款（资金不经平台）")
    show_standing(story, supplier, "融资进度", paid)


def collect(story: Story, receivable: str, financing: str) -> dict[str, Any]:
    """The debtor pays into the named account; the bank takes its due, the rest is the supplier's."""
    story.on("到期回款与还款", "The debtor pays, the loan is repaid", "2025-12-19T11:00:00")
    bank, anchor = story.cast.bank, story.cast.anchor
    body: dict[str, Any] = {
        "receipt_no": "HK2025121900042",
        "amount": cny(CONFIRMED),
        "paid_on": "2025-12-19",
        "account": "6217 0000 2025 1020 01",
    }
    bank.desk.do("pay", f"/v1/receivables/{receivable}/payments", lambda: body)
    rows = {"付款人": anchor.name, "金额": text_of(body["amount"]), "账户": "确权函载明的回款账户"}
    story.screen.form(bank.name, "回款通知", rows, result="已到账，质权及于价款")
    owed = bank.desk.do(
        "repay",
        f"/v1/financings/{financing}/repayment",
        lambda: {
            "receipt_no": "HK2025121900043",
            "amount": bank.desk.see(f"/v1/financings/{financing}")["owed"]["total"],
            "repaid_on": "2025-12-19",
        },
    )
    rows = {
        "本息（利随本清）": text_of(owed["repaid"]),
        "余款归供应商": text_of(owed["remainder"]),
    }
    story.screen.form(bank.name, "还款回单", rows, result="已结清")
    result: dict[str, Any] = owed
    return result


def release(story: Story, pledge_id: str, financing: str) -> None:
    """The bank signs the release; the registration's cancellation falls due ten working days on."""
    story.on("解除质押", "Release", "2025-12-19T15:00:00")
    bank = story.cast.bank
    path = f"/v1/pledges/{pledge_id}"
    story.signed(
        bank,
        "release",
        f"{path}/release-draft|{path}/release",
        "release",
        reason="主债权已清偿",
    )
    released = bank.desk.awaited(
        "released", path, lambda seen: seen["registration"]["cancellation_due_on"] is not None
    )
    financed = f"/v1/financings/{financing}"
    bank.desk.awaited("closed", financed, lambda seen: seen["state"] == "CLOSED")
    rows = {
        "质押": pledge_id,
        "登记注销期限": f"{released['registration']['cancellation_due_on']}（10 个工作日）",
    }
    story.screen.form(bank.name, "解除质押通知书", rows, result="已解除，额度池已释放")
