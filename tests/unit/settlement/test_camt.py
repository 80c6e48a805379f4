"""Banks' messages: every third-party file is read as others read it, no mutilated one crashes."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.money import Money
from scf.settlement import camt
from scf.settlement.camt import Direction, ReportUnreadable

FOLDER = Path(__file__).parents[4] / "shared/data/iso20022/genkgo-camt/test/data"
FILES = sorted(FOLDER.glob("*.xml"))
OWN = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>M1</MsgId></GrpHdr><Ntfctn><Id>N1</Id>
<Acct><Id><Othr><Id>6222 0001</Id></Othr></Id><Svcr><FinInstnId><BICFI>X</BICFI></FinInstnId></Svcr></Acct>
<Ntry><NtryRef>7</NtryRef><Amt Ccy="CNY">12.30</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd>
<Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2025-11-03T10:00:00+08:00</DtTm></BookgDt>
<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
<RltdPties><Cdtr><Pty><Nm>供应商</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>DE1</IBAN></Id></CdtrAcct></RltdPties>
<RmtInf><Ustrd>发票 1</Ustrd><Ustrd>行 2</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Ntfctn>
</BkToCstmrDbtCdtNtfctn></Document>""".encode()

needs_files = pytest.mark.skipif(not FILES, reason="third-party messages are not on this machine")


def answers(path: Path) -> list[dict]:
    return json.loads(path.with_suffix(".json").read_text())["getEntries"]


@needs_files
def test_there_are_all_three_kinds():
    kinds = {camt.parse(path.read_bytes()).kind[:8] for path in FILES}
    assert kinds == {"camt.052", "camt.053", "camt.054"}


@needs_files
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_says_what_another_reader_says(path: Path):
    """Amounts (signed), direction, status, dates, references, numbers and texts of every entry."""
    found = [e for report in camt.parse(path.read_bytes()).reports for e in report.entries]
    wanted = answers(path)
    assert len(found) == len(wanted)
    for entry, told in zip(found, wanted, strict=True):
        signed = entry.amount.minor if entry.direction is Direction.CREDIT else -entry.amount.minor
        assert signed == int(told["getAmount"]["getAmount"])
        assert entry.amount.currency == told["getAmount"]["getCurrency"]["getCode"]
        assert entry.reversal == bool(told["getReversalIndicator"])
        assert entry.status == (told["getStatus"] or "")
        for day, name in ((entry.booked_on, "getBookingDate"), (entry.value_on, "getValueDate")):
            if told[name] is not None:
                assert day == date.fromisoformat(told[name]["0"][:10])
        assert entry.reference in {
            told["getAccountServicerReference"] or told["getReference"] or "",
            told["getReference"] or "",
        }
        details = told["getTransactionDetails"]
        assert len(entry.details) == len(details)
        # The other reader's dump writes its first transaction once, beside the list.
        details = [told["getTransactionDetail"], *details[1:]]
        for detail, said in zip(entry.details, details, strict=False):
            if isinstance(said, dict):
                number = (said["getReference"] or {}).get("getEndToEndId") or ""
                assert detail.end_to_end == number.replace("NOTPROVIDED", "")


def test_reads_what_newer_versions_say_elsewhere():
    message = camt.parse(OWN)
    (report,) = message.reports
    (entry,) = report.entries
    assert (message.kind, report.account, report.servicer) == ("camt.054.001.08", "6222 0001", "X")
    assert (entry.amount, entry.reversal, entry.status) == (Money(1_230), True, "BOOK")
    assert (entry.booked_on, entry.reference) == (date(2025, 11, 3), "7")
    (detail,) = entry.details
    assert (detail.end_to_end, detail.remittance) == ("", "发票 1 行 2")
    assert (detail.other_name, detail.other_account) == ("供应商", "DE1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"camt.054", b"camt.060"),
        (b"<CdtDbtInd>DBIT", b"<CdtDbtInd>BOTH"),
        (b'Ccy="CNY"', b'Ccy="XXX"'),
        (b"12.30", b"12.305"),
        (b"12.30", b"-12.30"),
        (b"12.30", b"1e3"),
        (b"2025-11-03T", b"2025-13-03T"),
        (b"<RvslInd>true", b"<RvslInd>maybe"),
        (b"<Id>6222 0001</Id>", b""),
        (b"<Id>N1</Id>", b""),
        (b"<Acct>", b"<Acct/><Acct>"),
    ],
)
def test_what_is_not_in_its_form_is_refused(before: bytes, after: bytes):
    with pytest.raises(ReportUnreadable) as refused:
        camt.parse(OWN.replace(before, after, 1))
    assert refused.value.fields["rule"]


SAMPLES = [OWN, *(path.read_bytes() for path in FILES)]


@given(st.data())
def test_a_mutilated_message_is_read_or_refused(data: st.DataObject):
    original = data.draw(st.sampled_from(SAMPLES))
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(start + 60, len(original))))
    middle = data.draw(
        st.one_of(st.binary(max_size=20), st.sampled_from([b"", original[start:end] * 3]))
    )
    changed = original[:start] + middle + original[end:]
    try:
        message = camt.parse(changed)
    except ReportUnreadable:
        return
    assert message.reports
