"""Interactive shells around figures and numbers: ipywidgets with PIL or SVG for quick sliders, and
three anywidgets: the graph, the desk and the board of runs.

A widget lives in a running notebook only; beside every explorer stands a static figure of
``bdlab.workbench.style``. Each is one line in a notebook of your own:
``explorers.data(datasets.open("regdb", root))``.
"""

from bdlab.workbench.channels.explore import cell, channels
from bdlab.workbench.comparison.explore import runs
from bdlab.workbench.data.explore import data, dials
from bdlab.workbench.desk.explore import desk
from bdlab.workbench.losses.graph import graph
from bdlab.workbench.losses.hinge import hinge
from bdlab.workbench.retrieval.explore import embedding_map, retrieval

__all__ = [
    "cell",
    "channels",
    "data",
    "desk",
    "dials",
    "embedding_map",
    "graph",
    "hinge",
    "retrieval",
    "runs",
]
