"""Make the two demonstration encoders, from nothing but drawn tissue.

    python tools/train_encoders.py --work <folder for tiles and checkpoints>

First `demo-general` learns colours, textures and shapes; then `demo-path` starts from its weights and
learns the words of pathology. Tiles are drawn once into the work folder; training resumes where it
stopped. The same seed on the same machine gives the same weights. No real image is read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
import yaml
from encoder_training.captions import GENERAL_TEMPLATES, PATHOLOGY_TEMPLATES, Writer, vocabulary
from encoder_training.concepts import GENERAL, PATHOLOGY, phrases
from encoder_training.learning import Learner, Stage, folded, shape_for, train
from encoder_training.tiles import FIRST_TRAINING_SEED, MEASURES, load_tiles
from safetensors.torch import save_file

from napari_histoalign.encoders.demo import CONFIG, WEIGHTS
from napari_histoalign.encoders.demo_towers import Pair, TowerShape
from napari_histoalign.encoders.words import Vocabulary
from napari_histoalign.files import whole_file

RESOURCES = Path(__file__).resolve().parents[1] / "resources"


def save(pair: Pair, shape: TowerShape, known: list[str], name: str, resources: Path) -> None:
    """Write weights (half precision) and config, and record their hashes in the registry."""
    folder = resources / "encoders" / name
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / WEIGHTS) as temporary:
        save_file({key: value.half().contiguous() for key, value in pair.state_dict().items()}, temporary)
    with whole_file(folder / CONFIG) as temporary:
        temporary.write_text(
            json.dumps({"shape": asdict(shape), "words": known}, indent=0) + "\n", encoding="utf-8"
        )
    listing = resources / "encoders.yaml"
    text = listing.read_text(encoding="utf-8")
    entry = yaml.safe_load(text)[name]
    for file in (WEIGHTS, CONFIG):
        # only the hash changes: comments and order stay
        text = text.replace(entry["files"][file], hashlib.sha256((folder / file).read_bytes()).hexdigest())
    with whole_file(listing) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for tiles and checkpoints")
    parser.add_argument("--slides", type=int, default=100, help="slides to draw training tiles from")
    parser.add_argument("--general-steps", type=int, default=450)
    parser.add_argument("--path-steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=80)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--resources", type=Path, default=RESOURCES, help="where encoders.yaml and encoders/ are"
    )
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    tiles = options.work / "tiles"
    tiles.mkdir(parents=True, exist_ok=True)
    seeds = range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + options.slides)
    dyes, measures = load_tiles(tiles, seeds)
    print(f"{len(dyes)} tiles of {options.slides} drawn slides", flush=True)

    general = Writer(GENERAL, phrases("general"), GENERAL_TEMPLATES)
    pathology = Writer(PATHOLOGY, phrases("pathology"), PATHOLOGY_TEMPLATES)
    # each tower says truly which words it has seen; rows for all words exist from the start
    shared = Vocabulary(vocabulary([general, pathology]), buckets=3072, context_length=48)
    shape = shape_for(shared)

    def say(line: str) -> None:
        print(line, flush=True)

    learner = Learner(shape, len(MEASURES))
    first = Stage("general", ((general, 1.0),), options.general_steps, options.batch, 2e-3, 0.0, options.seed)
    train(learner, None, first, dyes, measures, shared, options.work, say)
    start = folded(learner.pair, shape).requires_grad_(False)
    save(*narrowed(start, shape, shared, [general]), "demo-general", options.resources)

    start.to(memory_format=torch.channels_last)
    second = Stage(
        "path",
        ((general, 0.3), (pathology, 0.7)),
        options.path_steps,
        options.batch,
        1.2e-3,
        0.5,
        options.seed + 1,
    )
    train(learner, start, second, dyes, measures, shared, options.work, say)
    save(
        *narrowed(folded(learner.pair, shape), shape, shared, [general, pathology]),
        "demo-path",
        options.resources,
    )


def narrowed(
    pair: Pair, shape: TowerShape, shared: Vocabulary, writers: list[Writer]
) -> tuple[Pair, TowerShape, list[str]]:
    """The pair with rows for only those words that its writers used."""
    known = vocabulary(writers)
    rows = torch.tensor([0, 1, *(shared.index[word] for word in known)])
    own = shape_for(Vocabulary(known, shape.buckets, shape.context_length))
    state = pair.state_dict()
    state["text.words.weight"] = state["text.words.weight"][rows]
    narrow = Pair(own).eval()
    narrow.load_state_dict(state)
    return narrow, own, known


if __name__ == "__main__":
    main()
