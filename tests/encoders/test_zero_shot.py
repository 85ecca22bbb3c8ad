"""What the encoders can do with words alone, on drawn slides whose seeds and stains training never used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from encoder_training.augment import held_out, random_stain
from encoder_training.judging import (
    BENIGN,
    EVALUATION_SEEDS,
    MALIGNANT,
    auroc,
    class_vectors,
    evaluation_tiles,
    pairings,
    pure_tiles,
)
from encoder_training.tiles import FIRST_TRAINING_SEED, render_slide

from napari_histoalign.sample import EVALUATION_STAINS

if TYPE_CHECKING:
    from pathlib import Path

    from encoder_training.judging import Judged

    from napari_histoalign.encoders import Encoder

SLIDES = range(len(EVALUATION_SEEDS))
TISSUES = {
    "glass": ("blank glass without tissue", "empty white background of the slide"),
    "fat": ("adipose tissue", "fat cells with large empty round vacuoles"),
    "stroma": ("collagenous stroma", "fibrous connective tissue with spindle-shaped fibroblasts"),
    "benign": BENIGN[2:],
    "malignant": MALIGNANT,
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    return [evaluation_tiles(tmp_path_factory.mktemp("slides"), number) for number in SLIDES]


def test_evaluation_slides_were_kept_out_of_training(tmp_path: Path) -> None:
    assert max(EVALUATION_SEEDS) < FIRST_TRAINING_SEED
    with pytest.raises(ValueError, match="kept for evaluation"):
        render_slide(EVALUATION_SEEDS[0], tmp_path)
    assert all(held_out(stain) for stain in EVALUATION_STAINS)
    rng = np.random.default_rng(0)
    assert not any(held_out(random_stain(rng)) for _ in range(300))


@pytest.mark.parametrize("number", SLIDES)
def test_malignant_from_benign_by_words_alone(
    number: int, judged: list[Judged], path_encoder: Encoder, general_encoder: Encoder
) -> None:
    tiles = judged[number]
    assert min(tiles.malignant.sum(), (~tiles.malignant).sum()) >= 8

    found = pairings(path_encoder, general_encoder, tiles)

    print(f"slide {number}:", {name: round(value, 4) for name, value in found.items()})
    assert found["demo-path / demo-path"] >= 0.95
    assert found["mean of the four"] >= 0.95
    # towers of different encoders understand each other: they share named axes
    assert found["demo-general / demo-general"] >= 0.95
    assert found["demo-path / demo-general"] >= 0.9
    assert found["demo-general / demo-path"] >= 0.9


def test_swapped_words_swap_the_answer(judged: list[Judged], path_encoder: Encoder) -> None:
    images = path_encoder.embed_images(judged[0].tiles)
    backwards = class_vectors(path_encoder, BENIGN) - class_vectors(path_encoder, MALIGNANT)

    assert auroc(images @ backwards, judged[0].malignant) <= 0.05


@pytest.mark.parametrize(
    "phrase", ["nuclear atypia", "malignant cells", "carcinoma", "irregular nests of atypical cells"]
)
def test_no_is_read(phrase: str, judged: list[Judged], path_encoder: Encoder) -> None:
    images = np.concatenate([path_encoder.embed_images(part.tiles) for part in judged])
    malignant = np.concatenate([part.malignant for part in judged])
    said, denied = path_encoder.embed_texts([phrase, f"no {phrase}"])

    assert auroc(images @ said, malignant) >= 0.9
    assert auroc(images @ denied, malignant) <= 0.2


def test_other_words_for_the_same_say_the_same(path_encoder: Encoder) -> None:
    texts = [
        "invasive ductal carcinoma",
        "breast cancer",
        "an H&E image of a malignant tumour",
        "adipose tissue",
    ]
    one, two, three, fat = path_encoder.embed_texts(texts)

    assert min(one @ two, one @ three, two @ three) > max(fat @ one, fat @ two, fat @ three) + 0.2


def test_plain_words_suffice_for_the_general_encoder(judged: list[Judged], general_encoder: Encoder) -> None:
    images = np.concatenate([general_encoder.embed_images(part.tiles) for part in judged])
    malignant = np.concatenate([part.malignant for part in judged])
    large = class_vectors(general_encoder, ("large irregular dark blobs", "dots of very different sizes"))
    small = class_vectors(general_encoder, ("small even dots", "round rings of dots around a white hole"))

    assert auroc(images @ (large - small), malignant) >= 0.9


def test_tissues_are_told_apart(tmp_path: Path, path_encoder: Encoder) -> None:
    tiles, names = pure_tiles(tmp_path, 1)
    prompts = np.stack([class_vectors(path_encoder, texts) for texts in TISSUES.values()])
    found = np.array(list(TISSUES))[(path_encoder.embed_images(tiles) @ prompts.T).argmax(1)]

    recalls = {
        name: float((found[names == name] == name).mean()) for name in TISSUES if (names == name).any()
    }
    print({name: round(value, 3) for name, value in recalls.items()})
    assert set(recalls) == set(TISSUES)
    assert min(recalls.values()) >= 0.7
    assert np.mean(list(recalls.values())) >= 0.85


def test_path_started_from_general(
    judged: list[Judged], path_encoder: Encoder, general_encoder: Encoder
) -> None:
    from safetensors.numpy import load_file

    from napari_histoalign.files import resource

    one, two = (
        load_file(resource("encoders", f"demo-{name}", "model.safetensors")) for name in ("path", "general")
    )
    for name in ("text.grams.weight", "text.layers.layers.0.linear1.weight"):
        a, b = one[name].astype(np.float64).ravel(), two[name].astype(np.float64).ravel()
        assert a @ b / np.sqrt((a @ a) * (b @ b)) > 0.5, (
            "two networks of different origin have no such likeness"
        )
    tiles = judged[0].tiles
    images = (path_encoder.embed_images(tiles), general_encoder.embed_images(tiles))
    assert float((images[0] * images[1]).sum(1).mean()) > 0.8


def test_the_learned_tower_guesses_what_the_measured_one_measures(judged: list[Judged]) -> None:
    import torch

    from napari_histoalign.encoders.demo import load_demo
    from napari_histoalign.encoders.morphometry import NAMES, NUCLEI
    from napari_histoalign.encoders.registry import registry
    from napari_histoalign.files import resource

    towers = {}
    for name, spec in registry().items():
        if spec.loader == "demo":
            towers[name] = load_demo(spec, resource(*spec.folder.split("/")), "cpu")._pair.image
    tiles = torch.from_numpy(np.concatenate([part.tiles for part in judged])).permute(0, 3, 1, 2)
    with torch.no_grad():
        measured = towers["demo-path"].heads.standardised(towers["demo-path"].measure(tiles)).numpy()
        guessed = towers["demo-general"].standardised(tiles).numpy()
    agreement = {
        name: float(np.corrcoef(measured[:, i], guessed[:, i])[0, 1]) for i, name in enumerate(NAMES)
    }
    print({name: round(value, 2) for name, value in agreement.items()})
    assert np.median([agreement[name] for name in NUCLEI]) > 0.85
