"""Invoices of several formats, read into one model: bytes in, `Invoice` out, nothing else touched."""

from scf.documents.parsing.detection import parse
from scf.documents.parsing.many import Part, Row, parse_many
from scf.documents.parsing.model import Flag, Invoice, InvoiceLine, InvoiceParty, Kind

__all__ = [
    "Flag",
    "Invoice",
    "InvoiceLine",
    "InvoiceParty",
    "Kind",
    "Part",
    "Row",
    "parse",
    "parse_many",
]
