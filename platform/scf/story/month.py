"""The rest of the clerk's month: a red note after the pledge, and the law's clock over a silent debtor."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final

from scf.documents.parsing import listed
from scf.documents.parsing.cn_forms import is_einvoice_number
from scf.documents.red_note_models import RedReason
from scf.kernel.money import Money, Rounding
from scf.story.enrol import Party
from scf.story.papers import Paper
from scf.story.scenes import Story, text_of

ALLOWING: Final = "红字发票冲减 / the red invoice takes effect"
SILENT_CLAIM: Final = (Money.parse("100000.00"), Money.parse("13000.00"))  # net, tax
SILENT_DAYS: Final = (7, 15, 25)
OVERDUE_DAY: Final = 31
LIST_SHA256: Final = "00" * 32  # told by hand: the rows of the story come from no file


def take_back(story: Story, documents: Sequence[str], pledge: str) -> None:
    """The quality claim is settled by a red invoice over the disputed part, after the pledge."""
    disputed = story.script.papers.disputed
    if not disputed.minor:
        return
    story.on("红字发票", "A red note after the pledge", story.script.noted_on, "10:20")
    supplier, anchor, bank = story.cast.supplier, story.cast.anchor, story.cast.bank
    blue, document = next(
        (paper, identity)
        for paper, identity in zip(story.script.papers.invoices, documents, strict=True)
        if paper.invoice.total >= disputed
    )
    share = Fraction(blue.invoice.net.minor, blue.invoice.total.minor)
    net = disputed.times(share, rounding=Rounding.HALF_UP)
    entered = supplier.desk.do(
        "red:enter",
        "/v1/red-notes",
        lambda: {
            "document": document,
            "form_no": f"50011825{story.script.noted_on:%m%d}00000042",
            "reason": RedReason.ALLOWANCE.value,
            "net": net.to_json(),
            "tax": (disputed - net).to_json(),
            "used": True,
        },
    )
    path = f"/v1/red-notes/{entered['id']}"
    rows = {"蓝字发票": blue.invoice.number, "冲减": text_of(entered["total"])}
    rows |= {"原因": entered["reason"], "状态": entered["label"]}
    story.show(supplier, "红字发票信息确认单", rows, result="已录入，质权人已获通知并被征询")
    bank.desk.do("red:consent", f"{path}/consent", lambda: {"given": True})
    confirmed = anchor.desk.do("red:confirm", f"{path}/confirm", dict)
    story.show(anchor, "红字发票信息确认单", {"状态": confirmed["label"]}, result="质权人已同意")
    supplier.desk.upload("red:invoice", "/v1/documents", red_invoice(blue, net, disputed, entered))
    seen = bank.desk.awaited(
        "red:issued", ALLOWING, path, lambda note: note["red_document"] is not None
    )
    held = bank.desk.see(f"/v1/pledges/{pledge}")
    rows = {"状态": seen["label"], "质押金额": text_of(held["amount"])}
    story.show(bank, "押品变动", rows, result="只冲减未确认部分，质押额度不变")


def keep_silent(story: Story) -> None:
    """A claim that the buyer does not answer: the law's days pass, reminders come, then the letter."""
    begins = story.script.silent_on
    story.on("确权时钟", "The law's clock over a silent debtor", begins, "09:00")
    supplier, anchor = story.cast.supplier, story.cast.anchor
    net, tax = SILENT_CLAIM
    number = f"{begins:%y}502000000000019901"
    original = listed_invoice(
        story, supplier, number, net, tax, issued_on=(begins - timedelta(days=1)).isoformat()
    )
    document = supplier.desk.upload("silent:invoice", "/v1/documents", original)["document"]["id"]
    claim = supplier.desk.do(
        "silent:claim",
        "/v1/receivables",
        lambda: {
            "programme": story.cast.programme,
            "line_no": f"DZ-{begins:%Y-%m}-99",
            "documents": [document],
            "due_on": (begins + timedelta(days=60)).isoformat(),
        },
    )
    asked = supplier.desk.do(
        "silent:ask",
        f"/v1/receivables/{claim['id']}/confirmation-request",
        lambda: {"note": "请依法在三十日内确认"},
    )
    rows = {
        "申报金额": text_of(claim["claimed"]),
        "依据": "保障中小企业款项支付条例第十六条：大型企业、中小企业、书面请求",
        "最后期限": asked["deadline_on"],
    }
    story.show(supplier, "确权请求（法定期限）", rows, result="已送达，期限自今日起算")
    path = f"/v1/confirmation-requests/{asked['id']}"
    for day in SILENT_DAYS:
        story.on(f"第 {day} 天", f"Day {day}", begins + timedelta(days=day), "09:00")
        seen = anchor.desk.see(path)
        rows = {"到哪一步": seen["standing"]["step"], "已过": f"{seen['days_elapsed']} 天"}
        story.show(anchor, "确权请求提醒", rows)
    story.on("第 31 天", "Day 31", begins + timedelta(days=OVERDUE_DAY), "09:00")
    written = supplier.desk.do("silent:escalate", f"{path}/escalate", dict)
    rows = {
        "已提醒": "、".join(
            f"{one['due_on']}（第 {one['day']} 天）"
            for one in written["moments"]
            if one["kind"] == "REMINDER"
        ),
        "到哪一步": written["standing"]["step"],
    }
    letter = supplier.desk.read(f"{path}/notice.pdf").content
    file = story.stage.folder / "催告函.pdf"
    file.write_bytes(letter)
    story.show(supplier, "催告函", {**rows, "文件": file.name}, result="已生成，附法条")
    _supervise(story)


