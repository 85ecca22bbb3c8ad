"""Downloads without a way to the publisher, or with one that is not to be trusted: a clear sentence each."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from outcomes import BY_HAND, MB, REPOSITORY, WEIGHTS, left, refused

from napari_histoalign.encoders.fetching import web
from napari_histoalign.encoders.fetching.faults import trouble

if TYPE_CHECKING:
    from hub_server import Hub

    from napari_histoalign.encoders import EncoderLibrary


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/x",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "https://me:word@example.org/x",
        "https:///x",
    ],
)
def test_address_that_is_not_to_be_trusted(
    hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    known = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *a, **k: (
            known(host, *a, **k) if host == "127.0.0.1" else pytest.fail(f"looked up {host}")
        ),
    )
    hub.leads_to = address

    text = refused(library)

    assert "is no address to download from: it has to be https://, without a user's name." in text
    assert "word" not in text
    assert [name for name in left(library) if WEIGHTS in name] == []


@pytest.mark.parametrize("endpoint", ["http://hub.example.org", "http://localhost.example.org", "hub"])
def test_hub_that_is_not_encrypted(
    hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: pytest.fail(f"looked up {host}"))

    assert "is no address to download from" in refused(library, token="hf_mine")


def test_redirects_without_end(hub: Hub, library: EncoderLibrary) -> None:
    hub.leads_to = f"{hub.url}/{REPOSITORY}/resolve/main/{WEIGHTS}"

    assert "(302 Found)" in refused(library)
    assert len(hub.requests) < 20


def test_no_server(hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")

    assert refused(library) == (
        f"127.0.0.1:{port} refuses the connection. Nothing of Small CLIP was downloaded. Try again later, or "
        f"get its files from https://example.org/small-clip with another computer and add them: {BY_HAND}."
    )
    assert not (library.root / ".downloads").exists()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            socket.gaierror(-2, "unknown"),
            "hub.example.org cannot be found: there is no network, or its name is not",
        ),
        (OSError(errno.ENETUNREACH, "x"), "hub.example.org cannot be reached: there is no network."),
        (TimeoutError("timed out"), "hub.example.org does not answer."),
        (ConnectionResetError(104, "reset"), "The connection to hub.example.org broke ([Errno 104] reset)."),
    ],
)
def test_no_network(
    hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch, error: OSError, sentence: str
) -> None:
    tries = []

    def fail(*_: object, **__: object) -> None:
        tries.append(1)
        raise error

    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")
    monkeypatch.setattr(socket, "create_connection", fail)

    assert refused(library).startswith(sentence)
    assert len(tries) == 2


def test_server_that_falls_silent(hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "TIMEOUT", 0.2)
    go_on = threading.Event()
    hub.cut = [MB]
    hub.on_request = lambda r: None if r.server == "hub" or hub.cut else go_on.wait(10)

    text = refused(library)
    go_on.set()

    assert text.startswith(
        hub.store.removeprefix("http://") + " does not answer. 1 MB of 3 MB of Small CLIP are"
    )


def test_certificate_that_cannot_be_verified_is_not_tried_again() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"

    found = trouble(error, "https://hub.example.org/x")

    assert found.lasting
    assert str(found) == (
        "The certificate of hub.example.org cannot be verified (self-signed certificate). "
        "If your network inspects connections, name the file of its certificates in SSL_CERT_FILE."
    )


def test_certificates_are_asked_for(
    hub: Hub, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that speaks no TLS is no https server, whatever else it answers."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url.replace("http:", "https:"))

    assert "broke ([SSL" in refused(library)
    assert hub.requests == []


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A proxy that lets nobody through, with what it was asked."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            seen.append(f"{self.path} {self.headers.get('Authorization')}")
            self.send_error(407, "Proxy Authentication Required")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", f"http://me:secret@{address}")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")
    yield SimpleNamespace(address=address, seen=seen)
    server.shutdown()
    server.server_close()


def test_proxy_that_refuses(hub: Hub, proxy: SimpleNamespace, library: EncoderLibrary) -> None:
    text = refused(library, token="hf_mine")

    assert text.startswith(
        f"The proxy {proxy.address} on the way to hub.example.org does not let it through (407 Proxy "
    )
    assert "secret" not in text
    assert proxy.seen == ["hub.example.org:443 None"]


def test_proxy_that_is_not_there(
    hub: Hub, proxy: SimpleNamespace, library: EncoderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@127.0.0.1:9")

    text = refused(library)

    assert text.startswith("The proxy 127.0.0.1:9 on the way to hub.example.org refuses the connection.")
    assert "secret" not in text
