"""What is done with goods of any kind: taken in, put on a receipt, pledged, released in part, handed over."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any, Final

from scf.kernel.calendar import add_months
from scf.story.enrol import Party
from scf.story.scenes import has
from scf.story.warehouse import Yard
from scf_ledger.encoding import b64url

PERFECTING: Final = "仓单质押登记、链上锁定、复查 / receipts registered, locked, searched again"

Quantity = dict[str, str]


def tonnes(text: str) -> Quantity:
    """Return tonnes as a body names them."""
    return {"quantity": text, "unit": "TNE"}


def pieces(count: int) -> Quantity:
    """Return pieces as a body names them."""
    return {"quantity": str(count), "unit": "C62"}


def text_of(quantity: Quantity) -> str:
    """Show a quantity as a form does."""
    return f"{quantity['quantity']} {'吨' if quantity['unit'] == 'TNE' else '辆'}"


def take_in(yard: Yard, name: str, depositor: Party, quantity: Quantity, **goods: Any) -> Any:
    """Goods come in: keeper and supervisor each weigh (or tally) and assay, the keeper signs; return the lot."""
    entered = yard.do(
        yard.keeper,
        f"{name}:enter",
        "/v1/lots",
        depositor=depositor.uscc,
        supervisor=yard.supervisor.uscc,
        declared=quantity,
        **goods,
    )
    path = f"/v1/lots/{entered['id']}"
    measured = "weighing" if quantity["unit"] == "TNE" else "tally"
    for side, who in (("keeper", yard.keeper), ("supervisor", yard.supervisor)):
        for kind, said in ((measured, {"quantity": quantity}), ("assay", {"passed": True})):
            number = f"{kind.upper()}-{name}-{side}"
            original = f"{who.name} {number} {goods['goods']} {text_of(quantity)}"
            yard.do(
                who,
                f"{name}:{kind}:{side}",
                f"{path}/papers",
                kind=kind,
                number=number,
                made_on=yard.stage.settings.clock.today().isoformat(),
                original=_base64(original),
                **said,
            )
    return yard.signed(yard.keeper, f"{name}:store", f"{path}/storing-draft|{path}/store", "store")


def issue(yard: Yard, name: str, lot: dict[str, Any], **terms: Any) -> dict[str, Any]:
    """The keeper's clerk and manager sign a receipt over all of a lot; return it."""
    path = f"/v1/warehouse-receipts/draft|/v1/lots/{lot['id']}/warehouse-receipts"
    return yard.signed(
        yard.keeper, f"{name}:issue", path, "issue", **receipt(yard, name, lot, **terms)
    )


def receipt(yard: Yard, name: str, lot: dict[str, Any], **terms: Any) -> dict[str, Any]:
    """Return what the keeper puts on a receipt beside what the lot says (民法典第九百零九条)."""
    until = add_months(yard.season.stored_on, 12)
    return {
        "number": f"GQ-{yard.season.stored_on:%Y}-{name}",
        "lots": [{"lot": lot["id"], "quantity": lot["stored"]}],
        "depositor_address": "重庆市永川区示例路 1 号",
        "stored_until": until.isoformat(),
        "issued_at": "重庆市永川区",
        **terms,
    }


def contract(yard: Yard, file: str, lines: Iterable[str]) -> str:
    """Write a contract down as both sides keep it; return its digest, which pledge and agreement name."""
    text = "\n".join(["借款及质押合同（示例）", *lines, ""]).encode()
    (yard.stage.folder / file).write_bytes(text)
    return b64url(hashlib.sha256(text).digest())


def offer(
    yard: Yard, name: str, pledgor: Party, found: dict[str, Any], principal: dict[str, Any]
) -> str:
    """The holder pledges a receipt's goods and signs, the bank accepts; return the pledge's id."""
    proposed = yard.do(
        pledgor,
        f"{name}:pledge",
        f"/v1/warehouse-receipts/{found['id']}/pledges",
        pledgee=yard.bank.id,
        principal=principal,
    )
    path = f"/v1/pledges/{proposed['id']}"
    yard.signed(pledgor, f"{name}:sign", f"{path}/sign-draft|{path}/sign", "pledge")
    yard.signed(yard.bank, f"{name}:accept", f"{path}/accept-draft|{path}/accept", "accept")
    return str(proposed["id"])


def perfect(yard: Yard, name: str, pledge: str) -> dict[str, Any]:
    """Wait until a pledge is registered, locked on chain and searched again; return it as it was then."""
    ready = yard.bank.desk.awaited(
        f"goods:{name}:perfected", PERFECTING, f"/v1/pledges/{pledge}", has("ready_to_disburse_at")
    )
    result: dict[str, Any] = ready
    return result


def release_part(yard: Yard, name: str, pledge: str, quantity: Quantity, reason: str) -> Any:
    """The bank's two people sign a part of the goods free (部分解除质押通知书)."""
    path = f"/v1/pledges/{pledge}"
    return yard.signed(
        yard.bank,
        f"{name}:release",
        f"{path}/part-release-draft|{path}/part-release",
        "release",
        released=quantity,
        reason=reason,
    )


def hand_over(
    yard: Yard, name: str, holder: Party, found: dict[str, Any], order: dict[str, Any]
) -> Any:
    """The holder signs a 提货通知书, keeper and supervisor weigh it out, the keeper hands over; return the receipt."""
    path = f"/v1/warehouse-receipts/{found['id']}"
    ordered = yard.signed(
        holder,
        f"{name}:withdraw",
        f"{path}/withdrawal-draft|{path}/withdrawals",
        "withdraw",
        **order,
    )
    lot, quantity = found["lots"][0]["lot"], order["quantity"]
    for side, who in (("keeper", yard.keeper), ("supervisor", yard.supervisor)):
        number = f"CK-{order['order_no']}-{side}"
        yard.do(
            who,
            f"{name}:out:{side}",
            f"/v1/lots/{lot}/papers",
            kind="weighing" if quantity["unit"] == "TNE" else "tally",
            number=number,
            made_on=yard.stage.settings.clock.today().isoformat(),
            quantity=quantity,
            order=ordered["id"],
            original=_base64(f"{who.name} {number} {text_of(quantity)}"),
        )
    return yard.signed(
        yard.keeper,
        f"{name}:deliver",
        f"{path}/delivery-draft|{path}/deliver",
        "deliver",
        order_no=order["order_no"],
        papers=[_base64(f"{paper} {order['order_no']}") for paper in ("出库单", "出门证")],
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
