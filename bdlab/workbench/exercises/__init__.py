"""Six exercises of ``notebooks/exercises``: each check takes the learner's function and returns a
Mark, right or a hint.

``exercises.derive(mine)`` prints a word and, if something is amiss, what to think about; it never
shows a solution, and what goes wrong inside ``mine`` is explained rather than raised.
"""

from .comparing import rescued
from .constraints import directed, hinge, mdl
from .deriving import derive
from .marking import Mark
from .scoring import interval, score

__all__ = ["Mark", "derive", "directed", "hinge", "interval", "mdl", "rescued", "score"]
