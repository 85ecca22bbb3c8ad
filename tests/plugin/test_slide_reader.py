"""Opening real files as layers: what napari gets, what is declined, what is reported."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image
from npe2 import PluginManager, PluginManifest
from PIL import Image as PILImage

from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.reader import METADATA_KEY, get_reader, read_slides
from napari_histoalign.plugin.slide_layers import give_mpp, given_mpp, slide_path

WIDTH, HEIGHT = 5003, 4001  # divided by 4 and 16, something is left over
MARKS = [(64, 64), (2500, 1999), (4930, 3930)]
MARK_PX = 64


def write_slide(path, *, mpp=None):
    """A pyramidal TIFF as a scanner writes it: levels drop what does not divide."""
    pixels = np.full((HEIGHT, WIDTH, 3), 235, np.uint8)
    for x, y in MARKS:
        pixels[y - MARK_PX // 2 : y + MARK_PX // 2, x - MARK_PX // 2 : x + MARK_PX // 2] = (150, 20, 90)
    resolution = {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"} if mpp else {}
    with tifffile.TiffWriter(path) as tif:
        for factor in (1, 4, 16):
            h, w = HEIGHT // factor, WIDTH // factor
            blocks = pixels[: h * factor, : w * factor].reshape(h, factor, w, factor, 3)
            level = blocks.mean(axis=(1, 3)).round().astype(np.uint8)
            kind = {"subfiletype": int(factor > 1), "compression": "zlib", "photometric": "rgb"}
            tif.write(level, tile=(256, 256), **kind, **resolution)
    return path


@pytest.fixture
def slide_file(tmp_path):
    return write_slide(tmp_path / "marked.tiff", mpp=0.25)


def test_a_slide_becomes_one_lazy_layer_in_micrometres(slide_file):
    ((levels, options, kind),) = get_reader(str(slide_file))(str(slide_file))
    assert kind == "image" and options["name"] == "marked"
    assert [level.shape for level in levels] == [(4001, 5003, 3), (1000, 1250, 3), (250, 312, 3)]
    layer = Image(levels, **options)
    assert layer.rgb and layer.multiscale
    np.testing.assert_allclose(layer.scale, (0.25, 0.25), rtol=1e-6)
    assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
    assert layer.metadata[METADATA_KEY]["mpp"] == pytest.approx((0.25, 0.25))
    assert slide_path(layer) == slide_file


def test_every_level_shows_a_mark_in_the_same_place(slide_file):
    ((levels, *_),) = read_slides(slide_file)
    for level in levels:
        dark = 255 - np.asarray(level)[..., 1].astype(float)
        dark[dark < 60] = 0
        scale = np.array([WIDTH / level.shape[1], HEIGHT / level.shape[0]])
        for x, y in MARKS:
            near = (slice(None), slice(None))
            rows, columns = np.indices(dark.shape)
            near = (abs(rows * scale[1] - y) < 200) & (abs(columns * scale[0] - x) < 200)
            weights = np.where(near, dark, 0)
            centre = (
                np.array([((columns + 0.5) * weights).sum(), ((rows + 0.5) * weights).sum()]) / weights.sum()
            )
            assert np.abs(centre * scale - (x, y)).max() < max(scale.max(), 1), "within a pixel of the level"


def test_a_slide_without_a_physical_size_stays_in_pixels(tmp_path):
    ((levels, options, _),) = read_slides(write_slide(tmp_path / "bare.tiff"))
    layer = Image(levels, **options)
    assert [str(unit) for unit in layer.units] == ["pixel", "pixel"]
    assert layer.metadata[METADATA_KEY]["mpp"] is None
    assert "unknown" in layer.metadata[METADATA_KEY]["physical_size"]
    give_mpp(layer, 0.4)
    np.testing.assert_allclose(layer.scale, (0.4, 0.4))
    assert str(layer.units[0]) == "micrometer" and given_mpp(layer) == 0.4


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_plain_image_opens_as_a_slide(tmp_path, ending):
    pixels = np.tile(np.arange(0, 256, dtype=np.uint8)[None, :, None], (300, 1, 3))
    path = tmp_path / f"field{ending}"
    PILImage.fromarray(pixels).save(path, quality=95)
    ((levels, options, _),) = get_reader(path)(path)
    assert abs(np.asarray(levels[0]).astype(int) - pixels).max() <= 3
    assert options["rgb"] and "scale" not in options


def test_what_is_no_slide_is_declined(tmp_path):
    (tmp_path / "table.tif").write_text("not a picture")
    np.save(tmp_path / "stack.npy", np.zeros((3, 4, 5)))
    assert get_reader(str(tmp_path / "table.tif")) is None
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "absent.svs")) is None
    assert get_reader([]) is None


def test_a_damaged_slide_is_claimed_and_its_error_names_it(tmp_path):
    path = tmp_path / "broken.svs"
    path.write_bytes(b"II*\0" + bytes(5000))
    with pytest.raises(SlideError, match=r"broken\.svs"):
        get_reader(str(path))(str(path))


def test_several_slides_become_several_layers(tmp_path, slide_file):
    other = write_slide(tmp_path / "other.tiff")
    both = [str(slide_file), str(other)]
    assert [options["name"] for _, options, _ in get_reader(both)(both)] == ["marked", "other"]


def test_napari_finds_the_reader_by_file_name():
    manifest = PluginManifest.from_distribution("napari-histoalign")
    manager = PluginManager()
    manager.register(manifest)
    for name in ("a.svs", "b.SVS", "c.ndpi", "d.ome.tif", "e.OME.TIFF", "f.mrxs", "g.png"):
        assert [r.command for r in manager.iter_compatible_readers(name)] == [
            "napari-histoalign.get_reader"
        ], name
    assert not list(manager.iter_compatible_readers("notes.txt"))


def test_every_command_of_the_manifest_can_be_imported():
    manifest = PluginManifest.from_distribution("napari-histoalign")
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(import_module(module), name)), command.id


def test_the_real_slide_shows_its_tissue(real_slide):
    viewer = ViewerModel()
    ((levels, options, _),) = read_slides(real_slide)
    layer = viewer.add_image(levels, **options)
    assert layer.level_shapes[0].tolist()[:2] == [2967, 2220]
    np.testing.assert_allclose(layer.scale, (0.499, 0.499), rtol=1e-3)
    mean = np.asarray(levels[-1]).mean(axis=(0, 1))
    assert mean[1] < mean[0] < 240, "stained tissue is pink: less green than red"
