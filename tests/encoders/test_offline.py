"""Nothing but a download opens a connection."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NETWORK = {
    "urllib.request",
    "http",
    "socket",
    "ssl",
    "ftplib",
    "requests",
    "httpx",
    "aiohttp",
    "huggingface_hub",
}
# a person's environment that asks for connections
EAGER = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "0"}


def run(*command: str | Path, home: Path) -> str:
    environment = {**os.environ, **EAGER, "HF_HOME": str(home / "hf")}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_encoders_load_and_embed_without_a_connection(tmp_path: Path) -> None:
    """With a text tower that names a model of the hub, and a tokenizer that transformers reads."""
    found = json.loads(run(ROOT / "tests" / "encoders" / "offline_child.py", tmp_path, home=tmp_path))

    assert found["shapes"] == [[1, 16]] * 4
    assert found["tried"] == []
    # the same libraries would connect, and the guard would see it
    assert any("huggingface.co" in way for way in found["with leave"])


@pytest.mark.parametrize("before", [False, True])
def test_hub_is_off_whether_its_library_was_imported_before_or_not(tmp_path: Path, before: bool) -> None:
    code = f"""
import os
if {before}:
    import huggingface_hub.constants
    assert not huggingface_hub.constants.HF_HUB_OFFLINE
from napari_histoalign.encoders.offline import hub_off
hub_off()
import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import OfflineModeIsEnabled
assert os.environ["HF_HUB_OFFLINE"] == "1"
said = [huggingface_hub.is_offline_mode(), constants.HF_HUB_DISABLE_TELEMETRY]
said += [constants.HF_HUB_DISABLE_IMPLICIT_TOKEN]
try:
    huggingface_hub.get_session().get("http://127.0.0.1:9/")
except OfflineModeIsEnabled:
    said.append("refused")
print(said)
"""

    assert run("-c", code, home=tmp_path) == "[True, True, True, 'refused']"


def test_only_the_download_has_code_for_the_network() -> None:
    found = {}
    for package in ("napari_histoalign", "qupath_bridge"):
        for path in sorted((ROOT / package).rglob("*.py")):
            names = set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            used = {n for n in names if any(n == m or n.startswith(f"{m}.") for m in NETWORK)}
            if used:
                found[str(path.relative_to(ROOT))] = used

    fetching = "napari_histoalign/encoders/fetching"
    assert set(found) == {f"{fetching}/{n}.py" for n in ("addresses", "faults", "web")}


def test_nothing_but_the_download_imports_that_code() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "napari_histoalign").rglob("*.py")
        if "encoders.fetching" in path.read_text(encoding="utf-8") and path.parent.name != "fetching"
    }

    assert users == {"napari_histoalign/encoders/download.py"}
