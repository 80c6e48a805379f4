"""`names.sh`: what the story leaves behind, by name, for commands that are typed after it."""

import json
import shlex
from pathlib import Path
from typing import Any, Final

from scf.evidence.keys import write_secret
from scf.story.enrol import Cast, Party
from scf.story.stage import Stage

FILE: Final = "names.sh"
LEFT: Final = {
    "RECEIVABLE": "receivable",
    "FINANCING": "ask:bank",
    "PLEDGE": "propose",
    "SILENT": "silent:claim",
    "REQUEST": "silent:ask",
    "INVITATION": "invite",
    "JOB": "upload",
}
"""Name -> the step whose answer carries the id."""
LEFT_IN_YARD: Final = {
    "LOT": "goods:TJ-01:enter",
    "RECEIPT": "goods:TJ-01:issue",
    "GOODS_PLEDGE": "goods:TJ-01:pledge",
    "VEHICLE_PLEDGE": "goods:QC-01:pledge",
    "CONTROL": "goods:control",
    "SCALE": "goods:scale",
}
"""The same of the second act, where it was played."""


def write_names(stage: Stage, cast: Cast) -> Path:
    """Write shell variables: ids, who signs, where services and keys are and what opens them; for its owner alone."""
    kept = stage.journal.entries
    names: dict[str, Any] = {
        "SCF_DATA": stage.settings.data.resolve(),
        "SCF_KEYS": (stage.folder / "keys").resolve(),
        "SCF_PASSPHRASE": kept["passphrase"],
        "PLATFORM": stage.settings.public_url,
        "TOKENS": stage.settings.token_service_url,
        "CHAIN": stage.settings.chain_rpc_url,
        "TAX_BUREAU": stage.settings.invoice_status_url,
        "PROGRAMME": cast.programme,
        "ANCHOR": cast.anchor.id,
        "SUPPLIER": cast.supplier.id,
        "BANK": cast.bank.id,
        "PAY_TO": json.dumps(kept["confirm:drafts:body"]["pay_to"], ensure_ascii=False),
        "CLERK": _signer(cast.anchor, "confirm", 0),
        "APPROVER": _signer(cast.anchor, "confirm", 1),
        "ANCHOR_SIGNER": _signer(cast.anchor, "reconcile", 0),
        "SUPPLIER_SIGNER": _signer(cast.supplier, "reconcile", 0),
        "OFFICER": _signer(cast.bank, "accept", 0),
        "BANK_APPROVER": _signer(cast.bank, "accept", 1),
        **{name: kept[step]["body"]["id"] for name, step in LEFT.items()},
        "SILENT_INVOICE": kept["silent:invoice"]["body"]["document"]["id"],
    }
    names |= {name: kept[step]["body"]["id"] for name, step in LEFT_IN_YARD.items() if step in kept}
    lines = [f"export {name}={shlex.quote(str(value))}" for name, value in names.items()]
    path = stage.folder / FILE
    write_secret(path, "\n".join(lines))
    return path


def _signer(party: Party, act: str, place: int) -> str:
    """Return who signs an act of a party's, as a body names them."""
    return json.dumps(party.desk.signers(act)[place])
