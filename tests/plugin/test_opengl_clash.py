"""Loading an encoder does not end the process whose window Mesa draws."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from napari_histoalign.encoders import opengl_clash

CHILD = """
import sys
from napari import Viewer
from qtpy.QtWidgets import QApplication
viewer = Viewer(show=True)
QApplication.processEvents()
from napari_histoalign.encoders.before_libraries import prepare_libraries
prepare_libraries()
from transformers import CLIPModel
import open_clip
viewer.close()
print("alive", sys.modules.get("triton"))
"""


@pytest.mark.window
@pytest.mark.usefixtures("display")
def test_transformers_can_be_imported_beside_a_window() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].startswith("alive")


@pytest.mark.parametrize(
    ("maps", "barred"),
    [("7f0-7f1 r-xp 0 08:01 1 /usr/lib/libLLVM-15.so.1\n", True), ("7f0 /usr/lib/libGLX_nvidia.so\n", False)],
)
def test_triton_is_barred_only_beside_a_system_llvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maps: str, barred: bool
) -> None:
    (tmp_path / "maps").write_text(maps)
    monkeypatch.setattr(opengl_clash, "MAPS", tmp_path / "maps")
    others = {n: m for n, m in sys.modules.items() if n != "triton"}
    monkeypatch.setattr(sys, "modules", others)
    opengl_clash.keep_triton_out()
    assert ("triton" in sys.modules) is barred


def test_triton_that_is_loaded_already_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "maps").write_text("/usr/lib/libLLVM-15.so.1")
    monkeypatch.setattr(opengl_clash, "MAPS", tmp_path / "maps")
    monkeypatch.setitem(sys.modules, "triton", sys)
    opengl_clash.keep_triton_out()
    assert sys.modules["triton"] is sys


def test_systems_without_a_list_of_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opengl_clash, "MAPS", Path("/no/such/maps"))
    before = dict(sys.modules)
    opengl_clash.keep_triton_out()
    assert sys.modules == before
