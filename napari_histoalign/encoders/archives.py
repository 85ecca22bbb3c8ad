"""PyTorch's files are zip archives; what they may be made of."""

from __future__ import annotations

import zipfile
from pathlib import Path

from napari_histoalign.errors import EncoderError

LARGEST_TABLE = 64 << 20
"""Bytes of the pickle that names the tensors; some hundred thousand are usual."""


def check_archive(path: Path) -> None:
    """Make sure that reading a zip archive takes no more memory than its size.

    PyTorch stores its parts as they are. Compressed ones could be a thousand times larger than the file,
    and a large pickle could build anything that memory holds. Files of other kinds are passed over.

    Raises
    ------
    EncoderError
        A part is compressed, or larger than it may be; or the archive is damaged.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
        size = path.stat().st_size
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RecursionError) as err:
        raise EncoderError(
            f"{path} is no whole PyTorch file ({err}). Was the download cut off? Get it again."
        ) from err
    packed = any(part.compress_type != zipfile.ZIP_STORED for part in parts)
    tables = sum(part.file_size for part in parts if part.filename.endswith(".pkl"))
    if packed or sum(part.file_size for part in parts) > size or tables > LARGEST_TABLE:
        raise EncoderError(
            f"{path} is packed as PyTorch packs no weights, and could take any amount of memory: it is not "
            "opened. Get the weights as safetensors."
        )
