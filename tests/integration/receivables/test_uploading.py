"""A core enterprise uploads its payables: known lines become receivables, the others wait for their supplier."""

import json
from datetime import timedelta

import pytest

from scf.kernel.money import Money
from scf.receivables import upload as payables
from scf.receivables import upload_baskets
from scf.receivables.upload_rows import IMPORT, UPLOAD, read_row, read_table
from tests.support.invoices import refusal
from tests.support.jobs import (
    IMPORT_COLUMNS,
    UPLOAD_COLUMNS,
    a_csv,
    hand_in,
    handed_in,
    match,
    report,
    shown,
    upload,
    upload_row,
    work,
)
from tests.support.receivables import (
    NUMBERS,
    confirmation,
    invoice_number,
    pay_to,
    register_abroad,
    register_invoice,
    submit,
)

SUPPLIER = "91350100M000100Y43"


def fresh(stage, total="100.00"):
    """A registered invoice's number."""
    number = next(NUMBERS)
    register_invoice(stage, stage.cast.supplier, number, total)
    return invoice_number(number)


def unknown():
    return invoice_number(next(NUMBERS))


def lines(stage, job, who=None, **parameters):
    return stage.get(who or stage.cast.anchor, "/v1/payables", job=job, **parameters).json()[
        "items"
    ]


