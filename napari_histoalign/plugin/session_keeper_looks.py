"""What can be seen of a slide's result layers: read from the viewer, and given back to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from napari_histoalign.plugin.reader import METADATA_KEY

Look = dict[str, Any]


class Looks:
    """Visibility and opacity of the result layers of one slide, by what they show.

    The look of a layer outlives it: layers are taken away one by one when a window closes, and one that
    was deleted may be made anew.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    slide_layer
        Image layer of the slide.
    saved
        Looks of an earlier time, which layers take as soon as they are there (see `give_back`).
    """

    def __init__(self, viewer: Any, slide_layer: Any, saved: Mapping[str, Any]) -> None:
        self._viewer, self._slide = viewer, slide_layer
        self._names = {slide_layer.name}
        self._saved = {str(title): look for title, look in saved.items() if _sound(look)}
        self._known: dict[str, Look] = {}
        self._ready = not self._saved
        for layer in viewer.layers:
            self.seen(layer)

    def to_plain(self) -> dict[str, Look]:
        """Looks by title: those of layers that were seen, and of those that are still to come."""
        return {**self._saved, **self._known}

    def title(self, layer: Any) -> str | None:
        """What a layer shows if it is one of this slide's, else None."""
        self._names.add(self._slide.name)  # which is what layers made from now on say
        about = layer.metadata.get(METADATA_KEY)
        if not isinstance(about, Mapping) or "result" not in about or about.get("slide") not in self._names:
            return None
        return str(about["result"])

    def seen(self, layer: Any) -> bool:
        """Take note of how a layer looks; returns whether it is one of this slide's."""
        title = self.title(layer)
        if title is None:
            return False
        if self._ready:
            self._known[title] = {"visible": bool(layer.visible), "opacity": round(float(layer.opacity), 4)}
        return True

    def added(self, layer: Any) -> bool:
        """A layer was added: give its look back, once others have theirs."""
        title = self.title(layer)
        if title is None:
            return False
        if self._ready:
            self._apply(title, layer)
            self.seen(layer)
        return True

    def give_back(self, show_layer: Callable[[str | None], None]) -> None:
        """Results are shown: let them look as they did. Once is enough; later ones follow as they are made.

        Parameters
        ----------
        show_layer
            Shows the layer of one title, or none.
        """
        if self._ready:
            return
        shown = [title for title, look in self._saved.items() if look["visible"]]
        if len(shown) < 2:
            show_layer(shown[0] if shown else None)
        self._ready = True
        for layer in list(self._viewer.layers):
            self.added(layer)

    def _apply(self, title: str, layer: Any) -> None:
        look = self._saved.pop(title, None)
        if look is not None:
            layer.opacity, layer.visible = look["opacity"], look["visible"]


def _sound(look: Any) -> bool:
    return (
        isinstance(look, Mapping)
        and isinstance(look.get("visible"), bool)
        and type(look.get("opacity")) in (int, float)
        and 0 <= look["opacity"] <= 1
    )


class LayerWatch:
    """Hears of what happens to the layers of a viewer.

    Parameters
    ----------
    layers
        The viewer's.
    changed, added, removed
        Called with a layer: it is seen differently, it was added, it was taken out.
    """

    def __init__(
        self,
        layers: Any,
        changed: Callable[[Any], None],
        added: Callable[[Any], None],
        removed: Callable[[Any], None],
    ) -> None:
        self._layers, self._changed, self._added, self._removed = layers, changed, added, removed
        layers.events.inserted.connect(self._on_inserted)
        layers.events.removed.connect(self._on_removed)
        for layer in layers:
            self._connect(layer)

    def close(self) -> None:
        """Hear of nothing more."""
        self._layers.events.inserted.disconnect(self._on_inserted)
        self._layers.events.removed.disconnect(self._on_removed)
        for layer in self._layers:
            self._disconnect(layer)

    def _connect(self, layer: Any) -> None:
        layer.events.visible.connect(self._on_look)
        layer.events.opacity.connect(self._on_look)

    def _disconnect(self, layer: Any) -> None:
        layer.events.visible.disconnect(self._on_look)
        layer.events.opacity.disconnect(self._on_look)

    def _on_look(self, event: Any) -> None:
        self._changed(event.source)

    def _on_inserted(self, event: Any) -> None:
        self._connect(event.value)
        self._added(event.value)

    def _on_removed(self, event: Any) -> None:
        self._disconnect(event.value)
        self._removed(event.value)
