"""What the dialog of encoders and the pickers show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import Desk, press
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.plugin.encoder_choices import EMBEDDED, read_offer
from napari_histoalign.plugin.widgets.encoder_box import EncoderBox

pytestmark = pytest.mark.usefixtures("display")


def test_the_table_shows_every_encoder_those_here_first(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    shown = dialog.list.shown()
    assert shown[:2] == ["demo-path", "demo-general"] and {"conch", "plip", "bioclip"} <= set(shown)
    assert desk.row("demo-path")[3] == "ready (demonstration)"
    assert desk.row("conch")[1:4] == ["pathology", "CC-BY-NC-ND-4.0", "not here"]
    assert desk.row("bioclip")[1] == "control"
    assert desk.row("plip")[4] == "605 MB"


def test_the_filter_hides_what_does_not_match_and_the_details_follow(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    dialog.list.filter.setText("laion h/14")
    assert dialog.list.shown() == ["openclip-h14"]
    assert "OpenCLIP ViT-H/14" in dialog.details.label.text()
    dialog.list.filter.setText("no such encoder")
    assert dialog.details.label.text() == "" and not dialog.add_folder.isEnabled()
    dialog.list.filter.clear()
    assert len(dialog.list.shown()) > 20


def test_the_details_say_terms_needs_and_why_it_cannot_be_used(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    desk.select("conch")
    text = dialog.details.label.text()
    for part in (
        "href='https://creativecommons.org/licenses/by-nc-nd/4.0/'",
        "non-commercial academic research only",
        "Not on this computer: download it (after its publisher gave you access)",
        "tiles of 448 px at 0.5 µm/px",
        "Nature Medicine 2024",
        "href='https://huggingface.co/MahmoodLab/CONCH'",
        "pytorch_model.bin",
    ):
        assert part in text
    desk.select("plip")
    assert "shares its space with CLIP ViT-B/32, QuiltNet ViT-B/32" in dialog.details.label.text()


@pytest.mark.parametrize(
    ("name", "can"),
    [
        ("demo-path", []),
        ("conch", ["add_folder", "add_file", "download"]),
        ("mi-zero", ["add_folder", "add_file"]),
    ],
)
def test_only_what_can_be_done_is_enabled(qtbot, name, can):
    desk = Desk(qtbot)
    dialog = desk.open()
    desk.select(name)
    buttons = ("add_folder", "add_file", "download", "remove")
    assert [b for b in buttons if getattr(dialog, b).isEnabled()] == can
    assert dialog.add_own.isEnabled()


def test_return_in_the_filter_presses_no_button(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    pressed = []
    for button in dialog.findChildren(type(dialog.cancel)):
        button.clicked.connect(lambda *_: pressed.append(True))
    dialog.list.filter.setFocus()
    press(dialog.list.filter, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert pressed == [] and dialog.isVisible()


def test_a_record_with_a_text_where_a_number_belongs_is_not_offered(clip, own_encoders):
    add_encoder("mine", clip, EncoderLibrary())
    record = own_encoders / "mine" / "encoder.json"
    record.write_text(record.read_text().replace('"mpp": null', '"mpp": "coarse"'))
    offer = read_offer()
    assert [c.name for c in offer.choices] == ["demo-path", "demo-general"]
    assert "mine" in offer.problem or any(r.problem for r in offer.rows if r.spec.name == "mine")


def test_controls_come_last_in_the_second_list(qtbot, clip):
    for name, role in (("a-control", "control"), ("b-general", "general")):
        add_encoder(name, clip, EncoderLibrary(), role=role)
    box = EncoderBox(read_offer().choices, mpp=0.5, tile=224)
    qtbot.addWidget(box)
    texts = [box.general.itemText(i) for i in range(box.general.count())]
    assert texts == ["Demo general encoder", "b-general", "a-control (control)", "none"]
    assert [box.pathology.itemText(i) for i in range(box.pathology.count())] == ["Demo pathology encoder"]


def test_advice_is_given_by_one_encoder_and_followed_by_one_press(qtbot):
    large = replace(EMBEDDED[0], name="large", title="CONCH", input_size=448, mpp=0.5)
    free = replace(EMBEDDED[0], name="free", title="PathGen-CLIP-L", input_size=336, mpp=None)
    box = EncoderBox([EMBEDDED[0], large, free, EMBEDDED[1]], mpp=0.5, tile=224)
    qtbot.addWidget(box)
    assert box._advised.isHidden()
    box.pathology.setCurrentIndex(box.pathology.findData("large"))
    assert box.advice.text() == "CONCH was made for tiles of 448 px at 0.5 µm/px"
    box.mpp.setValue(1.0)
    box.use.click()
    assert (box.tile.value(), box.mpp.value()) == (448, 0.5)
    assert box._advised.isHidden(), "the other encoder does not ask for 224 px in turn"
    box.general.setCurrentIndex(box.general.findData(None))
    box.pathology.setCurrentIndex(box.pathology.findData("free"))
    box.mpp.setValue(0.25)
    assert box.advice.text() == "PathGen-CLIP-L was made for tiles of 336 px"
    box.use.click()
    assert (box.tile.value(), box.mpp.value()) == (336, 0.25), "it has no resolution of its own"