class TestUpload:
    def test_a_line_whose_invoice_is_registered_becomes_a_receivable(self, stage):
        anchor, supplier = stage.cast.anchor, stage.cast.supplier
        job = upload(stage, [upload_row("U-1", supplier.uscc, fresh(stage), "80.00")])

        work(stage)

        done = shown(stage, anchor, job)
        assert (done["state"], done["done"], done["waiting"], done["failed"]) == ("DONE", 1, 0, 0)
        (item,) = report(stage, anchor, job)
        found = stage.get(supplier, f"/v1/receivables/{item['object']}").json()
        assert found["state"] == "SUBMITTED"
        assert found["claimed"] == {"amount": "80.00", "currency": "CNY"}
        (line,) = lines(stage, job)
        assert (line["state"], line["receivable"]) == ("SUBMITTED", item["object"])

    def test_a_line_waits_until_its_invoice_is_registered(self, stage):
        supplier, number = stage.cast.supplier, next(NUMBERS)
        job = upload(stage, [upload_row(f"U-{number}", supplier.uscc, invoice_number(number))])
        work(stage)
        match(stage)
        (line,) = lines(stage, job)
        assert (line["state"], line["code"]) == ("WAITING", "payable.invoice_not_registered")
        assert lines(stage, job, supplier)[0]["id"] == line["id"]

        register_invoice(stage, supplier, number)
        match(stage)

        (line,) = lines(stage, job)
        assert (line["state"], line["code"]) == ("SUBMITTED", None)
        assert report(stage, stage.cast.anchor, job)[0]["outcome"] == "waiting"

    def test_bad_rows_are_handed_back_and_the_others_go_on(self, stage):
        supplier, anchor = stage.cast.supplier, stage.cast.anchor
        good, used = fresh(stage), next(NUMBERS)
        submit(stage, used)
        rows = [
            upload_row("B-1", supplier.uscc, good),
            upload_row("B-2", "91500118MAYYC0B210", unknown()),
            upload_row("B-3", supplier.uscc, unknown(), "1.234"),
            upload_row("B-4", supplier.uscc, invoice_number(used)),
            upload_row("B-5", supplier.uscc, fresh(stage), "100.01"),
            upload_row("B-6", anchor.uscc, unknown()),
            upload_row("B-1", supplier.uscc, unknown()),
            upload_row("", supplier.uscc, unknown()),
            upload_row("B-9", supplier.uscc, "2.55E+19"),
        ]
        job = upload(stage, rows)
        work(stage)

        items = report(stage, anchor, job)
        assert [(item["row"], item["code"], item["column"]) for item in items] == [
            (2, None, None),
            (3, "payable.cell_wrong", "供应商统一社会信用代码"),
            (4, "payable.cell_wrong", "金额"),
            (5, "receivable.document_in_use", "发票号码"),
            (6, "receivable.claim_exceeds_documents", "金额"),
            (7, "payable.cell_wrong", "供应商统一社会信用代码"),
            (8, "payable.line_waiting", "行号"),
            (9, "payable.cell_wrong", "行号"),
            (10, "payable.cell_wrong", "发票号码"),
        ]

    def test_an_invoice_waits_in_one_line_at_a_time_until_that_is_withdrawn(self, stage):
        code, number = stage.cast.supplier.uscc, unknown()
        first = upload(stage, [upload_row("V-1", code, number)])
        again = upload(stage, [upload_row("V-2", code, f"{number} {unknown()}")])
        work(stage)
        (refused,) = report(stage, stage.cast.anchor, again)
        assert (refused["code"], refused["column"]) == ("payable.line_waiting", "发票号码")
        (line,) = lines(stage, first)
        path = f"/v1/payables/{line['id']}/withdraw"
        assert stage.post(stage.cast.supplier, path).status_code == 404

        assert stage.post(stage.cast.anchor, path).json()["state"] == "WITHDRAWN"

        assert stage.post(stage.cast.anchor, path).json()["code"] == "payable.state_forbids"
        job = upload(stage, [upload_row("V-2", code, number)])
        work(stage)
        assert shown(stage, stage.cast.anchor, job)["waiting"] == 1

    def test_a_supplier_that_was_faster_keeps_its_line(self, stage):
        """No invoice stands behind two lines, whoever brings the second."""
        supplier, number = stage.cast.supplier, next(NUMBERS)
        job = upload(stage, [upload_row("F-1", supplier.uscc, invoice_number(number))])
        work(stage)
        submit(stage, number)

        match(stage)

        (line,) = lines(stage, job)
        assert (line["state"], line["code"]) == ("REFUSED", "receivable.document_in_use")
        assert line["receivable"] is None

    def test_one_line_that_fails_holds_up_no_other(self, stage, monkeypatch):
        supplier, numbers = stage.cast.supplier, [next(NUMBERS) for _ in range(3)]
        rows = [upload_row(f"X-{n}", supplier.uscc, invoice_number(n)) for n in numbers]
        job = upload(stage, rows)
        work(stage)
        for number in numbers:
            register_invoice(stage, supplier, number)
        settle = payables.settle

        def failing(session, actor, found, *, now):
            settled = settle(session, actor, found, now=now)
            if any(line.line_no == f"X-{numbers[1]}" for line in found):
                raise ZeroDivisionError("a defect")
            return settled

        monkeypatch.setattr(payables, "settle", failing)
        match(stage)

        found = {line["line_no"]: (line["state"], line["code"]) for line in lines(stage, job)}
        assert [found[f"X-{number}"] for number in numbers] == [
            ("SUBMITTED", None),
            ("WAITING", "payable.fault"),
            ("SUBMITTED", None),
        ]

        monkeypatch.undo()
        match(stage)
        resting = {line["line_no"]: line["state"] for line in lines(stage, job)}
        stage.clock.set(stage.clock.now() + timedelta(minutes=11))
        match(stage)
        rested = {line["line_no"]: line["state"] for line in lines(stage, job)}
        assert (resting[f"X-{numbers[1]}"], rested[f"X-{numbers[1]}"]) == ("WAITING", "SUBMITTED")

    def test_a_stranger_sees_nothing_of_it(self, stage):
        job = upload(stage, [upload_row("S-1", stage.cast.supplier.uscc, unknown())])
        work(stage)
        assert lines(stage, job, stage.cast.second_supplier) == []
        path = f"/v1/payables/uploads/{job}/baskets"
        assert stage.get(stage.cast.second_supplier, path).status_code == 404


