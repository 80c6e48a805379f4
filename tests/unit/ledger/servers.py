"""A log and a chain node on a free local port, honest or not, for the fragments that ask the network."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.golden import formats as f
from tests.golden import story


@contextmanager
def serve(answer):
    """Serve ``answer(method, path, body) -> (status, bytes)``; give the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._answer("GET", b"")

        def do_POST(self):
            self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, method, body):
            status, data = answer(method, self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def log_of(entries, *, note=None, witnesses=(), changes=None):
    """The public resources of a log below ``/log/``, as C2SP lays them out."""
    if note is None:
        root = f.tree_root([f.leaf(entry) for entry in entries])
        note = f.checkpoint(
            story.ORIGIN,
            len(entries),
            root,
            story.LOG_KEY,
            witnesses=witnesses,
            time=story.WITNESSED_AT,
        )
    resources = {"/log/checkpoint": note.encode()}
    for start in range(0, len(entries), 256):
        part = entries[start : start + 256]
        name = f"/log/tile/entries/{start // 256:03d}"
        resources[name if len(part) == 256 else f"{name}.p/{len(part)}"] = f.bundle(part)
    resources |= changes or {}

    def answer(_method, path, _body):
        return (200, resources[path]) if path in resources else (404, b"not found")

    return answer


def node_of(roots, *, chain_id=story.CHAIN_ID, past=True, seconds=1_760_000_000):
    """A chain node that knows the roots of ``LedgerAnchor``: call data -> 32 bytes."""

    def answer(_method, _path, body):
        question = json.loads(body)
        method, params = question["method"], question["params"]
        if method == "eth_chainId":
            result = hex(chain_id)
        elif method == "eth_call" and (past or params[1] == "latest"):
            result = "0x" + roots.get(params[0]["data"], bytes(32)).hex()
        elif method == "eth_getBlockByNumber":
            result = {"number": params[0], "timestamp": hex(seconds)}
        else:
            return 200, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"gone"}}'
        return 200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()

    return answer
