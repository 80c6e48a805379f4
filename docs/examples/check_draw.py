"""Check the draw of a random stocktake: python check_draw.py stk_….json [URL of a node of the chain]."""

import base64
import hashlib
import json
import sys
import urllib.request
from pathlib import Path


def sha(data):
    return hashlib.sha256(data).digest()


def raw(text):
    return base64.urlsafe_b64decode(text + "=")


draw = json.loads(Path(sys.argv[1]).read_text())
listed = json.dumps(draw["lots"], separators=(",", ":")).encode()
assert sha(listed) == raw(draw["lots_sha256"]), "清单不符"
for side in (draw["bank"], draw["supervisor"]):
    assert sha(raw(side["salt"]) + raw(side["value"])) == raw(side["commitment"]), "承诺与披露不符"
block = bytes.fromhex(draw["block_hash"][2:])
seed = sha(raw(draw["bank"]["value"]) + raw(draw["supervisor"]["value"]) + block)
assert seed == raw(draw["seed"]), "种子不符"
drawn = sorted(draw["lots"], key=lambda lot: sha(seed + lot.encode()))[: draw["draws"]]
assert drawn == draw["drawn"], "抽签结果不符"
if len(sys.argv) > 2:
    ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber"}
    body = json.dumps(ask | {"params": [hex(draw["height"]), False]}).encode()
    request = urllib.request.Request(sys.argv[2], body, {"Content-Type": "application/json"})
    answer = json.load(urllib.request.urlopen(request))["result"]
    assert answer["hash"] == draw["block_hash"], "区块不符"
print("抽签无误 the draw is right:", ", ".join(drawn))
