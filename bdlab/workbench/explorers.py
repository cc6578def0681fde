"""Interactive shells around figures and numbers: ipywidgets with PIL or SVG for quick sliders, and one anywidget, the graph.

A widget lives in a running notebook only; beside every explorer stands a static figure of ``bdlab.figures``. Each is one line in a
notebook of your own: ``explorers.data(datasets.open("regdb", root))``.
"""

from .channels import cell, channels
from .graph import graph
from .losses import hinge
from .retrieval import embedding_map, retrieval
from .sets import data, dials

__all__ = ["cell", "channels", "data", "dials", "embedding_map", "graph", "hinge", "retrieval"]
