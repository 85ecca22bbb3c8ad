"""A desk with marking and reviewing, with and without scores."""

from __future__ import annotations

import pytest
from review_stand_ins import Side, snapshot


@pytest.fixture
def side(tmp_path):
    """Scores are shown; tiles 0, 1, 6 and 7 are surely tumour, 16 and 17 perhaps."""
    found = Side(tmp_path)
    found.desk.show(snapshot())
    yield found
    found.close()


@pytest.fixture
def idle(tmp_path):
    """Nothing was run yet."""
    found = Side(tmp_path)
    yield found
    found.close()
