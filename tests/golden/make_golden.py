"""Write the golden files: ``python -m tests.golden.make_golden [FILE...]`` from the project's root.

They are made by ``formats.py``, ``story.py``, rfc8785 and joserfc, never by ``scf_ledger``. ECDSA
signatures are random, so a new run gives other files of the same meaning: those that are there are kept
by naming the new ones, each proof with its trust file.
"""

import hashlib
import json
import sys
from pathlib import Path

from tests.golden import formats as f
from tests.golden import register, story

HERE = Path(__file__).parent


def main():
    told = story.tell(witnesses=story.WITNESSES)
    write("pledge.scfproof", told.proof_bytes)
    event = {key: value for key, value in told.proof.items() if key != "anchor"}
    event |= {"kind": "event", "entries": [strip_secret(told.proof["entries"][0])]}
    write("event.scfproof", f.as_json(event))
    basket = story.tell(basket=("confirmed",))
    write("basket.scfproof", basket.proof_bytes)
    write("basket-trust.json", basket.trust_bytes)
    factoring = story.tell(record=story.BOTH, content=story.BOTH)
    write("factoring.scfproof", factoring.proof_bytes)
    write("factoring-trust.json", factoring.trust_bytes)
    vouched = register.with_receipt(told, register.make_receipt(told))
    write("receipt.scfproof", vouched.proof_bytes)
    write("receipt-trust.json", vouched.trust_bytes)
    refusals, proofs = story.tell_refusals()
    for end, proof in proofs.items():
        write(f"{end}-basket.scfproof", f.as_json(proof))
    write("refusals-trust.json", refusals.trust_bytes)
    write("trust.json", told.trust_bytes)
    write("checkpoint.txt", told.note.encode())
    write("tlog-proof.txt", told.proof["entries"][0]["tlog_proof"].encode())
    write("log.json", f.as_json({"entries": [f.b64(entry) for entry in told.entries]}))
    write("event.json", f.as_json(event_vector()))
    write("entry.json", f.as_json(entry_vector()))
    write("statement.json", f.as_json(statement_vector(told)))
    write("asset.json", f.as_json(asset_vectors()))


def write(name, data):
    if name in (sys.argv[1:] or [name]):
        (HERE / name).write_bytes(data)


def strip_secret(entry):
    return {key: value for key, value in entry.items() if key != "tag_secret"}


def event_vector():
    """An event with its disclosures; the salts stand in them, so the body can be made again."""
    record = {
        "id": f.make_id("doc", "invoice"),
        "actor": None,
        "at": "2025-11-03T02:00:00Z",
        "kind": "invoice",
        "seller": story.SUPPLIER,
        "buyer": story.CAR_MAKER,
        "number": "25502000000001000101",
        "issued_on": "2025-10-21",
        "net": f.cny("400000.00"),
        "tax": f.cny("52000.00"),
        "total": f.cny("452000.00"),
        "original_sha256": f.b64u(f.sha256(b"original")),
    }
    body, shown = f.make_event(
        word="invoice",
        type_="document.registered",
        subject=record["id"],
        version=1,
        occurred_at=record["at"],
        previous=None,
        authorizations=[],
        record=record,
    )
    return {
        "record": record,
        "disclosures": list(shown.values()),
        "body": body.decode(),
        "body_sha256": f.b64u(f.sha256(body)),
    }


def entry_vector():
    body_hash, secret = f.sha256(b"body"), f.sha256(b"secret")
    entry = body_hash + f.make_tag(secret, 7)
    return {
        "body_sha256": f.b64u(body_hash),
        "secret": f.b64u(secret),
        "version": 7,
        "tag": f.b64u(f.make_tag(secret, 7)),
        "entry": f.b64u(entry),
        "leaf": f.b64u(f.leaf(entry)),
    }


def statement_vector(told):
    signed = told.steps["confirmed"].authorizations[0]
    payload = signed.split(".")[1]
    return {
        "payload": json.loads(f.base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))),
        "certificate": f.pem(told.people["car.clerk"][1]),
        "jws": signed,
        "jws_high_s": f.high_s(signed),
        "authorization": f.b64u(f.sha256(signed.encode())),
    }


def asset_vectors():
    """Length-prefixed parts behind format and kind, and the token that a service key makes of them."""
    vectors = []
    for seller, number, folded in (
        (story.SUPPLIER, "25502000000001000101", "25502000000001000101"),
        ("DE 123 456 789", "inv-2025/\uff17", "INV-2025/7"),
        (story.SUPPLIER, " \u53d1\u7968 12 ", "\u53d1\u796812"),
    ):
        parts = ("scf-asset/1", "invoice", seller.replace(" ", ""), folded)
        identity = b"".join(len(part.encode()).to_bytes(2, "big") + part.encode() for part in parts)
        token = f.hmac.new(f.sha256(b"service key"), identity, hashlib.sha256).hexdigest()
        vectors.append(
            {"seller": seller, "number": number, "identity": identity.hex(), "token": token}
        )
    return {"service_key": f.sha256(b"service key").hex(), "invoices": vectors}


if __name__ == "__main__":
    main()
