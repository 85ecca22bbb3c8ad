"""Between the layer box and the result layers: what is looked at, and what its colours mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from napari_histoalign.plugin.compare import SideBySide
from napari_histoalign.plugin.legend import color_bar, legend
from napari_histoalign.plugin.slide_layers import slide_mpp

if TYPE_CHECKING:
    from napari_histoalign.plugin.legend import ColorBar, LegendRow
    from napari_histoalign.plugin.result_layers import ResultLayers
    from napari_histoalign.plugin.result_plan import LayerKey


class LayerView(Protocol):
    """What the control needs of `LayerBox`."""

    layer_chosen: Any
    opacity_changed: Any
    threshold_changed: Any
    beside_toggled: Any

    def show_layers(self, keys: Sequence[LayerKey], colors: Mapping[str, str]) -> None:
        """Offer layers."""

    def set_chosen(self, key: LayerKey | None) -> None:
        """Show what is to be seen."""

    def set_threshold(self, threshold: float) -> None:
        """Show a threshold."""

    def set_beside(self, beside: bool) -> None:
        """Show whether both alignments are side by side."""

    def show_bar(self, bar: ColorBar | None) -> None:
        """Say what colours mean."""

    def show_rows(self, rows: Sequence[LegendRow]) -> None:
        """Say what each class covers."""


class LayerControl:
    """Keeps the layer box and the result layers of the current slide in step.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    view
        The layer box, or a stand-in.
    results
        Result layers of the slide that is looked at, or None.
    on_threshold
        Told of a threshold that was chosen in the layer box.
    """

    def __init__(
        self,
        viewer: Any,
        view: LayerView,
        results: Callable[[], ResultLayers | None],
        on_threshold: Callable[[float], None] = lambda threshold: None,
    ) -> None:
        self._view = view
        self._results = results
        self._on_threshold = on_threshold
        self._threshold = 0.5
        self._opacity: float | None = None
        self._beside = SideBySide(viewer)
        view.layer_chosen.connect(self._on_chosen)
        view.opacity_changed.connect(self._on_opacity)
        view.threshold_changed.connect(self._on_threshold_chosen)
        view.beside_toggled.connect(self._on_beside)

    @property
    def threshold(self) -> float:
        """Lowest probability that makes a tile one of its class."""
        return self._threshold

    def refresh(self) -> None:
        """Follow results that were just shown, or another slide."""
        results = self._results()
        if results is None or results.rasters is None:
            self._beside.leave()
            self._view.set_beside(False)
            self._view.show_layers((), {})
            self._view.show_bar(None)
            self._view.show_rows(())
            return
        if self._opacity is not None and results.opacity != self._opacity:
            results.set_opacity(self._opacity)
        if results.rasters.other is None or self._beside.results not in (None, results):
            self._beside.leave()
            self._view.set_beside(False)
        self._view.show_layers(results.keys, self._colors(results))
        self._view.set_chosen(results.chosen)
        self._show_bar(results)
        self._show_rows(results)

    def set_threshold(self, threshold: float) -> None:
        """Take a threshold: the class layer, the box and the legend follow at once."""
        self._threshold = threshold
        self._view.set_threshold(threshold)
        results = self._results()
        if results is not None and results.rasters is not None:
            results.apply_threshold(threshold)
            self._show_rows(results)

    def close(self) -> None:
        """Leave the viewer as it was found."""
        self._beside.leave()

    def _on_chosen(self, key: LayerKey | None) -> None:
        results = self._results()
        if results is not None:
            results.choose(key)
            self._show_bar(results)

    def _on_opacity(self, opacity: float) -> None:
        self._opacity = opacity
        results = self._results()
        if results is not None:
            results.set_opacity(opacity)
            self._show_bar(results)

    def _on_threshold_chosen(self, threshold: float) -> None:
        self.set_threshold(threshold)
        self._on_threshold(threshold)

    def _on_beside(self, beside: bool) -> None:
        results = self._results()
        if beside and results is not None:
            self._beside.enter(results)
        else:
            self._beside.leave()

    def _show_bar(self, results: ResultLayers) -> None:
        self._view.show_bar(color_bar(results.chosen, self._colors(results)))

    def _show_rows(self, results: ResultLayers) -> None:
        assert results.rasters is not None
        layer = results.slide_layer
        height, width = layer.level_shapes[0][:2] if layer.multiscale else layer.data.shape[:2]
        size = (int(width), int(height))
        self._view.show_rows(legend(results.rasters, self._threshold, size, slide_mpp(layer)))

    @staticmethod
    def _colors(results: ResultLayers) -> dict[str, str]:
        assert results.rasters is not None
        shown = results.rasters.shown
        return dict(zip(shown.class_names, shown.colors, strict=True))
