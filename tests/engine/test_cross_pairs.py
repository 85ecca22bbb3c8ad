"""Which encoders may be crossed, by which way, and what is told of it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from meaning_towers import MeaningEncoder

from napari_histoalign.alignment import (
    CrossTexts,
    Refusal,
)
from napari_histoalign.encoders import load_encoder
from napari_histoalign.engine.cross_pairs import CrossPair, CrossPairs, anchor_phrases

BOTH = ((0, 1), (1, 0))


def decide(*encoders: MeaningEncoder) -> dict[tuple[int, int], CrossPair]:
    return CrossPairs(encoders).decide(BOTH)


def test_encoders_of_one_space_are_compared_directly() -> None:
    path = MeaningEncoder("path", space="shared")
    general = MeaningEncoder("general", space="shared")
    texts = general.embed_texts(["red", "green"])
    pair = decide(path, general)[0, 1]

    assert pair.way == "direct"
    carried = pair.carry(texts)
    assert isinstance(carried, CrossTexts)
    assert not carried.centred
    np.testing.assert_array_equal(carried.rows, texts)
    assert pair.describe() == (
        f"Path images with General texts: direct (mean cosine 1.00, 100 % of {len(anchor_phrases())} "
        "anchor phrases found again)."
    )


def test_equal_width_is_no_shared_space() -> None:
    """Both 32 wide, but turned differently: their texts must not be compared as they are."""
    pairs = decide(MeaningEncoder("path", turn=1), MeaningEncoder("general", turn=2))

    assert {pair.way for pair in pairs.values()} == {"bridge"}
    assert pairs[0, 1].meeting is None
    carried = pairs[0, 1].carry(MeaningEncoder("general", turn=2).embed_texts(["red"]))
    assert isinstance(carried, CrossTexts)
    assert carried.centred
    assert re.fullmatch(
        r"Path images with General texts: bridge by (procrustes|ridge|relative), learned from phrases "
        r"without labels \(\d+ % of \d+ held-out anchor phrases found again, chance 1 %; "
        r"mean cosine [01]\.\d\d\)\.",
        pairs[0, 1].describe(),
    )


def test_encoders_of_other_widths_get_a_bridge() -> None:
    wide = MeaningEncoder("wide", width=48, turn=2)
    pairs = decide(MeaningEncoder("narrow", turn=1), wide)

    carried = pairs[0, 1].carry(wide.embed_texts(["red", "green", "blue"]))
    assert isinstance(carried, CrossTexts)
    assert carried.rows.shape == (3, 32)
    assert pairs[1, 0].way == "bridge"


def test_a_promised_space_that_is_none_falls_to_the_bridge_and_says_so() -> None:
    pair = decide(MeaningEncoder("path", space="s", turn=1), MeaningEncoder("general", space="s", turn=2))[
        0, 1
    ]

    assert pair.way == "bridge"
    assert "bridge by" in pair.describe()
    assert "listed as sharing one space, but their texts lie apart (mean cosine" in pair.describe()
    assert pair.to_dict()["meeting"]["retrieval_at_1"] < 0.5


@pytest.mark.parametrize("space", ["", "s"])
def test_spaces_that_do_not_meet_are_refused_with_names_and_figures(space: str) -> None:
    pair = decide(
        MeaningEncoder("path", space=space, turn=1), MeaningEncoder("other", space=space, turn=2, foreign=7)
    )[0, 1]

    assert pair.way == "refused"
    refusal = pair.carry(np.zeros((2, 32), np.float32))
    assert isinstance(refusal, Refusal)
    assert re.search(
        r"The spaces of Path and Other do not meet\. The best bridge \(\w+\) finds \d+ % of \d+ held-out "
        r"anchor phrases again, chance 1 %; it takes at least 20 % and 5 times chance\.",
        refusal.reason,
    )
    assert pair.describe() == f"Path images with Other texts: left out. {refusal.reason}"
    assert ("lie apart" in refusal.reason) == bool(space)


def test_what_was_found_is_plain_values() -> None:
    for pair in decide(MeaningEncoder("path", turn=1), MeaningEncoder("other", turn=2)).values():
        plain = pair.to_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["way"] == "bridge"
        assert plain["quality"]["retrieval_at_1"] > 0.9
        assert len(plain["anchors_sha256"]) == 64


def test_the_embedded_encoders_are_compared_directly() -> None:
    """The general one knows few words of pathology, and both have one vector for what they do not know."""
    encoders = [load_encoder(name, device="cpu") for name in ("demo-path", "demo-general")]
    pairs = CrossPairs(encoders).decide(BOTH)

    for pair in pairs.values():
        assert pair.way == "direct"
        assert pair.meeting is not None
        assert pair.meeting.mean_cosine > 0.7
