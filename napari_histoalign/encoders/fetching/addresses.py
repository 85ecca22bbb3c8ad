"""Addresses of the web: whose they are, and how they are reached."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or (443 if parts.scheme == "https" else 80)


def trusted(url: str, start: str) -> bool:
    """Whether an address may be used.

    Parameters
    ----------
    url
        The address. It has to be encrypted, but for a server of this computer that was named as such, and
        must not hold a user's name.
    start
        Where the redirects that led to it began.
    """
    scheme, host, _ = origin(url)
    at_home = scheme == "http" and host in LOOPBACK and origin(start)[1] in LOOPBACK
    return bool(host) and (scheme == "https" or at_home) and "@" not in urlsplit(url).netloc


def server(url: str) -> str:
    """Host of an address for people, with its port where that is an unusual one."""
    scheme, host, port = origin(url)
    return host if port == (443 if scheme == "https" else 80) else f"{host}:{port}"


def proxy(url: str) -> str:
    """Host and port of the proxy on the way to an address, without its password; empty if there is none."""
    parts = urlsplit(url)
    found = urllib.request.getproxies().get(parts.scheme, "")
    if not found or urllib.request.proxy_bypass(parts.netloc):
        return ""
    return found.split("://")[-1].rpartition("@")[2].rstrip("/")
