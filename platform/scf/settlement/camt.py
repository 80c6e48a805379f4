"""Banks' reports over an account: camt.052, camt.053 and camt.054 of ISO 20022, versions 01 to 13.

Source: the message definitions of iso20022.org (Bank-to-Customer Cash Management). Only booked entries are
facts; what a later version says in another place is read from there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from scf.documents.parsing import xml
from scf.documents.parsing.errors import FieldInvalid, UnsupportedFormat
from scf.documents.parsing.values import date_value, excerpt, money_value
from scf.documents.parsing.xml import Node
from scf.kernel.errors import Invalid, Refused
from scf.kernel.money import SCALES, Money
from scf_ledger import uscc

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt."
REPORTS: Final = {"052": "Rpt", "053": "Stmt", "054": "Ntfctn"}
"""Message -> the element that reports on one account."""
NOT_PROVIDED: Final = "NOTPROVIDED"
BOOKED: Final = "BOOK"
TEXT_MAX: Final = 1_000  # of remittance text that is kept


class ReportUnreadable(Invalid):
    """A bank's report is a camt.052, camt.053 or camt.054 message in its form."""

    code = "bank_report.unreadable"
    title = "银行报文无法读取（支持 camt.052、camt.053、camt.054）"
    title_en = "The bank's report cannot be read"


class Direction(StrEnum):
    """Into the account (credit), or out of it."""

    CREDIT = "CRDT"
    DEBIT = "DBIT"


@dataclass(frozen=True, slots=True)
class Detail:
    """One transaction of an entry. Texts are empty where the bank says nothing."""

    amount: Money
    reference: str
    """The bank's own reference of the transaction."""
    end_to_end: str
    remittance: str
    other_name: str
    """Of the other side: who paid a credit, who was paid by a debit."""
    other_account: str
    other_bank: str
    """That keeps the other account: its USCC where the message gives one, else its name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement on an account."""

    amount: Money
    direction: Direction
    reversal: bool
    status: str
    booked_on: date | None
    value_on: date | None
    reference: str
    """The bank's own reference of the entry (AcctSvcrRef), else its number in the report (NtryRef)."""
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a bank tells of one account."""

    statement_id: str
    account: str
    servicer: str
    """How the message names the bank: a code of any scheme, or empty."""
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message."""

    kind: str
    """Such as `camt.053.001.08`."""
    message_id: str
    reports: tuple[Report, ...]


def parse(original: bytes) -> Message:
    """Read a message. Raises ReportUnreadable, which says by which rule."""
    try:
        return _message(xml.load(original))
    except Refused as error:
        where = {"at": error.field} if error.field else {}
        raise ReportUnreadable(field="report", rule=error.code, **where, **error.fields) from None


def _message(root: Node) -> Message:
    kind = root.namespace.removeprefix(NAMESPACE[: -len("camt.")])
    number = root.namespace.removeprefix(NAMESPACE)[:3]
    if not root.namespace.startswith(NAMESPACE) or number not in REPORTS:
        raise UnsupportedFormat(namespace=excerpt(root.namespace))
    body = next(iter(root.all("*")), root)
    reports = tuple(_report(node) for node in body.all(REPORTS[number]))
    if not reports:
        raise UnsupportedFormat(root=excerpt(body.name))
    return Message(kind, body.require("GrpHdr").text_of("MsgId"), reports)


def _report(node: Node) -> Report:
    account = node.require("Acct")
    numbers = account.require("Id")
    number = next(
        (
            text
            for path in (("IBAN",), ("Othr", "Id"), ("PrtryAcct", "Id"), ("BBAN",), ("UPIC",))
            if (text := numbers.text_of(*path))
        ),
        "",
    )
    if not number:
        raise FieldInvalid(field=numbers.path, value="")
    servicer = account.find("Svcr", "FinInstnId")
    return Report(
        statement_id=node.require_text("Id"),
        account=number,
        servicer=_institution(servicer) if servicer else "",
        entries=tuple(_entry(entry) for entry in node.all("Ntry")),
    )


def _institution(node: Node) -> str:
    paths = (("Othr", "Id"), ("BICFI",), ("BIC",), ("ClrSysMmbId", "MmbId"))
    return next((text for path in paths if (text := node.first_text(*path))), "")