def _supervise(story: Story) -> None:
    """The district's office sees how often the enterprise confirms in time, and no amounts."""
    regulator, anchor = story.cast.regulator, story.cast.anchor
    first, last = story.script.silent_on, story.script.silent_on + timedelta(days=OVERDUE_DAY)
    page = regulator.desk.see("/v1/confirmation-rates", first_on=first, last_on=last)
    seen = next(one for one in page["items"] if one["party"] == anchor.id)
    rows = {
        "企业": f"{seen['name']}  {seen['uscc']}",
        "到期": f"{seen['due']} 件",
        "按期答复": f"{seen['on_time']} 件",
        "有异议": f"{seen['contested']} 件",
        "确权及时率": seen["rate"],
    }
    story.show(regulator, "辖区确权及时率", rows, result="只见件数，不见金额与交易对手")


def red_invoice(blue: Paper, net: Money, total: Money, form: dict[str, Any]) -> bytes:
    """Return the red invoice over a part of a blue one, as a row of the portal's list tells of it."""
    invoice = blue.invoice
    number = invoice.number
    red = f"{number[:4]}99{number[6:]}" if is_einvoice_number(number) else f"{number}-R"
    return _listed(
        number=red,
        seller_id=invoice.seller.identity,
        seller_name=invoice.seller.name,
        buyer_id=invoice.buyer.identity,
        buyer_name=invoice.buyer.name,
        issued_on=form["entered_at"][:10],
        net=f"-{net.text}",
        tax=f"-{(total - net).text}",
        total=f"-{total.text}",
        reverses=number,
        remark=f"红字发票信息确认单编号：{form['form_no']}",
    )


def listed_invoice(
    story: Story, seller: Party, number: str, net: Money, tax: Money, *, issued_on: str
) -> bytes:
    """Return an invoice to the anchor, as a row of the portal's list tells of it."""
    anchor = story.cast.anchor
    return _listed(
        number=number,
        seller_id=seller.uscc,
        seller_name=seller.name,
        buyer_id=anchor.uscc,
        buyer_name=anchor.name,
        issued_on=issued_on,
        net=net.text,
        tax=tax.text,
        total=(net + tax).text,
    )


def _listed(**fields: str) -> bytes:
    return listed.to_json(fields, sha256=LIST_SHA256, sheet=None, row=2)
