"""Access to the server: checks of Host, Origin and token, and the headers of every answer.

A page of another site in the same browser can send requests to loopback. It cannot use our host
name (with DNS rebinding, the Host header reveals it) or open the socket (the Origin header reveals
it). It does not know the token, which is in the address that `clearprop play` prints, and then in a
cookie that only this site receives.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class Access:
    """The host names that the server accepts, and the token that opens the socket.

    hosts: values of the Host header, such as "127.0.0.1:8765".
    """

    hosts: frozenset[str]
    token: str
    cookie: str

    @classmethod
    def to(cls, host: str, port: int, names: Iterable[str] = ()) -> Access:
        """Access to a server at this address; names: further host names of it, with their ports."""
        own = {"127.0.0.1", "localhost", "[::1]"} if is_loopback(host) else {_in_url(host)}
        hosts = {f"{name}:{port}" for name in own} | ({*own} if port == 80 else set())
        return cls(frozenset({*hosts, *names}), secrets.token_urlsafe(24), f"clearprop-play-{port}")

    def allows_host(self, host: str | None) -> bool:
        """Whether a Host header names this server."""
        return host is not None and host.lower() in self.hosts

    def allows_origin(self, origin: str | None) -> bool:
        """Whether an Origin header belongs to this server's page; a browser always sends one."""
        if origin is None:
            return False
        scheme, _, host = origin.partition("://")
        return scheme in ("http", "https") and host.lower() in self.hosts

    def allows_token(self, given: str | None) -> bool:
        """Whether this is the token, compared in constant time."""
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def token_of(self, cookies: str | None) -> str | None:
        """The token in a Cookie header."""
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(cookies or "")
        except CookieError:
            return None
        return jar[self.cookie].value if self.cookie in jar else None

    def set_cookie(self) -> str:
        """The Set-Cookie header that keeps the token for this site alone."""
        return f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"


def is_loopback(host: str) -> bool:
    """Whether an address, or the name localhost, is reachable only from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host.lower()
