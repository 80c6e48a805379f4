"""Payment files: exact sums, plain identifiers, text that any bank can take."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from scf.kernel.money import Money
from scf.settlement import pain
from scf.settlement.matching import end_to_end_id, read_end_to_end
from scf.settlement.pain import Holder, Initiation, Transfer

TEMPLATE = (
    Path(__file__).parents[4]
    / "shared/data/iso20022/pain001/pain001/templates/pain.001.001.09/pain.001.001.09.xml"
)
P = f"{{{pain.NAMESPACE}}}"
HOLDER = Holder(
    "永川兴锐冲压件(示例)", "91500118MA5U00001Y", "6222 0000-01", "农商行", "91500118MA5U00002X"
)


def written(*amounts: int, remittance: str = "L-1", name: str = HOLDER.name) -> etree._Element:
    to = Holder(name, HOLDER.code, HOLDER.account, HOLDER.bank, HOLDER.bank_code)
    transfers = [Transfer(f"RCV{n}", Money(a), to, remittance) for n, a in enumerate(amounts)]
    initiation = Initiation(
        "PMO1", datetime(2025, 11, 3, tzinfo=UTC), date(2025, 11, 4), HOLDER, transfers
    )
    return etree.fromstring(pain.write(initiation))


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=30))
def test_the_control_sum_is_exact(amounts: list[int]):
    root = written(*amounts)
    for parent in (f".//{P}GrpHdr", f".//{P}PmtInf"):
        assert root.find(f"{parent}/{P}NbOfTxs").text == str(len(amounts))
        assert Money.parse(root.find(f"{parent}/{P}CtrlSum").text).minor == sum(amounts)


@given(st.text(max_size=300))
def test_any_text_is_written_as_one_clean_line(text: str):
    root = written(1, remittance=text, name=text)
    for tag in (f".//{P}RmtInf/{P}Ustrd", f".//{P}Cdtr/{P}Nm"):
        found = root.find(tag).text or ""
        assert len(found) <= 140
        assert found == " ".join(found.split())
        assert found.isprintable() or not any(ord(c) < 32 for c in found)


def test_markup_in_a_name_stays_a_name():
    assert written(1, name="甲&乙<丙>").find(f".//{P}Cdtr/{P}Nm").text == "甲&乙<丙>"


@pytest.mark.parametrize("account", ["", "6222/1", "账号", "1" * 35])
def test_an_account_that_does_not_fit_is_refused(account: str):
    holder = Holder("甲", "", account, "农商行", HOLDER.bank_code)
    transfers = [Transfer("E", Money(1), holder, "L")]
    with pytest.raises(pain.AccountUnfit):
        pain.write(
            Initiation(
                "PMO1", datetime(2025, 11, 3, tzinfo=UTC), date(2025, 11, 4), HOLDER, transfers
            )
        )


@given(st.uuids())
def test_a_receivable_is_found_again_by_its_number(identity):
    text = end_to_end_id(identity)
    assert len(text) <= 35
    assert text.isascii()
    assert text.isalnum()
    if identity.int < 1 << 128:
        assert read_end_to_end(text) == identity
        assert read_end_to_end(f" {text.lower()} ") == identity


@given(st.uuids(version=4), st.uuids(version=4))
def test_a_part_of_a_receivable_has_a_number_of_its_own(identity, payee):
    """35 characters, all that ISO 20022 has, of plain letters and digits; a creditor's own has the claim's."""
    text = end_to_end_id(identity, payee)

    assert len(text) == 35
    assert text.isascii()
    assert text.isalnum()
    assert text.startswith(end_to_end_id(identity))
    assert read_end_to_end(text) == read_end_to_end(text.lower()) == identity


@pytest.mark.parametrize("text", ["", "NOTPROVIDED", "RCV", "RCV" + "U" * 26, "RCV" + "0" * 25])
def test_any_other_number_is_none_of_ours(text: str):
    assert read_end_to_end(text) is None


@pytest.mark.skipif(not TEMPLATE.exists(), reason="third-party messages are not on this machine")
def test_elements_stand_in_the_order_of_a_third_partys_file():
    """Every sequence of ours that the other file has too is in the same order."""
    theirs = etree.parse(TEMPLATE).getroot()
    for path in ("GrpHdr", "PmtInf", "CdtTrfTxInf"):
        own, other = (
            [etree.QName(child).localname for child in root.find(f".//{P}{path}")]
            for root in (written(1), theirs)
        )
        shared = [name for name in dict.fromkeys(own) if name in other]
        assert shared == [name for name in dict.fromkeys(other) if name in own]
