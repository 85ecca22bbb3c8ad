"""ONNX models that would take any amount of time or memory are refused, where that can be known before."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_pairs import Pair, entry, load, move_weights

from napari_histoalign.encoders.onnx_pairs import memory
from napari_histoalign.encoders.onnx_pairs.models import OnnxModel, check_model
from napari_histoalign.errors import EncoderError

Node = tuple[str, list[str], list[str], dict[str, Any]]
HUGE = np.array([10**6, 10**6])


def with_steps(folder: Path, nodes: list[Node], weights: dict[str, Any], functions: list[Any] = ()) -> Path:
    """An image model that adds "more", the sum of the last result, to its embedding."""
    path = Pair().save(folder) / "image.onnx"
    found = onnx.load(path)
    for kind, inputs, outputs, more in nodes:
        found.graph.node.append(helper.make_node(kind, inputs, outputs, **more))
    found.graph.node.append(helper.make_node("ReduceSum", [nodes[-1][2][0]], ["more"], keepdims=0))
    last = next(n for n in found.graph.node if n.output[0] == "image_embeds")
    last.op_type, last.input[:] = "Add", [last.input[0], "more"]
    found.graph.node.remove(last)
    found.graph.node.append(last)
    for name, array in weights.items():
        found.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
    for function in functions:
        found.functions.append(function)
        found.opset_import.append(helper.make_opsetid("mine", 1))
    onnx.save(found, path)
    return path


def doubled(count: int) -> list[Node]:
    names = ["weights", *(f"d{i}" for i in range(count))]
    return [("Concat", [a, a], [b], {"axis": 0}) for a, b in pairwise(names)]


ONE = np.ones(1, np.float32)
SHAPE: list[Node] = [
    ("Shape", ["pixel_values"], ["shape"], {}),
    ("Mul", ["shape", "times"], ["large"], {}),
]
BOMBS: dict[str, tuple[list[Node], dict[str, Any]]] = {
    "filled": ([("ConstantOfShape", ["size"], ["big"], {})], {"size": HUGE}),
    "expanded": ([("Expand", ["one", "size"], ["big"], {})], {"one": ONE, "size": HUGE}),
    "tiled": ([("Tile", ["one", "size"], ["big"], {})], {"one": ONE, "size": HUGE[:1] ** 2}),
    "ranged": (
        [("Range", ["zero", "end", "step"], ["big"], {})], {"zero": 0.0, "end": 1e12, "step": 1.0},
    ),
    "doubled": (doubled(40), {}),
    "outer": (
        [("MatMul", ["tall", "wide"], ["big"], {})],
        {"tall": np.ones((50_000, 1), np.float32), "wide": np.ones((1, 50_000), np.float32)},
    ),
    "of-the-input": (
        [*SHAPE, ("Expand", ["one", "large"], ["big"], {})], {"one": ONE, "times": [1, 1, 9999, 9999]},
    ),
}  # fmt: skip


@pytest.fixture
def unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Onnxruntime fails the test if it is given a model."""
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *_, **__: pytest.fail("it was opened"))


@pytest.mark.parametrize("name", BOMBS)
def test_steps_with_absurd_results_are_not_run(name: str, tmp_path: Path, unopened: None) -> None:
    nodes, weights = BOMBS[name]
    with_steps(tmp_path, nodes, weights)

    with pytest.raises(
        EncoderError, match=r"image\.onnx has more than 1,074 million numbers in '(big|d\d+)'"
    ):
        entry(tmp_path)


def test_what_a_model_says_of_its_steps_is_not_believed(tmp_path: Path, unopened: None) -> None:
    path = with_steps(tmp_path, *BOMBS["filled"])
    found = onnx.load(path)
    found.graph.value_info.append(helper.make_tensor_value_info("big", TensorProto.FLOAT, [1, 1]))
    onnx.save(found, path)

    with pytest.raises(EncoderError, match="more than 1,074 million numbers in 'big'"):
        entry(tmp_path)


def test_working_out_shapes_takes_no_memory_either(tmp_path: Path) -> None:
    # numbers that may be a shape, doubled: onnx would write out all of them
    doubling = [(k, [i.replace("weights", "size") for i in ins], outs, m) for k, ins, outs, m in doubled(29)]
    path = with_steps(
        tmp_path, [*doubling, ("Cast", ["d28"], ["real"], {"to": TensorProto.FLOAT})], {"size": [3]}
    )

    assert check_model(path) == ()


