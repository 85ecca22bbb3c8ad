"""Where the files of an encoder are published, what is said of them there, and who is asking."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from napari_histoalign.encoders.fetching.addresses import origin
from napari_histoalign.encoders.fetching.faults import WebError
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.fetching.web import Hop, Web
    from napari_histoalign.encoders.registry import EncoderSpec

HUB = "https://huggingface.co"
MARK = "hub:"
"""Begins an origin that is a file of another repository of the hub."""
NO_HEAD = (405, 501)


@dataclass(frozen=True)
class Source:
    """Where one file can be had.

    Attributes
    ----------
    name
        What it is called here.
    repository, file
        On the hub: OWNER/NAME, and the file in it; empty elsewhere.
    address
        Elsewhere: its address; empty on the hub.
    """

    name: str
    repository: str = ""
    file: str = ""
    address: str = ""

    @property
    def zipped(self) -> bool:
        """Whether the address is that of an archive with the file in it."""
        return urlsplit(self.address).path.lower().endswith(".zip")

    def url(self, revision: str = "main") -> str:
        """Its address, at a commit or branch of its repository."""
        if self.address:
            return self.address
        return f"{endpoint()}/{quote(self.repository)}/resolve/{quote(revision, safe='')}/{quote(self.file)}"


@dataclass(frozen=True)
class Facts:
    """What a server says of a file.

    Attributes
    ----------
    url
        Where it is, at a commit if its repository has those.
    commit
        40 hexadecimal digits; empty where there are none.
    size
        Bytes; None if it does not say.
    digest
        "sha256:..." or "git:..." (SHA-1 of a git blob); empty if it does not say.
    mark
        Its ETag or date, which tell whether the file is still the same; may be empty.
    """

    url: str
    commit: str
    size: int | None
    digest: str
    mark: str


def endpoint() -> str:
    """Address of the hub, or of the mirror that HF_ENDPOINT names."""
    return (os.environ.get("HF_ENDPOINT", "").strip() or HUB).rstrip("/")


def sources(spec: EncoderSpec) -> dict[str, tuple[Source, ...]]:
    """Where each file of an entry can be had, the preferred one first."""
    return {names: _sources(spec, names.split("|")) for names in spec.files}


def _sources(spec: EncoderSpec, options: list[str]) -> tuple[Source, ...]:
    first = options[0]
    given = spec.origins.get(first, "")
    if given.startswith(MARK):
        owner, name, file = given.removeprefix(MARK).split("/", 2)
        return (Source(first, f"{owner}/{name}", file),)
    if given:
        return (Source(first, address=given),)
    return tuple(Source(option, spec.hub, option) for option in options)


def find_facts(web: Web, source: Source, revision: str) -> Facts:
    """Ask what a file is, without fetching it.

    The hub answers for its large files with a redirect that states size and SHA-256, and for small ones
    itself, with git's SHA-1 as ETag. The ETag of the host that then delivers is neither [1]_.

    Parameters
    ----------
    web
        Makes the request.
    source
        The file.
    revision
        Commit or branch of its repository.

    Raises
    ------
    WebError
        There is no answer, no file or no access.

    References
    ----------
    .. [1] https://huggingface.co/docs/huggingface_hub/package_reference/file_download
    """
    url = source.url(revision)
    try:
        answer = web.open("HEAD", url, ends_at=_states_all)
    except WebError as err:
        if err.status not in NO_HEAD:
            raise
        answer = web.open("GET", url)
    with answer:
        hops, last = answer.hops, answer.hops[-1]
    final = last.status == 200
    if not source.repository:
        return Facts(url, "", _size(last, "Content-Length") if final else None, "", validator(last))
    # mirrors may send on to the hub itself; what neither of them says is not taken for theirs
    hubs = {origin(h.url) for h in hops if "X-Repo-Commit" in h.headers} | {origin(url)}
    official = [h for h in hops if origin(h.url) in hubs]
    commit = next((c for h in official if (c := _commit(h))), "")
    digest = next((d for h in official if (d := _digest(h.headers.get("X-Linked-Etag", "")))), "")
    size = next((s for h in official if (s := _size(h, "X-Linked-Size")) is not None), None)
    if final and last in official:
        digest = digest or _digest(last.headers.get("ETag", ""))
        size = size if size is not None else _size(last, "Content-Length")
    return Facts(source.url(commit or revision), commit, size, digest, "")


def validator(hop: Hop) -> str:
    """What If-Range may say to the server of an answer: a strong ETag, or a date; empty if it gave none."""
    etag = str(hop.headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(hop.headers.get("Last-Modified", ""))


def find_token(given: str | None = None) -> str | None:
    """The person's token for the hub: given, in the environment, or as ``hf auth login`` keeps it.

    Raises
    ------
    EncoderError
        It holds what no token does.
    """
    token = (given or os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN") or "").strip()
    if not token:
        try:
            token = _token_path().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
    if not re.fullmatch(r"[!-~]*", token):
        raise EncoderError(
            "The token for the hub holds spaces or other signs that no token has. Set HF_TOKEN anew."
        )
    return token or None


def _token_path() -> Path:
    named = os.environ.get("HF_TOKEN_PATH")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{cache}/huggingface"
    return Path(os.path.expandvars(named or f"{home}/token")).expanduser()


def _states_all(hop: Hop, target: str) -> bool:
    """Whether a redirect to another host says all there is to know of a large file."""
    return "X-Linked-Etag" in hop.headers and origin(target) != origin(hop.url)


def _commit(hop: Hop) -> str:
    found = hop.headers.get("X-Repo-Commit", "")
    return found if re.fullmatch(r"[0-9a-f]{40}", found) else ""


def _digest(etag: str) -> str:
    value = etag.removeprefix("W/").strip('"').lower()
    if re.fullmatch(r"[0-9a-f]{64}", value):
        return f"sha256:{value}"
    return f"git:{value}" if re.fullmatch(r"[0-9a-f]{40}", value) else ""


def _size(hop: Hop, header: str) -> int | None:
    value = hop.headers.get(header, "").strip()
    return int(value) if value.isdecimal() else None
