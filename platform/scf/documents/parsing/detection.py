"""What is it? By content, never by the file's name."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Final

from scf.documents.parsing import cii, cn_einvoice, ubl
from scf.documents.parsing.errors import DocumentEmpty, FieldInvalid, UnsupportedFormat
from scf.documents.parsing.model import Invoice
from scf.documents.parsing.values import excerpt
from scf.documents.parsing.xml import Node, load, looks_like_xml
from scf.kernel.money import AmountInvalid

PARSERS: Final[dict[tuple[str | None, str], Callable[[Node], Invoice]]] = {
    (None, cn_einvoice.ROOT): cn_einvoice.parse,
    (ubl.INVOICE_NAMESPACE, "Invoice"): ubl.parse_invoice,
    (ubl.CREDIT_NOTE_NAMESPACE, "CreditNote"): ubl.parse_credit_note,
    (cii.NAMESPACE, cii.ROOT): cii.parse,
}
"""Namespace (None: whichever, or none) and name of the root -> parser."""

MAGIC: Final = {
    b"%PDF": "pdf",
    b"\xd0\xcf\x11\xe0": "ms-office-97",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
}
_PACKAGES = {"OFD.xml": "ofd", "xl/workbook.xml": "xlsx", "word/document.xml": "docx"}


def parse(original: bytes) -> Invoice:
    """Read any supported document. Raises a Refused error that says what is wrong, and nothing else."""
    if not original.strip():
        raise DocumentEmpty
    if not looks_like_xml(original):
        raise UnsupportedFormat(format=_format(original))
    root = load(original)
    parser = PARSERS.get((root.namespace, root.name)) or PARSERS.get((None, root.name))
    if parser is None:
        raise UnsupportedFormat(
            format="xml",
            root=excerpt(root.name),
            namespace=root.namespace[:120] or None,
        )
    try:
        return parser(root)
    except AmountInvalid as error:  # each amount is within bounds, their sum is not
        raise FieldInvalid(field="amounts", **error.fields) from error


def _format(original: bytes) -> str:
    """Return what the first bytes say, for the message."""
    if original.startswith(b"PK\x03\x04"):
        return _package(original)
    return next((name for magic, name in MAGIC.items() if original.startswith(magic)), "unknown")


def _package(original: bytes) -> str:
    """Return the kind of a ZIP package by the names in it; nothing is unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(original)) as package:
            names = set(package.namelist()[:10_000])
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, RuntimeError):
        return "zip"
    return next((kind for name, kind in _PACKAGES.items() if name in names), "zip")
