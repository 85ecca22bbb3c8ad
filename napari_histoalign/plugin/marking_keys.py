"""Keys that work on the canvas while something is switched on, before napari's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from napari_histoalign.plugin.reader import METADATA_KEY

Action = Callable[[], Any]


class CanvasKeys:
    """Binds keys to whichever layer is active, and gives them back.

    napari asks the active layer's own keys first, then those of its class (``1`` to ``7`` choose tools),
    then the viewer's. So keys are bound to the active layer itself, one at a time. Layers in which a person
    draws something else (Labels, Points, Shapes, ... that are not ours) keep their keys, but for those in
    `drawing`.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._sets: dict[str, tuple[int, Mapping[str, Action], frozenset[str]]] = {}
        self._bound: list[tuple[Any, str]] = []
        viewer.layers.selection.events.active.connect(self._rebind)

    def use(
        self, name: str, actions: Mapping[str, Action], drawing: frozenset[str] = frozenset(), rank: int = 0
    ) -> None:
        """Let keys act.

        Parameters
        ----------
        name
            Of the set; it replaces one of that name.
        actions
            What each key does; a generator function goes on when the key is let go.
        drawing
            Keys that also work in a person's own Shapes layers.
        rank
            Of two sets with the same key, the higher one has it.
        """
        self._sets[name] = (rank, dict(actions), drawing)
        self._rebind()

    def drop(self, name: str) -> None:
        """Give the keys of a set back."""
        if self._sets.pop(name, None) is not None:
            self._rebind()

    def close(self) -> None:
        """Give all keys back, for good."""
        self._sets.clear()
        self._rebind()
        self._viewer.layers.selection.events.active.disconnect(self._rebind)

    def _rebind(self, event: Any = None) -> None:
        for owner, key in self._bound:
            owner.bind_key(key, None)
        self._bound.clear()
        active = self._viewer.layers.selection.active
        kind = "ours" if active is None else _kind(active)
        if kind == "other":
            return
        owner = self._viewer if active is None else active
        chosen: dict[str, Action] = {}
        for _, actions, drawing in sorted(self._sets.values(), key=lambda found: found[0]):
            chosen |= {key: action for key, action in actions.items() if kind == "ours" or key in drawing}
        for key, action in chosen.items():
            owner.bind_key(key, _ignoring_owner(action), overwrite=True)
            self._bound.append((owner, key))


def _kind(layer: Any) -> str:
    """Whether a layer is an image or one of ours, a person's shapes, or something else."""
    from napari.layers import Image, Shapes

    if isinstance(layer, Image) or METADATA_KEY in layer.metadata:
        return "ours"
    return "shapes" if isinstance(layer, Shapes) else "other"


def _ignoring_owner(action: Action) -> Callable[[Any], Any]:
    """As napari wants it: with the layer as argument, and a generator function if `action` is one."""
    import inspect

    if inspect.isgeneratorfunction(action):

        def held(owner: Any) -> Any:
            yield from action()

        return held

    def pressed(owner: Any) -> None:
        action()

    return pressed