class TestConfirming:
    def test_what_was_uploaded_is_confirmed_by_one_signature(self, stage):
        anchor, supplier = stage.cast.anchor, stage.cast.supplier
        rows = [upload_row(f"C-{n}", supplier.uscc, fresh(stage), f"{n}0.00") for n in range(1, 6)]
        job = upload(stage, [*rows, upload_row("C-6", supplier.uscc, unknown())])
        work(stage)
        path = f"/v1/payables/uploads/{job}"
        (basket,) = stage.get(anchor, f"{path}/baskets").json()
        assert (basket["count"], basket["amount"]["amount"]) == (5, "150.00")

        terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
        body = {"after": basket["after"], "pay_to": pay_to(stage.cast.bank), **terms}
        drafted = stage.post(anchor, f"{path}/confirmation-draft", body)
        assert drafted.status_code == 200, drafted.text
        assert drafted.json()["totals"]["confirmed"]["amount"] == "150.00"
        signed = {"authorizations": anchor.sign_all(drafted.json()["draft"])}
        confirmed = stage.post(anchor, "/v1/receivables/confirmations", signed)

        assert confirmed.status_code == 200, confirmed.text
        amounts = sorted(line["confirmed"]["amount"] for line in confirmed.json()["confirmed"])
        assert amounts == ["10.00", "20.00", "30.00", "40.00", "50.00"]
        assert {line["state"] for line in confirmed.json()["confirmed"]} == {"CONFIRMED"}
        assert stage.get(anchor, f"{path}/baskets").json() == []

    def test_baskets_hold_a_thousand_lines_each(self, stage, monkeypatch):
        monkeypatch.setattr(upload_baskets, "LINES_MAX", 2)
        rows = [upload_row(f"D-{n}", stage.cast.supplier.uscc, fresh(stage)) for n in range(5)]
        job = upload(stage, rows)
        work(stage)
        found = stage.get(stage.cast.anchor, f"/v1/payables/uploads/{job}/baskets").json()
        assert [basket["count"] for basket in found] == [2, 2, 1]
        ids = [item["object"] for item in report(stage, stage.cast.anchor, job)]
        assert [basket["after"] for basket in found] == [None, sorted(ids)[1], sorted(ids)[3]]

    def test_a_basket_is_of_one_currency(self, stage):
        register_abroad(stage, "INV-USD-2")
        supplier, columns = stage.cast.supplier.uscc, [*UPLOAD_COLUMNS, "币种"]
        rows = [
            [*upload_row("E-1", supplier, "INV-USD-2"), "USD"],
            [*upload_row("E-2", supplier, fresh(stage)), ""],
            [*upload_row("E-3", supplier, fresh(stage)), "CNY"],
        ]
        anchor = stage.cast.anchor
        job = handed_in(stage, anchor, "/v1/payables/uploads", a_csv(columns, rows))
        work(stage)
        path = f"/v1/payables/uploads/{job}"

        yuan, dollars = stage.get(anchor, f"{path}/baskets").json()

        assert (yuan["count"], yuan["amount"]) == (2, {"amount": "200.00", "currency": "CNY"})
        assert (dollars["count"], dollars["amount"]) == (1, {"amount": "100.00", "currency": "USD"})
        terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
        body = {"pay_to": pay_to(stage.cast.bank), **terms}
        drafted = stage.post(anchor, f"{path}/confirmation-draft", body).json()
        assert (drafted["totals"]["count"], drafted["errors"]) == (2, [])
        body["after"] = dollars["after"]
        answer = stage.post(anchor, f"{path}/confirmation-draft", body)  # the mandates are in yuan
        assert (answer.status_code, answer.json()["code"]) == (422, "money.currency_mismatch")


