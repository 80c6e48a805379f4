"""What a bank's integrator runs first: token, feed, record as of an index, proof, inclusion checked here.

    python docs/examples/bank_feed.py http://127.0.0.1:8700 CLIENT_ID CLIENT_SECRET

Needs httpx and cryptography. Of a proof it checks bytes, Merkle path and signed head; `scf-verify` all of it.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def from_b64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def connect(url: str, client_id: str, secret: str) -> httpx.Client:
    """Take a bearer token (RFC 6749, 4.4)."""
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{url}/oauth/token", auth=(client_id, secret), data=form)
    token = answer.raise_for_status().json()["access_token"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def get(api: httpx.Client, path: str, **query: Any) -> Any:
    return api.get(path, params=query or None).raise_for_status().json()


def read_feed(api: httpx.Client, after: int = -1) -> tuple[list[dict[str, Any]], int]:
    """Read the feed to its end; keep the index, and the next call goes on from there."""
    items: list[dict[str, Any]] = []
    while True:
        page = get(api, "/v1/pledge-records", after=after, limit=500)
        items += page["items"]
        if page["next"] == after:
            return items, after
        after = page["next"]


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Recompute a Merkle root from an inclusion proof (RFC 9162, 2.1.3.2)."""
    node, last = hashlib.sha256(b"\x00" + leaf).digest(), size - 1
    for other in path:
        if index % 2 or index == last:
            node = hashlib.sha256(b"\x01" + other + node).digest()
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + other).digest()
        index, last = index >> 1, last >> 1
    return node


def verify_head(note: str, vkey: str) -> None:
    """Verify the log's signature over a head (C2SP signed-note, Ed25519)."""
    name, _, key = vkey.split("+", 2)
    text, _, signatures = note.partition("\n\n")
    line = next(one for one in signatures.splitlines() if one.startswith(f"— {name} "))
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
    public.verify(base64.b64decode(line.rsplit(" ", 1)[1])[4:], f"{text}\n".encode())


def verify_inclusion(proof: bytes, vkey: str) -> list[int]:
    """Find every entry of a proof file in the log; return their indexes."""
    found: list[int] = []
    for entry in json.loads(proof)["entries"]:
        leaf = hashlib.sha256(from_b64url(entry["body"])).digest() + from_b64url(entry["tag"])
        head, _, note = entry["tlog_proof"].partition("\n\n")
        _, index, *path = head.splitlines()
        _, size, root = note.splitlines()[:3]
        found.append(int(index.split()[1]))
        hashes = [base64.b64decode(one) for one in path]
        if root_of(leaf, found[-1], int(size), hashes) != base64.b64decode(root):
            raise ValueError(f"entry {found[-1]} is not in the log")
        verify_head(note, vkey)
    return found


def main(url: str, client_id: str, secret: str) -> None:
    api = connect(url, client_id, secret)
    vkey = get(api, "/.well-known/scf-log.json")["vkeys"][0]  # keep your own copy of it
    items, after = read_feed(api)
    print(f"{len(items)} versions of pledges; go on from {after}")
    locked = [item for item in items if item["type"] == "pledge.locked"][-1]
    record = get(api, locked["links"]["record"])
    print(record["pledge"], record["state"], record["pools"][0]["free"])
    proof = api.get(record["links"]["record_proof"]).raise_for_status().content
    Path("pledge.scfproof").write_bytes(proof)
    print("in the log at", verify_inclusion(proof, vkey))


if __name__ == "__main__":
    main(*sys.argv[1:4])
