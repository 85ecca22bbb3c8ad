"""Prompt sets as YAML files, read so that a hostile file does no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from napari_histoalign.errors import PromptError
from napari_histoalign.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

MAX_BYTES = 100_000
"""Some two thousand phrases; what takes longest to read still takes well under a second."""


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases (which can grow without bound), tags, merges and repeated keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"aliases (*name) are not allowed, line {line}; write the text again")
        if getattr(event, "tag", None) is not None:
            raise yaml.YAMLError(f"tags ({event.tag}) are not allowed, line {line}; remove it")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
                raise yaml.YAMLError(f"a key that is no plain word, line {line}; remove it")
            if key.value in seen:
                raise yaml.YAMLError(f"the key {key.value!r} stands twice, line {line}; keep one of them")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_prompts(path: Path) -> Any:
    """The plain values of a YAML file.

    Raises
    ------
    PromptError
        The file cannot be read, is too large, or is no plain YAML; the message names it.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PromptError(f"{path} has {size:,} bytes, too many for a prompt set. Is it another file?")
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise PromptError(f"{path} is no text in UTF-8. Save it as UTF-8 and try again.") from err
    except OSError as err:
        raise PromptError(f"{path} cannot be read ({err.strerror or err}). Choose another file.") from err
    try:
        return yaml.load(content, _PlainLoader)  # a SafeLoader: no tag makes an object
    except (yaml.YAMLError, RecursionError, ValueError) as err:
        raise PromptError(f"{path} is no valid prompt set: {' '.join(str(err).split())}.") from err


def write_prompts(path: Path, plain: dict[str, Any]) -> None:
    """Write plain values as readable YAML, whole or not at all.

    Raises
    ------
    PromptError
        The file cannot be written.
    """
    content = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    size = len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise PromptError(
            f"{path} would have {size:,} bytes, too many to be read again. Shorten the prompts."
        )
    try:
        with whole_file(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    except OSError as err:
        raise PromptError(
            f"{path} cannot be written ({err.strerror or err}). Choose another folder, or make room."
        ) from err
