"""The pending list goes out as CSV, comes back filled, and becomes drafts."""

import csv
import io

import pytest

from scf.kernel.ids import new_id, public_id
from scf.receivables import cells, sheets
from tests.support.actors import Stage
from tests.support.receivables import ACCOUNT, confirmation, money, pay_to, submit


def pending(stage: Stage, who=None) -> list[dict[str, str]]:
    answer = stage.get(who or stage.cast.anchor, "/v1/receivables/pending.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def send(stage: Stage, rows: list[dict[str, str]], **other):
    out = io.StringIO()
    writer = csv.DictWriter(out, [*sheets.SHOWN, *sheets.FILLED])
    writer.writeheader()
    writer.writerows(rows)
    terms = {k: confirmation(stage)[k] for k in ("no_setoff", "consents", "signers")}
    body = {"csv": "\ufeff" + out.getvalue(), **terms, **other}
    return stage.post(stage.cast.anchor, "/v1/receivables/confirmation-drafts", body)


class TestTheList:
    def test_shows_what_waits_for_the_debtor(self, stage: Stage):
        receivable = submit(stage, total="1286400.00")

        row = next(row for row in pending(stage) if row[sheets.ID] == receivable)

        assert row["申报金额"] == "1286400.00"
        assert row["供应商"] == stage.cast.supplier.name
        assert row[sheets.CONFIRMED] == ""
        assert pending(stage, stage.cast.supplier) == []
        assert pending(stage, stage.cast.bank) == []

    def test_filled_in_it_becomes_one_draft_to_sign(self, stage: Stage):
        anchor = stage.cast.anchor
        whole, part = submit(stage), submit(stage)
        rows = [row for row in pending(stage) if row[sheets.ID] in (whole, part)]
        bank = stage.cast.bank
        for row in rows:
            row[sheets.CONFIRMED] = "100.00"
        rows[1] |= {sheets.CONFIRMED: "90", sheets.REJECTED: "10.00", sheets.REASON: "数量不符"}
        rows[1] |= {
            cells.ACCOUNT_NAME: "户名",
            cells.ACCOUNT: ACCOUNT,
            cells.BANK: bank.name,
            cells.BANK_USCC: bank.uscc,
        }

        answer = send(stage, rows, pay_to=pay_to(bank)).json()

        assert answer["errors"] == []
        assert answer["totals"]["confirmed"] == money("190.00")
        body = {"authorizations": anchor.sign_all(answer["draft"])}
        done = stage.post(anchor, "/v1/receivables/confirmations", body)
        assert {one["receivable"] for one in done.json()["confirmed"]} == {whole, part}
        shown = stage.get(anchor, f"/v1/receivables/{part}").json()
        assert (shown["state"], shown["rejected"]) == ("PARTIALLY_CONFIRMED", money("10.00"))
        assert shown["pay_to"]["name"] == "户名"

    def test_errors_name_row_and_column_and_hold_up_no_other_row(self, stage: Stage):
        ids = [submit(stage) for _ in range(5)]
        rows = sorted(
            (row for row in pending(stage) if row[sheets.ID] in ids), key=lambda r: r[sheets.ID]
        )
        rows[0] |= {sheets.CONFIRMED: "100.00"}
        rows[1] |= {sheets.CONFIRMED: "90.00"}
        rows[2] |= {sheets.CONFIRMED: "90.00", sheets.DISPUTED: "10.00"}
        rows[3] |= {sheets.CONFIRMED: "1e2"}
        rows[4] |= {sheets.CONFIRMED: "100.00", sheets.VERSION: "7"}
        foreign = {**rows[0], sheets.ID: public_id("rcv", new_id())}

        answer = send(stage, [*rows, foreign], pay_to=pay_to(stage.cast.bank)).json()

        assert answer["totals"]["count"] == len(answer["draft"]["lines"]) == 1
        assert [(e["row"], e["column"], e["code"]) for e in answer["errors"]] == [
            (3, sheets.CONFIRMED, "receivable.answer_does_not_add_up"),
            (4, sheets.REASON, "receivable.reason_missing"),
            (5, sheets.CONFIRMED, "money.invalid"),
            (6, None, "subject.version_moved"),
            (7, None, "subject.not_found"),
        ]

    def test_without_an_account_nothing_is_drafted(self, stage: Stage):
        receivable = submit(stage)
        rows = [row for row in pending(stage) if row[sheets.ID] == receivable]
        rows[0][sheets.CONFIRMED] = "100.00"

        answer = send(stage, rows).json()

        assert answer["draft"] is None
        assert answer["errors"][0]["code"] == "receivable.account_missing"

    @pytest.mark.parametrize("text", ["", "a,b\n", "\x00"])
    def test_another_file_is_refused(self, stage: Stage, text: str):
        answer = send(stage, [], csv=text)
        assert (answer.status_code, answer.json()["code"]) == (422, "receivable.sheet_invalid")
