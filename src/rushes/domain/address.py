"""Whether an address can be one of the public network: by what it says, and by where a connection has led."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

PRIVATE_NAMES = (
    *(".localhost", ".local", ".localdomain", ".internal", ".intranet", ".corp", ".home", ".lan", ".private"),
    *(".home.arpa", ".svc"),
)
"""Ends of names that no public server has; `.svc` is how services are named inside a Kubernetes cluster."""

PRIVATE_IPV4 = tuple(
    map(
        ip_network,
        # Protocol assignments, the relays of 6to4, and what Azure answers its own machines at.
        ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"),
    )
)
"""What Python, in some of its versions, takes for public, and is not."""

PUBLIC_IPV6 = ip_network("2000::/3")
"""Everything else of IPv6 is reserved, local, or another way to write an IPv4 address."""

PRIVATE_IPV6 = (ip_network("3fff::/20"),)

NAT64 = ip_network("64:ff9b::/96")
"""How a network without IPv4 writes the IPv4 address that a name has (RFC 6052)."""

STAND_INS = ip_network("198.18.0.0/15")
"""What proxies for a whole machine have every name resolve to; nobody's services are there (RFC 2544)."""


def host_of(url: str) -> str:
    """Return the host in an address, in lower case and without dots at its end; "" if there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_public(host: str) -> bool:
    """Return whether `host`, as `host_of` gives it, may be on the public network, by how it is written.

    What a name resolves to is known only once a connection stands: see `leads_to_public`.
    """
    try:
        return _is_public_ip(ip_address(host))
    except ValueError:
        pass
    host = host.lower().rstrip(".")
    if "." not in host or f".{host}".endswith(PRIVATE_NAMES):
        return False
    # Other ways to write a number, such as 127.1 or 0x7f.0.0.1, end in one; names do not.
    last = host.rsplit(".", 1)[-1]
    return not (last.isdigit() or last.startswith("0x"))


def leads_to_public(host: str, peer: str) -> bool:
    """Return whether a connection to `host` that has reached the IP address `peer` is to a public server."""
    try:
        reached = ip_address(peer)
    except ValueError:
        return False
    return _is_public_ip(reached) or (reached in STAND_INS and is_public(host))


def _is_public_ip(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        return _is_public_ipv6(address)
    listed = any(address in network for network in PRIVATE_IPV4)
    return address.is_global and not address.is_multicast and not listed


def _is_public_ipv6(address: IPv6Address) -> bool:
    """Judge an IPv6 address; one that stands for an IPv4 address as that one."""
    if address in NAT64:
        return _is_public_ip(IPv4Address(int(address) & 0xFFFF_FFFF))
    inside = address.ipv4_mapped or address.sixtofour
    if inside is not None:
        return _is_public_ip(inside)
    if address.teredo is not None or any(address in network for network in PRIVATE_IPV6):
        return False
    return address in PUBLIC_IPV6 and address.is_global
