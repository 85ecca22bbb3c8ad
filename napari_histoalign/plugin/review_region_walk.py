"""Walking the model's regions, the least sure first, and deciding on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from napari_histoalign.plugin.review_page import ReviewPage
from napari_histoalign.plugin.review_regions import ReviewItem, model_regions, to_review

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.marking_draw import DrawLayer
    from napari_histoalign.plugin.review_book import ReviewBook
    from napari_histoalign.plugin.review_outline import OutlineLayer
    from napari_histoalign.results.review import Act, AreaTarget, RegionReview, Reviewer, ReviewState

ERRAND = "regions to review"
COLOR = "#00e5ff"
"""Of the outline: like nothing in a stained section."""
PENDING = "pending"


class RegionWalk:
    """The regions, and which of them is looked at.

    Parameters
    ----------
    desk, book
        The dock and the review.
    outline, draw
        Show and draw outlines.
    changed
        Called when there is something else to show.
    """

    def __init__(
        self,
        desk: Desk,
        book: ReviewBook,
        outline: OutlineLayer,
        draw: DrawLayer,
        changed: Callable[[], None],
    ) -> None:
        self._desk, self._book, self._outline, self._draw = desk, book, outline, draw
        self._changed = changed
        self._all: list[ReviewItem] = []
        self._at = ""
        self._shown: object = None
        self._listed = False
        self.threshold = 0.5
        self.class_name = ""
        self.least_tiles = 1

    def start(self) -> None:
        """List the regions, and look at the first that is open."""
        self._at, self._shown, self._listed = "", None, False
        self.refresh()

    def stop(self) -> None:
        """Leave the regions; their identity is kept for the next time."""
        self._desk.errands.forget(ERRAND)
        self._draw.stop()
        self._outline.hide()

    def forget(self) -> None:
        """There is another slide."""
        self._all = []

    def refresh(self) -> None:
        """List the regions of the scores shown now; done in the background."""
        snapshot, slide = self._desk.snapshot(), self._desk.slide_layer()
        if snapshot is None or slide is None:
            self._on_listed([])
            return
        height, width = slide.level_shapes[0][:2] if slide.multiscale else slide.data.shape[:2]
        threshold, before, state = self.threshold, tuple(self._all), self._book.state
        own = self._book.own

        def work() -> list[ReviewItem]:
            regions = model_regions(snapshot, threshold, (int(width), int(height)))
            return to_review(regions, state.regions, before, own.regions)

        self._desk.errands.ask(ERRAND, work, self._on_listed)

    @property
    def items(self) -> list[ReviewItem]:
        """What is to be reviewed under the filters, in order."""
        return [item for item in self._all if self._wanted(item)]

    @property
    def current(self) -> ReviewItem | None:
        """What is looked at."""
        return next((item for item in self.items if item.target.uuid == self._at), None)

    def page(self) -> ReviewPage:
        """What the box should show."""
        items, item = self.items, self.current
        done = sum(self._decision(one) != PENDING for one in items)
        if item is None:
            # the camera stays where the person looks
            text = "The model draws this region otherwise now. N goes to the next."
            if not items:
                text = "No region reaches the threshold and the filters." if self._listed else "Listing ..."
            return ReviewPage("regions", text, "", done, len(items))
        number = next(i for i, one in enumerate(items, 1) if one is item)
        sure = "" if item.probability != item.probability else f" {item.probability:.2f}"
        size = f", {item.tiles} tile{'s' if item.tiles != 1 else ''}" if item.tiles else ", no longer drawn"
        heading = f"Region {number} of {len(items)}: {item.class_name}{sure}{size}"
        return ReviewPage("regions", heading, self._detail(item), done, len(items), ready=True)

    def step(self, by: int) -> None:
        """Look at the next region, or the one before; round and round."""
        items = self.items
        if not items:
            return
        at = next((i for i, one in enumerate(items) if one.target.uuid == self._at), -1 if by > 0 else 0)
        self.go(items[(at + by) % len(items)].target.uuid)

    def go(self, key: str) -> None:
        """Look at a region."""
        self._at = key
        self.show()

    def show(self) -> None:
        """Show what is looked at, and move there if it is something else than before."""
        item, slide = self.current, self._desk.slide_layer()
        if item is None or slide is None:
            self._outline.hide()
        else:
            polygon = self._target(item).polygon
            about = (item.target.uuid, polygon.wkb)
            if about != self._shown:
                moved = self._shown is None or self._shown[0] != about[0]  # type: ignore[index]
                self._shown = about
                if moved:
                    x0, y0, x1, y1 = polygon.bounds
                    self._desk.go_to((x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0))
                self._outline.show(polygon, COLOR, slide)
        self._changed()

    # decisions

    def accept(self) -> None:
        """It is right."""
        self._decide(lambda who, state, item, at: who.accept(state, at, model=item.model))

    def reject(self) -> None:
        """It is wrong."""
        self._decide(lambda who, state, item, at: who.reject(state, at, model=item.model))

    def reopen(self) -> None:
        """Leave it open again."""
        self._decide(lambda who, state, item, at: who.reopen(state, at), onwards=False)

    def relabel(self, class_name: str) -> None:
        """It is of another class; of the same one: it is right."""
        item = self.current
        if item is None:
            return
        given = self._review(item)
        if class_name == item.class_name and not (given and given.class_name):
            self.accept()
            return
        self._decide(lambda who, state, item, at: who.relabel(state, at, class_name, model=item.model))

    def redraw(self) -> None:
        """Let the person draw another outline."""
        item, slide = self.current, self._desk.slide_layer()
        if item is None or slide is None:
            return
        self._draw.start(slide, COLOR, self._on_drawn)
        self._desk.say("Drag around the region: the new outline replaces the old one.")

    def _on_drawn(self, area: Any) -> None:
        slide = self._desk.slide_layer()
        polygon = None if slide is None else _area_only(area)
        self._draw.stop()
        if polygon is None:
            self._desk.say("That outline encloses nothing: draw it again.", error=True)
            return
        self._decide(
            lambda who, state, item, at: who.redraw(at, polygon, model=item.model),
            onwards=False,
        )

    def _decide(
        self,
        make: Callable[[Reviewer, ReviewState, ReviewItem, AreaTarget], Act],
        *,
        onwards: bool = True,
    ) -> None:
        item = self.current
        if item is None:
            self._desk.say("There is no region to decide on.")
            return
        target = self._target(item)
        if not self._book.do(lambda who, state: [make(who, state, item, target)]):
            return
        if onwards:
            self._onwards()
        else:
            self.show()

    def _onwards(self) -> None:
        """Look at the next region that is open."""
        items = self.items
        at = next((i for i, one in enumerate(items) if one.target.uuid == self._at), -1)
        ahead = [*items[at + 1 :], *items[: at + 1]]
        following = next((one for one in ahead if self._decision(one) == PENDING), None)
        if following is not None:
            self.go(following.target.uuid)
            return
        self.show()
        if items:
            self._desk.say(f"All {len(items)} regions are reviewed.")

    def _on_listed(self, items: Sequence[ReviewItem]) -> None:
        self._all, self._listed = list(items), True
        if not self._at and items:
            self._onwards()
        else:
            self.show()

    def _wanted(self, item: ReviewItem) -> bool:
        review = self._review(item)
        given = review.class_name if review else ""
        if self.class_name and self.class_name not in (item.class_name, given):
            return False
        return item.tiles >= self.least_tiles or review is not None

    def _review(self, item: ReviewItem) -> RegionReview | None:
        return self._book.own.regions.get(item.target.uuid)

    def _target(self, item: ReviewItem) -> AreaTarget:
        """The region with its present outline."""
        review = self._review(item)
        return item.target if review is None else review.target

    def _decision(self, item: ReviewItem) -> str:
        review = self._review(item)
        return PENDING if review is None else review.decision

    def _detail(self, item: ReviewItem) -> str:
        review = self._review(item)
        said = []
        if review is not None and review.decision != PENDING:
            given = f" as {review.class_name}" if review.class_name else ""
            said.append(f"You {review.decision} it{given}{', redrawn' if review.redrawn else ''}.")
        comments = self._book.state.comments_on(item.target.uuid)
        said += [f"{comment.act.who}: {comment.text}" for comment in comments]
        return "\n".join(said)


def _area_only(geometry: Any) -> Any:
    """The polygons of a geometry, as one; None if it has none."""
    import shapely

    parts = [part for part in shapely.get_parts(geometry).tolist() if part.geom_type == "Polygon"]
    return shapely.union_all(parts) if parts else None
