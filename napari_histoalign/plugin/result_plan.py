"""Which layers results come to, and what each of them holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from napari_histoalign.plugin.coloring import (
    DIFFERENCE,
    DISAGREEMENT,
    UNCERTAINTY,
    Ramp,
    class_ramp,
    colormap,
    label_colors,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.plugin.rasters import Rasters

Kind = Literal["probability", "classes", "uncertainty", "disagreement", "other", "difference"]


@dataclass(frozen=True)
class LayerKey:
    """Names a result layer, whatever a person calls it.

    Attributes
    ----------
    kind
        What it shows.
    class_name
        Of which class; empty where it shows all.
    """

    kind: Kind
    class_name: str = ""

    @property
    def title(self) -> str:
        """What the layer is called when it is made."""
        if self.kind == "probability":
            return self.class_name
        return f"{self.kind}: {self.class_name}" if self.class_name else self.kind


CLASSES = LayerKey("classes")


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """A layer that there should be.

    Attributes
    ----------
    data
        Shape (rows, columns): uint8 for classes, else float32.
    ramp
        Colours of an image; None for classes.
    colors, background
        Colours of classes, and whether each is drawn in none.
    """

    data: NDArray[Any] = field(repr=False)
    ramp: Ramp | None = None
    colors: tuple[str, ...] = ()
    background: tuple[bool, ...] = ()

    @property
    def style(self) -> object:
        """Equal for plans of equal colours."""
        return self.ramp or (self.colors, self.background)

    def colormap(self) -> Any:
        """Colours as napari wants them."""
        if self.ramp is not None:
            return colormap(self.ramp)
        return label_colors(self.colors, self.background)


def planned(
    rasters: Rasters, background: tuple[bool, ...], overlay: str, threshold: float
) -> dict[LayerKey, LayerPlan]:
    """Layers of some rasters, the most wanted first.

    Background classes have probabilities, but no part in comparing.

    Parameters
    ----------
    rasters
        What there is to show.
    background
        Whether each class is background.
    overlay
        The class that matters most.
    threshold
        Tiles whose highest probability is below it get no class.
    """
    shown = rasters.shown
    ramps = {n: class_ramp(n, c) for n, c in zip(shown.class_names, shown.colors, strict=True)}
    maps = {LayerKey("probability", n): LayerPlan(shown.data[i], r) for i, (n, r) in enumerate(ramps.items())}
    first = LayerKey("probability", overlay)
    wanted = {
        first: maps[first],
        CLASSES: LayerPlan(rasters.classes(threshold), None, shown.colors, background),
        **maps,
    }
    if rasters.uncertainty is not None:
        wanted[LayerKey("uncertainty")] = LayerPlan(rasters.uncertainty, UNCERTAINTY)
    if rasters.disagreement is not None:
        wanted[LayerKey("disagreement")] = LayerPlan(rasters.disagreement, DISAGREEMENT)
    if rasters.other is None or rasters.difference is None:
        return wanted
    for i, name in sorted(enumerate(shown.class_names), key=lambda pair: pair[1] != overlay):
        if not background[i]:
            wanted[LayerKey("other", name)] = LayerPlan(rasters.other.data[i], ramps[name])
            wanted[LayerKey("difference", name)] = LayerPlan(rasters.difference[i], DIFFERENCE)
    return wanted
