"""A claim whose payment is split is paid part by part: a transfer, an account and an EndToEndId for each payee."""

from collections.abc import Iterator

import pytest
from lxml import etree

from scf.db.outbox import EffectContext
from scf.kernel.ids import parse_id
from scf.settlement import effects
from scf.settlement.pain import NAMESPACE
from tests.support.actors import Company, Stage
from tests.support.banking import DEBTOR_ACCOUNT, BankProcess
from tests.support.lending import Desk
from tests.support.receivables import ACCOUNT, confirmed_receivable, money
from tests.support.splitting import agree_split

TODAY = "2025-11-03"
A_ACCOUNT, B_ACCOUNT = "6222020000000000001", "6222020000000000002"
P = f"{{{NAMESPACE}}}"


@pytest.fixture(scope="module")
def bank(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankProcess]:
    process = BankProcess(
        tmp_path_factory.mktemp("bank"), business_clock=stage.settings.business_clock
    )
    yield process
    process.kill()


@pytest.fixture
def context(stage: Stage, bank: BankProcess) -> EffectContext:
    settings = stage.settings.model_copy(update={"bank_url": bank.url})
    return EffectContext(stage.database, settings, stage.clock)


@pytest.fixture
def split(stage: Stage) -> str:
    """1,000.01: 600.00 the bank's, 300.00 the second bank's, 100.01 the creditor's."""
    receivable = str(confirmed_receivable(stage, "1000.01")["id"])
    cast = stage.cast
    shares = [(cast.bank, "600.00", A_ACCOUNT), (cast.second_bank, "300.00", B_ACCOUNT)]
    agree_split(Desk(stage, None, None, None), receivable, shares)
    return receivable


def asked(stage: Stage, *lines: dict):
    maker = stage.cast.anchor.signers("confirm")[0]
    account = {"name": "渝川汽车(示例)", "account": DEBTOR_ACCOUNT, "bank": "示例农商行"}
    account["bank_uscc"] = stage.cast.bank.uscc
    body = {"account": account, "execute_on": TODAY, "lines": list(lines), "maker": maker}
    return stage.post(stage.cast.anchor, "/v1/payment-orders", body)


def drafted(stage: Stage, *lines: dict) -> dict:
    answer = asked(stage, *lines)
    assert answer.status_code == 201, answer.text
    return answer.json()


def refused(stage: Stage, *lines: dict) -> dict:
    before = stage.get(stage.cast.anchor, "/v1/payment-orders", limit=500).json()["items"]
    answer = asked(stage, *lines)
    assert answer.is_client_error, answer.text
    after = stage.get(stage.cast.anchor, "/v1/payment-orders", limit=500).json()["items"]
    assert after == before
    return answer.json()


def approve(stage: Stage, order: dict):
    checker = stage.cast.anchor.signers("confirm")[1]
    path = f"/v1/payment-orders/{order['id']}/approve"
    return stage.post(stage.cast.anchor, path, {"checker": checker})


def execute(stage: Stage, context: EffectContext, order: dict) -> None:
    """Approved, sent, executed, and told of by the banks."""
    assert approve(stage, order).is_success
    effects.send(context, {"order_id": str(parse_id("pmo", order["id"]))})
    effects.follow(context)
    shown = stage.get(stage.cast.anchor, f"/v1/payment-orders/{order['id']}").json()
    assert shown["state"] == "EXECUTED"


def transfers(stage: Stage, order: dict) -> list[tuple[str, str, str]]:
    """Of the file: what each transfer is called, how much it is, into which account."""
    path = f"/v1/payment-orders/{order['id']}/file"
    root = etree.fromstring(stage.get(stage.cast.anchor, path).content)
    return [
        (
            one.findtext(f"{P}PmtId/{P}EndToEndId"),
            one.findtext(f"{P}Amt/{P}InstdAmt"),
            one.findtext(f"{P}CdtrAcct/{P}Id/{P}Othr/{P}Id"),
        )
        for one in root.iter(f"{P}CdtTrfTxInf")
    ]


def paid(stage: Stage, receivable: str) -> tuple[str, str]:
    shown = stage.get(stage.cast.supplier, f"/v1/receivables/{receivable}").json()
    return shown["state"], shown["paid"]["amount"]


def part(receivable: str, payee: Company, amount: str | None = None) -> dict:
    found = {"receivable": receivable, "payee": payee.id}
    return found if amount is None else {**found, "amount": money(amount)}


