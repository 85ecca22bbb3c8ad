"""The review report: what it says is what was found and said, and it is one file that is safe to open."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from shapely import box

from napari_histoalign.errors import ResultError, SlideError
from napari_histoalign.results import Run, read_probability_zarr, regions_from_map
from napari_histoalign.results.review import Act, AreaTarget, Label, Reviewer, TileTarget, fold
from napari_histoalign.slides import open_slide
from napari_histoalign.workflow.review_report import region_targets, write_review_report
from napari_histoalign.workflow.review_report import writing as report_writing
from napari_histoalign.workflow.review_report.texts import DASH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Drawn

    from napari_histoalign.results import Region
    from napari_histoalign.slides import Slide
    from napari_histoalign.workflow import RunSummary

ANNA, BEN = Reviewer("Anna <script>alert(1)</script>"), Reviewer("Ben")
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """A page as text, tables and pictures; unbalanced tags are a fault."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.rows: dict[str, list[list[str]]] = {}
        self.section, self.words = "", []
        self.feed(html)
        assert self.open == []
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = dict(attrs)["id"] or ""
        if tag == "dd":
            self.words.append(" ")
        if tag == "tr":
            self.rows.setdefault(self.section, []).append([])
        if tag in ("td", "th"):
            self.rows[self.section][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data)
        if {"td", "th"} & {*self.open}:
            cell = f"{self.rows[self.section][-1][-1]}{data}"
            self.rows[self.section][-1][-1] = re.sub(r"\s+", " ", cell).lstrip()

    def pictures(self) -> list[Image.Image]:
        sources = [value for tag, name, value in self.attributes if (tag, name) == ("img", "src")]
        return [Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))) for uri in sources]


@pytest.fixture(scope="module")
def slide(drawn: Drawn) -> Iterator[Slide]:
    with open_slide(drawn.path) as opened:
        yield opened


@pytest.fixture(scope="module")
def run(summary: RunSummary) -> Run:
    return Run.read(summary.folder / "run.json")


@pytest.fixture(scope="module")
def regions(summary: RunSummary, run: Run, slide: Slide) -> list[Region]:
    found, _ = read_probability_zarr(summary.folder / "probabilities.zarr")
    return regions_from_map(
        found,
        roles=[c["role"] for c in run.prompts["classes"]],
        threshold=run.threshold,
        slide_size=slide.dimensions,
        mpp=slide.mpp,
    )


@pytest.fixture(scope="module")
def targets(regions: list[Region], run: Run, slide: Slide) -> list[AreaTarget]:
    return region_targets(regions, run_id=run.run_id, fingerprint=slide.fingerprint)


def said(region: Region) -> dict[str, object]:
    return {"class": region.class_name, "probability": region.probability}


@pytest.fixture(scope="module")
def acts(regions: list[Region], targets: list[AreaTarget]) -> list[Act]:
    """A review of everything that a report can show."""
    done: list[Act] = []
    tiles = [TileTarget("g", i, (224 * i, 0), 224) for i in range(8)]
    blind = Reviewer(ANNA.who, blinded=True)
    model = {"class": "malignant"}
    done += blind.mark(fold(done), tiles[:6], Label.of("malignant"), model=lambda target: model)
    done += blind.mark(fold(done), tiles[4:6], Label.of("benign"), model=lambda target: model)
    done += ANNA.mark(fold(done), tiles[6:], Label.of("benign"), model=lambda target: model)
    done += BEN.mark(fold(done), tiles[:5], Label.of("malignant"), model=lambda target: model)
    state = fold(done)
    done += [
        ANNA.accept(state, targets[0], model=said(regions[0]), note='a "clear" <b>case</b>\nof it'),
        ANNA.reject(state, targets[1], model=said(regions[1])),
        BEN.accept(state, targets[1], model=said(regions[1])),
        ANNA.relabel(state, targets[2], "stroma", model=said(regions[2])),
        ANNA.comment(targets[2], "turns \u202e round"),
        ANNA.comment(None, "pale"),
        BEN.comment(tiles[3], "mitosis"),
        ANNA.accept(state, AreaTarget.of(box(0, 0, 1000, 500), "old"), model={"class": "gone class"}),
    ]
    return done


