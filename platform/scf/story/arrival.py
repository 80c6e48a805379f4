"""A supplier that is not on board: the buyer uploads what it owes it, invites it by link, and signs once."""

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.serialization import Encoding

from scf.bootstrap import keep_client
from scf.http.auth import digest
from scf.http.sheets import write_xlsx
from scf.kernel.clock import parse_instant
from scf.kernel.money import Money
from scf.parties.authority import subject_name
from scf.parties.keystore import Identity, KeyStore
from scf.parties.models import SizeClass
from scf.programmes import declaration
from scf.programmes.declaration import Declaration
from scf.receivables.upload_models import LineState
from scf.receivables.upload_rows import UPLOAD
from scf.story.desk import Api, Desk, StoryDiverged
from scf.story.enrol import AUTHORITY_BEGINS, Party
from scf.story.month import listed_invoice
from scf.story.scenes import Story, text_of, time_of
from scf.story.waiting import NotYet
from scf_ledger.encoding import b64url

ACCOUNT: Final = "6217 0000 2025 1020 02"
LINES: Final = (("88000.00", "11440.00"), ("156500.00", "20345.00"))  # net, tax
CHECKING: Final = "每月查验发票 / invoices are checked every month"
MATCHING: Final = "后台处理应付清单 / the list of payables"
KEY: Final = "newcomer-owner"
REPRESENTATIVE: Final = "何敏(示例)"


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who came on board, and the invoices that its claims rest on."""

    supplier: Party
    invoices: list[str]


def upload(story: Story) -> Arrived:
    """The ERP's list goes up, the supplier comes on board by link, and one signature confirms its lines."""
    begins = story.script.uploaded_on
    story.on("买方上传应付清单", "The buyer uploads its payables", begins, "09:20")
    anchor = story.cast.anchor
    newcomer = _newcomer()
    numbers = [f"{begins:%y}502000000000018{place:03}" for place in range(1, len(LINES) + 1)]
    job = anchor.desk.upload(
        "upload",
        "/v1/payables/uploads",
        write_xlsx([list(UPLOAD.columns.values()), *_rows(story, newcomer, numbers)]),
        programme=story.cast.programme,
        filename="应付清单.xlsx",
    )
    path = f"/v1/jobs/{job['id']}"
    over = anchor.desk.awaited("upload:over", MATCHING, path, lambda seen: seen["state"] == "DONE")
    rows = {"清单": f"{over['total']} 行", "等待": f"{over['waiting']} 行：供应商尚未入驻"}
    story.show(anchor, "应付清单（ERP 导出）", rows, result="已上传，后台处理完毕")
    supplier, invoices = _come_in(story, newcomer), []
    for place, (number, amounts) in enumerate(zip(numbers, LINES, strict=True), 1):
        net, tax = map(Money.parse, amounts)
        day = (begins - timedelta(days=1)).isoformat()
        original = listed_invoice(story, supplier, number, net, tax, issued_on=day)
        found = supplier.desk.upload(f"newcomer:invoice:{place}", "/v1/documents", original)
        invoices.append(found["document"]["id"])
    _confirm(story, supplier, job["id"])
    return Arrived(supplier, invoices)


def show_checks(story: Story, arrived: Arrived) -> None:
    """What is confirmed and unpaid has its invoices asked about again, a month later and unasked."""
    supplier, rows = arrived.supplier, {}
    for place, invoice in enumerate(arrived.invoices, 1):
        path = f"/v1/documents/{invoice}/checks"
        newest = supplier.desk.awaited(f"newcomer:checked:{place}", CHECKING, path, bool)[0]
        verdict = "状态正常" if newest["sound"] else newest["status"]
        rows[f"第 {place} 张"] = f"{verdict}（{time_of(newest['checked_at'])}）"
    story.show(supplier, "月度发票复查", rows, result="未付款期间每月自动查验")


def _newcomer() -> dict[str, str]:
    cast = resources.files("scf.samples").joinpath("cast.json").read_text("utf-8")
    found: dict[str, str] = json.loads(cast)["second_supplier"]
    return found


def _rows(story: Story, newcomer: dict[str, str], numbers: list[str]) -> list[list[str]]:
    begins = story.script.uploaded_on
    rows = []
    for place, (number, amounts) in enumerate(zip(numbers, LINES, strict=True), 1):
        values = {
            "line_no": f"ERP-{begins:%Y%m}-{place:03}",
            "supplier": newcomer["uscc"],
            "supplier_name": newcomer["name"],
            "invoices": number,
            "amount": sum(map(Money.parse, amounts), Money(0)).text,
            "delivered_on": (begins - timedelta(days=7)).isoformat(),
            "due_on": (begins + timedelta(days=53)).isoformat(),
        }
        rows.append([values.get(field, "") for field in UPLOAD.columns])
    return rows


