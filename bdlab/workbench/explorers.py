"""Interactive shells around figures and numbers: ipywidgets with PIL for quick sliders, anywidgets
where a hand is on a picture.

A widget lives in a running notebook only; beside every explorer stands a static figure of
``bdlab.workbench.style``. Each is one line in a notebook of your own:
``explorers.data(datasets.open("regdb", root))``.
"""

from bdlab.workbench.channels.explore import cell, channels
from bdlab.workbench.comparison.explore import runs
from bdlab.workbench.data.explore import data, dials
from bdlab.workbench.desk.epochs import epochs
from bdlab.workbench.desk.explore import desk
from bdlab.workbench.losses.drag import drag
from bdlab.workbench.losses.graph import graph
from bdlab.workbench.retrieval.explore import embedding_map, retrieval
from bdlab.workbench.retrieval.game import game

__all__ = [
    "cell",
    "channels",
    "data",
    "desk",
    "dials",
    "drag",
    "embedding_map",
    "epochs",
    "game",
    "graph",
    "retrieval",
    "runs",
]
