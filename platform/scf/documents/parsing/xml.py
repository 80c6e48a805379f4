"""XML from strangers: entities, DTD and network off; size, depth and counts bounded.

The bytes are decoded here, strictly, in an encoding from a short list, and the text so read is what is
both checked and parsed: no encoding makes the parser see something else than the checks saw.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Final, Self

from lxml import etree

from scf.documents.files import BYTES_MAX
from scf.documents.parsing.errors import (
    DocumentTooLarge,
    FieldInvalid,
    FieldMissing,
    FieldRepeated,
    XmlMalformed,
    XmlUnsafe,
)
from scf.documents.parsing.values import excerpt, text_value

ELEMENTS_MAX: Final = 200_000
ATTRIBUTES_MAX: Final = 200_000
DEPTH_MAX: Final = 64

ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf-16": "utf-16",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
}
"""Declared encoding -> codec. UTF-7, EBCDIC and their like hide markup, and no invoice uses them."""
BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}?\?>")
_DECLARED_ENCODING = re.compile(
    rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']"
)
_PROLOG = re.compile(r"(?:\s+|<!--.*?-->|<\?.*?\?>)", re.DOTALL)


class Node:
    """An element, with its path for messages. Names are `{namespace}local`, or local for any namespace."""

    __slots__ = ("element", "path")

    def __init__(self, element: etree._Element, path: str) -> None:
        self.element = element
        self.path = path

    @property
    def name(self) -> str:
        """The local name."""
        return etree.QName(self.element).localname

    @property
    def namespace(self) -> str:
        """The namespace, empty where there is none."""
        return etree.QName(self.element).namespace or ""

    def all(self, name: str) -> Iterator[Self]:
        """Iterate over the children of a name."""
        wanted = name if name.startswith("{") else f"{{*}}{name}"
        local = name.rpartition("}")[2]
        for child in self.element.iterchildren(wanted):
            yield type(self)(child, f"{self.path}/{local}")

    def find(self, *names: str) -> Self | None:
        """Return the only descendant down a path of names. Raises FieldRepeated where a step has two."""
        node: Self | None = self
        for name in names:
            if node is None:
                return None
            found = list(node.all(name))
            if len(found) > 1:
                raise FieldRepeated(field=found[0].path, count=len(found))
            node = found[0] if found else None
        return node

    def require(self, *names: str) -> Self:
        """Return the only descendant down a path of names. Raises FieldMissing, FieldRepeated."""
        node = self.find(*names)
        if node is None:
            tail = "/".join(name.rpartition("}")[2] for name in names)
            raise FieldMissing(field=f"{self.path}/{tail}")
        return node

    def first(self, *names: str) -> Self | None:
        """Return the first descendant down a path of names, where a standard allows several."""
        node: Self | None = self
        for name in names:
            node = next(node.all(name), None) if node is not None else None
        return node

    @property
    def raw(self) -> str:
        """The text, as long as it is. Raises FieldInvalid where elements stand in it."""
        if len(self.element):
            raise FieldInvalid(field=self.path, value="(elements)")
        return (self.element.text or "").strip()

    @property
    def text(self) -> str:
        """The text as one clean line, empty where there is none."""
        return text_value(self.raw, field=self.path)

    def text_of(self, *names: str) -> str:
        """Return the text down a path of names, empty where there is none."""
        node = self.find(*names)
        return "" if node is None else node.text

    def first_text(self, *names: str) -> str:
        """Return the text of the first descendant down a path of names, empty where there is none."""
        node = self.first(*names)
        return "" if node is None else node.text

    def require_text(self, *names: str) -> str:
        """Return the text down a path of names. Raises FieldMissing where it is absent or empty."""
        node = self.require(*names)
        if not node.text:
            raise FieldMissing(field=node.path)
        return node.text


def load(original: bytes) -> Node:
    """Return the root of an XML document.

    Raises DocumentTooLarge, XmlMalformed, XmlUnsafe.
    """
    if len(original) > BYTES_MAX:
        raise DocumentTooLarge(size=len(original), size_max=BYTES_MAX)
    text = decode(original)
    _bound("elements", text.count("<"), 2 * ELEMENTS_MAX)
    _bound("attributes", text.count("="), ATTRIBUTES_MAX)
    if _has_doctype(text):
        raise XmlUnsafe
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlMalformed(reason=excerpt(str(error))) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlUnsafe
    _check_depth(root)
    return Node(root, etree.QName(root).localname)


def decode(original: bytes) -> str:
    """Return the text of an XML document without its declaration. Raises XmlMalformed."""
    marked = next((c for mark, c in BYTE_ORDER_MARKS.items() if original.startswith(mark)), None)
    declared = _DECLARED_ENCODING.match(
        original.removeprefix(codecs.BOM_UTF8) if marked != "utf-16" else _ascii_head(original)
    )
    name = declared.group(1).decode().lower() if declared else (marked or "utf-8")
    codec = ENCODINGS.get(name)
    if codec is None or (codec != marked and (marked or codec == "utf-16")):
        raise XmlMalformed(encoding=name, byte_order_mark=marked)
    try:
        text = original.decode(codec)
    except UnicodeDecodeError as error:
        raise XmlMalformed(encoding=name, offset=error.start) from None
    return _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1)


def looks_like_xml(original: bytes) -> bool:
    """Say whether the bytes begin as XML does, in any of its encodings."""
    head = original[:256]
    for mark in BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\x00", b"").lstrip().startswith(b"<")


def _ascii_head(original: bytes) -> bytes:
    """Return the beginning of UTF-16 text as ASCII, enough for a declaration."""
    return original[:600].decode("utf-16", "ignore").encode("ascii", "replace")


def _has_doctype(text: str) -> bool:
    """Say whether a document type declaration stands before the root, its only place."""
    position = 0
    while match := _PROLOG.match(text, position):
        position = match.end()
    return text[position : position + 9].upper() == "<!DOCTYPE"


def _check_depth(root: etree._Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        _bound("depth", depth, DEPTH_MAX)


def _bound(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise DocumentTooLarge(what=what, count=count, count_max=limit)
