"""The signed paper says what the signed bytes say, and who signed them; nothing comes from elsewhere."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path

import pytest

from scf.papers import fonts, typesetting
from scf.papers.visible import drawable
from scf.parties.rendering import read
from scf.parties.signed import read_signed
from scf_ledger.errors import LedgerError
from scf_ledger.event import disclosure_digest
from scf_ledger.statement import About, build_line, build_statement, with_line
from tests.golden import formats as f
from tests.support.pdf import attached, information, packed, text_of
from tests.support.text import leaves
from tests.unit.parties.test_rendering import ANCHOR, CONFIRM, EVENT, NAMES, SUFFIX, statement

GOLDEN = Path(__file__).parents[2] / "golden"
ROOT = f.make_ca("Test CA")
SALT = bytes(range(18))
FIGURES = {
    "claimed": "人民币1,286,400.00元（大写：人民币壹佰贰拾捌万陆仟肆佰元整）",
    "confirmed": "人民币1,245,000.00元（大写：人民币壹佰贰拾肆万伍仟元整）",
    "disputed": "人民币41,400.00元（大写：人民币肆万壹仟肆佰元整）",
    "rejected": "人民币0.00元（大写：人民币零元整）",
    "due_on": "2025年12月19日",
}


CHECKERS = f"stm_{SUFFIX[:-1]}3"


@cache
def hand(word):
    """A key and its certificate."""
    return f.make_certificate(ROOT, uscc=ANCHOR, person=f"psn_{SUFFIX}", word=word)


def sign(payload, word="clerk"):
    return f.sign_statement(payload, *hand(word))


def thumbprint(signed):
    header = signed.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["x5t#S256"]


def both(content=None):
    """Maker's and checker's signatures."""
    make, check = (statement(content=content, step=step) for step in ("make", "check"))
    return [
        sign(make, "clerk"),
        sign(check.replace(f"stm_{SUFFIX}".encode(), CHECKERS.encode()), "approver"),
    ]


def rows_of(paper):
    return [row for section in paper.sections for row in section.rows]


class TestTheSignedPaper:
    def test_every_figure_stands_with_its_key(self):
        pdf = text_of(typesetting.paper(read_signed(both())))

        shown = {row.key: packed(row.text) for row in rows_of(read_signed(both()))}
        for key, figure in FIGURES.items():
            assert shown[key] == figure
            assert f"{key}{figure}" in pdf, key

    def test_nothing_signed_is_missing(self):
        pdf = text_of(typesetting.paper(read_signed(both())))

        words = {"2025-12-19", "pledge", "pay_only_named_account"}
        for leaf in leaves(CONFIRM):
            if isinstance(leaf, str) and leaf not in words and not leaf.endswith(".00"):
                assert packed(leaf) in pdf or leaf == "CNY", leaf

    def test_both_hands_stand_on_it_with_certificates_and_hashes(self):
        signed = both()
        paper = read_signed(signed, name_of={f"psn_{SUFFIX}": "周晓(示例)"}.get)

        pdf = text_of(typesetting.paper(paper))

        assert [section.title for section in paper.sections[-2:]] == [
            "电子签名（经办）",
            "电子签名（复核）",
        ]
        for one in signed:
            assert thumbprint(one) in pdf
            assert f.b64u(hashlib.sha256(one.encode()).digest()) in pdf
        assert pdf.count("周晓(示例)") == 2
        assert "周晓" not in text_of(typesetting.paper(read_signed(signed)))

    def test_the_signatures_are_inside_as_signed(self):
        signed = both()

        files = attached(typesetting.paper(read_signed(signed)))

        assert files == {
            f"stm_{SUFFIX}.jws": signed[0].encode(),
            f"{CHECKERS}.jws": signed[1].encode(),
        }

    def test_parties_of_a_story_mark_it(self):
        real = {code: name.removesuffix("(示例)") for code, name in NAMES.items()}

        assert read_signed(both()).marks == ("示例",)
        assert read_signed(both({**CONFIRM, "names": real})).marks == ()

    def test_its_date_is_that_of_the_bytes(self):
        signed = both()

        pdf = typesetting.paper(read_signed(signed))

        assert information(pdf)["/CreationDate"] == "D:20251103021500Z"
        assert typesetting.paper(read_signed(signed)) == pdf
        assert len(pdf) < 120_000

    @pytest.mark.parametrize("text", ["", "x", "a.b.c", "~~", "\x00"])
    def test_other_texts_are_refused(self, text):
        with pytest.raises(LedgerError):
            read_signed([text])


class TestADraft:
    def test_an_unsigned_paper_says_so(self):
        paper = read(statement())

        assert paper.marks == ("示例", "草稿 DRAFT")
        assert "草稿DRAFT" in text_of(typesetting.paper(paper))
        assert "草稿" not in text_of(typesetting.paper(read_signed(both())))

    def test_a_hostile_reason_is_a_reason(self):
        trick = '无\n三、回款账户\n账号 #eval(read("/etc/passwd")) $1$ \u202e00.0001\u202c 😀𠀀'

        paper = read(statement(content={**CONFIRM, "reason": trick}))

        (row,) = [row for row in rows_of(paper) if row.key == "reason"]
        assert row.text == trick
        assert packed(drawable(trick, fonts.glyphs())) in text_of(typesetting.paper(paper))


class TestABasket:
    def basket(self):
        """A statement over two lines; the amounts are the lines' own."""
        common = {"no_setoff": True, "consents": ["pledge"]}
        contents = [
            {key: value for key, value in CONFIRM.items() if key not in common},
            {"names": NAMES, "confirmed": {"amount": "7.00", "currency": "CNY"}},
        ]
        lines = [
            build_line(about=About(f"rcv_{SUFFIX}", 2, EVENT), content=content, salt=SALT)
            for content in contents
        ]
        payload = build_statement(
            id=f"stm_{SUFFIX}",
            origin="test.example/log",
            act="confirm",
            party=ANCHOR,
            person=f"psn_{SUFFIX}",
            mandate=f"mnd_{SUFFIX}",
            about=None,
            issued_at="2025-11-03T02:15:00Z",
            expires_at="2025-11-04T02:15:00Z",
            content={**common, "lines": sorted(map(disclosure_digest, lines))},
            step="make",
        )
        return payload, lines

    def test_one_line_is_a_paper_of_its_own(self):
        payload, lines = self.basket()
        authorization = with_line(sign(payload), lines[0])

        paper = read_signed([authorization])

        pdf = text_of(typesetting.paper(paper))
        for key, figure in FIGURES.items():
            assert f"{key}{figure}" in pdf, key
        assert "不行使抵销权" in pdf  # common to the lines
        assert "7.00" not in pdf  # the other line's
        assert paper.marks == ("示例",)
        assert [row.text for row in rows_of(paper) if row.key == "subject"] == [
            f"rcv_{SUFFIX}（第 2 版）"
        ]
        assert attached(typesetting.paper(paper)) == {f"stm_{SUFFIX}.jws": authorization.encode()}

    def test_a_draft_shows_every_line(self):
        payload, lines = self.basket()

        paper = read(payload, lines)

        assert [section.title for section in paper.sections[-2:]] == [
            "第 1 笔，共 2 笔",
            "第 2 笔，共 2 笔",
        ]
        pdf = text_of(typesetting.paper(paper))
        assert FIGURES["confirmed"] in pdf
        assert "人民币7.00元（大写：人民币柒元整）" in pdf
        assert paper.marks == ("示例", "草稿 DRAFT")


@pytest.mark.parametrize("name", ["pledge", "basket"])
def test_the_golden_confirmations_are_papers(name):
    """Signed with other libraries, from the formats' pages alone."""
    proof = json.loads((GOLDEN / f"{name}.scfproof").read_text())
    paper = read_signed(proof["entries"][0]["authorizations"])

    pdf = text_of(typesetting.paper(paper))

    assert paper.title == "应收账款确权函"
    assert "confirmed人民币1,245,000.00元（大写：人民币壹佰贰拾肆万伍仟元整）" in pdf
