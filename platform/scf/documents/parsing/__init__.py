"""Invoices of several formats, read into one model: bytes in, `Invoice` out, nothing else touched."""

from scf.documents.parsing.detection import parse
from scf.documents.parsing.many import Part, parse_many
from scf.documents.parsing.model import Flag, Invoice, InvoiceLine, InvoiceParty, Kind

__all__ = ["Flag", "Invoice", "InvoiceLine", "InvoiceParty", "Kind", "Part", "parse", "parse_many"]
