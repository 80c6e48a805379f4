"""Where a webhook may be sent: nowhere inside. A name is resolved once, and exactly what was checked is called.

Forbidden are the IANA special-purpose ranges (RFC 6890 and its registries): private, shared, loopback,
link-local with every cloud's metadata service, multicast, documentation, and each form in which an IPv6
address carries an IPv4 one.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx

from scf.kernel.errors import Invalid

URL_LENGTH_MAX: Final = 500
PORTS: Final = frozenset({443, 8443})
_FORBIDDEN_V4: Final = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
            *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that is routed; outside lie mapped, NAT64 (64:ff9b::), unique local and link-local addresses."""
_FORBIDDEN_V6: Final = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
_LOOPBACK: Final = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name, as text. Raises OSError."""


class WebhookUrlRefused(Invalid):
    """An endpoint is an https address on the public internet, on a usual port, without a password in it."""

    code = "webhook.url_refused"
    title = "推送地址须为公网 https 地址，端口 443 或 8443，不含用户名、密码和片段"
    title_en = (
        "An https address on the internet, port 443 or 8443, without user, password or fragment"
    )


class AddressForbidden(Exception):
    """A name leads to an address that is not on the public internet."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL, taken apart."""

    url: httpx.URL
    host: str
    port: int


def check_url(url: str, *, loopback: bool) -> Target:
    """Read an endpoint's address by its form alone; `loopback` as `Settings` has it.

    Raises WebhookUrlRefused.
    """
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise WebhookUrlRefused(field="url", why="malformed") from None
    inside = loopback and _is_loopback_name(found.host)
    port = found.port or (443 if found.scheme == "https" else 80)
    why = {
        "length": len(url) > URL_LENGTH_MAX,
        "scheme": found.scheme != "https" and not (inside and found.scheme == "http"),
        "host": not found.host,
        "user": bool(found.userinfo),
        "fragment": bool(found.fragment),
        "port": port not in PORTS and not inside,
    }
    literal = _literal(found.host)
    why["address"] = literal is not None and not is_permitted(literal, loopback=loopback)
    broken = [name for name, is_broken in why.items() if is_broken]
    if broken:
        raise WebhookUrlRefused(field="url", why=broken[0])
    return Target(found, found.host, port)


def is_permitted(address: str, *, loopback: bool) -> bool:
    """Say whether an address (text, as a resolver gives it) may be called."""
    found = ip_address(address.partition("%")[0])
    if loopback and any(found in network for network in _LOOPBACK):
        return True
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _FORBIDDEN_V4)
    return found in _GLOBAL_V6 and not any(found in network for network in _FORBIDDEN_V6)


def choose(addresses: Sequence[str], *, loopback: bool) -> str:
    """Return the address to call: the first, where every one is permitted. Raises AddressForbidden."""
    if not addresses or not all(is_permitted(one, loopback=loopback) for one in addresses):
        raise AddressForbidden
    return addresses[0]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _literal(host: str) -> str | None:
    try:
        found: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return None
    return str(found)


def _is_loopback_name(host: str) -> bool:
    literal = _literal(host)
    if literal is None:
        return host == "localhost"
    return any(ip_address(literal) in network for network in _LOOPBACK)
