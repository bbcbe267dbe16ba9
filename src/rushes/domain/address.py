"""Whether a host can be one of the public network, by what stands in its address. No name is looked up."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

HOUSE_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def host_of(url: str) -> str:
    """Return the host in an address, without the dot at its end; "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_public(host: str) -> bool:
    """Return whether `host`, as `host_of` gives it, may be on the public network.

    Not what it resolves to: some proxies give every public name an address of their own.
    """
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    if "." not in host or host.endswith(HOUSE_NAMES):
        return False
    # Other ways to write a number, such as 127.1 or 0x7f.0.0.1, end in one; names do not.
    last = host.rsplit(".", 1)[-1]
    return not (last.isdigit() or last.startswith("0x"))
