"""What an executed notebook shows."""

import base64
import io
import json

import numpy as np
from PIL import Image


def shown(path):
    """The PNG outputs of an executed notebook as arrays [H, W, 3] uint8."""
    found = []
    for cell in json.loads(path.read_text())["cells"]:
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error", output
            if "image/png" in output.get("data", {}):
                found.append(np.array(Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))).convert("RGB")))
    return found


def not_blank(picture):
    """More than one shade on a share of the picture that a frame and labels alone do not reach."""
    return (picture != picture[0, 0]).any(axis=2).mean() > 0.02 and len(np.unique(picture)) > 16
