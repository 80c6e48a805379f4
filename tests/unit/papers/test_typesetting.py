"""Papers: the same bytes every time, every text as text, whatever is in it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scf.papers import fonts, layouts, typesetting
from scf.papers.layouts import (
    Article,
    Attachment,
    EvidencePack,
    Letter,
    Moment,
    Paper,
    Proof,
    Row,
    Section,
    Table,
)
from scf.papers.visible import drawable, visible
from tests.support.pdf import attached, information, packed, pages, text_of

AT = datetime(2025, 11, 3, 2, 15, tzinfo=UTC)
DIGEST = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
ADDRESS = f"https://scf.example/v1/events/evt_01k3e5m8q2x7v9b4c6d8f0g1h2/proof#{DIGEST}"
PROOF = Proof(ADDRESS, [Row("事件摘要", DIGEST)])
PAPER = Paper(
    title="应收账款确权函",
    number="stm_01k3e5m8q2x7v9b4c6d8f0g1h2",
    at=AT,
    head=[Row("签署单位", "渝川汽车(示例)", "party")],
    preamble="确认如下：",
    sections=[Section("确认结果", [Row("确认金额", "人民币 1,245,000.00 元", "confirmed")])],
    proof=PROOF,
)
LETTER = Letter(
    title="关于及时确认应收账款的函",
    number="HAN-1",
    at=AT,
    addressee="渝川汽车(示例)",
    paragraphs=["我单位已提交确权请求。"],
    tables=[Table("应收账款", ["编号", "金额"], [["L-1", "100.00"], ["L-2", "200.00"]])],
    closing=["请于收到之日起三十日内确认。"],
    signature=["永川兴锐冲压件(示例)", "2025年11月3日"],
)
PACK = EvidencePack(
    title="逾期未确认证据包",
    number="ZJ-1",
    at=AT,
    summary="以下各项均可离线核验。",
    parties=[Row("债权人", "永川兴锐冲压件(示例)")],
    subject=[Row("金额", "100.00")],
    timeline=[Moment("2025年11月3日 10:15", "提交确权请求", "永川兴锐", "evt_1", DIGEST)],
    articles=[Article("《保障中小企业款项支付条例》第十六条", "应当在三十日内确认。")],
    hashes=[Row("request.scfproof", DIGEST)],
    proof=PROOF,
)
HOSTILE = [
    '#eval("1+1")',
    "$x^2$ \\ \\u{41} \\# *b* _i_ `r` <l> @r = h\n- l\n+ n\n/ t: d",
    "// 注释 /* 注释 */ ]#panic()[ }{ \"'",
    "https://scf.example/不/是/链接",
    "\x00\x07\x1b[8m\x7f\x85",
    "\u202e00.000542\u202c \u2066x\u2069 \u200b\u200d\ufeff\ufe0f",
    "\ud800 单独的代理项",
    "العربية עברית ไทย हिन्दी",
    "\U00020000\U0001f600\U0001f1e8\U0001f1f3\U0010ffff",
    "e\u0301\u0338\u20dd fi ffi \u4e00\ufa10\u2f00\u3400",
    "A" * 300,
    "壹" * 300,
]


def every_text(text):
    """One of each layout, with `text` in every place where a text can stand."""
    row = Row(text, text, text)
    short = text[:40]  # what stands on every page is an id and a mark
    common = {"title": text, "number": short, "at": AT, "marks": (short,), "proof": PROOF}
    return {
        "paper": Paper(**common, head=[row], preamble=text, sections=[Section(text, [row], text)]),
        "letter": Letter(
            **common,
            addressee=text,
            paragraphs=[text],
            tables=[Table(text, [text, text], [[text, text]])],
            closing=[text],
            signature=[text],
        ),
        "evidence": EvidencePack(
            **common,
            summary=text,
            parties=[row],
            subject=[row],
            timeline=[Moment(text, text, text, text, text)],
            articles=[Article(text, text)],
            hashes=[row],
        ),
    }


class TestSetting:
    @pytest.mark.parametrize("content", [PAPER, LETTER, PACK], ids=lambda one: one.title)
    def test_everything_is_there_to_be_read(self, content):
        kind = {Paper: "paper", Letter: "letter", EvidencePack: "evidence"}[type(content)]

        text = text_of(typesetting.typeset(kind, content))

        for leaf in leaves(content):
            assert packed(leaf) in text, leaf

    def test_the_same_content_gives_the_same_bytes(self):
        first = typesetting.paper(PAPER)

        assert typesetting.paper(PAPER) == first
        assert typesetting.paper(replace(PAPER, at=AT + timedelta(seconds=1))) != first
        assert typesetting.paper(replace(PAPER, number="stm_2")) != first

    def test_it_is_kept_for_decades_and_carries_its_own_date(self):
        pdf = typesetting.paper(PAPER)

        assert information(pdf)["/Title"] == "应收账款确权函"
        assert information(pdf)["/CreationDate"] == "D:20251103021500Z"
        assert re.search(rb"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</", pdf)
        assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
        assert len(pdf) < 60_000

    def test_files_inside_come_out_as_they_went_in(self):
        content = '{"金额":"1.00","x":"\\u0000\U0001f600"}\r\n'
        file = Attachment("证据 #1.json", "application/json", content, "原文")

        pdf = typesetting.paper(replace(PAPER, attachments=[file]))

        assert attached(pdf) == {"证据 #1.json": content.encode()}

    def test_another_paper_is_taken_out_byte_for_byte(self):
        file = Attachment("登记证明.pdf", "application/pdf", b"%PDF-1.7\n\xff\x00", "登记证明")
        pdf = typesetting.paper(replace(PAPER, attachments=[file]))
        assert attached(pdf) == {"登记证明.pdf": b"%PDF-1.7\n\xff\x00"}

    def test_marks_stand_on_every_page(self):
        rows = [Row(f"第 {number} 项", "内容") for number in range(60)]
        content = replace(PAPER, marks=layouts.marks("甲(示例)", draft=True))

        pdf = typesetting.paper(replace(content, sections=[Section("很长", rows)]))

        assert len(pages(pdf)) > 1
        assert all("示例草稿DRAFT" in page for page in pages(pdf))

    def test_too_much_is_refused_with_both_numbers(self):
        content = replace(PAPER, preamble="\x00" * (typesetting.CHARACTERS_MAX // 5))

        with pytest.raises(typesetting.PaperTooLarge) as refused:
            typesetting.paper(content)

        assert refused.value.fields["limit"] == 4_000_000
        assert refused.value.fields["size"] > 4_000_000


class TestHostileText:
    @pytest.mark.parametrize("kind", ["paper", "letter", "evidence"])
    def test_any_text_is_shown_as_text(self, kind):
        pdf = typesetting.typeset(kind, every_text("、".join(HOSTILE))[kind])

        shown = text_of(pdf)
        for text in HOSTILE:
            assert packed(drawable(text, fonts.glyphs())) in shown, ascii(text)

    @pytest.mark.parametrize("kind", ["paper", "letter", "evidence"])
    @pytest.mark.parametrize("text", ["", "\n\n\n", " "], ids=ascii)
    def test_nothing_is_a_text_too(self, kind, text):
        assert text_of(typesetting.typeset(kind, every_text(text)[kind]))

    @settings(max_examples=10)
    @given(st.text(max_size=60))
    def test_any_text_at_all(self, text):
        pdf = typesetting.paper(every_text(text)["paper"])

        assert text_of(pdf).count(packed(drawable(text, fonts.glyphs()))) >= 3

    def test_what_cannot_be_drawn_is_written_out(self):
        glyphs = fonts.glyphs()

        assert drawable("甲\u202e\U0001f600\x00乙\n", glyphs) == ("甲\\u{202e}\\u{1f600}\\u{0}乙\n")
        assert drawable({"a": ["\u05d0", 1, None, True]}, glyphs) == {
            "a": ["\\u{5d0}", 1, None, True]
        }
        assert drawable("e\u0301\u2f00\u2ea0民", glyphs) == "e\\u{301}\\u{2f00}\\u{2ea0}民"
        assert visible("\U0001f600") == "\U0001f600"

    def test_the_typeface_has_what_papers_are_written_with(self):
        level_one = {
            ord(bytes([row + 0xA0, cell + 0xA0]).decode("gb2312"))
            for row in range(16, 88)
            for cell in range(1, 95 if row != 55 else 90)
        }

        assert len(level_one) == 6_763  # GB 2312-80
        assert level_one <= fonts.glyphs()
        assert {ord(c) for c in "，。：；（）《》“”、·￥—…"} <= fonts.glyphs()


class TestMarks:
    @pytest.mark.parametrize(
        ("names", "draft", "expected"),
        [
            (["渝川汽车(示例)", "真实公司"], False, ("示例",)),
            (["渝川汽车（示例）"], True, ("示例", "草稿 DRAFT")),
            (["示例农商行", "真实公司"], False, ()),
            ([], True, ("草稿 DRAFT",)),
        ],
    )
    def test_fictional_parties_mark_their_papers(self, names, draft, expected):
        assert layouts.marks(*names, draft=draft) == expected


def test_a_typeface_that_is_missing_is_named(monkeypatch, tmp_path):
    fonts.folders.cache_clear()
    monkeypatch.setattr(fonts.sys, "prefix", str(tmp_path / "env"))
    monkeypatch.chdir(tmp_path)
    try:
        with pytest.raises(fonts.FontMissing) as missing:
            fonts.folders()
    finally:
        fonts.folders.cache_clear()
    assert missing.value.fields == {"package": "noto-serif-sc", "hint": "make setup"}


def leaves(content):
    """Every text of a layout, apart from the title's mark and the address, which is also a code."""
    values = [getattr(content, name) for name in content.__dataclass_fields__]
    while values:
        value = values.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            values += value
        elif hasattr(value, "__dataclass_fields__"):
            values += [getattr(value, name) for name in value.__dataclass_fields__]
