"""Requests over https with the standard library: redirects, and a token that stays at home."""

from __future__ import annotations

import http.client
import ssl
import string
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from types import TracebackType
from urllib.parse import quote, urljoin

from napari_histoalign.encoders.fetching.addresses import origin, server, trusted
from napari_histoalign.encoders.fetching.faults import WebError, refusal, trouble

AGENT = "napari-histoalign"
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as lost."""
BLOCK = 1 << 18
MOST_HOPS = 8
GOOD = (200, 206, 416)
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Hop:
    """One answer on the way to a file: address, HTTP status, headers."""

    url: str
    status: int
    headers: Message


@dataclass(frozen=True, eq=False)
class Answer:
    """The last answer and those that led there; a context that closes the connection."""

    hops: tuple[Hop, ...]
    body: http.client.HTTPResponse

    @property
    def status(self) -> int:
        """HTTP status."""
        return self.hops[-1].status

    @property
    def headers(self) -> Message:
        """Headers of the last answer."""
        return self.hops[-1].headers

    def read(self) -> bytes:
        """What has arrived, at most `BLOCK` bytes; empty at the end.

        Raises
        ------
        WebError
            The connection broke.
        """
        try:
            return self.body.read1(BLOCK)
        except (OSError, http.client.HTTPException) as err:
            raise trouble(err, self.hops[-1].url) from err

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self.body.close()


class Web:
    """Makes requests.

    Parameters
    ----------
    home
        The hub's address: the token is shown to this host alone, and only once it asked who is there.
    token
        The person's token for the hub, if any.
    """

    def __init__(self, home: str, token: str | None) -> None:
        self._home, self._token, self._asked = origin(home), token, False
        # no handler of redirects, which would take headers along, and none of file: or ftp:
        self._opener = urllib.request.OpenerDirector()
        self._opener.addheaders = [("User-Agent", AGENT)]
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
            urllib.request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)

    def open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        ends_at: Callable[[Hop, str], bool] = lambda hop, target: False,
    ) -> Answer:
        """Ask for a file, through redirects.

        Parameters
        ----------
        method, url, headers
            Of the request.
        ends_at
            Called with a redirect and where it leads: whether to stay there.

        Returns
        -------
        Answer
            With the whole file (200), a range of it (206), or that there is no such range (416).

        Raises
        ------
        WebError
            No network, no such file, no access, or an address that is not to be trusted.
        """
        hops: list[Hop] = []
        start = url
        while True:
            if not trusted(url, start):
                raise WebError(
                    f"{url.split('//')[0]}//{server(url)} is no address to download from: "
                    "it has to be https://, without a user's name.",
                    lasting=True,
                )
            response = self._send(method, url, headers or {})
            hops.append(hop := Hop(url, response.status, response.headers))
            location = hop.headers.get("Location") if hop.status in REDIRECTS else None
            if location is not None:
                url = urljoin(url, quote(location, safe=string.punctuation)).split("#")[0]
            if hop.status in GOOD or (location is not None and ends_at(hop, url)):
                return Answer(tuple(hops), response)
            response.close()
            if location is not None and len(hops) <= MOST_HOPS:
                continue
            raise refusal(hop.url, start, hop.status, response.reason, hop.headers, self._shows(hop.url))

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        response = self._once(method, url, headers)
        if response.status in (401, 403) and self._token and not self._asked and origin(url) == self._home:
            response.close()
            self._asked = True
            response = self._once(method, url, headers)
        return response

    def _once(self, method: str, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        request = urllib.request.Request(
            url, method=method, headers={"Accept-Encoding": "identity", **headers}
        )
        if self._shows(url):
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            response: http.client.HTTPResponse = self._opener.open(request, timeout=TIMEOUT)
        except (OSError, http.client.HTTPException, ValueError) as err:
            raise trouble(err, url) from err
        return response

    def _shows(self, url: str) -> bool:
        """Whether the token goes along to an address."""
        return bool(self._token) and self._asked and origin(url) == self._home
