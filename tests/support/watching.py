"""Devices in tests: registered with a key of their own, their batches signed and handed in by a gateway."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scf.db.outbox import EffectContext
from scf.devices import effects
from scf.kernel.clock import instant_text
from scf_ledger import readings
from scf_ledger.readings import DevicePrivateKey
from tests.support.actors import Company, Stage
from tests.support.warehouse import Yard


def pem_of(key: DevicePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_key(algorithm: str = "EdDSA") -> DevicePrivateKey:
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Gateway:
    """A device with its key, and the keeper's client that carries what it signs."""

    stage: Stage
    owner: Company
    id: str
    key: DevicePrivateKey = field(repr=False)

    def said(self, seq: int, at: datetime, value: str = "140.000", **other: Any) -> dict[str, Any]:
        return {"seq": seq, "at": instant_text(at), "value": value, **other}

    def sign(self, items: Sequence[Any], *, device: str | None = None) -> str:
        return readings.sign(device or self.id, items, self.key)

    def hand_in(
        self, jws: str, *, who: Company | None = None, key: str | None = None
    ) -> httpx.Response:
        path = f"/v1/devices/{self.id}/readings"
        return self.stage.post(who or self.owner, path, {"batch": jws}, key=key)

    def send(self, *items: Any) -> dict[str, Any]:
        answer = self.hand_in(self.sign(items))
        assert answer.status_code == 200, answer.text
        taken: dict[str, Any] = answer.json()
        return taken

    def every(
        self, start: datetime, count: int, *, first: int = 1, step: float = 60
    ) -> list[dict[str, Any]]:
        return [
            self.said(first + n, start + timedelta(seconds=step * n), f"{140 - n}.000")
            for n in range(count)
        ]

    def seen(self, who: Company | None = None) -> dict[str, Any]:
        answer = self.stage.get(who or self.owner, f"/v1/devices/{self.id}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


def device_body(key: DevicePrivateKey, **other: Any) -> dict[str, Any]:
    return {
        "kind": "scale",
        "serial": "GQ-SC-07",
        "warehouse": "一号库",
        "location": "A-03",
        "unit": "TNE",
        "public_key": pem_of(key),
        **other,
    }


def a_device(stage: Stage, owner: Company, *, algorithm: str = "EdDSA", **other: Any) -> Gateway:
    """A registered scale, unless told otherwise."""
    key = new_key(algorithm)
    answer = stage.post(owner, "/v1/devices", device_body(key, **other))
    assert answer.status_code == 201, answer.text
    return Gateway(stage, owner, answer.json()["id"], key)


def context(stage: Stage) -> EffectContext:
    return EffectContext(stage.database, stage.settings, stage.clock)


def watch(stage: Stage) -> None:
    """One turn of the worker's clock."""
    effects.turn(context(stage))


def pledged(stage: Stage, yard: Yard, receipt: dict[str, Any]) -> str:
    """Have the trader pledge a receipt's goods to the bank, which takes them; not registered yet."""
    bank, trader = stage.cast.bank, yard.trader
    principal = {
        "contract_sha256": "A" * 43,
        "amount": {"amount": "1000000.00", "currency": "CNY"},
        "rate": "0.0435",
        "due_on": "2026-05-03",
    }
    body = {"pledgee": bank.id, "principal": principal}
    path = f"/v1/warehouse-receipts/{receipt['id']}/pledges"
    proposed = stage.post(trader, path, body)
    assert proposed.is_success, proposed.text
    path = f"/v1/pledges/{proposed.json()['id']}"
    for who, act, draft, command in (
        (trader, "pledge", "sign-draft", "sign"),
        (bank, "accept", "accept-draft", "accept"),
    ):
        answer = yard.sign(who, act, f"{path}/{draft}", f"{path}/{command}")
        assert answer.is_success, answer.text
    return str(proposed.json()["id"])