def test_a_whole_claim_is_a_transfer_for_each_payee_to_the_fen(stage: Stage, split: str):
    cast = stage.cast

    order = drafted(stage, {"receivable": split})

    lines = {one["payee"]: (one["amount"], one["pay_to"]["account"]) for one in order["lines"]}
    assert lines == {
        cast.bank.id: (money("600.00"), A_ACCOUNT),
        cast.second_bank.id: (money("300.00"), B_ACCOUNT),
        cast.supplier.id: (money("100.01"), ACCOUNT),
    }
    assert order["total"] == money("1000.01")
    found = transfers(stage, order)
    claim = split.replace("_", "").upper()
    tails = {one.id: f"{claim}P{one.id[-5:].upper()}" for one in (cast.bank, cast.second_bank)}
    assert sorted(found) == sorted(
        [
            (claim, "100.01", ACCOUNT.replace(" ", "")),
            (tails[cast.bank.id], "600.00", A_ACCOUNT),
            (tails[cast.second_bank.id], "300.00", B_ACCOUNT),
        ]
    )
    assert all(len(name) <= 35 for name, _, _ in found)
    assert refused(stage, {"receivable": split})["code"] == "payment_order.more_than_due"


def test_each_is_matched_by_its_own_line_and_nothing_is_paid_twice(
    stage: Stage, context: EffectContext, split: str
):
    cast = stage.cast
    execute(stage, context, drafted(stage, part(split, cast.bank, "599.99")))
    assert paid(stage, split) == ("PARTLY_PAID", "599.99")

    rest = drafted(stage, {"receivable": split})

    assert {one["payee"]: one["amount"] for one in rest["lines"]} == {
        cast.bank.id: money("0.01"),
        cast.second_bank.id: money("300.00"),
        cast.supplier.id: money("100.01"),
    }
    execute(stage, context, rest)
    assert paid(stage, split) == ("PAID", "1000.01")
    payments = stage.get(cast.supplier, f"/v1/receivables/{split}/payments").json()
    came = sorted((one["account"], one["amount"]["amount"]) for one in payments)
    assert came == sorted(
        [
            *((A_ACCOUNT, "0.01"), (A_ACCOUNT, "599.99"), (B_ACCOUNT, "300.00")),
            (ACCOUNT.replace(" ", ""), "100.01"),
        ]
    )


def test_one_payees_order_takes_nothing_of_anothers(stage: Stage, split: str):
    cast = stage.cast
    drafted(stage, part(split, cast.bank))

    again = refused(stage, part(split, cast.bank, "0.01"))
    assert (again["code"], again["fields"]["due"]) == (
        *("payment_order.more_than_due",),
        money("0.00"),
    )
    more = refused(stage, part(split, cast.second_bank, "300.01"))
    assert more["fields"]["due"] == money("300.00")
    creditors = refused(stage, {"receivable": split, "amount": money("100.02")})
    assert creditors["fields"]["due"] == money("100.01")
    assert drafted(stage, part(split, cast.second_bank, "300.00"))["total"] == money("300.00")


def test_only_who_has_a_part_is_paid_and_once_in_a_file(stage: Stage, split: str):
    cast = stage.cast
    stranger = refused(stage, part(split, cast.second_supplier))
    assert (stranger["code"], stranger["field"]) == ("payment_order.payee_unknown", "payee")
    nobody = {"receivable": split, "payee": "pty_01k3e5m8q2x7v9b4c6d8f0g1h2"}
    assert refused(stage, nobody)["code"] == "payment_order.payee_unknown"

    twice = refused(stage, {"receivable": split}, part(split, cast.bank, "1.00"))

    assert twice["code"] == "payment_order.line_repeated"


def test_another_split_overtakes_a_draft(stage: Stage, split: str):
    cast = stage.cast
    order = drafted(stage, part(split, cast.second_bank, "1.00"))
    withdrawn = f"/v1/payment-orders/{order['id']}/withdraw"
    assert stage.post(cast.anchor, withdrawn, {}).is_success
    agree_split(Desk(stage, None, None, None), split, [(cast.bank, "600.00", A_ACCOUNT)])

    found = drafted(stage, {"receivable": split})

    assert {one["payee"]: one["amount"] for one in found["lines"]} == {
        cast.bank.id: money("600.00"),
        cast.supplier.id: money("400.01"),
    }
