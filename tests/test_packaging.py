"""The built distribution: manifest and resources are found in wheel and editable installs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LOOK = """
import json
from importlib.resources import files
from npe2 import PluginManifest
found = [r for r in PluginManifest.discover() if r.distribution and
         r.distribution.metadata["Name"] == "napari-histoalign"]
for r in found:
    assert r.error is None, r.error
package = files("napari_histoalign")
print(json.dumps({
    "name": found[0].manifest.name,
    "commands": [c.id for c in found[0].manifest.contributions.commands],
    "package": str(package),
    "resources": sorted(p.name for p in package.joinpath("resources", "prompts").iterdir()),
}))
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of what git tracks (or would), as after a clone."""
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    clone = tmp_path_factory.mktemp("clone") / "napari-histoalign"
    for name in names:
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    return clone


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the source distribution, as it would be published."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source)
    return next(out.glob("*.whl"))


def fresh_environment(folder: Path) -> Path:
    """A new environment that sees this one's libraries, but not this one's napari-histoalign."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    libraries = Path(
        run(sys.executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    for entry in libraries.iterdir():
        if "napari_histoalign" not in entry.name and "qupath_bridge" not in entry.name:
            (site / entry.name).symlink_to(entry)
    return python


def install(python: Path, *what: str | Path) -> None:
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        *what,
    )


def test_wheel_is_found_by_npe2_with_its_resources(wheel: Path, tmp_path: Path) -> None:
    python = fresh_environment(tmp_path / "env")
    install(python, wheel)

    found = json.loads(run(python, "-c", LOOK, cwd=tmp_path))

    assert Path(found["package"]).is_relative_to(tmp_path)
    assert found["name"] == "napari-histoalign"
    assert found["commands"]
    assert "breast.yaml" in found["resources"]


def test_installed_wheel_runs_its_command(wheel: Path, tmp_path: Path) -> None:
    python = fresh_environment(tmp_path / "env")
    install(python, wheel)

    shown = run(python.with_name("histoalign"), "--version", cwd=tmp_path)

    assert shown.strip().endswith("0.1.0")


def test_editable_install_sees_the_one_real_manifest(source: Path, tmp_path: Path) -> None:
    python = fresh_environment(tmp_path / "env")
    install(python, "-e", source)

    found = json.loads(run(python, "-c", LOOK, cwd=tmp_path))

    assert Path(found["package"]).is_relative_to(source)
    assert "breast.yaml" in found["resources"]
    linked = source / "napari_histoalign" / "napari.yaml"
    assert linked.resolve() == (source / "napari.yaml").resolve()


def test_wheel_holds_packages_and_nothing_else(wheel: Path) -> None:
    import zipfile

    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"napari_histoalign", "qupath_bridge", "napari_histoalign-0.1.0.dist-info"}


def test_base_requirements_hold_no_qt_binding_and_no_paquo(wheel: Path) -> None:
    import zipfile

    with zipfile.ZipFile(wheel) as file:
        metadata = file.read("napari_histoalign-0.1.0.dist-info/METADATA").decode()
    base = [
        line.removeprefix("Requires-Dist: ").lower()
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist:") and "extra ==" not in line
    ]

    assert any(r.startswith("napari") for r in base)
    assert not [r for r in base if r.startswith(("pyqt", "pyside", "paquo"))]


def test_manifest_validates() -> None:
    run(Path(sys.executable).with_name("npe2"), "validate", ROOT / "napari.yaml")
    run(Path(sys.executable).with_name("npe2"), "validate", "napari-histoalign")