def _entry(node: Node) -> Entry:
    amount = _amount(node.require("Amt"))
    direction = _direction(node)
    status = node.require("Sts")
    reversal = node.text_of("RvslInd")
    if reversal not in {"", "true", "false", "1", "0"}:
        raise FieldInvalid(field=f"{node.path}/RvslInd", value=excerpt(reversal))
    return Entry(
        amount=amount,
        direction=direction,
        reversal=reversal in {"true", "1"},
        status=status.text_of("Cd") or status.text_of("Prtry") or _plain(status),
        booked_on=_day(node.find("BookgDt")),
        value_on=_day(node.find("ValDt")),
        reference=node.text_of("AcctSvcrRef") or node.text_of("NtryRef"),
        details=tuple(_details(node, amount, direction)),
    )


def _plain(node: Node) -> str:
    return "" if len(node.element) else node.text


def _direction(node: Node) -> Direction:
    text = node.text_of("CdtDbtInd")
    if text not in set(Direction):
        raise FieldInvalid(field=f"{node.path}/CdtDbtInd", value=excerpt(text))
    return Direction(text)


def _details(entry: Node, amount: Money, direction: Direction) -> Iterator[Detail]:
    """Read the transactions of an entry; version 01 has them without a frame around them."""
    nodes = [detail for frame in entry.all("NtryDtls") for detail in frame.all("TxDtls")]
    nodes += entry.all("TxDtls")
    for node in nodes:
        given = node.find("Amt") or node.find("AmtDtls", "TxAmt", "Amt")
        own = amount if given is None or len(nodes) == 1 else _amount(given)
        yield Detail(
            amount=own,
            reference=node.text_of("Refs", "AcctSvcrRef"),
            end_to_end=_reference(node.text_of("Refs", "EndToEndId")),
            remittance=_remittance(node),
            other_name=_other(node, direction, "Nm", "Pty/Nm"),
            other_account=_other_account(node, direction),
            other_bank=_other_bank(node, direction),
        )


def _reference(text: str) -> str:
    return "" if text == NOT_PROVIDED else text


def _remittance(node: Node) -> str:
    """Return all that is said about what was paid: free text, references, notes."""
    texts: list[str] = []
    for info in node.all("RmtInf"):
        texts += [line.text for line in info.all("Ustrd")]
        for structured in info.all("Strd"):
            texts.append(structured.first_text("CdtrRefInf", "Ref"))
            texts += [found.first_text("Nb") for found in structured.all("RfrdDocInf")]
            texts += [line.text for line in structured.all("AddtlRmtInf")]
    texts += [line.text for line in node.all("AddtlTxInf")]
    return " ".join(text for text in texts if text)[:TEXT_MAX]


def _other(node: Node, direction: Direction, *paths: str) -> str:
    side = "Dbtr" if direction is Direction.CREDIT else "Cdtr"
    party = node.first("RltdPties", side)
    if party is None:
        return ""
    return next((text for path in paths if (text := party.first_text(*path.split("/")))), "")


def _other_account(node: Node, direction: Direction) -> str:
    side = "DbtrAcct" if direction is Direction.CREDIT else "CdtrAcct"
    number = node.first("RltdPties", side, "Id")
    if number is None:
        return ""
    paths = (("IBAN",), ("Othr", "Id"), ("PrtryAcct", "Id"), ("BBAN",))
    return next((text for path in paths if (text := number.first_text(*path))), "")


def _other_bank(node: Node, direction: Direction) -> str:
    side = "DbtrAgt" if direction is Direction.CREDIT else "CdtrAgt"
    bank = node.first("RltdAgts", side, "FinInstnId")
    if bank is None:
        return ""
    code = bank.first_text("Othr", "Id")
    return code if uscc.is_valid(code) else bank.first_text("Nm")


def _amount(node: Node) -> Money:
    currency = node.element.get("Ccy") or ""
    if currency not in SCALES:
        raise FieldInvalid(field=f"{node.path}/@Ccy", value=excerpt(currency))
    amount = money_value(node.text, currency, field=node.path)
    # The direction says which way: ActiveOrHistoricCurrencyAndAmount is from 0 on.
    if amount.minor < 0:
        raise FieldInvalid(field=node.path, value=excerpt(node.text), amount_min="0")
    return amount


def _day(node: Node | None) -> date | None:
    if node is None:
        return None
    text = node.text_of("Dt") or node.text_of("DtTm")
    return date_value(text, field=node.path) if text else None
