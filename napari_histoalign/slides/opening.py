"""Opening a slide: which backend, and what to tell the person if none can."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.physical import given_mpp

if TYPE_CHECKING:
    from napari_histoalign.slides.base import Slide

log = logging.getLogger(__name__)

SLIDE_ENDINGS = frozenset(
    {".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".czi", ".svslide", ".dcm"}
)
"""Scanners' endings. Such a file may begin like a plain image (MRXS is a JPEG), and is none."""
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_slide(path: str | Path, *, mpp: float | tuple[float, float] | None = None) -> Slide:
    """Open a whole-slide image or a plain image.

    openslide reads the scanners' formats and tiled TIFF; tifffile reads OME-TIFF,
    TIFF that openslide refuses, and TIFF whose pyramid openslide does not see;
    Pillow reads plain images.

    Parameters
    ----------
    path
        The file.
    mpp
        Micrometres per level-0 pixel, one number or (x, y), in place of what the file says.

    Returns
    -------
    Slide
        To be closed by the caller.

    Raises
    ------
    SlideError
        The file cannot be opened, or `mpp` cannot be a pixel size.
    """
    path = Path(path)
    size = given_mpp(mpp)
    tiff = _head(path)[:4] in TIFF_MAGIC
    if tiff:
        _check_whole(path)
    if tiff and _is_ome(path):
        try:
            return _open_tiff(path, size)
        except SlideError as err:  # a kind of OME-TIFF that openslide may know
            log.debug("tifffile cannot open %s: %s", path.name, err)
            return _open_openslide(path, size) or _refuse(err)
    slide = _open_openslide(path, size)
    if slide is not None:
        if slide.vendor == "generic-tiff" and slide.level_count == 1:
            return _with_pyramid(path, size, slide)
        return slide
    if tiff:
        return _open_tiff(path, size)
    if path.suffix.lower() in SLIDE_ENDINGS:
        raise SlideError(
            f"{path} cannot be opened: it is not what its ending says, it is damaged, or files that belong "
            "to it are missing. Copy it again from its source, with the folder or files beside it."
        )
    return _open_image(path, size)


def _head(path: Path) -> bytes:
    """First bytes of a file, after the checks that need no image library."""
    if not path.exists():
        raise SlideError(f"{path} does not exist. Check the path, and that its drive is connected.")
    if path.is_dir():
        raise SlideError(f"{path} is a folder. Choose the slide's file in it.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as err:
        raise SlideError(f"{path} cannot be read ({err.strerror or err}). Check its permissions.") from err
    if not head:
        raise SlideError(f"{path} is empty. Copy it again from its source.")
    return head


def _check_whole(path: Path) -> None:
    """A TIFF that ends before its pixels do is refused at once, not in the middle of a run."""
    from napari_histoalign.slides.tiff_check import missing_bytes

    missing = missing_bytes(path)
    if missing:
        raise SlideError(
            f"{path} is cut short: at least {missing:,} bytes are missing at its end. Copy it again from its "
            "source."
        )


def _open_openslide(path: Path, mpp: tuple[float, float] | None) -> Slide | None:
    """The slide by openslide, or None if it is of no format that openslide knows."""
    try:
        import openslide

        from napari_histoalign.slides.openslide_backend import OpenSlideSlide
    except (ImportError, OSError) as err:
        raise SlideError(
            f"OpenSlide could not be loaded ({err}). Install it with `pip install openslide-bin`."
        ) from err
    try:
        return OpenSlideSlide(path, mpp)
    except openslide.OpenSlideUnsupportedFormatError:
        return None
    except openslide.OpenSlideError as err:
        raise SlideError(
            f"{path} cannot be opened ({err}). It is probably damaged, or files that belong to it are "
            "missing: copy it again from its source."
        ) from err


def _open_tiff(path: Path, mpp: tuple[float, float] | None) -> Slide:
    """The slide by tifffile."""
    from napari_histoalign.slides.tiff_backend import TiffSlide

    try:
        return TiffSlide(path, mpp)
    except SlideError:
        raise
    except Exception as err:  # damaged TIFFs raise whatever their nonsense leads to
        raise SlideError(
            f"{path} is a TIFF that cannot be read ({err}). It is probably damaged or cut short: copy it "
            "again from its source."
        ) from err


def _with_pyramid(path: Path, mpp: tuple[float, float] | None, slide: Slide) -> Slide:
    """The same TIFF by tifffile if that sees more levels than openslide (pyramids in SubIFDs)."""
    try:
        other = _open_tiff(path, mpp)
    except SlideError as err:
        log.debug("tifffile cannot open %s: %s", path.name, err)
        return slide
    if other.level_count <= slide.level_count or other.dimensions != slide.dimensions:
        other.close()
        return slide
    slide.close()
    return other


def _open_image(path: Path, mpp: tuple[float, float] | None) -> Slide:
    """The slide as a plain image."""
    from PIL import UnidentifiedImageError

    from napari_histoalign.slides.image_backend import ImageSlide

    try:
        return ImageSlide(path, mpp)
    except UnidentifiedImageError as err:
        raise SlideError(
            f"{path} is neither a slide nor an image of a known format. Choose a slide (for example .svs, "
            ".ndpi, .mrxs, .scn, .tiff) or an image (.png, .jpg, .tif); if it is one, it is damaged: copy "
            "it again."
        ) from err


def _is_ome(path: Path) -> bool:
    """Whether a TIFF is an OME-TIFF; only its first page is read."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            return bool(tiff.is_ome)
    except Exception as err:  # see `_open_tiff`
        log.debug("tifffile cannot open %s: %s", path.name, err)
        return False


def _refuse(err: SlideError) -> Slide:
    raise err
