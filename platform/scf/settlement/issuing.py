"""Reports as the simulated bank writes them: camt.053.001.08 and camt.054.001.08."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lxml import etree

from scf.kernel.money import Money
from scf_ledger import uscc

KINDS: Final = {
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def write(kind: str, name: str, created_at: str, entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a report over the entries of one account; entries as the bank's books have them."""
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.08"
    message, report = KINDS[kind]
    default: Any = {None: namespace}
    root = etree.Element(f"{{{namespace}}}Document", nsmap=default)
    body = _add(root, message)
    header = _add(body, "GrpHdr")
    _add(header, "MsgId", name)
    _add(header, "CreDtTm", created_at)
    node = _add(body, report)
    _add(node, "Id", name)
    _add(node, "CreDtTm", created_at)
    first = entries[0]
    account = _add(node, "Acct")
    _path(account, "Id/Othr/Id", first["account"])
    _path(account, "Svcr/FinInstnId/Othr/Id", first["bank"])
    for entry in entries:
        _entry(_add(node, "Ntry"), entry)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _entry(node: etree._Element, entry: Mapping[str, Any]) -> None:
    amount = Money(entry["minor"], entry["currency"])
    _add(node, "Amt", amount.text).set("Ccy", amount.currency)
    _add(node, "CdtDbtInd", entry["direction"])
    if entry["reversal"]:
        _add(node, "RvslInd", "true")
    _path(node, "Sts/Cd", "BOOK")
    _path(node, "BookgDt/Dt", entry["booked_on"])
    _add(node, "AcctSvcrRef", f"{entry['number']:012d}")
    _path(node, "BkTxCd/Prtry/Cd", "TRF")
    details = _path(node, "NtryDtls/TxDtls")
    _path(details, "Refs/EndToEndId", entry["end_to_end"])
    _add(details, "Amt", amount.text).set("Ccy", amount.currency)
    _add(details, "CdtDbtInd", entry["direction"])
    parties = _add(details, "RltdPties")
    side = "Dbtr" if entry["direction"] == "CRDT" else "Cdtr"
    _path(parties, f"{side}/Pty/Nm", entry["other_name"])
    _path(parties, f"{side}Acct/Id/Othr/Id", entry["other_account"])
    if entry["other_bank"]:
        agents = _add(details, "RltdAgts")
        name = "Othr/Id" if uscc.is_valid(entry["other_bank"]) else "Nm"
        _path(agents, f"{side}Agt/FinInstnId/{name}", entry["other_bank"])
    if entry["remittance"]:
        _path(details, "RmtInf/Ustrd", entry["remittance"])


def _path(parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
    for name in path.split("/"):
        parent = _add(parent, name)
    parent.text = text
    return parent


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    namespace = etree.QName(parent).namespace
    child = etree.SubElement(parent, f"{{{namespace}}}{name}")
    child.text = text
    return child
