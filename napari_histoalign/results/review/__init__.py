"""What people say of a result: every act kept, the state that follows, and how far they agree."""

from napari_histoalign.results.review.acts import ARTEFACT, UNSURE, Act, Label
from napari_histoalign.results.review.agreement import Agreement, agreement, agreement_of
from napari_histoalign.results.review.compare import (
    Compared,
    Decisions,
    between_reviewers,
    decisions,
    with_model,
)
from napari_histoalign.results.review.content import LogContent, Problem, read_log
from napari_histoalign.results.review.fold import fold
from napari_histoalign.results.review.log import ReviewBusyError, ReviewLog
from napari_histoalign.results.review.matching import KnownRegion, same_regions
from napari_histoalign.results.review.reviewer import Reviewer
from napari_histoalign.results.review.state import AreaMark, Comment, RegionReview, ReviewState, TileMark
from napari_histoalign.results.review.targets import AreaTarget, Target, TileKey, TileTarget

__all__ = [
    "ARTEFACT",
    "UNSURE",
    "Act",
    "Agreement",
    "AreaMark",
    "AreaTarget",
    "Comment",
    "Compared",
    "Decisions",
    "KnownRegion",
    "Label",
    "LogContent",
    "Problem",
    "RegionReview",
    "ReviewBusyError",
    "ReviewLog",
    "ReviewState",
    "Reviewer",
    "Target",
    "TileKey",
    "TileMark",
    "TileTarget",
    "agreement",
    "agreement_of",
    "between_reviewers",
    "decisions",
    "fold",
    "read_log",
    "same_regions",
    "with_model",
]
