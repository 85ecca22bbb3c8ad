"""One random case that most tests of strategies use."""

from __future__ import annotations

import pytest
from cases import Case, make_case


@pytest.fixture
def case() -> Case:
    """Fifty tiles, two views, three classes, two encoders."""
    return make_case()
