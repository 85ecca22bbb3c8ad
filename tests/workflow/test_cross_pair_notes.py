"""How encoders were compared stands in the summary and in the provenance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histoalign.workflow import RunSummary


def test_the_ways_between_encoders_are_told(summary: RunSummary) -> None:
    run = json.loads(summary.files["run.json"].read_text(encoding="utf-8"))
    ways = run["alignment"]["details"]["cross_pairs"]

    assert [way["images"] for way in ways] == ["Demo pathology encoder", "Demo general encoder"]
    assert [way["way"] for way in ways] == ["direct", "direct"]
    for way in ways:
        sentence = f"{way['images']} images with {way['texts']} texts: direct"
        figure = f"mean cosine {way['meeting']['mean_cosine']:.2f}"
        (note,) = (note for note in summary.notes if note.startswith(sentence))
        assert figure in note
        assert note in run["notes"]
