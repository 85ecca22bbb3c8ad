"""PyTorch's files, looked at before PyTorch reads them: what they are made of, and how large it becomes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from napari_histoalign.encoders.foreign import reason
from napari_histoalign.encoders.pickles import BOMB, LARGEST, OtherPickle, check_pickle
from napari_histoalign.errors import EncoderError

ZIP = b"PK\x03\x04"
"""How they begin since version 1.6."""
OLD_PARTS = 5
"""Pickles in files from before; numbers follow."""


def check_archive(path: Path) -> None:
    """Make sure that reading a PyTorch file takes no more memory than its size lets expect.

    PyTorch stores the parts of its archives as they are. Compressed ones could be a thousand times larger
    than the file. For the pickles that name the tensors see `pickles.check_pickle`.

    Raises
    ------
    EncoderError
        A part is compressed, larger than it may be or of another kind; or the file is damaged.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(ZIP)) == ZIP:
                _check_zip(path)
            else:
                file.seek(0)
                # not the file itself, which would make room for whatever length a pickle claims
                head = io.BytesIO(file.read(3 * LARGEST))
                for _ in range(OLD_PARTS):
                    check_pickle(head)
    except OtherPickle as err:
        raise EncoderError(
            f"{path} {err}: it is not opened. Get the weights as safetensors or as a plain state dict."
        ) from err
    except OSError as err:
        raise EncoderError(f"{path} cannot be read ({err.strerror or err}).") from err
    except (ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as err:
        raise EncoderError(
            f"{path} is no whole PyTorch file ({reason(err)}). Was the download cut off? Get it again."
        ) from err


def _check_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        packed = any(part.compress_type != zipfile.ZIP_STORED for part in parts)
        if packed or sum(part.file_size for part in parts) > path.stat().st_size:
            raise OtherPickle(BOMB)
        # PyTorch finds a part by its name in any case
        tables = [part for part in parts if part.filename.lower().endswith(".pkl")]
        if any(part.file_size > LARGEST for part in tables):
            raise OtherPickle(BOMB)
        for part in tables:
            check_pickle(io.BytesIO(archive.read(part)))
