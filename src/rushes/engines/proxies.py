"""Which proxy a request goes through, as the environment says it.

HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, in lower or upper case, name proxies; NO_PROXY the hosts that are asked
directly. What is read of them here is what desktops and other programs write into them: `socks://` as GNOME
does, and in NO_PROXY suffixes, ports, addresses with or without brackets, and networks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from rushes.domain.errors import SetupError
from rushes.domain.extras import command_to_install

BY_SCHEME = {"http": "http_proxy", "https": "https_proxy"}
FOR_ALL = "all_proxy"
EXCEPTIONS = "no_proxy"

VARIABLES = (*BY_SCHEME.values(), FOR_ALL)
"""What names a proxy, as written in lower case."""

SCHEMES = {
    "http": "http",
    "https": "https",
    "socks5": "socks5",
    "socks5h": "socks5h",
    # GNOME's own word; its settings know no other version than 5.
    "socks": "socks5",
}
"""What a proxy may speak, and how that is written for the HTTP client."""

DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the address of the proxy for `url`; None: it is asked directly.

    Raises SetupError, which names the variable and repeats nothing of its value, where that is no address of
    a proxy, or SOCKS is not installed. For a host in NO_PROXY nothing else is looked at.
    """
    variable = proxy_variable(url, environ)
    return None if variable is None else _checked(environ[variable].strip(), variable)


def proxy_variable(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the variable that names the proxy for `url`, which may be none; None: it is asked directly."""
    parts = urlsplit(url)
    if _is_exception(parts, environ):
        return None
    for name in (BY_SCHEME.get(parts.scheme, FOR_ALL), FOR_ALL):
        variable, value = _set_variable(name, environ)
        if value:
            return variable
    return None


def proxy_secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the addresses of proxies that have a password in them."""
    for name in VARIABLES:
        for variable in (name, name.upper()):
            value = environ.get(variable, "").strip()
            if "@" in value:
                yield value if "://" in value else f"http://{value}"


def system_environ(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment; where it names no proxy, with those of the system's own settings.

    macOS and Windows have such settings; elsewhere there is nothing but the environment.
    """
    if sys.platform not in ("darwin", "win32") or any(_set_variable(name, environ)[1] for name in VARIABLES):
        return environ
    from urllib.request import getproxies

    system = {f"{scheme}_proxy": proxy for scheme, proxy in getproxies().items()}
    return {**{name: proxy for name, proxy in system.items() if name in VARIABLES}, **environ}


def _set_variable(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return a variable, in lower case before upper case, and its value; one that is set empty is none."""
    variable = name if name in environ else name.upper()
    return variable, environ.get(variable, "").strip()


def _checked(value: str, variable: str) -> str:
    """Return the address of a proxy as the HTTP client takes it."""
    address = value if "://" in value else f"http://{value}"
    scheme, _, rest = address.partition("://")
    known = SCHEMES.get(scheme.lower())
    cure = f"write {variable} as http://HOST:PORT or socks5://HOST:PORT, or unset it"
    if known is None or not _is_place(address):
        # Not shown: it may hold a password.
        raise SetupError(
            f"{variable} is not the address of a proxy that can be used; nothing was sent", next=cure
        )
    if known.startswith("socks") and not _has_socks():
        raise SetupError(
            f"{variable} names a SOCKS proxy, and the package 'socksio' is not installed; nothing was sent",
            next=f"{command_to_install('socksio')}, or unset {variable}",
        )
    return f"{known}://{rest}"


def _is_place(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0 and re.fullmatch(r"[!-~]+", address) is not None
    except ValueError:
        return False


def _has_socks() -> bool:
    try:
        return find_spec("socksio") is not None
    except ValueError:
        return False


# --- exceptions ---


def _is_exception(parts: SplitResult, environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY names the host of an address."""
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    entries = re.split(r"[\s,]+", _set_variable(EXCEPTIONS, environ)[1].lower())
    return any(_names(entry, host, port) for entry in entries if entry)


def _names(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    entry = (entry.partition("://")[2] or entry).rstrip("/")
    network = _network(entry)
    if network is not None:
        return _is_in(host, network)
    name, wanted = _host_and_port(entry)
    if wanted and wanted != str(port):
        return False
    network = _network(name)
    if network is not None:
        return _is_in(host, network)
    # With or without a dot or a star before it, a name stands for itself and for all below it.
    name = name.removeprefix("*").removeprefix(".").rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _host_and_port(entry: str) -> tuple[str, str]:
    """Return host and port of an entry, the port "" where it names none; an IPv6 address may be bare."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?", entry)
    return (found[1], found[2] or "") if found else (entry, "")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network that an entry stands for; one address is a network, too."""
    try:
        return ip_network(re.sub(r"^\[([^\]]*)\](?=/|$)", r"\1", text), strict=False)
    except ValueError:
        return None


def _is_in(host: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.version == network.version and address in network
