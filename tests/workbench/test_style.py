"""Figures hold the data they were given; nothing is drawn that was not."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn
from matplotlib.colors import to_rgb

from bdlab.modality import Modality
from bdlab.workbench import style

V, I, DV, DI = Modality


def test_the_style_file_is_seaborns_theme():
    """Written down because loading seaborn costs every cell of a sweep; a new seaborn that looks
    otherwise is noticed here.
    """
    ours = {}
    with plt.rc_context():
        plt.rcdefaults()
        style.theme()
        ours.update(plt.rcParams)
        plt.rcdefaults()
        seaborn.set_theme(
            context="notebook",
            style="whitegrid",
            palette="colorblind",
            rc={"figure.dpi": 110, "axes.titlesize": "medium"},
        )
        theirs = dict(plt.rcParams)
    differs = {name for name in theirs if ours[name] != theirs[name]}
    assert differs <= {
        "axes.prop_cycle",
        "image.cmap",
        "backend",
    }  # the cycle's colours in hex there; a colour map is always named
    cycles = [
        [to_rgb(c) for c in params["axes.prop_cycle"].by_key()["color"]]
        for params in (ours, theirs)
    ]
    np.testing.assert_allclose(*cycles, atol=1e-6)
    assert style.COLOURS[V] == to_rgb(seaborn.color_palette("colorblind")[0])
