"""A scale under the copper: it signs what it weighs, and a loss freezes the goods."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from scf.evidence.keys import write_secret
from scf.kernel.clock import instant_text
from scf.story.copper import PLACE, STORED, WAREHOUSE, order_out
from scf.story.goods import text_of
from scf.story.scenes import time_of
from scf.story.warehouse import PAGE_MAX, Yard
from scf_ledger import readings

SERIAL: Final = "GQ-SC-07"
LOSS: Final = "131.500"
WATCHING: Final = "读数与账面比对 / the reading held to the book"
CLOSING: Final = "逐时摘要 / the hour's root"
KEY: Final = "scale.key"


def report(yard: Yard) -> dict[str, Any]:
    """Register the scale with its key; it weighs what the book says, then less; return the scale."""
    yard.story.on("地磅读数", "A scale reports a loss", yard.season.topped_on, "16:00")
    key = _key(yard.stage.folder / KEY)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    scale: dict[str, Any] = yard.do(
        yard.keeper,
        "scale",
        "/v1/devices",
        kind="scale",
        serial=SERIAL,
        warehouse=WAREHOUSE,
        location=PLACE,
        unit=STORED["unit"],
        public_key=pem,
    )
    for seq, weight in enumerate((STORED["quantity"], LOSS), 1):
        _say(yard, scale["id"], key, seq, weight)
    return scale


def freeze(yard: Yard, lot: dict[str, Any], found: dict[str, Any], pledge_id: str) -> None:
    """The book says 140 t: the receipt is disputed, nothing leaves, and the bank is told."""
    alarm = _alarm(yard, lot["id"])
    told = yard.told("receipt.disputed", pledge_id)
    rows = {
        "依据": alarm["evidence"],
        "账面 / 实测": f"{text_of(alarm['book'])} / {text_of(alarm['counted'])}",
        "允差": text_of(alarm["tolerance"]),
        "通知质权人": time_of(told["told_at"]),
    }
    yard.story.show(yard.bank, "库存预警", rows, result="仓单已转为争议，冻结出库")
    order_out(yard, found, "goods ordered out while the lot is frozen", "TH-0002")


def close(yard: Yard, scale: dict[str, Any]) -> None:
    """What it said in that hour has its root in the log, and its silence since is told."""
    path = f"/v1/devices/{scale['id']}"
    closed = yard.keeper.desk.awaited(
        "goods:scale:closed", CLOSING, f"{path}/hours", lambda seen: bool(seen["items"])
    )["items"][0]
    silent = yard.keeper.desk.awaited(
        "goods:scale:silent", CLOSING, path, lambda seen: seen["silent_at"] is not None
    )
    rows = {
        "时段": time_of(closed["hour"]),
        "读数": f"{closed['readings']} 条，第 {closed['first_seq']} 至 {closed['last_seq']} 号",
        "摘要": closed["root"],
        "失联预警": time_of(silent["silent_at"]),
    }
    yard.story.show(yard.keeper, f"设备 {SERIAL} 逐时摘要", rows, result="已入账")


def _say(yard: Yard, scale: str, key: ed25519.Ed25519PrivateKey, seq: int, weight: str) -> None:
    """Hand in what the scale signs at this moment."""

    def signed() -> dict[str, str]:
        now: datetime = yard.stage.settings.clock.now()
        said = {"seq": seq, "at": instant_text(now), "value": weight}
        return {"batch": readings.sign(scale, [said], key)}

    taken = yard.keeper.desk.do(f"goods:reading:{seq}", f"/v1/devices/{scale}/readings", signed)
    rows = {"读数": f"第 {seq} 号，{weight} 吨", "签名": "设备自有密钥（Ed25519）"}
    yard.story.show(yard.keeper, f"地磅 {SERIAL}", rows, result=f"已收 {taken['stored']} 条")


def _alarm(yard: Yard, lot: str) -> dict[str, Any]:
    """Wait until the bank sees the difference; return it as it was then."""
    found: list[dict[str, Any]] = yard.bank.desk.awaited(
        "goods:alarm",
        WATCHING,
        f"/v1/stock-alarms?limit={PAGE_MAX}",
        lambda seen: any(one["lot"] == lot for one in seen["items"]),
    )["items"]
    return next(one for one in found if one["lot"] == lot)


def _key(path: Path) -> ed25519.Ed25519PrivateKey:
    """Return the key that never leaves the scale, made at the first start."""
    if not path.exists():
        made = ed25519.Ed25519PrivateKey.generate()
        write_secret(
            path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        )
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey), "made here"
    return key
