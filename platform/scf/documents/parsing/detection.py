"""What is it? By content, never by the file's name."""

from collections.abc import Callable
from io import BytesIO
from typing import Final, TypeVar

from scf.documents.files import BYTES_MAX
from scf.documents.parsing import cii, cn_einvoice, listed, ofd, ubl
from scf.documents.parsing.errors import (
    DocumentEmpty,
    DocumentTooLarge,
    FieldInvalid,
    SeveralDocuments,
    UnsupportedFormat,
)
from scf.documents.parsing.model import Invoice
from scf.documents.parsing.packages import Package
from scf.documents.parsing.values import excerpt
from scf.documents.parsing.xml import Node, load, looks_like_xml
from scf.kernel.money import AmountInvalid

T = TypeVar("T")

PARSERS: Final[dict[tuple[str | None, str], Callable[[Node], Invoice]]] = {
    (None, cn_einvoice.ROOT): cn_einvoice.parse,
    (ubl.INVOICE_NAMESPACE, "Invoice"): ubl.parse_invoice,
    (ubl.CREDIT_NOTE_NAMESPACE, "CreditNote"): ubl.parse_credit_note,
    (cii.NAMESPACE, cii.ROOT): cii.parse,
}
"""Namespace (None: whichever, or none) and name of the root -> parser."""

UNPACKED_MAX: Final = 64 * 1024 * 1024  # of one document
ZIP: Final = b"PK\x03\x04"
MAGIC: Final = {
    b"%PDF": "pdf",
    b"\xd0\xcf\x11\xe0": "ms-office-97",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
}
PACKAGES: Final = {
    ofd.ENTRY: "ofd",
    "xl/workbook.xml": "xlsx",
    "xl/workbook.bin": "xlsb",
    "word/document.xml": "docx",
    "ppt/presentation.xml": "pptx",
    "META-INF/manifest.xml": "odf",
}
"""A part that only such a package has -> its kind; what has none of them is a ZIP of files."""


def parse(original: bytes) -> Invoice:
    """Read one document. Raises a Refused error that says what is wrong, and nothing else."""
    if len(original) > BYTES_MAX:
        raise DocumentTooLarge(size=len(original), size_max=BYTES_MAX)
    if not original.strip():
        raise DocumentEmpty
    if looks_like_xml(original):
        return bounded(_parse_xml, original)
    if original.startswith(ZIP):
        return bounded(_parse_package, Package(BytesIO(original), bytes_max=UNPACKED_MAX))
    if original.startswith(b"{"):
        return bounded(listed.from_json, original)
    raise UnsupportedFormat(format=format_of(original))


def bounded(read: Callable[[T], Invoice], source: T) -> Invoice:
    """Read an invoice; each of its amounts may be within bounds, their sum not. Raises FieldInvalid."""
    try:
        return read(source)
    except AmountInvalid as error:
        raise FieldInvalid(field="amounts", **error.fields) from error


def _parse_xml(original: bytes) -> Invoice:
    root = load(original)
    parser = PARSERS.get((root.namespace, root.name)) or PARSERS.get((None, root.name))
    if parser is None:
        raise UnsupportedFormat(
            format="xml",
            root=excerpt(root.name),
            namespace=root.namespace[:120] or None,
        )
    return parser(root)


def _parse_package(package: Package) -> Invoice:
    kind = package_kind(package)
    match kind:
        case "ofd":
            return ofd.parse(package)
        case "xlsx" | "zip":
            raise SeveralDocuments(format=kind)
    raise UnsupportedFormat(format=kind)


def package_kind(package: Package) -> str:
    """Return the kind of a package by the names in it."""
    return next((kind for name, kind in PACKAGES.items() if name in package), "zip")


def format_of(original: bytes) -> str:
    """Return what the first bytes say, for a message."""
    return next((name for magic, name in MAGIC.items() if original.startswith(magic)), "unknown")
