r"""What papers are made of: plain data that a caller fills in; every text is shown as text, never as code.

A `\n` in a text begins a new line. A key stands beside each row whose text comes from signed bytes, so that
every figure leads back to the member of the content that says it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

EXAMPLE: Final = "示例"
DRAFT: Final = "草稿 DRAFT"
_MARKS: Final = ("(示例)", "（示例）")


@dataclass(frozen=True, slots=True)
class Row:
    """A label and its text; `key` is the member of the signed content that it shows."""

    label: str
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part of a paper; `note` stands below its rows."""

    title: str
    rows: Sequence[Row]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """How a reader checks the paper: `address` becomes the QR code, `rows` say the same in text."""

    address: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF: what the paper was made from, byte for byte; a text stands in UTF-8."""

    name: str
    media_type: str
    content: str | bytes
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What every paper has: `at` is its own date, which the PDF carries as that of its making.

    `number` (an id of ours) stands below each page, `marks` across it.
    """

    title: str
    number: str
    at: datetime
    proof: Proof | None = None
    marks: Sequence[str] = ()
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper(Layout):
    """A form: a preamble, and sections of labelled rows."""

    head: Sequence[Row]
    preamble: str
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; every row has as many cells as the header."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Layout):
    """A formal letter (公函): addressee, paragraphs, numbered tables, and who signs it and when."""

    addressee: str
    paragraphs: Sequence[str]
    tables: Sequence[Table] = ()
    closing: Sequence[str] = ()
    """Paragraphs behind the tables: what is asked for, by when."""
    signature: Sequence[str]
    """The lines of the signature block: organisation, date."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened: `at` as text, `who` did it; `event` and `digest` lead to its proof."""

    at: str
    what: str
    who: str = ""
    event: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """An article of the law, and what of it matters here."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePack(Layout):
    """A file of evidence (证据包): who, about what, what happened when, the law, and the proofs' hashes."""

    summary: str
    parties: Sequence[Row]
    subject: Sequence[Row]
    timeline: Sequence[Moment]
    articles: Sequence[Article] = ()
    hashes: Sequence[Row] = ()
    """A file's name and its SHA-256, as in the JSON pack that goes with it."""


def marks(*names: str, draft: bool = False) -> tuple[str, ...]:
    """Return the marks of a paper between these parties: 示例 for fictional ones, and that of a draft."""
    fictional = any(name.endswith(_MARKS) for name in names)
    return (EXAMPLE,) * fictional + (DRAFT,) * draft
