"""Payment instructions as a file: CustomerCreditTransferInitiation, pain.001.001.09 of ISO 20022.

Names stay in Chinese (Max140Text has no character set of its own, and CNAPS banks take UTF-8); identifiers keep
to the plain set of latin letters and digits. A bank is named by its code of the national clearing register's
owner, the 统一社会信用代码, since a 回款账户 carries no BIC.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from lxml import etree

from scf.kernel.clock import instant_text
from scf.kernel.errors import Invalid
from scf.kernel.money import Money
from scf.receivables.accounts import account_digits

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_DEFAULT: Final[Any] = {None: NAMESPACE}
TEXT_MAX: Final = 140  # Max140Text
ACCOUNT_MAX: Final = 34  # Max34Text
ID_MAX: Final = 35  # Max35Text
SCHEME: Final = "USCC"
# What XML 1.0 cannot carry, what breaks a line, and what turns the direction of a text.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]+"
)


class AccountUnfit(Invalid):
    """An account number has at most 34 letters and digits (ISO 20022 Max34Text)."""

    code = "payment_order.account_unfit"
    title = "账号无法写入付款文件"
    title_en = "The account number does not fit a payment file"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an account, where; the bank by name and code."""

    name: str
    code: str
    account: str
    bank: str
    bank_code: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """One credit transfer. `end_to_end` comes back in what the banks report."""

    end_to_end: str
    amount: Money
    to: Holder
    remittance: str


@dataclass(frozen=True, slots=True)
class Initiation:
    """One file: from one account, on one day, in one currency."""

    message_id: str
    created_at: datetime
    execute_on: date
    debtor: Holder
    transfers: Sequence[Transfer]

    @property
    def total(self) -> Money:
        """CtrlSum, exact."""
        amounts = [transfer.amount for transfer in self.transfers]
        return sum(amounts[1:], amounts[0])


def write(initiation: Initiation) -> bytes:
    """Return the file. Raises AccountUnfit."""
    root = etree.Element(_tag("Document"), nsmap=_DEFAULT)
    body = _add(root, "CstmrCdtTrfInitn")
    _header(_add(body, "GrpHdr"), initiation)
    _payment(_add(body, "PmtInf"), initiation)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def clean(text: str) -> str:
    """Return one line that any bank can take: no control characters, at most 140 characters."""
    return " ".join(_UNFIT.sub(" ", text).split())[:TEXT_MAX].rstrip()


def _header(node: etree._Element, initiation: Initiation) -> None:
    _add(node, "MsgId", initiation.message_id)
    _add(node, "CreDtTm", instant_text(initiation.created_at))
    _sums(node, initiation)
    party = _add(node, "InitgPty")
    _party(party, initiation.debtor)


def _payment(node: etree._Element, initiation: Initiation) -> None:
    _add(node, "PmtInfId", f"{initiation.message_id}-1")
    _add(node, "PmtMtd", "TRF")
    _sums(node, initiation)
    _add(_add(node, "ReqdExctnDt"), "Dt", initiation.execute_on.isoformat())
    _party(_add(node, "Dbtr"), initiation.debtor)
    account = _account(_add(node, "DbtrAcct"), initiation.debtor)
    _add(account, "Ccy", initiation.total.currency)
    _agent(_add(node, "DbtrAgt"), initiation.debtor)
    for number, transfer in enumerate(initiation.transfers, 1):
        entry = _add(node, "CdtTrfTxInf")
        names = _add(entry, "PmtId")
        _add(names, "InstrId", f"{initiation.message_id}-{number}"[:ID_MAX])
        _add(names, "EndToEndId", transfer.end_to_end)
        amount = _add(_add(entry, "Amt"), "InstdAmt", transfer.amount.text)
        amount.set("Ccy", transfer.amount.currency)
        _agent(_add(entry, "CdtrAgt"), transfer.to)
        _party(_add(entry, "Cdtr"), transfer.to)
        _account(_add(entry, "CdtrAcct"), transfer.to)
        _add(_add(entry, "RmtInf"), "Ustrd", clean(transfer.remittance))


def _sums(node: etree._Element, initiation: Initiation) -> None:
    _add(node, "NbOfTxs", str(len(initiation.transfers)))
    _add(node, "CtrlSum", initiation.total.text)


def _party(node: etree._Element, holder: Holder) -> None:
    _add(node, "Nm", clean(holder.name))
    if holder.code:
        _code(_add(_add(node, "Id"), "OrgId"), holder.code)


def _agent(node: etree._Element, holder: Holder) -> None:
    institution = _add(node, "FinInstnId")
    _add(institution, "Nm", clean(holder.bank))
    _code(institution, holder.bank_code)


def _code(node: etree._Element, code: str) -> None:
    other = _add(node, "Othr")
    _add(other, "Id", code)
    _add(_add(other, "SchmeNm"), "Prtry", SCHEME)


def _account(node: etree._Element, holder: Holder) -> etree._Element:
    number = account_digits(holder.account)
    if not re.fullmatch(r"[0-9A-Za-z]{1,34}", number, re.ASCII):
        raise AccountUnfit(field="account", account=holder.account[:60], length_max=ACCOUNT_MAX)
    _add(_add(_add(node, "Id"), "Othr"), "Id", number)
    return node


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, _tag(name))
    child.text = text
    return child
