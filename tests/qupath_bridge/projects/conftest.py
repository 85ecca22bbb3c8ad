"""A project to write to."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_parts import made_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """See `made_project`."""
    return made_project(tmp_path / "study {a} v1.2")
