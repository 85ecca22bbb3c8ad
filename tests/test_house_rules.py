"""Rules of the house that no unit test sees: who imports whom, and what start-up costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_rooms_import_downwards_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "module",
    [
        "napari_histoalign.cli",
        "napari_histoalign.encoders",
        "napari_histoalign.engine",
        "napari_histoalign.workflow",
        "napari_histoalign.sample",
        "qupath_bridge",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = "{'torch', 'transformers', 'open_clip', 'paquo', 'napari', 'PyQt6', 'qtpy', 'jpype'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_no_registry_address_or_lock_file_is_tracked() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"uv.lock", "poetry.lock", "pylock.toml"} & set(tracked)
    pins = [
        line
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert pins
    assert not [pin for pin in pins if "==" not in pin or "@" in pin or "/" in pin]