class TestForms:
    def test_json_says_the_same_as_a_list(self, stage):
        item = {
            "line_no": "N-1",
            "supplier": stage.cast.supplier.uscc,
            "supplier_name": "供应商(示例)",
            "invoices": [fresh(stage), fresh(stage)],
            "amount": "200.00",
            "due_on": "2025-12-19",
        }
        body = json.dumps({"items": [item]}).encode()
        answer = hand_in(stage, stage.cast.anchor, "/v1/payables/uploads", body)
        work(stage)
        (line,) = lines(stage, answer.json()["id"])
        assert (line["state"], line["amount"]["amount"]) == ("SUBMITTED", "200.00")
        assert line["invoices"] == item["invoices"]

    @pytest.mark.parametrize("path", ["/v1/payables/template", "/v1/receivables/import-template"])
    def test_the_templates_can_be_handed_in_as_they_are(self, stage, path):
        for suffix in ("csv", "xlsx"):
            template = stage.http.get(f"{path}.{suffix}")
            assert template.status_code == 200
            form = UPLOAD if "payables" in path else IMPORT
            table = read_table(template.content, form, filename=None)
            assert list(table.columns) == list(form.columns.values())
            cells = dict(zip(table.columns, table.rows[0].cells, strict=True))
            assert read_row(cells, form).line_no == "DZ-2025-10-01"

    @pytest.mark.parametrize(
        ("cell", "read"),
        [
            ("¥1,234.50", "1234.50"),
            ("1234.5元", "1234.50"),
            ("0", None),
            ("-1", None),
            ("1e3", None),
        ],
    )
    def test_amounts_as_an_erp_writes_them(self, cell, read):
        cells = dict(zip(UPLOAD_COLUMNS, upload_row("1", SUPPLIER, "1", cell), strict=True))
        if read is None:
            assert refusal(read_row, cells, UPLOAD).field == "金额"
        else:
            assert read_row(cells, UPLOAD).amount == Money.parse(read)

    @pytest.mark.parametrize(
        ("cell", "read"),
        [
            ("2025/12/9", "2025-12-09"),
            ("2025年12月19日", "2025-12-19"),
            ("20251219", "2025-12-19"),
            ("19.12.2025", None),
            ("2025-13-01", None),
        ],
    )
    def test_dates_as_an_erp_writes_them(self, cell, read):
        row = upload_row("1", SUPPLIER, "1", due_on=cell)
        cells = dict(zip(UPLOAD_COLUMNS, row, strict=True))
        if read is None:
            assert refusal(read_row, cells, UPLOAD).field == "到期日"
        else:
            assert read_row(cells, UPLOAD).due_on.isoformat() == read

    def test_an_account_is_named_whole_or_not_at_all(self):
        cells = dict(zip(UPLOAD_COLUMNS, upload_row("1", SUPPLIER, "1"), strict=True))
        assert refusal(read_row, {**cells, "回款账号": "6222"}, UPLOAD).field == "回款户名"


class TestImport:
    def test_a_supplier_submits_in_the_background(self, stage):
        supplier = stage.cast.supplier
        first, second = fresh(stage), fresh(stage)
        rows = [
            ["I-1", f"{first}、{second}", "", "2025-12-19"],
            ["I-2", fresh(stage), "50.00", "2025-12-19"],
            ["I-3", unknown(), "", "2025-12-19"],
            ["I-4", first, "", "2025-12-19"],
        ]
        body = a_csv(IMPORT_COLUMNS, rows)
        job = hand_in(stage, supplier, "/v1/receivables/imports", body).json()["id"]

        work(stage)

        items = report(stage, supplier, job)
        assert [(item["outcome"], item["code"]) for item in items] == [
            ("done", None),
            ("done", None),
            ("failed", "receivable.documents_wrong"),
            ("failed", "receivable.document_in_use"),
        ]
        claimed = [
            stage.get(supplier, f"/v1/receivables/{item['object']}").json()["claimed"]["amount"]
            for item in items[:2]
        ]
        assert claimed == ["200.00", "50.00"]
