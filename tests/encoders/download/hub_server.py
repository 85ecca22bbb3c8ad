"""A hub of models and the host that delivers its large files, on this computer.

They answer as the real ones do: large files are a redirect to the other host, with size and SHA-256 on the
redirect and a different ETag at the other host; small files are a redirect within the hub.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

LARGE = (".safetensors", ".bin", ".pt", ".zip")
BLOCK = 1 << 14


@dataclass
class Request:
    """What was asked of a server, and how many bytes of a file it sent."""

    server: str
    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class Repository:
    """Files of a repository by commit; the last commit is ``main``."""

    commits: dict[str, dict[str, bytes]]
    tokens: dict[str, bool] | None = None
    """Who is known: token, and whether its owner was given access; None for a public repository."""

    @property
    def main(self) -> str:
        return list(self.commits)[-1]

    def commit(self, files: dict[str, bytes]) -> str:
        name = hashlib.sha1(b"".join([str(len(self.commits)).encode(), *files.values()])).hexdigest()
        self.commits[name] = files
        return name


@dataclass
class Hub:
    """Both servers, what they hold, how they misbehave, and what they were asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    plain: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """Files of the other host that belong to no repository: bytes and ETag."""
    requests: list[Request] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    """After how many bytes the next deliveries of a large file break off."""
    ranges: bool = True
    states: bool = True
    """Whether the hub says size and SHA-256 of large files."""
    busy: list[int] = field(default_factory=list)
    """Statuses of the next deliveries instead of files."""
    replaced: dict[str, bytes] = field(default_factory=dict)
    """What is delivered for a file instead of what the hub states."""
    leads_to: str = ""
    """Where the hub sends those who want a large file, instead of to the other host."""
    on_request: Callable[[Request], None] = lambda request: None
    on_block: Callable[[Request], None] = lambda request: None

    def __enter__(self) -> Hub:
        self._servers = [_server(self, "hub"), _server(self, "store")]
        self.url, self.store = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def sent(self, ending: str) -> int:
        """Bytes sent of the files with an ending."""
        return sum(r.sent for r in self.requests if urlsplit(r.path).path.endswith(ending))

    def count(self) -> Counter[str]:
        """How often each server was asked."""
        return Counter(r.server for r in self.requests)


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _server(hub: Hub, name: str) -> ThreadingHTTPServer:
    class Handler(_Handler):
        pass

    Handler.hub, Handler.server_name = hub, name
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    server_name: str

    def do_GET(self) -> None:
        self.asked = Request(self.server_name, self.command, self.path, dict(self.headers))
        self.hub.requests.append(self.asked)
        self.hub.on_request(self.asked)
        path = urlsplit(self.path).path
        if self.server_name == "store":
            self._deliver(path.split("/")[-1], path.startswith("/plain/"))
        elif path.startswith("/api/resolve-cache/models/"):
            owner, name, commit, file = path.split("/")[4:]
            data = self.hub.repositories[f"{owner}/{name}"].commits[commit][file]
            self._file(self.hub.replaced.get(file, data), {"ETag": f'"{git_sha1(data)}"'})
        else:
            owner, name, _, revision, file = path.split("/")[1:]
            self._resolve(f"{owner}/{name}", revision, file)

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        pass

    def _resolve(self, name: str, revision: str, file: str) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            return self._refuse(401, "RepoNotFound", "Repository not found")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if repository.tokens is not None:
            if not token:
                return self._refuse(401, "GatedRepo", f"Access to model {name} is restricted. Please log in.")
            if token not in repository.tokens:
                return self._refuse(401, "", "Invalid credentials in Authorization header")
            if not repository.tokens[token]:
                return self._refuse(403, "GatedRepo", "Your request is awaiting a review from the authors.")
        commit = repository.main if revision == "main" else revision
        if file not in repository.commits.get(commit, {}):
            return self._refuse(404, "EntryNotFound", "Entry not found")
        data = repository.commits[commit][file]
        headers = {"X-Repo-Commit": commit}
        if file.endswith(LARGE):
            if self.hub.states:
                headers["X-Linked-Size"] = str(len(data))
                headers["X-Linked-Etag"] = f'"{hashlib.sha256(data).hexdigest()}"'
            where = self.hub.leads_to or f"{self.hub.store}/{name}/{commit}/{file}?signature=very-secret"
            return self._head(302, {**headers, "Location": where, "Content-Length": "0"})
        where = f"/api/resolve-cache/models/{name}/{commit}/{file}?etag=1"
        return self._head(307, {"X-Repo-Commit": commit, "Location": where, "Content-Length": "0"})

    def _deliver(self, file: str, plain: bool) -> None:
        if self.hub.busy:
            return self._refuse(self.hub.busy.pop(0), "", "")
        if plain:
            if file not in self.hub.plain:
                return self._refuse(404, "", "")
            data, mark = self.hub.plain[file]
            return self._file(data, {"ETag": mark})
        owner, name, commit = urlsplit(self.path).path.split("/")[1:4]
        data = self.hub.repositories[f"{owner}/{name}"].commits[commit][file]
        mark = hashlib.sha256(b"of the store" + data).hexdigest()
        return self._file(self.hub.replaced.get(file, data), {"ETag": f'"{mark}"'})

    def _file(self, data: bytes, headers: dict[str, str]) -> None:
        start = 0
        asked = self.headers.get("Range")
        if asked and self.hub.ranges and self.headers.get("If-Range", headers["ETag"]) == headers["ETag"]:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                return self._head(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._head(206 if start else 200, {**headers, "Content-Length": str(len(data) - start)})
        if self.command == "HEAD":
            return None
        large = self.server_name == "store"
        end = start + self.hub.cut.pop(0) if large and self.hub.cut else len(data)
        for position in range(start, min(end, len(data)), BLOCK):
            block = data[position : min(position + BLOCK, end)]
            try:
                self.wfile.write(block)
            except OSError:  # who asked has gone
                return None
            self.asked.sent += len(block)
            self.hub.on_block(self.asked)
        return None

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._head(status, {**{k: v for k, v in headers.items() if v}, "Content-Length": "0"})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.asked.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
