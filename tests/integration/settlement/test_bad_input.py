"""What makes no sense is refused by name, never with a server error."""

import pytest

from tests.support.actors import Stage

SUFFIX = "01k3e5m8q2x7v9b4c6d8f0g1h2"


@pytest.mark.parametrize(
    ("path", "parameters", "code"),
    [
        ("/v1/maturities", {"first_on": "2025-13-01"}, "value.invalid"),
        ("/v1/maturities", {"supplier": "x"}, "id.invalid"),
        ("/v1/maturities", {"cursor": "2025-12-19"}, "id.invalid"),
        ("/v1/maturities", {"cursor": f"x.rcv_{SUFFIX}.MAIN"}, "value.invalid"),
        ("/v1/payment-orders", {"cursor": "rcv_1"}, "id.invalid"),
        ("/v1/bank-entries", {"cursor": "\x00"}, "id.invalid"),
        ("/v1/payment-orders/x", {}, "id.invalid"),
        (f"/v1/payment-orders/pmo_{SUFFIX}", {}, "subject.not_found"),
        (f"/v1/bank-entries/bke_{SUFFIX}", {}, "subject.not_found"),
        (f"/v1/account-changes/acg_{SUFFIX}", {}, "subject.not_found"),
        (f"/v1/reconciliations/rcn_{SUFFIX}", {}, "subject.not_found"),
        (f"/v1/reconciliations/rcn_{SUFFIX}/file", {}, "subject.not_found"),
    ],
)
def test_reading(stage: Stage, path: str, parameters: dict, code: str):
    answer = stage.get(stage.cast.anchor, path, **parameters)
    assert answer.is_client_error
    assert answer.json()["code"] == code


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/v1/payment-orders/pmo_{SUFFIX}/withdraw", None),
        (f"/v1/receivables/rcv_{SUFFIX}/account-changes", "change"),
        (f"/v1/bank-entries/bke_{SUFFIX}/assign", {"receivable": f"rcv_{SUFFIX}"}),
    ],
)
def test_changing_what_is_not_there(stage: Stage, path: str, body: dict | str | None):
    if body == "change":
        account = {"name": "甲", "account": "1", "bank": "乙"}
        account["bank_uscc"] = stage.cast.bank.uscc
        body = {"pay_to": account, "reason": "无"}
    answer = stage.post(stage.cast.anchor, path, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")


@pytest.mark.parametrize("month", ["2025-13", "2025", "1999-01", "2025-1"])
def test_no_such_month(stage: Stage, month: str):
    cast = stage.cast
    body = {"creditor": cast.supplier.id, "debtor": cast.anchor.id, "month": month}
    answer = stage.post(cast.supplier, "/v1/reconciliations", body)
    assert answer.status_code == 422


def test_a_stranger_to_the_platform_reconciles_nothing(stage: Stage):
    cast = stage.cast
    body = {"creditor": cast.supplier.id, "debtor": f"pty_{SUFFIX}", "month": "2025-01"}
    answer = stage.post(cast.supplier, "/v1/reconciliations", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")
