"""XML from strangers: what is read, and what is refused without being expanded, fetched or waited for."""

import time

import pytest

from scf.documents.parsing import parse
from scf.documents.parsing.xml import ATTRIBUTES_MAX, BYTES_MAX, DEPTH_MAX, ELEMENTS_MAX, load
from tests.support.invoices import cn_einvoice, refusal

DOUBLINGS = "".join(f'<!ENTITY a{n + 1} "&a{n};&a{n};">' for n in range(30))
LAUGHS = f'<!DOCTYPE x [<!ENTITY a0 "ha">{DOUBLINGS}]><EInvoice>&a30;</EInvoice>'


class TestUnsafe:
    @pytest.mark.parametrize(
        "text",
        [
            LAUGHS,
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><EInvoice>&e;</EInvoice>',
            '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/">]><EInvoice>&e;</EInvoice>',
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><EInvoice/>',
            '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]><EInvoice/>',
            '<?xml version="1.0"?><!-- a --><?pi?>\n<!DOCTYPE EInvoice><EInvoice/>',
            '<!DOCTYPE EInvoice [<!ATTLIST EInvoice a CDATA "x">]><EInvoice/>',
        ],
        ids=["laughs", "file", "http", "dtd", "parameter", "after comments", "internal"],
    )
    def test_a_document_type_declaration_is_refused_unread(self, text):
        started = time.perf_counter()

        assert refusal(load, text.encode()).code == "document.xml_unsafe"
        assert time.perf_counter() - started < 0.5

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gb18030"])
    def test_no_encoding_hides_it(self, encoding):
        name = "utf-8" if encoding == "utf-8-sig" else encoding
        text = f'<?xml version="1.0" encoding="{name}"?><!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'

        assert refusal(load, text.encode(encoding)).code == "document.xml_unsafe"

    def test_the_words_inside_a_comment_or_text_are_no_declaration(self):
        assert load(b"<!-- <!DOCTYPE x> --><x><![CDATA[<!DOCTYPE x>]]></x>").text == "<!DOCTYPE x>"

    def test_xinclude_and_stylesheets_are_only_text(self):
        root = load(
            b'<?xml-stylesheet href="http://127.0.0.1:1/"?><x xmlns:xi="http://www.w3.org/2001/XInclude">'
            b'<xi:include href="/etc/passwd" parse="text"/></x>'
        )

        assert root.element[0].text is None


class TestMalformed:
    @pytest.mark.parametrize(
        "original",
        [
            b"<x",
            b"<x></y>",
            b"<x>&unknown;</x>",
            b"<x/><x/>",
            b"<x>\x00</x>",
            b"<x a='1' a='2'/>",
            b"<x>\xff\xfe</x>",
            b"<\xe5\x8f>",
            b'<?xml version="1.0" encoding="utf-7"?><x/>',
            b'<?xml version="1.0" encoding="ebcdic-cp-us"?><x/>',
            b'<?xml version="1.0" encoding="utf-16"?><x/>',
            b'\xef\xbb\xbf<?xml version="1.0" encoding="gbk"?><x/>',
            '<?xml version="1.0" encoding="utf-8"?><x/>'.encode("utf-16"),
            "<x/>".encode("utf-32"),
            "<x/>".encode("utf-16-le"),
            '<?xml version="1.0" encoding="us-ascii"?><x>é</x>'.encode(),
        ],
    )
    def test_it_is_refused(self, original):
        assert refusal(load, original).code == "document.xml_malformed"

    def test_character_references_and_predefined_entities_are_read(self):
        assert load(b"<x>&#x8D85;&amp;&lt;&#36807;</x>").text == "超&<过"


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "declared"),
        [
            ("utf-8", "UTF-8"),
            ("utf-8-sig", "utf-8"),
            ("utf-16", "UTF-16"),
            ("gb18030", "GB18030"),
            ("gbk", "gbk"),
            ("gb2312", "GB2312"),
        ],
    )
    def test_declared_truly_it_is_read(self, encoding, declared):
        text = f'<?xml version="1.0" encoding="{declared}"?><x>发票</x>'

        assert load(text.encode(encoding)).text == "发票"

    def test_without_declaration_it_is_utf_8(self):
        assert load("<x>发票</x>".encode()).text == "发票"
        assert load("<x>发票</x>".encode("utf-16")).text == "发票"


class TestBounds:
    def test_size(self):
        error = refusal(load, b"<x>" + b" " * BYTES_MAX + b"</x>")

        assert error.code == "document.too_large"
        assert error.fields["size_max"] == BYTES_MAX

    @pytest.mark.parametrize(
        ("original", "what"),
        [
            (b"<x>" + b"<y/>" * (2 * ELEMENTS_MAX) + b"</x>", "elements"),
            (
                b"<x " + b" ".join(b"a%d='1'" % n for n in range(ATTRIBUTES_MAX + 1)) + b"/>",
                "attributes",
            ),
            (b"<x>" * (DEPTH_MAX + 1) + b"</x>" * (DEPTH_MAX + 1), "depth"),
        ],
        ids=["elements", "attributes", "depth"],
    )
    def test_structure(self, original, what):
        error = refusal(load, original)

        assert (error.code, error.fields["what"]) == ("document.too_large", what)

    def test_beyond_the_parsers_own_depth(self):
        assert refusal(load, b"<x>" * 5000 + b"</x>" * 5000).code in {
            "document.too_large",
            "document.xml_malformed",
        }


class TestNode:
    def test_what_is_said_once_is_not_said_twice(self):
        error = refusal(load(b"<a><b><c/></b><b/></a>").find, "b", "c")

        assert (error.code, error.field) == ("document.field_repeated", "a/b")

    def test_what_is_missing_is_named_by_its_path(self):
        error = refusal(load(b"<a><b/></a>").require, "b", "c")

        assert (error.code, error.field) == ("document.field_missing", "a/b/c")

    def test_comments_do_not_cut_a_value(self):
        assert load(b"<a>12<!-- x -->34</a>").text == "1234"

    def test_a_value_holds_no_elements(self):
        original = cn_einvoice().replace(b"<Amount>100.00", b"<Amount><b>1</b>00.00")

        assert refusal(parse, original).code == "document.field_invalid"


@pytest.mark.parametrize(
    ("original", "format_"),
    [
        (b"%PDF-1.7", "pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "ms-office-97"),
        (b"\x00\x01\x02", "unknown"),
    ],
)
def test_other_formats_are_named(original, format_):
    error = refusal(parse, original)

    assert (error.code, error.fields["format"]) == ("document.unsupported_format", format_)


@pytest.mark.parametrize(
    ("original", "code"),
    [
        (b"PK\x03\x04 broken", "document.package_invalid"),
        (b"{}", "document.field_invalid"),
    ],
)
def test_what_only_begins_like_a_document_is_told_as_such(original, code):
    assert refusal(parse, original).code == code


@pytest.mark.parametrize("original", [b"", b" \r\n\t"])
def test_an_empty_file_is_refused_as_such(original):
    assert refusal(parse, original).code == "document.empty"


def test_another_root_is_named():
    error = refusal(parse, b"<Order xmlns='urn:x'/>")

    assert error.code == "document.unsupported_format"
    assert (error.fields["root"], error.fields["namespace"]) == ("Order", "urn:x")
