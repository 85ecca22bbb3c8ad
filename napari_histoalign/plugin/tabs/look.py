"""What was found: layers, the tile under the cursor, galleries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_histoalign.plugin.gallery import Gallery
from napari_histoalign.plugin.inspector import Inspector
from napari_histoalign.plugin.layer_control import LayerControl
from napari_histoalign.plugin.tabs.column import Column
from napari_histoalign.plugin.widgets.gallery_box import GalleryBox
from napari_histoalign.plugin.widgets.inspector_box import InspectorBox
from napari_histoalign.plugin.widgets.layer_box import LayerBox

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_histoalign.plugin.presenter import Presenter


class LookTab(Column):
    """Layers, inspector, galleries.

    Parameters
    ----------
    presenter
        Whose results are shown.
    encoders
        Titles of the encoders in use, the pathology one first.
    on_threshold
        Told of a threshold that was chosen here.
    """

    def __init__(
        self,
        presenter: Presenter,
        encoders: Callable[[], tuple[str, ...]],
        on_threshold: Callable[[float], None],
    ) -> None:
        super().__init__()
        self.layer_box, self.inspector_box, self.gallery_box = LayerBox(), InspectorBox(), GalleryBox()
        self.fill((self.layer_box, self.inspector_box, self.gallery_box))
        self.layers = LayerControl(presenter.viewer, self.layer_box, lambda: presenter.results, on_threshold)
        self.inspector = Inspector(presenter, self.inspector_box, encoders=encoders)
        self.gallery = Gallery(presenter, self.gallery_box, self.inspector.go_to)
        inspector, gallery = self.inspector_box, self.gallery_box
        inspector.class_chosen.connect(self.inspector.explain_class)
        inspector.tile_chosen.connect(self.inspector.go_to)
        inspector.closed.connect(self.inspector.clear)
        gallery.wished.connect(self.gallery.wish)
        gallery.refresh_requested.connect(self.gallery.refresh)
        gallery.chosen.connect(self.gallery.go_to)
        gallery.came_into_sight.connect(self.gallery.came_into_sight)

    def run_ended(self) -> None:
        """A run is over: pictures may be read now."""
        self.inspector.run_ended()
        self.gallery.run_ended()

    def hide_answers(self, hidden: bool) -> None:
        """Say nothing of what the model thinks, while a person answers blinded."""
        self.inspector.hide_answers(hidden)
        self.gallery.hide_answers(hidden)
        self.layer_box.setDisabled(hidden)

    def close_parts(self) -> None:
        """Let go of the viewer."""
        self.inspector.close()
        self.gallery.close()
        self.layers.close()
