"""How the supervisor learns that a service answers. A probe is quick and never raises."""

import http.client
import json
import socket
from collections.abc import Callable

from scf.runtime.logs import since_start
from scf.runtime.site import HOST, Site

Probe = Callable[[Site, str], bool]  # the site, and the service's name

TIMEOUT = 1.0  # seconds for one answer


def alive(_site: Site, _name: str) -> bool:
    """Take a running process for a ready one."""
    return True


def answers(path: str) -> Probe:
    """Return a probe that wants 200 from an HTTP GET."""

    def probe(site: Site, name: str) -> bool:
        connection = http.client.HTTPConnection(HOST, site.ports[name], timeout=TIMEOUT)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def logs(words: str) -> Probe:
    """Return a probe that wants `words` in the service's log since its last start."""

    def probe(site: Site, name: str) -> bool:
        return words in since_start(site.log(name))

    return probe


def answers_sql(site: Site, _name: str) -> bool:
    """Want a session from PostgreSQL (its port opens before it serves)."""
    import psycopg  # noqa: PLC0415 - commands that start nothing have no use for it

    try:
        with psycopg.connect(site.addresses["DATABASE_URL"], connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def answers_ping(site: Site, name: str) -> bool:
    """Want PONG from Redis (its port opens before it has loaded its data)."""
    words = f"AUTH {site.secret(name)}\r\nPING\r\n".encode()
    try:
        with socket.create_connection((HOST, site.ports[name]), TIMEOUT) as connection:
            connection.sendall(words)
            reply = b""
            while reply.count(b"\r\n") < 2:  # noqa: PLR2004 - one line for each word sent
                reply += connection.recv(256) or b"\r\n"
            return b"+PONG" in reply
    except OSError:
        return False


def answers_rpc(site: Site, name: str) -> bool:
    """Want the chain id from an Ethereum node."""
    connection = http.client.HTTPConnection(HOST, site.ports[name], timeout=TIMEOUT)
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    try:
        connection.request(
            "POST", "/", json.dumps(call), headers={"Content-Type": "application/json"}
        )
        return "result" in json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
