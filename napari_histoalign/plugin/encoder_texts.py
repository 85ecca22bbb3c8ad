"""How encoders are put into words for the manager's dialog; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.engine import duration
from napari_histoalign.files import in_bytes
from napari_histoalign.plugin.markup import link, warning

if TYPE_CHECKING:
    from napari_histoalign.encoders import Listing
    from napari_histoalign.encoders.download import Plan

CONTROL = "control: expected to know nothing of tissue, there to compare with"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name
        What the encoder is called in the registry.
    title, role, licence, state, size
        As they are shown.
    tip
        What there is to say of the state in full.
    here, problem
        Whether its files are on this computer, and whether something is wrong with them.
    """

    name: str
    title: str
    role: str
    licence: str
    state: str
    size: str
    tip: str
    here: bool
    problem: bool


def row_of(listing: Listing) -> Row:
    """A listing as it stands in the table."""
    spec = listing.spec
    if not listing.here:
        state = "not here"
    elif listing.problem:
        state = f"cannot be used: {listing.problem}"
    else:
        state = "ready (demonstration)" if spec.demo else "ready"
    return Row(
        spec.name,
        spec.title,
        f"{spec.role} (own)" if listing.own else spec.role,
        spec.licence,
        state,
        size_text(listing.size),
        sentence(listing.problem) or "Can be chosen in the dock.",
        listing.here,
        listing.here and bool(listing.problem),
    )


def details(listing: Listing, others: Sequence[Listing], folder: str) -> str:
    """Everything that is known of an encoder, as rich text.

    Parameters
    ----------
    listing
        The encoder.
    others
        All of them: those that share its space are named.
    folder
        Where its files are, or would be; empty if that cannot be told.
    """
    spec = listing.spec
    lines = [f"<b>{escape(spec.title)}</b> &nbsp; {escape(spec.name)}"]
    if listing.problem:
        text = sentence(listing.problem)
        lines.append(warning(text) if listing.here else escape(text))
    if spec.notice:
        lines.append(warning(sentence(spec.notice)))
    if not spec.files:  # a record that cannot be read tells nothing else
        return "<br>".join(lines)
    licence = link(spec.licence, spec.licence_url)
    asks = " Its publisher gives it out on request." if spec.gated else ""
    facts = [
        ("Role", CONTROL if spec.role == "control" else escape(str(spec.role))),
        ("Licence", f"{licence}.{asks}"),
        ("Made for", _made_for(listing)),
        ("Embeddings", f"{spec.dim} numbers; {_neighbours(listing, others)}"),
        ("Cite", escape(spec.citation)),
        ("Page", link(spec.home, spec.home) if spec.home else ""),
        ("Files", escape(", ".join(spec.files).replace("|", " or "))),
        ("Folder", escape(folder) if listing.here else ""),
    ]
    lines += [f"<b>{label}:</b> {text}" for label, text in facts if text]
    return "<br>".join(lines)


def plan_question(plan: Plan) -> str:
    """What a download is, before it begins, as rich text."""
    lines = [f"<b>Download {escape(plan.title)}?</b>"]
    size = f"About {size_text(plan.size_mb * 1_000_000)}" if plan.size_mb else "Of unknown size"
    have = f"; {size_text(plan.here_bytes)} are here from an earlier download" if plan.here_bytes else ""
    lines.append(f"{size}{have}. It will be kept in {escape(str(plan.folder))}")
    lines += [f"&nbsp; {escape(f.name)} from {link(f.address, f.address)}" for f in plan.files]
    lines.append(f"<b>Licence:</b> {link(plan.licence, plan.licence_url)}")
    if plan.notice:
        lines.append(warning(sentence(plan.notice)))
    if plan.gated:
        page = link(plan.page, plan.page)
        lines.append(
            f"Its publisher wants to be asked first: visit {page}, accept the licence there, and paste an "
            "access token of your account below. It is used for this download only and kept nowhere; leave "
            "the field empty if you are logged in on this computer (<code>hf auth login</code>)."
        )
    lines.append("By downloading it you accept its licence. Nothing of your slides is sent.")
    return "<br>".join(lines)


def remove_question(listing: Listing, folder: str) -> str:
    """What removing an encoder means, as rich text."""
    return (
        f"<b>Remove {escape(listing.spec.title)}?</b><br>{escape(folder)} ({size_text(listing.size)}) is "
        "deleted; files that are only linked stay where they are. Embeddings it made stay in the cache, but "
        "what it found in this window can be scored no more."
    )


def replace_question(title: str, path: Path) -> str:
    """What adding an encoder again means, as rich text."""
    return (
        f"<b>Replace {escape(title)}?</b><br>It is here already; the files of {escape(str(path))} take its "
        "place once they have been tried out."
    )


def progress_text(done: int, total: int, first: int, seconds: float) -> str:
    """Bytes that are here, and how long the rest takes.

    Parameters
    ----------
    done, total
        Bytes here and in all (0: not known yet).
    first
        Bytes that were here when the clock started, `seconds` ago.
    """
    if not total:
        return size_text(done) if done else ""
    text = f"{size_text(done)} of {size_text(total)}"
    if seconds > 1 and first < done < total:
        text += f", {duration((total - done) * seconds / (done - first))} left"
    return text


def size_text(size: int) -> str:
    """Bytes for a person; "?" where they are not known."""
    return in_bytes(size) if size else "?"


def tiles_text(input_size: int, mpp: float | None) -> str:
    """What tiles an encoder was made for."""
    return f"tiles of {input_size} px" + ("" if mpp is None else f" at {mpp} µm/px")


def sentence(text: str) -> str:
    """With a capital in front and a stop behind."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")


def _made_for(listing: Listing) -> str:
    spec = listing.spec
    return escape(tiles_text(spec.input_size, spec.mpp)) + (
        "" if spec.mpp is not None else "; no resolution is stated"
    )


def _neighbours(listing: Listing, others: Sequence[Listing]) -> str:
    """Encoders whose embeddings can be compared with these directly."""
    same = [
        o.spec.title
        for o in others
        if o.spec.space == listing.spec.space and o.spec.name != listing.spec.name
    ]
    return f"shares its space with {escape(', '.join(same))}" if same else "a space of its own"
