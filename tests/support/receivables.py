"""Receivables for tests: invoices registered, lines submitted, confirmed, paid, on a `Stage`."""

from itertools import count
from typing import Any
from uuid import UUID

import httpx

from scf.documents import service as documents
from scf.kernel.ids import parse_id, public_id
from tests.support.actors import Company, Stage
from tests.support.invoices import cn_einvoice, ubl

ACCOUNT = "6222 0000 0000 0001"
NUMBERS = count(1_000)
"""Of invoices and lines, where a test does not care."""


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def invoice_number(number: int) -> str:
    return f"2550{number:016}"


def register_invoice(
    stage: Stage, seller: Company, number: int | None = None, total: str = "100.00", **other: Any
) -> str:
    """Register a 数电票 without tax of the seller to the anchor; return its id."""
    original = cn_einvoice(
        number=invoice_number(number or next(NUMBERS)),
        seller=seller.uscc,
        buyer=other.pop("buyer", stage.cast.anchor.uscc),
        net=total,
        tax="0.00",
        total=total,
        lines=[(total, "0", "0.00")],
        **other,
    )
    return _register(stage, seller, original)


def register_abroad(stage: Stage, number: str, total: str = "100.00", currency: str = "USD") -> str:
    """Register an untaxed invoice of the supplier to the anchor in another currency; return its id."""
    sides = {"seller": stage.cast.supplier.uscc, "buyer": stage.cast.anchor.uscc}
    currencies = {"currency": currency, "own_currency": currency}
    original = ubl(number=number, lines=[total], tax="0.00", **currencies, **sides)
    return _register(stage, stage.cast.supplier, original)


def _register(stage: Stage, seller: Company, original: bytes) -> str:
    with stage.database.transaction() as session:
        registered = documents.register(
            session, seller.actor, original=original, filename=None, now=stage.clock.now()
        )
        return public_id("doc", registered.document.id)


def line(
    stage: Stage, documents: list[str], line_no: str | None = None, **other: Any
) -> dict[str, Any]:
    """A `SubmissionIn`."""
    return {
        "programme": stage.cast.programme,
        "line_no": line_no or f"L-{next(NUMBERS)}",
        "documents": documents,
        "contract_no": "HT-2025-018",
        "receipt_no": "RK-20251020-03",
        "delivered_on": "2025-10-20",
        "due_on": "2025-12-19",
        **other,
    }


def submit(stage: Stage, number: int | None = None, total: str = "100.00", **other: Any) -> str:
    """Submit a line over one fresh invoice; return its id."""
    supplier, number = stage.cast.supplier, number or next(NUMBERS)
    document = register_invoice(stage, supplier, number, total)
    body = line(stage, [document], f"L-{number}", **other)
    answer = stage.post(supplier, "/v1/receivables", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def pay_to(bank: Company) -> dict[str, str]:
    """An `AccountIn`."""
    return {
        "name": "永川兴锐冲压件(示例)",
        "account": ACCOUNT,
        "bank": f"{bank.name}永川支行",
        "bank_uscc": bank.uscc,
    }


def confirmation(stage: Stage, confirmed: str = "100.00", **other: Any) -> dict[str, Any]:
    """A `ConfirmationIn`; `disputed` and `rejected` as texts."""
    amounts = {name: money(other.pop(name)) for name in ("disputed", "rejected") if name in other}
    return {
        "confirmed": money(confirmed),
        "pay_to": pay_to(stage.cast.bank),
        "no_setoff": True,
        "consents": ["pledge", "assignment"],
        "signers": stage.cast.anchor.signers("confirm"),
        **amounts,
        **other,
    }


def confirm(
    stage: Stage, receivable: str, confirmed: str = "100.00", **other: Any
) -> httpx.Response:
    """Draft, sign and hand back a 确权函."""
    anchor, path = stage.cast.anchor, f"/v1/receivables/{receivable}"
    draft = stage.post(
        anchor, f"{path}/confirmation-draft", confirmation(stage, confirmed, **other)
    )
    assert draft.status_code == 200, draft.text
    return stage.post(anchor, f"{path}/confirm", {"authorizations": anchor.sign_all(draft.json())})


def confirmed_receivable(stage: Stage, total: str = "100.00") -> dict[str, Any]:
    """A receivable confirmed whole, as its parties see it."""
    answer = confirm(stage, submit(stage, total=total), total)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def pay(
    stage: Stage, receivable: str, amount: str, receipt_no: str = "HD-1", **other: Any
) -> httpx.Response:
    """Report a payment into the named account, by the bank that keeps it."""
    body = {
        "receipt_no": receipt_no,
        "amount": money(amount),
        "paid_on": "2025-11-03",
        "account": ACCOUNT,
        **other,
    }
    return stage.post(stage.cast.bank, f"/v1/receivables/{receivable}/payments", body)


def identity(text: str) -> UUID:
    """The UUID behind any public id."""
    return parse_id(text.partition("_")[0], text)
