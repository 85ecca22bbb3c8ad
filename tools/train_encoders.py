"""Make the two demonstration encoders, from nothing but drawn tissue.

    python tools/train_encoders.py --work <folder for tiles and checkpoints>

`demo-path` measures the tissue; its heads learn what the measures mean from what the drawing says of each
tile. `demo-general` is a small convolutional network that learns to guess those measures from pixels. The
text towers learn a lexicon of statements; that of `demo-path` starts from that of `demo-general`. Everything
is drawn, measured and learned once and kept in the work folder, so that a run that was stopped goes on where
it was. The same seed on the same machine gives the same weights. No real image is read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import yaml
from encoder_training.augment import stained
from encoder_training.calibration import best_scale
from encoder_training.captions import Writer
from encoder_training.heads import fit_heads
from encoder_training.judging import EPITHELIUM, PURITY
from encoder_training.keratin import keratin_tiles
from encoder_training.measuring import fingerprint, measured_views
from encoder_training.student import train_student
from encoder_training.texts import tensors, train_texts
from encoder_training.tiles import FIRST_MIXED_SEED, FIRST_TRAINING_SEED, MEASURES, load_tiles
from encoder_training.truths import answers
from safetensors.torch import save_file

from napari_histoalign.alignment import PromptSet
from napari_histoalign.encoders.demo import CONFIG, WEIGHTS
from napari_histoalign.encoders.demo_pair import Pair
from napari_histoalign.encoders.text_tower import TextShape, TextTower
from napari_histoalign.encoders.words import Vocabulary
from napari_histoalign.files import whole_file

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
CLOCK = time.monotonic()


def say(line: str) -> None:
    print(f"{time.monotonic() - CLOCK:6.0f} s  {line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for tiles and checkpoints")
    parser.add_argument("--slides", type=int, default=40, help="slides to draw; half as many more are mixed")
    parser.add_argument(
        "--views", type=int, default=4, help="disturbed views of each tile that heads learn from"
    )
    parser.add_argument("--head-steps", type=int, default=3000)
    parser.add_argument("--student-steps", type=int, default=2000)
    parser.add_argument("--text-steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--resources", type=Path, default=RESOURCES, help="where encoders.yaml and encoders/ are"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)

    tiles = options.work / "tiles"
    tiles.mkdir(exist_ok=True)
    seeds = [
        *range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + options.slides),
        *range(FIRST_MIXED_SEED, FIRST_MIXED_SEED + options.slides // 2),
    ]
    drawn, flakes = load_tiles(tiles, seeds, options.threads), keratin_tiles(6 * options.slides, options.seed)
    dyes, truths = (np.concatenate([a, b]) for a, b in zip(drawn, flakes, strict=True))
    say(f"{len(dyes)} tiles of {len(seeds)} drawn slides")

    views = measured_views(dyes, options.views, options.work, seed=options.seed, say=say)
    truth, weight = (np.tile(part, (options.views, 1)) for part in answers(truths))
    heads = fit_heads(views, truth, weight, steps=options.head_steps, seed=options.seed, say=say)
    student = train_student(
        heads, dyes, options.work / f"student-{fingerprint(dyes)}.pt", steps=options.student_steps, batch=48,
        seed=options.seed + 1, say=say,
    )  # fmt: skip

    general, both = Writer({"general": 1.0}), Writer({"general": 0.35, "pathology": 0.65})
    # rows for all words exist from the start; each tower is narrowed to the words it has seen
    shared = Vocabulary(both.known, buckets=3072, context_length=48)
    shape = TextShape(words=len(both.known) + 2)
    schedule = {"steps": options.text_steps, "batch": 192, "say": say}
    first = train_texts(
        general,
        shared,
        shape,
        None,
        options.work / "general.pt",
        rate=2e-3,
        seed=options.seed + 2,
        **schedule,
    )
    second = train_texts(
        both, shared, shape, first, options.work / "both.pt", rate=1.5e-3, seed=options.seed + 3, **schedule
    )

    judging = {f"heads.{key}": value for key, value in heads.state_dict().items()}
    made = {
        "demo-general": pair("learned", student.state_dict(), first, shared, general.known),
        "demo-path": pair("measured", judging, second, shared, both.known),
    }
    judged = to_calibrate(dyes, truths, options.seed + 4)
    for name, (towers, shape, known) in made.items():
        scale = calibrated(towers, *judged, Vocabulary(known, shape.buckets, shape.context_length))
        with torch.no_grad():
            towers.log_scale.fill_(float(np.log(scale)))
        save(towers, shape, known, name, options.resources)
        say(f"{name}: cosines times {scale:.1f}")


def pair(
    image: str, weights: dict[str, torch.Tensor], text: TextTower, shared: Vocabulary, known: list[str]
) -> tuple[Pair, TextShape, list[str]]:
    """Both towers, the text tower with rows for only those words that its writer used."""
    shape = TextShape(words=len(known) + 2)
    towers = Pair(image, shape).eval()
    towers.image.load_state_dict(weights)
    rows = torch.tensor([0, 1, *(shared.index[word] for word in known)])
    state = text.state_dict()
    state["words.weight"] = state["words.weight"][rows]
    towers.text.load_state_dict(state)
    return towers, shape, known


def calibrated(towers: Pair, tiles: torch.Tensor, malignant: np.ndarray, vocabulary: Vocabulary) -> float:
    """The logit scale that suits malignant against benign on drawn training tiles."""
    classes = {c.name: c.prompts for c in PromptSet.load("breast").classes}
    with torch.no_grad():
        images = np.concatenate([towers.image(part).numpy() for part in tiles.split(32)])
        ends = []
        for name in ("benign", "malignant"):
            vectors = towers.text(*tensors(vocabulary.tokens(classes[name]))).numpy()
            ends.append(vectors.mean(0) / np.linalg.norm(vectors.mean(0)))
    return best_scale(images @ np.stack(ends).T, malignant)


def to_calibrate(dyes: np.ndarray, truths: np.ndarray, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Training tiles of one kind of epithelium, stained but not disturbed, and whether each is malignant."""
    index = {name: i for i, name in enumerate(MEASURES)}
    benign, malignant = truths[:, index["benign"]], truths[:, index["malignant"]]
    both = benign + malignant
    judged = (both >= EPITHELIUM) & (np.maximum(benign, malignant) >= PURITY * both)
    chosen = np.flatnonzero(judged & (truths[:, index["mixed"]] == 0))
    return stained(dyes[chosen], np.random.default_rng(seed)), (malignant > benign).astype(np.float32)[chosen]


def save(towers: Pair, shape: TextShape, known: list[str], name: str, resources: Path) -> None:
    """Write weights (half precision) and config, and record their hashes in the registry."""
    folder = resources / "encoders" / name
    folder.mkdir(parents=True, exist_ok=True)
    image = "measured" if name == "demo-path" else "learned"
    with whole_file(folder / WEIGHTS) as temporary:
        save_file({key: value.half().contiguous() for key, value in towers.state_dict().items()}, temporary)
    with whole_file(folder / CONFIG) as temporary:
        temporary.write_text(
            json.dumps({"image": image, "text": asdict(shape), "words": known}, indent=0) + "\n",
            encoding="utf-8",
        )
    listing = resources / "encoders.yaml"
    text = listing.read_text(encoding="utf-8")
    entry = yaml.safe_load(text)[name]
    for file in (WEIGHTS, CONFIG):
        # only the hash changes: comments and order stay
        text = text.replace(entry["files"][file], hashlib.sha256((folder / file).read_bytes()).hexdigest())
    with whole_file(listing) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