@pytest.fixture(scope="module")
def html(slide: Slide, summary: RunSummary, acts: list[Act], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "review.html"
    write_review_report(path, slide, summary.folder, acts, notes=["Line 7 was cut short."])
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_regions_have_the_ids_that_qupath_has(summary: RunSummary, targets: list[AreaTarget]) -> None:
    features = json.loads(summary.files["regions.geojson"].read_text(encoding="utf-8"))["features"]

    assert [target.uuid for target in targets] == [feature["id"] for feature in features]
    assert len(targets) > 3


def test_the_page_needs_and_reaches_nothing_else(html: str, page: Page) -> None:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert ("meta", "content", policy) in page.attributes
    loaded = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action")]
    assert loaded
    assert all(value.startswith("data:image/") for value in loaded)
    assert not re.search(r"<script|url\(|@import|\son\w+=", html)


def test_names_and_words_of_people_are_only_words(html: str, page: Page) -> None:
    assert "Anna <script>alert(1)</script>" in page.text
    assert '“a "clear" <b>case</b> of it”' in page.text
    assert "\u202e" not in html
    assert r"turns \u202e round" in page.text


def test_it_says_what_it_is_not_for_and_whose_it_is(page: Page, slide: Slide, run: Run) -> None:
    assert page.text.count("Not for diagnostic use.") == 2
    assert slide.fingerprint in page.text
    assert run.run_id in page.text
    assert "Line 7 was cut short." in page.text
    for encoder in run.encoders:
        assert encoder["weights_sha256"] in page.text
    assert "Demonstration encoder, trained on drawn tissue only: not for diagnosis" in page.text
    assert "BSD-3-Clause" in page.text


def test_every_prompt_is_there_in_full(page: Page, run: Run) -> None:
    for entry in run.prompts["classes"]:
        for prompt in entry["prompts"]:
            assert prompt in page.text


def test_areas_are_those_of_the_run_and_of_what_was_accepted(
    page: Page, summary: RunSummary, regions: list[Region], slide: Slide
) -> None:
    rows = {cells[0].strip(): cells[1:] for cells in page.rows["areas"][1:]}
    for entry in summary.classes:
        tiles, area, number = rows[entry.name][:3]
        assert int(tiles.replace(",", "")) == entry.tiles
        assert float(area) == pytest.approx(entry.area_mm2, rel=0.006, abs=5e-5)
        assert number == (DASH if entry.regions is None else str(entry.regions))

    accepted: dict[str, float] = {}
    for region, name in ((regions[0], regions[0].class_name), (regions[1], regions[1].class_name)):
        accepted[name] = accepted.get(name, 0.0) + region.area_um2 / 1e6
    accepted["stroma"] = regions[2].area_um2 / 1e6
    assert slide.mpp is not None
    accepted["gone class"] = 1000 * 500 * slide.mpp[0] * slide.mpp[1] / 1e6
    for name, area in accepted.items():
        assert float(rows[name][5]) == pytest.approx(area, rel=0.006, abs=5e-5)
    assert sum(float(cells[5]) for cells in rows.values()) == pytest.approx(sum(accepted.values()), rel=0.01)


def test_each_region_has_its_class_figures_and_decisions(page: Page, regions: list[Region]) -> None:
    rows = page.rows["regions"][1:]

    def row(i: int) -> list[str]:
        return next(cells for cells in rows if cells[0] == str(i + 1))

    assert [cells[0] for cells in rows] == [str(i + 1) for i in range(len(rows))]
    for i in (0, 1, 2):
        assert row(i)[3] == f"{regions[i].probability:.2f}"
        assert float(row(i)[4]) == pytest.approx(regions[i].area_um2 / 1e6, rel=0.006, abs=5e-5)
    assert row(0)[2].strip() == regions[0].class_name
    assert row(0)[5].startswith("accepted ")
    assert "disputed" in row(1)[5]
    assert "rejected" in row(1)[5]
    assert "stroma" in row(2)[2]
    assert f"model: {regions[2].class_name}" in row(2)[2]
    assert "accepted as stroma" in row(2)[5]
    assert "of an earlier run" in row(3)[2]
    assert len(rows) == len(regions) + 1  # the one of the earlier run, and all that nobody looked at
    assert row(4)[5].strip() == "not reviewed"


def test_agreement_stands_apart_for_blinded_answers(page: Page) -> None:
    rows = [cells for cells in page.rows["agreement"] if len(cells) == 8]
    found = {(cells[0][:4], cells[1]): cells[2:] for cells in rows if cells[0] != "Reviewer"}

    assert found["Anna", "blinded"][:2] == ["6", "67 %"]
    assert found["Anna", "answer shown"][:2] == ["2", "0 %"]
    assert found["Ben", "answer shown"][:2] == ["5", "100 %"]
    assert found["Anna", "Ben"][:2] == ["5", "80 %"]
    assert found["Anna", "blinded"][3:5] == ["0.00", ""]  # the model always said the same
    decided = {cells[0][:4]: cells[1:] for cells in page.rows["agreement"] if len(cells) == 4}
    assert decided["Anna"] == ["2", "1", "1"]
    assert decided["Ben"] == ["1", "0", "0"]


def test_comments_stand_where_they_belong(page: Page) -> None:
    assert re.search(r"“pale” Anna .{30,60}, on the slide", page.text)
    assert re.search(r"“mitosis” Ben, .{15,25}, on the tile at 672, 0", page.text)


def test_pictures_show_the_slide_and_the_outline(
    page: Page, slide: Slide, regions: list[Region], run: Run
) -> None:
    pictures = page.pictures()
    shown = [c for c in run.prompts["classes"] if c["role"] != "background"]
    maps, crops = pictures[: len(shown) + 1], pictures[len(shown) + 1 :]
    assert len(crops) == len(regions) + 1
    assert all(max(p.size) >= 720 and p.format == "PNG" for p in maps)
    thumbnail = slide.thumbnail(720).astype(float)
    overview = np.asarray(maps[-1].convert("RGB")).astype(float)
    assert overview.shape == thumbnail.shape
    assert 0.5 < (np.abs(overview - thumbnail).max(axis=2) < 1).mean() < 0.999

    x0, y0, x1, y1 = regions[0].polygon.bounds
    crop = np.asarray(crops[0].convert("RGB")).astype(float)
    scale = crop.shape[1] / ((x1 - x0) * 1.24)
    colour = np.array([int(regions[0].color[i : i + 2], 16) for i in (1, 3, 5)])
    corner = min(regions[0].polygon.exterior.coords, key=lambda p: (p[0], p[1]))
    column = round((corner[0] - (x0 + x1) / 2) * scale + crop.shape[1] / 2)
    row = round((corner[1] - (y0 + y1) / 2) * scale + crop.shape[0] / 2)
    near = crop[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4].reshape(-1, 3)
    assert np.abs(near - colour).max(axis=1).min() < 60


def test_results_of_another_slide_are_refused_and_an_earlier_report_stays(
    slide: Slide, summary: RunSummary, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    told = json.loads((summary.folder / "run.json").read_text(encoding="utf-8"))
    told["slide"] |= {"fingerprint": "cd" * 32, "file": "other.svs"}
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    report = tmp_path / "review.html"
    report.write_text("earlier")

    with pytest.raises(ResultError, match=r"those of other\.svs"):
        write_review_report(report, slide, folder, [])
    with pytest.raises(ResultError, match="no provenance"):
        write_review_report(report, slide, tmp_path, [])
    assert report.read_text() == "earlier"
    with pytest.raises(ResultError, match="could not be written"):
        write_review_report(tmp_path / "none" / "review.html", slide, summary.folder, [])


def test_a_review_that_has_hardly_begun_and_pictures_that_cannot_be_read(
    slide: Slide, summary: RunSummary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_histoalign.workflow.review_report import regions as report_regions

    def unreadable(*_: object) -> str:
        raise SlideError("the file ends early.")

    monkeypatch.setattr(report_writing.pictures, "crop", unreadable)
    monkeypatch.setattr(report_regions, "PENDING_LINES", 2)
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [5, 0], [9, 0], [0, 0]]]}
    act = Act("Ben", "comment", AreaTarget("drawn", flat), note="on nothing")
    path = write_review_report(tmp_path / "review.html", slide, summary.folder, [act])

    page = Page(path.read_text(encoding="utf-8"))
    number = sum(c.regions or 0 for c in summary.classes)
    assert re.search("“on nothing” Ben, .{15,25}, on a drawn area", page.text)
    assert "There is nothing to compare yet." in page.text
    assert f"{number - 2} smaller regions were not reviewed and are not listed." in page.text
    assert "Region 1 has no picture: the file ends early." in page.text
    areas = [float(cells[4]) for cells in page.rows["regions"][1:]]
    assert len(areas) == 2
    assert areas == sorted(areas, reverse=True)


def test_without_a_review_and_with_outlines_that_enclose_nothing(
    slide: Slide, summary: RunSummary, tmp_path: Path
) -> None:
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [5, 0], [9, 0], [0, 0]]]}
    accepted = Act("Ben", "accept", AreaTarget("old", flat), after={"decision": "accepted"})
    report = tmp_path / "review.html"

    page = Page(write_review_report(report, slide, summary.folder, []).read_text(encoding="utf-8"))
    assert "Reviewed by nobody yet" in page.text
    page = Page(write_review_report(report, slide, summary.folder, [accepted]).read_text(encoding="utf-8"))
    assert "Region 1 has no picture: its outline encloses nothing." in page.text
    assert page.rows["regions"][1][4] == "0"
