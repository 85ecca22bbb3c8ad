"""Everything needed to say how a number came about, and to do it again."""

from __future__ import annotations

import platform
from math import isnan
from typing import TYPE_CHECKING, Any

from napari_histoalign.results import Run, run_identity
from napari_histoalign.results.software import software_versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_histoalign.engine import Analysis, Scored
    from napari_histoalign.slides import TissueMask
    from napari_histoalign.workflow.summary import RunSummary


def identity(analysis: Analysis, scored: Scored) -> str:
    """Identity of a run: slide, grid, weights, views, prompts, alignment and refinement decide it."""
    alignment = scored.alignment.to_dict()
    if scored.steps:
        alignment["refinement"] = scored.refinement
    return run_identity(
        slide=analysis.slide.fingerprint,
        grid=analysis.grid.key,
        encoders=_encoders(analysis),
        prompts=scored.prompts.to_dict(),
        alignment=alignment,
        views=list(analysis.views),
    )


def provenance(
    run_id: str,
    analysis: Analysis,
    scored: Scored,
    summary: RunSummary,
    *,
    threshold: float,
    tissue: TissueMask | None,
    wanted_mpp: float | None,
    seconds: Mapping[str, float],
) -> Run:
    """The provenance of a scored slide; parameters as for `write_results`."""
    slide, grid = analysis.slide, analysis.grid
    return Run(
        run_id=run_id,
        software={
            "python": platform.python_version(),
            "platform": platform.platform(),
            **software_versions(),
        },
        slide={
            "file": slide.path.name,
            "fingerprint": slide.fingerprint,
            "backend": slide.backend,
            "vendor": slide.vendor,
            "dimensions": slide.dimensions,
            "level_dimensions": slide.level_dimensions,
            "bounds": slide.bounds,
            "mpp": slide.mpp,
            "mpp_source": slide.mpp_source,
        },
        grid={
            "origin": grid.origin,
            "tile_px": grid.tile_px,
            "stride_px": grid.stride_px,
            "columns": grid.columns,
            "rows": grid.rows,
            "input_px": grid.input_px,
            "mpp": grid.mpp,
            "wanted_mpp": wanted_mpp,
        },
        tissue=None if tissue is None else _tissue(tissue),
        encoders=tuple(_encoders(analysis)),
        prompts=scored.prompts.to_dict(),
        alignment={
            **scored.alignment.to_dict(),
            "views": analysis.views,
            "steps": scored.steps,
            "refinement": scored.refinement,
            "details": scored.details,
        },
        threshold=threshold,
        counts={
            "tiles": summary.tiles,
            "reused": summary.reused,
            "whole_slide": summary.whole_slide,
            "unread": {str(index): reason for index, reason in sorted(analysis.unread.items())},
            "classes": {
                c.name: {"tiles": c.tiles, "area_mm2": c.area_mm2, "regions": c.regions}
                for c in summary.classes
            },
        },
        seconds={**seconds, "tiles_per_second": summary.tiles_per_second},
        notes=summary.notes,
    )


def _encoders(analysis: Analysis) -> list[dict[str, Any]]:
    return [
        {
            "name": encoder.spec.name,
            "weights_sha256": encoder.weights_hash,
            "files_sha256": dict(encoder.file_hashes),
            "preprocessing": encoder.preprocessing,
            "logit_scale": encoder.logit_scale,
            "logit_bias": encoder.logit_bias,
            "licence": encoder.spec.licence,
        }
        for encoder in analysis.encoders
    ]


def _tissue(tissue: TissueMask) -> dict[str, Any]:
    drawn = isnan(tissue.threshold)
    return {
        "source": "region of interest" if drawn else "detector",
        "threshold": None if drawn else tissue.threshold,
        "share": tissue.area_share,
    }
