"""A receiver of webhooks that believes nothing unsigned (Standard Webhooks 1.0.0, Ed25519).

    python docs/examples/webhook_receiver.py 8099 whpk_…        needs cryptography alone

Answer first, work later: what came is only a pointer, the record is asked for with a token.
"""

import base64
import http.server
import json
import sys
import time
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_SECONDS = 300
seen: set[str] = set()  # keep it where it outlives the process: the same id may come again


def is_genuine(headers: Mapping[str, str], body: bytes, public_keys: list[str]) -> bool:
    """Say whether one of the keys signed this id, this time and these bytes, just now."""
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    for one in headers.get("webhook-signature", "").split(" "):
        version, _, signature = one.partition(",")
        for text in public_keys if version == "v1a" else ():
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_")))
            try:
                key.verify(base64.b64decode(signature), signed)
            except (InvalidSignature, ValueError):
                continue
            return True
    return False


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, 401 to the rest."""

    public_keys: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 65_536))
        genuine = is_genuine(self.headers, body, self.public_keys)
        self.send_response(204 if genuine else 401)
        self.end_headers()
        if genuine and self.headers["webhook-id"] not in seen:
            seen.add(self.headers["webhook-id"])
            said = json.loads(body)
            print(said["type"], said["data"]["index"], said["data"]["subject"], flush=True)


if __name__ == "__main__":
    Handler.public_keys = sys.argv[2:]
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
