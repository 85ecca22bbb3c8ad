"""Two alignments side by side: the slide twice, each with its own layers, moved by one camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_histoalign.plugin.reader import METADATA_KEY

if TYPE_CHECKING:
    from napari_histoalign.plugin.result_layers import ResultLayers


class SideBySide:
    """Puts what is shown on the left of napari's grid, and the other alignment on the right.

    The grid fills its boxes from the top of the layer list, a fixed number of layers each. So a second
    layer of the slide's own pixels, which are read once for both, goes below the slide, and the other
    alignment's layers between them: the left box takes all from the slide upwards, the right one the rest.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._copy: Any | None = None
        self._before: dict[str, Any] = {}
        self.results: ResultLayers | None = None

    def enter(self, results: ResultLayers) -> None:
        """Show both; does nothing where they are shown already."""
        if self.results is results:
            return
        self.leave()
        slide, layers, grid = results.slide_layer, self._viewer.layers, self._viewer.canvas.grid
        self._copy = _twin(slide)
        selected, active = set(layers.selection), layers.selection.active
        layers.insert(layers.index(slide), self._copy)
        layers.selection = selected
        layers.selection.active = active
        self.results = results
        results.stand_on(self._copy)
        self._before = {name: getattr(grid, name) for name in ("enabled", "stride", "shape", "spacing")}
        events = layers.events
        for event in (events.inserted, events.removed, events.moved):
            event.connect(self._on_layers_changed)
        grid.shape = (1, 2)
        grid.spacing = 4
        self._count()
        grid.enabled = True

    def leave(self) -> None:
        """Show one, and the viewer as it was before; does nothing where one is shown already."""
        results, self.results = self.results, None
        if results is None:
            return
        layers, grid = self._viewer.layers, self._viewer.canvas.grid
        for event in (layers.events.inserted, layers.events.removed, layers.events.moved):
            event.disconnect(self._on_layers_changed)
        for name, value in self._before.items():
            setattr(grid, name, value)
        results.stand_on(None)
        copy, self._copy = self._copy, None
        if copy in layers:
            layers.remove(copy)

    def _on_layers_changed(self, event: Any) -> None:
        if self.results is not None and {self.results.slide_layer, self._copy} <= set(self._viewer.layers):
            self._count()
        else:  # one of them was deleted
            self.leave()

    def _count(self) -> None:
        """The left box takes the slide and all above it."""
        assert self.results is not None
        layers = self._viewer.layers
        above = layers.index(self.results.slide_layer) - len(layers)
        self._viewer.canvas.grid.stride = above  # negative: boxes are filled from the top of the list


def _twin(slide: Any) -> Any:
    """Another layer of the same pixels, which does not pass for another slide."""
    from napari.layers import Image

    return Image(
        slide.data,
        rgb=slide.rgb,
        multiscale=slide.multiscale,
        name=f"{slide.name} (other)",
        scale=slide.scale,
        translate=slide.translate,
        affine=slide.affine.affine_matrix,
        units=slide.units,
        axis_labels=slide.axis_labels,
        metadata={METADATA_KEY: {"twin_of": slide.name}},
    )