@pytest.mark.parametrize("branch", [False, True])
def test_a_model_with_branches_is_run_unless_one_is_absurd(branch: bool, tmp_path: Path) -> None:
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    size = numpy_helper.from_array(HUGE if branch else np.array([2, 2]), "s")
    constant = helper.make_node("Constant", [], ["size"], value=size)
    body = helper.make_graph([constant, helper.make_node("ConstantOfShape", ["size"], ["y"])], "b", [], [out])
    with_steps(tmp_path, [("If", ["yes"], ["r"], {"then_branch": body, "else_branch": body})], {"yes": True})

    if branch:
        with pytest.raises(EncoderError, match="more than 1,074 million numbers in 'r'"):
            entry(tmp_path)
    else:
        tiles = np.zeros((2, 8, 8, 3), np.uint8)
        assert load(tmp_path).embed_images(tiles).shape == (2, 5)


def calling(names: list[str], times: int) -> list[Any]:
    """Functions of which each calls the next so many times, and the last only negates."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    found = []
    for name, following in zip(names, [*names[1:], None], strict=True):
        values = ["a", *(f"v{i}" for i in range(times - 1)), "b"] if following else ["a", "b"]
        body = [
            helper.make_node(following or "Neg", [x], [y], domain="mine" if following else "")
            for x, y in pairwise(values)
        ]
        found.append(helper.make_function("mine", name, ["a"], ["b"], body, opsets))
    return found


@pytest.mark.parametrize(
    "functions",
    [
        calling([f"F{i}" for i in range(40)], 2),
        calling([f"F{i}" for i in range(500)], 1),
        [*calling(["F0", "F1"], 1)[:1], *calling(["F1", "F0"], 1)[:1]],
    ],
    ids=["doubling", "deep", "in a circle"],
)
def test_functions_that_call_without_end_are_not_run(
    functions: list[Any], tmp_path: Path, unopened: None
) -> None:
    with_steps(tmp_path, [("F0", ["colour"], ["r"], {"domain": "mine"})], {}, functions)

    with pytest.raises(EncoderError, match=r"image\.onnx takes more than 262,144 steps"):
        entry(tmp_path)


def test_functions_as_exporters_write_them_are_run(tmp_path: Path) -> None:
    with_steps(tmp_path, [("F0", ["weights"], ["r"], {"domain": "mine"})], {}, calling(["F0", "F1", "F2"], 2))

    tiles = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    assert np.isfinite(load(tmp_path).embed_images(tiles)).all()


@pytest.mark.parametrize("pair", [Pair(batch=10**9), Pair(side=60_000), Pair(length=10**13)])
def test_absurd_inputs_are_refused(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"more than 268 million numbers in '(pixel_values|input_ids)'"):
        entry(pair.save(tmp_path))


def test_texts_longer_than_any_tower_reads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"text\.onnx takes 100000 tokens; at most 65536"):
        entry(Pair(length=100_000, vague=True).save(tmp_path))


def test_every_place_of_weights_is_looked_at(tmp_path: Path, unopened: None) -> None:
    path = Pair().save(tmp_path) / "image.onnx"
    move_weights(path, "weights.bin")
    (tmp_path / "weights.bin").write_bytes(Pair().image_weights.tobytes())
    found = onnx.load(path, load_external_data=False)
    found.graph.initializer[0].external_data.add(key="location", value="../secret")
    onnx.save(found, path)

    with pytest.raises(EncoderError, match=r"image\.onnx keeps weights in '\.\./secret'"):
        entry(tmp_path)


CHILD = """
    import sys
    from pathlib import Path
    import numpy as np
    from napari_histoalign.encoders.onnx_pairs import memory
    from napari_histoalign.errors import EncoderError
    memory._total = lambda: 1 << 30
    from napari_histoalign.encoders.onnx_pairs.models import OnnxModel
    import resource
    found = OnnxModel(Path(sys.argv[1]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    small = found.run({"pixel_values": np.full((1, 3, 8, 8), 1e-6, np.float32)}, "image_embeds")
    assert small.shape == (1, 5)
    try:
        found.run({"pixel_values": np.ones((1, 3, 8, 8), np.float32)}, "image_embeds")
    except EncoderError as err:
        print(err)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 300_000, (before, after)
"""


@pytest.mark.skipif(memory._total() is None, reason="the computer does not tell its memory")
def test_what_only_shows_when_it_is_run_is_stopped_by_the_limit(tmp_path: Path) -> None:
    nodes: list[Node] = [
        ("ReduceSum", ["pixel_values"], ["sum"], {"keepdims": 0}),
        ("Mul", ["sum", "times"], ["product"], {}),
        ("Cast", ["product"], ["whole"], {"to": TensorProto.INT64}),
        ("Reshape", ["whole", "row"], ["size"], {}),
        ("Expand", ["one", "size"], ["big"], {}),
    ]
    path = with_steps(tmp_path, nodes, {"times": np.float32(5e6), "row": [1], "one": ONE})
    OnnxModel(path)  # it can be told by no look at it

    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(path)], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == f"{path} cannot be run (it takes more memory than there is)."
