"""A renderer of people: two cameras' worth of pictures, visible and infrared, of people who exist
nowhere.

``make`` writes a twin, a rendered stand-in for RegDB or SYSU-MM01 in the real set's own layout. Two
dials say how hard it is. ``channel_gap`` 0..1: what the infrared sensor sees, from the luminance of
the RGB scene to its own physics. ``appearance_gap`` 0..1: how far the infrared shot's pose, view,
place and light are from its RGB partner's, from the same to drawn on their own. ``counterfactual``
renders each shot from the other's place, so that the two gaps can be measured apart.
"""

from .render import Shot, counterfactual, picture, shots, views, who_is
from .twin import DEFAULT_DIALS, KINDS, SIZES, SPECS, Twin, TwinError, folder_name, parts, settle
from .write import describe, make

__all__ = [
    "DEFAULT_DIALS", "KINDS", "SIZES", "SPECS", "Shot", "Twin", "TwinError", "counterfactual",
    "describe", "folder_name", "make", "parts", "picture", "settle", "shots", "views", "who_is",
]  # fmt: skip
