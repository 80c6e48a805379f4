"""PDFs as another program reads them."""

import io
import re

from pypdf import PdfReader


def text_of(pdf: bytes) -> str:
    """Everything written, page by page, without white space: where lines break says nothing."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def attached(pdf: bytes) -> dict[str, bytes]:
    """The files inside, by name."""
    found = PdfReader(io.BytesIO(pdf)).attachment_list
    return {one.alternative_name or one.name: one.content for one in found}


def packed(text: str) -> str:
    """A text as `text_of` gives it."""
    return re.sub(r"\s+", "", text)


def pages(pdf: bytes) -> list[str]:
    """The text of each page, as `text_of` gives it."""
    return [packed(page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def information(pdf: bytes) -> dict[str, str]:
    """What the document says of itself."""
    return {key: str(value) for key, value in (PdfReader(io.BytesIO(pdf)).metadata or {}).items()}
