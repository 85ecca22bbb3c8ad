"""Keeps the encoder libraries off the network."""

from __future__ import annotations

import os
import sys

SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "DO_NOT_TRACK": "1",
}
"""What huggingface_hub reads once, when it is imported; transformers, timm and open_clip go through it."""
CONSTANTS = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_IMPLICIT_TOKEN")
"""Where huggingface_hub keeps what it read; it looks there before every request."""


def hub_off() -> None:
    """Forbid the libraries every access to their hub, whatever a person's environment says.

    Nothing here needs the network but `download`, which uses none of these libraries. It makes no
    difference whether another plugin imported them before, or gave them leave to connect. The switches
    hold for the whole process: other plugins cannot download through these libraries after this.
    """
    os.environ.update(SWITCHES)
    constants = sys.modules.get("huggingface_hub.constants")
    for name in CONSTANTS if constants is not None else ():
        setattr(constants, name, True)
