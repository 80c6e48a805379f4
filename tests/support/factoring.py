"""A part of a claim, factored with recourse: searched for, split, told, and demanded back."""

from collections.abc import Callable

from tests.support.lending import Desk
from tests.support.receivables import money
from tests.support.splitting import agree_split

CLEAR = {"future": False, "consignment": False, "title_clear": True}
WITH_RECOURSE = {"kind": "factoring", "recourse": True, "disclosed": True}


def factored(desk: Desk, number: int, *, ready: Callable[[str], None]) -> str:
    """Play it; `ready` brings a pledge to readiness. Return the pledge."""
    cast = desk.stage.cast
    receivable = desk.receivable(number, "100.00")
    agree_split(desk, receivable, [(cast.bank, "60.00", "6222020000000000001")])
    financing = desk.request(receivable, amount="60.00", trade=CLEAR)
    desk.did(cast.bank, f"/v1/financings/{financing}/search", {})
    desk.work()
    desk.approve(financing, amount="60.00", security=WITH_RECOURSE)
    pledge = desk.propose(financing, amount="60.00")
    desk.contract(financing)
    desk.accept(pledge)
    ready(pledge)
    signed_notice(desk, pledge)
    desk.did(cast.bank, f"/v1/pledges/{pledge}/notify-debtor", {})
    demand_back(desk, pledge, "60.00")
    return pledge


def signed_notice(desk: Desk, pledge: str) -> str:
    """The notice of a transfer, signed by both sides and not yet sent."""
    cast = desk.stage.cast
    notice = str(desk.did(cast.bank, f"/v1/pledges/{pledge}/prepare-notice", {})["id"])
    path = f"/v1/debtor-notices/{notice}"
    for who, act in ((cast.supplier, "notify"), (cast.bank, "countersign")):
        desk.signed(who, f"{path}/sign-draft", {"signers": who.signers(act)}, f"{path}/sign")
    return notice


def demand_back(desk: Desk, pledge: str, amount: str) -> None:
    """The factor turns back to the seller."""
    bank, path = desk.stage.cast.bank, f"/v1/pledges/{pledge}"
    body = {
        "amount": money(amount),
        "due_on": "2025-11-13",
        "reason": "付款义务人到期未付",
        "signers": bank.signers("recourse"),
    }
    desk.signed(bank, f"{path}/recourse-draft", body, f"{path}/recourse")