def _come_in(story: Story, newcomer: dict[str, str]) -> Party:
    """Invite by link; the newcomer shows a certificate for its USCC and signs its declaration."""
    anchor, stage = story.cast.anchor, story.stage
    token = stage.journal.once("newcomer:token", lambda: secrets.token_urlsafe(32))
    secret = stage.journal.once("newcomer:secret", lambda: secrets.token_urlsafe(32))
    invitation = anchor.desk.do(
        "invite",
        "/v1/invitations",
        lambda: {
            "programme": story.cast.programme,
            "uscc": newcomer["uscc"],
            "name": newcomer["name"],
            "contact": REPRESENTATIVE,
            "token_sha256": b64url(digest(token)),
        },
    )
    rows = {"供应商": f"{newcomer['name']}  {newcomer['uscc']}"}
    story.show(anchor, "入驻邀请", rows, result="链接已发出（平台只存其摘要）")
    path = f"/v1/invitations/{invitation['id']}"
    letter = _public(
        story, "newcomer:letter", "GET", f"{path}/letter", headers={"Invitation-Token": token}
    )
    identity = _identity(story, newcomer["uscc"], letter["person"])

    def accepted() -> dict[str, Any]:
        said = Declaration(
            origin=letter["origin"],
            invitation=invitation["id"],
            challenge=letter["challenge"],
            uscc=newcomer["uscc"],
            name=newcomer["name"],
            size_class=SizeClass.SMALL,
            size_declared_on=story.script.uploaded_on,
            client_name="ERP",
            client_secret_sha256=b64url(digest(secret)),
        )
        return {
            "token": token,
            "jws": declaration.sign(said, identity.key, identity.certificate),
            "certificate": identity.certificate.public_bytes(Encoding.PEM).decode(),
            "legal_representative": REPRESENTATIVE,
        }

    body = stage.journal.once("newcomer:acceptance", accepted)
    came = _public(story, "newcomer:accepted", "POST", f"{path}/accept", json=body)
    keep_client(stage.settings, "second_supplier", came["client"], secret)
    api = Api(stage.settings.public_url, came["client"], secret, stage.patience)
    desk = Desk(api, stage.journal, name=newcomer["name"])
    supplier = Party(came["party"], newcomer["uscc"], newcomer["name"], desk)
    rows = {"项目": letter["programme"], "凭据": "企业证书（统一社会信用代码）、声明一份，已签"}
    story.show(supplier, "入驻", rows, result="已入驻，资料一次提交，各项目通用")
    return supplier


def _identity(story: Story, uscc: str, person: str) -> Identity:
    """Make the newcomer's key and have the enterprises' authority certify it, once."""
    passphrase = story.stage.journal.once("passphrase", lambda: "").encode()
    keys = KeyStore(story.stage.folder / "keys")
    if KEY not in keys.names():
        keys.new(KEY, subject=subject_name(code=uscc, person=person), passphrase=passphrase)
    authority = story.cast.enterprises
    request = (keys.folder / f"{KEY}.csr").read_bytes()
    certificate = authority.issue(request, valid_from=parse_instant(AUTHORITY_BEGINS))
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return keys.attach(KEY, pem, passphrase=passphrase)


def _public(story: Story, step: str, method: str, path: str, **request: Any) -> dict[str, Any]:
    """Ask without an account, once; a server that is away is asked again."""

    def ask() -> dict[str, Any]:
        try:
            answer = httpx.request(
                method, f"{story.stage.settings.public_url}{path}", timeout=60, **request
            )
        except httpx.TransportError as error:
            raise NotYet(f"{path}: {type(error).__name__}") from error
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise NotYet(path)
        if not answer.is_success:
            raise StoryDiverged(step=step, status=answer.status_code, answer=answer.text[:200])
        found: dict[str, Any] = answer.json()
        return found

    found: dict[str, Any] = story.stage.journal.once(
        step, lambda: story.stage.patience.until(MATCHING, ask)
    )
    return found


def _confirm(story: Story, supplier: Party, job: str) -> None:
    """Clerk and approver sign one 确权函 over all lines of the upload."""
    anchor, bank = story.cast.anchor, story.cast.bank
    path = f"/v1/payables/uploads/{job}"
    anchor.desk.awaited(
        "upload:matched",
        MATCHING,
        f"/v1/payables?job={job}",
        lambda seen: all(line["state"] == LineState.SUBMITTED.value for line in seen["items"]),
    )
    terms = {
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
    drafted = anchor.desk.do("upload:draft", f"{path}/confirmation-draft", lambda: terms)
    if drafted["errors"] or drafted["draft"] is None:
        raise StoryDiverged(step="upload:draft", errors=drafted["errors"])
    draft = drafted["draft"]
    anchor.desk.do(
        "upload:confirm", "/v1/receivables/confirmations", lambda: anchor.desk.sign(draft)
    )
    total = sum((Money.parse(part) for line in LINES for part in line), Money(0))
    rows = {"行数": str(len(draft["lines"])), "确认金额": text_of(total.to_json())}
    rows["签署"] = "经办、复核各签一次"
    story.show(anchor, "应收账款确权函（批量）", rows, result="逐行已确权，每行可单独举证")
