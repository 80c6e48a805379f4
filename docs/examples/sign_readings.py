"""Sign readings as a device does: python sign_readings.py key.pem dev_… SEQ VALUE [AT] > batch.json"""

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


key_file, device, seq, value, *rest = sys.argv[1:]
key = load_pem_private_key(Path(key_file).read_bytes(), None)  # Ed25519
at = rest[0] if rest else datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
readings = [{"seq": int(seq), "at": at, "value": value}]
payload = {"format": "scf-readings/1", "device": device, "readings": readings}
header = {"alg": "EdDSA", "typ": "scf-readings+jws"}
signed = f"{b64url(canonical(header))}.{b64url(canonical(payload))}"
print(json.dumps({"batch": f"{signed}.{b64url(key.sign(signed.encode()))}"}))
