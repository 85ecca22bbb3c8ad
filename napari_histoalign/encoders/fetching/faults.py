"""What goes wrong between two computers, in sentences; and trying again."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import time
import urllib.error
from collections.abc import Callable, Sequence
from email.message import Message
from typing import TypeVar
from urllib.parse import urlsplit

from napari_histoalign.encoders.fetching.addresses import origin, proxy, server
from napari_histoalign.errors import EncoderError

T = TypeVar("T")

LONGEST_WAIT = 60.0
"""Seconds that are waited at most because a server asks for it."""
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses of servers that are busy or broken for a while."""
NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


class Cancelled(Exception):
    """The person stopped a download."""


class WebError(EncoderError):
    """A request failed.

    Attributes
    ----------
    lasting
        Whether trying again soon is of no use.
    url, status, code, detail
        Of the answer, if there was one: address, HTTP status, the hub's X-Error-Code, and its words.
    with_token
        Whether the token was shown.
    wait
        Seconds the server asks to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        lasting: bool = False,
        url: str = "",
        status: int = 0,
        code: str = "",
        detail: str = "",
        with_token: bool = False,
        wait: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.lasting, self.url, self.status, self.code, self.detail = lasting, url, status, code, detail
        self.with_token, self.wait = with_token, wait


def insist(
    action: Callable[[], T],
    cancelled: Callable[[], bool],
    waits: Sequence[float],
    progress: Callable[[], int] = lambda: 0,
) -> T:
    """Do something again after errors that may pass, waiting longer each time.

    Parameters
    ----------
    action
        What to do.
    cancelled
        Whether the person stopped it.
    waits
        Seconds before each new try.
    progress
        How far it is; as long as that grows, it is not given up.

    Raises
    ------
    WebError
        The last one.
    Cancelled
        It was stopped.
    """
    left, before = list(waits), progress()
    while True:
        if cancelled():
            raise Cancelled
        try:
            return action()
        except WebError as err:
            if (now := progress()) > before:
                left, before = list(waits), now
            if err.lasting or not left:
                raise
            _pause(max(left.pop(0), err.wait), cancelled)


def trouble(err: Exception, url: str) -> WebError:
    """What an error of the network means."""
    inner = err.reason if isinstance(err, urllib.error.URLError) else err
    host, between = server(url), proxy(url)
    peer = f"The proxy {between} on the way to {host}" if between else host
    if isinstance(inner, ssl.SSLCertVerificationError):
        return WebError(
            f"The certificate of {host} cannot be verified ({inner.verify_message}). If your network "
            "inspects connections, name the file of its certificates in SSL_CERT_FILE.",
            lasting=True,
        )
    if "Tunnel connection failed" in str(inner):
        return WebError(f"{peer} does not let it through ({str(inner).split(': ', 1)[-1]}).", lasting=True)
    if isinstance(inner, socket.gaierror):
        return WebError(f"{peer} cannot be found: there is no network, or its name is not known there.")
    if isinstance(inner, TimeoutError):
        return WebError(f"{peer} does not answer.")
    if isinstance(inner, ConnectionRefusedError):
        return WebError(f"{peer} refuses the connection.")
    if isinstance(inner, OSError) and inner.errno in NO_WAY:
        return WebError(f"{peer} cannot be reached: there is no network.")
    said = _plain(str(inner)) or type(inner).__name__
    odd = isinstance(inner, ValueError | http.client.InvalidURL)  # the address itself, not the way there
    return WebError(f"The connection to {host} broke ({said}).", lasting=odd)


def refusal(url: str, start: str, status: int, reason: str, headers: Message, with_token: bool) -> WebError:
    """What a status of 400 and more means.

    Parameters
    ----------
    url, start
        Which address answered, and where the redirects that led to it began.
    status, reason, headers
        The answer.
    with_token
        Whether the person's token was shown.
    """
    # the hub sends on to addresses that are good for some time only, and gives a new one when asked again
    outdated = status == 403 and origin(url) != origin(start)
    detail = _plain(headers.get("X-Error-Message", ""))
    said = f"{status} {_plain(reason)}" + (f": {detail}" if detail else "")
    after = headers.get("Retry-After", "")
    return WebError(
        f"{server(url)} does not give {urlsplit(url).path} ({said}).",
        lasting=status not in PASSING and not outdated,
        url=url,
        status=status,
        code=headers.get("X-Error-Code", ""),
        detail=detail,
        with_token=with_token,
        wait=min(float(after), LONGEST_WAIT) if after.isdecimal() else 0.0,
    )


def _plain(text: str) -> str:
    """What a server says, fit for a sentence."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:200].rstrip(".")


def _pause(seconds: float, cancelled: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if cancelled():
            raise Cancelled
        time.sleep(min(left, 0.1))
