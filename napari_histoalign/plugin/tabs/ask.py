"""What is asked of which slide, and how: the tab on which everything starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.alignment.prompt_library import library
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin import slide_layers
from napari_histoalign.plugin.encoder_choices import EMBEDDED
from napari_histoalign.plugin.geometry import RegionError, visible_rect
from napari_histoalign.plugin.jobs import Setup
from napari_histoalign.plugin.session_keeper_seams import Choices
from napari_histoalign.plugin.tabs.column import Column
from napari_histoalign.plugin.widgets.encoder_box import EncoderBox
from napari_histoalign.plugin.widgets.method_box import MethodBox
from napari_histoalign.plugin.widgets.prompt_box import PromptBox
from napari_histoalign.plugin.widgets.slide_box import SlideBox

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QShowEvent

    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.plugin.preferences import Preferences
    from napari_histoalign.plugin.presenter import Presenter

BARS_MS = 300
"""Wait so long after scores were shown before it is told how much prompts add: nobody reads faster."""
SHARES = "prompt shares"
MARKS_COUNT = Refinement(few_shot="gda")
"""What a person marks speaks at once."""
LEFT_OUT = "left out"
"""Says a note on a pair of encoders that could not be compared."""
OPEN_A_SLIDE = "Open a slide: drop a file on the window, or File &gt; Open Sample &gt; HistoAlign."


class AskTab(Column):
    """Slide, prompts, method, encoders.

    Parameters
    ----------
    presenter
        Who scores.
    preferences
        What to begin with.

    Attributes
    ----------
    chosen_changed
        Emits the `Choices` whenever another one can be used.
    setup_changed
        Emits when tiles or encoders are others than before.
    """

    chosen_changed = Signal(object)
    setup_changed = Signal()

    def __init__(self, presenter: Presenter, preferences: Preferences) -> None:
        super().__init__()
        self._presenter = presenter
        self._preferences = preferences
        self._blind = False
        self.slide_box = SlideBox()
        self.prompt_box = PromptBox(library())
        self.method_box = MethodBox()
        self.method_box.set_method(Alignment(), MARKS_COUNT)
        self.encoder_box = EncoderBox(EMBEDDED, mpp=Setup.mpp, tile=Setup.tile)
        self.encoder_box.device.setCurrentIndex(self.encoder_box.device.findData(preferences.device))
        self.fill((self.slide_box, self.prompt_box, self.method_box, self.encoder_box))
        self._bars_soon = QTimer(self, singleShot=True, interval=BARS_MS)
        self._bars_soon.timeout.connect(self._ask_shares)
        self._connect()

    # what is chosen

    def setup(self, layer: Any) -> Setup:
        """What embeddings of a slide's layer depend on."""
        path = slide_layers.slide_path(layer)
        assert path is not None
        return Setup(
            path=path,
            slide_mpp=slide_layers.given_mpp(layer),
            encoders=self.encoder_box.encoders(),
            mpp=self.encoder_box.mpp.value(),
            tile=self.encoder_box.tile.value(),
            device=self.encoder_box.device.currentData(),
            batch=self._preferences.batch,
            memory=self._preferences.similarity_bytes,
            cache=self._preferences.embeddings,
        )

    def choices(self) -> Choices | None:
        """What is chosen now; None while the prompts cannot be used."""
        try:
            prompts = self.prompt_box.prompts()
        except HistoalignError:
            return None
        return Choices(
            prompts=prompts,
            alignment=self.method_box.alignment(),
            refinement=self.method_box.refinement(),
            other=self.method_box.other(),
            encoders=self.encoder_box.encoders(),
            mpp=self.encoder_box.mpp.value(),
            tile=self.encoder_box.tile.value(),
            threshold=self._presenter.threshold,
        )

    def choose(self, choices: Choices) -> tuple[str, ...]:
        """Show these choices and score with them; returns a sentence for each that cannot be had here."""
        missing = self.encoder_box.choose(choices.encoders)
        self.encoder_box.mpp.setValue(choices.mpp)
        self.encoder_box.tile.setValue(choices.tile)
        self.method_box.set_method(choices.alignment, choices.refinement, choices.other)
        self.method_box.set_encoders(self.encoder_box.titles())
        now = self.choices()
        if now is None or now.prompts != choices.prompts:
            self.prompt_box.set_prompts(choices.prompts)
        self.set_threshold(choices.threshold)
        self.rescore()
        return tuple(f"The encoder {name} is not on this computer." for name in missing)

    def use_prompts(self, name: str) -> None:
        """Show a prompt set: a built-in name or a YAML file."""
        self._try(lambda: self.prompt_box.set_prompts(PromptSet.load(name)))

    def settle(self) -> None:
        """Do not wait for the next key: a run is about to start with what is shown."""
        self.prompt_box.settle()
        self.method_box.settle()

    def rescore(self) -> None:
        """Score with what is shown."""
        chosen = self.choices()
        if chosen is None:
            return
        self.method_box.set_classes(chosen.prompts.class_names)
        self._presenter.set_scoring(chosen.prompts, chosen.alignment, chosen.refinement, chosen.other)
        self.chosen_changed.emit(chosen)

    def set_threshold(self, threshold: float) -> None:
        """Use a threshold, and show it."""
        self.method_box.set_threshold(threshold)
        self._presenter.set_threshold(threshold)

    def set_preferences(self, preferences: Preferences) -> None:
        """Take other preferences; what is running goes on as it was."""
        self._preferences = preferences

    # what is found

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Say what goes with scores."""
        self.method_box.show_notes(*_sorted(snapshot))
        self._show_examples()
        self.method_box.show_steps(() if snapshot.refined is None else snapshot.refined.steps)
        self.prompt_box.show_warnings(snapshot.warnings)
        self._bars_soon.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks: tiles may have been marked since."""
        super().showEvent(event)
        self._show_examples()

    def hide_answers(self, hidden: bool) -> None:
        """Say nothing of what the model thinks, while a person answers blinded."""
        self._blind = hidden
        if hidden:
            self.prompt_box.show_contributions({})
        else:
            self._bars_soon.start()

    def show_slides(self) -> None:
        """Offer the slides in the viewer."""
        viewer = self._presenter.viewer
        slides = slide_layers.slide_layers(viewer)
        active, current = viewer.layers.selection.active, self.slide_box.current()
        wanted = active if active in slides and current not in slides else current
        self.slide_box.set_slides([(layer.name, layer) for layer in slides], wanted)

    def _show_examples(self) -> None:
        scoring = self._presenter.scoring
        marked = None if scoring is None else scoring.marked
        self.method_box.show_examples(0 if marked is None else len(marked.indices))

    def _ask_shares(self) -> None:
        """Find out how much each prompt adds in view."""
        snapshot, layer = self._presenter.snapshot(), self._presenter.slide_layer()
        if snapshot is None or layer is None or self._blind:
            return
        try:
            indices = snapshot.grid.within(*visible_rect(self._presenter.viewer, layer))
        except RegionError:
            return
        self._presenter.errands.ask(
            SHARES, lambda: snapshot.scored.prompt_shares(indices), self.prompt_box.show_contributions
        )

    # what the person does

    def _on_slide_chosen(self, layer: Any) -> None:
        self._presenter.set_slide(layer)
        if layer is None:
            self.slide_box.show_info(OPEN_A_SLIDE, ask_mpp=False)
            return
        known = slide_layers.slide_mpp(layer) is not None
        if known:
            slide_layers.show_scale_bar(self._presenter.viewer)
        self.slide_box.show_info(slide_layers.describe(layer, self.setup(layer)), ask_mpp=not known)

    def give_mpp(self, mpp: float) -> None:
        """Use a pixel size that the slide which is looked at does not tell."""
        layer = self.slide_box.current()
        if layer is None:
            return
        slide_layers.give_mpp(layer, mpp)
        results = self._presenter.results
        if results is not None and results.slide_layer is layer:
            results.reposition()
        self._presenter.viewer.reset_view()
        self._on_slide_chosen(layer)

    def _on_setup_changed(self) -> None:
        self.method_box.set_encoders(self.encoder_box.titles())
        if (layer := self.slide_box.current()) is not None:
            self._on_slide_chosen(layer)
        self.setup_changed.emit()
        if (chosen := self.choices()) is not None:
            self.chosen_changed.emit(chosen)

    def _on_load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a prompt set", "", "Prompt sets (*.yaml *.yml)")
        if name:
            self.use_prompts(name)

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the prompt set", "prompts.yaml", "Prompt sets (*.yaml)"
        )
        if name:
            path = Path(name) if Path(name).suffix else Path(name).with_suffix(".yaml")
            self._try(lambda: self.prompt_box.prompts().save(path), f"Prompts saved to {path}")

    def _on_visibility(self) -> None:
        self._presenter.set_hidden(self.prompt_box.hidden_classes())

    def _try(self, action: Callable[[], object], done: str = "") -> None:
        """Do something a person asked for; say why if it cannot be done."""
        try:
            action()
        except (HistoalignError, OSError) as err:
            self._presenter.say(str(err), error=True)
        else:
            if done:
                self._presenter.say(done)

    def _connect(self) -> None:
        self.slide_box.slide_chosen.connect(self._on_slide_chosen)
        self.slide_box.mpp_given.connect(self.give_mpp)
        self.prompt_box.edited.connect(lambda _: self.rescore())
        self.prompt_box.refused.connect(lambda text: self._presenter.say(text, error=True))
        self.prompt_box.visibility_changed.connect(lambda name, shown: self._on_visibility())
        self.prompt_box.set_chosen.connect(self.use_prompts)
        self.prompt_box.load_requested.connect(self._on_load)
        self.prompt_box.save_requested.connect(self._on_save)
        self.method_box.changed.connect(self.rescore)
        self.encoder_box.changed.connect(self._on_setup_changed)
        self.method_box.set_encoders(self.encoder_box.titles())


def _sorted(snapshot: Snapshot) -> tuple[list[str], list[str]]:
    """What could not be done, and how encoders were compared."""
    how = [text for text in snapshot.scored.notes if LEFT_OUT not in text]
    return [text for text in snapshot.notes if text not in how], how
