"""Which addresses a school's server may have, and how its name is turned into one of them."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from adapters.sso.api import Misconfigured, Reach, Upstream

IP = IPv4Address | IPv6Address
_PRIVATE = tuple(
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_NAT64 = ip_network("64:ff9b::/96")


async def resolve(host: str, port: int, reach: Reach) -> tuple[str, ...]:
    """The addresses of a host: connect to one of these, and do not ask again.

    Raises: Upstream (no such name), Misconfigured (one of them is not allowed).
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Upstream(f"{host}: no such name") from None
    addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        if not is_allowed(ip_address(address), reach):
            raise Misconfigured(
                f"{host} has the address {address}: a private one needs allow_private = true"
            )
    return addresses


def is_allowed(address: IP, reach: Reach) -> bool:
    """Whether a connection may go there. Link-local addresses, where clouds keep their keys, and
    those that mean many or none are never allowed."""
    inner = _inner(address)
    if inner.is_loopback:
        return reach.allow_private or reach.plain_loopback
    if any(inner in network for network in _PRIVATE if network.version == inner.version):
        return reach.allow_private
    return inner.is_global and not inner.is_multicast


def _inner(address: IP) -> IP:
    """The IPv4 address that an IPv6 address only wraps."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
        return wrapped or address
    return address
