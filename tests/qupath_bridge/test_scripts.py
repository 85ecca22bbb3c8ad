"""Scripts for people in QuPath know our objects by the words with which they are written here."""

from __future__ import annotations

import re

import pytest

from napari_histoalign.files import resource
from napari_histoalign.workflow.export import FILES
from qupath_bridge.features import DECIDED, PREFIX, RUN_NAME, shown_name

SCRIPTS = ("import_results.groovy", "show_measurement_map.groovy", "export_rois.groovy")


def script(name: str) -> str:
    return resource("qupath", name).read_text(
        encoding="ascii"
    )  # 0.3 reads scripts in the computer's encoding


@pytest.mark.parametrize("name", SCRIPTS)
def test_measurements_are_known_by_their_prefix(name: str) -> None:
    assert f'startsWith("{PREFIX}")' in script(name)


@pytest.mark.parametrize("name", ["import_results.groovy", "export_rois.groovy"])
def test_the_frame_around_a_run_and_decisions_are_known_by_name(name: str) -> None:
    text = script(name)
    assert f'startsWith("{RUN_NAME} ")' in text
    (pattern,) = re.findall(r"replaceAll\(/(.+?)/, \"\"\)", text)
    for decision in (*DECIDED, "pending", "unreviewed"):
        assert re.sub(pattern, "", shown_name("Tumor: Positive (a)", decision)) == "Tumor: Positive (a)"


def test_files_are_looked_for_where_results_are_left() -> None:
    named = set(re.findall(r'"(\w+\.geojson)"', script("import_results.groovy")))

    assert named == {name for name in FILES if name.endswith(".geojson")}


@pytest.mark.parametrize("name", SCRIPTS)
def test_brackets_are_closed(name: str) -> None:
    code = re.sub(r"/\*.*?\*/|//[^\n]*|/ \\\(.*?\$/|\"(\\.|[^\"\\])*\"", "", script(name), flags=re.DOTALL)
    waiting: list[str] = []
    for bracket in re.findall(r"[][(){}]", code):
        if bracket in "([{":
            waiting.append({"(": ")", "[": "]", "{": "}"}[bracket])
        else:
            assert waiting.pop() == bracket
    assert waiting == []
