"""The paper shows everything that the bytes say, and nothing that they do not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.parties.rendering import render
from scf_ledger.errors import LedgerError
from scf_ledger.statement import About, build_statement
from tests.support.text import leaves

ANCHOR, SUPPLIER = "91500118MAYYC0A174", "91500118MAYYC0B218"
BANK = "91500118MAYYC0D40J"
EVENT = bytes(range(32))
DIGEST = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
SUFFIX = "01k3e5m8q2x7v9b4c6d8f0g1h2"
NAMES = {ANCHOR: "渝川汽车(示例)", SUPPLIER: "永川兴锐冲压件(示例)", BANK: "示例农商行"}
CONFIRM = {
    "names": NAMES,
    "creditor": SUPPLIER,
    "documents": [
        {"id": f"doc_{SUFFIX}", "hash": DIGEST, "number": "25502000000012345678"},
        {"id": f"doc_{SUFFIX}", "hash": DIGEST, "number": "25502000000012345679"},
    ],
    "claimed": {"amount": "1286400.00", "currency": "CNY"},
    "due_on": "2025-12-19",
    "confirmed": {"amount": "1245000.00", "currency": "CNY"},
    "disputed": {"amount": "41400.00", "currency": "CNY"},
    "rejected": {"amount": "0.00", "currency": "CNY"},
    "reason": "质量争议：B-17 批次毛刺超差",
    "pay_to": {"name": "永川兴锐冲压件(示例)", "account": "6230000000000001", "bank": "示例农商行"},
    "no_setoff": True,
    "consents": ["pledge", "pay_only_named_account", "不另行通知"],
    "pool": f"cap_{SUFFIX}",
    "pool_secret_sha256": DIGEST,
}


def statement(act="confirm", content=None, *, party=ANCHOR, step="make"):
    return build_statement(
        id=f"stm_{SUFFIX}",
        origin="test.example/log",
        act=act,
        party=party,
        person=f"psn_{SUFFIX}",
        mandate=f"mnd_{SUFFIX}",
        about=About(f"rcv_{SUFFIX}", 2, EVENT),
        issued_at="2025-11-03T02:15:00Z",
        expires_at="2025-11-04T02:15:00Z",
        content=CONFIRM if content is None else content,
        step=step,
    )


def test_a_confirmation_reads_as_a_form():
    assert render(statement()) == (Path(__file__).parent / "confirmation.txt").read_text()


def test_the_debt_secured_stands_on_a_pledge():
    pledge = {
        "names": NAMES,
        "pledgor": SUPPLIER,
        "pledgee": BANK,
        "receivable_event": DIGEST,
        "pool": f"cap_{SUFFIX}",
        "amount": {"amount": "1245000.00", "currency": "CNY"},
        "principal": {
            "contract_sha256": DIGEST,
            "amount": {"amount": "996000.00", "currency": "CNY"},
            "rate": "0.0385",
            "due_on": "2025-12-24",
        },
    }

    text = render(statement("pledge", pledge, party=SUPPLIER, step=None))

    assert "应收账款质押合同要点" in text
    assert "质权人                示例农商行（统一社会信用代码 91500118MAYYC0D40J）" in text
    assert "本金 人民币 996,000.00 元（大写：人民币玖拾玖万陆仟元整）" in text
    assert "利率 年利率 3.85%" in text
    assert "到期日 2025年12月24日" in text
    assert "本次签署" not in text


TEXTS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(0, 2**40),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcxyz_", min_size=1, max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from([*CONFIRM, "unforeseen", "another_key", "amount", "principal", "days"])


@given(st.sampled_from(["confirm", "dispute", "offer", "release"]), st.dictionaries(KEYS, VALUES))
def test_nothing_signed_is_missing_from_the_paper(act, content):
    """Whatever stands in the content, of whatever shape, is there to be read."""
    content.pop("names", None)
    text = render(statement(act, content))

    for leaf in leaves(content):
        assert shown(leaf, text), leaf


def shown(leaf, text):
    if isinstance(leaf, bool):
        return any(words in text for words in (str(leaf).lower(), "不行使抵销权", "保留依法"))
    as_json = json.dumps(leaf, ensure_ascii=False).strip('"')
    return str(leaf) in text or as_json in text


@pytest.mark.parametrize(
    "trick",
    [
        "无\n\n三、回款账户\n  账号                  6230999999999999",
        "无\u2028三、回款账户",
        "无\x85三、回款账户",
        "\x1b[8m隐藏\x1b[0m",
        "\u202e00.000542\u202c",
        "零宽\u200b字符",
        "\x00",
        "\u3000\u3000全角空格",
    ],
)
def test_a_reason_cannot_pass_for_another_line_of_the_form(trick):
    text = render(statement(content=CONFIRM | {"reason": trick}))

    honest = render(statement(content=CONFIRM | {"reason": "无"}))
    assert [line for line in text.split("\n") if line[:1] not in ("", " ")] == [
        line for line in honest.split("\n") if line[:1] not in ("", " ")
    ]
    assert not any(c in text for c in "\x00\x1b\x85\u2028\u202e\u202c\u200b\u3000")
    assert labels(text) == labels(honest)


def labels(text):
    rows = [line for line in text.split("\n") if line[:2] == "  " and line[2:3] != " "]
    return [row[2:].partition("  ")[0] for row in rows]


def test_only_a_statement_is_rendered():
    with pytest.raises(LedgerError):
        render(statement().replace(b'"step"', b'"stop"'))
    with pytest.raises(LedgerError):
        render(statement() + b" ")
