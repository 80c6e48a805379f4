"""A core enterprise uploads its payables: known lines become receivables, the others wait for their supplier."""

from tests.support.jobs import (
    match,
    report,
    shown,
    upload,
    upload_row,
    work,
)
from tests.support.receivables import (
    NUMBERS,
    invoice_number,
    register_invoice,
    submit,
)


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
