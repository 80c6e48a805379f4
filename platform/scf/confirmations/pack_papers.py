"""The pack of evidence as PDF: the same facts in words, with the JSON that they are from inside."""

from typing import Any, Final

from scf.confirmations.models import MomentKind, RequestState
from scf.confirmations.packs import Pack
from scf.confirmations.standing import STEPS
from scf.kernel.clock import parse_instant, wall_text
from scf.kernel.money import Money
from scf.papers import layouts
from scf.papers.amounts import capital_amount
from scf.papers.layouts import Article, Attachment, EvidencePack, Proof, Row
from scf.papers.layouts import Moment as Shown
from scf_ledger.encoding import from_b64url

CONDITIONS: Final = {
    "debtor_obliged": "债务人为机关、事业单位或大型企业",
    "creditor_sme": "债权人在合同订立时为中小企业",
    "size_declared": "债权人已告知其规模",
    "rule_in_force": "请求之日规定已施行",
}
VALUES: Final = {
    "public_body": "机关、事业单位",
    "large": "大型",
    "medium": "中型",
    "small": "小型",
    "micro": "微型",
    "declared": "已告知",
}
STEPS_TOLD: Final = {
    "receivable.submitted": "提交应收账款",
    "receivable.requested": "提出确权请求（第0日）",
    "receivable.confirmed": "确认",
    "receivable.disputed": "提出争议",
    "receivable.rejected": "不予确认",
    "receivable.withdrawn": "债权人撤回应收账款",
    MomentKind.REMINDER.value: "第{day}日提醒",
    MomentKind.CONFIRM_OVERDUE.value: "第{day}日：确权逾期",
    MomentKind.DELIVERED.value: "请求进入债务人系统",
    MomentKind.READ.value: "债务人已阅",
    MomentKind.ESCALATED.value: "发出催告函",
    MomentKind.CONTESTED.value: "债务人提出异议",
    MomentKind.DECIDED.value: "异议处理",
    MomentKind.WITHDRAWN.value: "债权人撤回请求",
}
SIDES: Final = {
    "creditor": "债权人",
    "debtor": "债务人",
    "platform": "平台",
    "operator": "平台运营方",
}


def paper(pack: Pack, *, public_url: str) -> EvidencePack:
    """Return the pack as it is set; its number and hash lead to the JSON with the proofs."""
    said = pack.content
    number = said["request"]
    address = f"{public_url.rstrip('/')}/v1/confirmation-requests/{number}/evidence.json"
    return EvidencePack(
        title="应收账款确权证据包",
        number=number,
        at=pack.at,
        marks=layouts.marks(said["creditor"]["name"], said["debtor"]["name"]),
        attachments=[
            Attachment(
                f"{number}.json", "application/json", pack.facts.decode(), "本证据包所载事实"
            )
        ],
        summary=_summary(said),
        parties=[
            Row(label, f"{said[side]['name']}（统一社会信用代码{said[side]['uscc']}）", side)
            for label, side in (("债权人", "creditor"), ("债务人", "debtor"))
        ],
        subject=_subject(said),
        timeline=[_step(one, said) for one in said["timeline"]],
        articles=[
            Article(
                f"{one['law']}{one['article']}",
                f"{one['says']}（规则{one['rule']}，依据{one['source']}）",
            )
            for one in said["articles"]
        ],
        hashes=_hashes(pack),
        proof=Proof(f"{address}#{pack.sha256}", [Row("证据包 SHA-256", pack.sha256)]),
    )


def _summary(said: dict[str, Any]) -> str:
    state = STEPS[RequestState(said["state"])][0]
    if not said["statutory"]:
        return f"{said['requested_on']}提出确权请求，不适用法定期限。目前状态：{state}。"
    return (
        f"{said['requested_on']}提出确权请求，法定期限{said['days']}日，至{said['deadline_on']}届满。"
        f"目前状态：{state}。"
    )


def _subject(said: dict[str, Any]) -> list[Row]:
    amount = Money.from_json(said["claimed"])
    words = f"（大写：{capital_amount(amount.minor)}）" if amount.currency == "CNY" else ""
    rows = [
        Row("应收账款", said["receivable"], "receivable"),
        Row("请求确认金额", f"{amount.currency} {amount.text}{words}", "claimed"),
        Row("清单行号", said["line_no"], "line_no"),
        Row("合同编号", said["contract_no"] or "—", "contract_no"),
        Row("收货单号", said["receipt_no"] or "—", "receipt_no"),
        Row("付款到期日", said["due_on"], "due_on"),
    ]
    for one in said["conditions"]:
        verdict = "成立" if one["holds"] else "不成立"
        found = one["value"] or "无记录"
        rows.append(Row(CONDITIONS[one["name"]], f"{verdict}（{VALUES.get(found, found)}）"))
    return rows


def _step(one: dict[str, Any], said: dict[str, Any]) -> Shown:
    what = STEPS_TOLD[one["what"]].format(day=one["day"])
    if one["reason"]:
        what += f"：{one['reason']}"
    if one.get("compliant") is False:
        what += "（理由不合规，期限继续计算）"
    if one.get("upheld") is not None:
        what += "（异议成立）" if one["upheld"] else "（异议不成立）"
    hashes = {event["id"]: event["hash"] for event in said["events"]}
    return Shown(
        at=one["on"] if one["at"] is None else _instant(one["at"]),
        what=what,
        who=SIDES[one["by"]],
        event=one["event"] or "",
        digest=hashes.get(one["event"], ""),
    )


def _instant(text: str) -> str:
    return wall_text(parse_instant(text))


def _hashes(pack: Pack) -> list[Row]:
    said = pack.content
    rows = [Row("本证据包所载事实（JSON）", pack.sha256)]
    if said["letter_sha256"]:
        rows.append(Row("催告函所载事项（JSON）", said["letter_sha256"]))
    originals = {one["number"]: from_b64url(one["original_sha256"]) for one in said["documents"]}
    return rows + [Row(f"发票 {number} 原件", sha256.hex()) for number, sha256 in originals.items()]
