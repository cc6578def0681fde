"""The shapes in the signatures are true: checked at every call, in a Python of their own."""

import subprocess
import sys

CODE = """
import beartype, beartype.door, beartype.vale, scipy.sparse, torch, torchvision, typing
from jaxtyping import TypeCheckError, install_import_hook

with install_import_hook(("bdlab.evaluation",), "beartype.beartype"):
    typing.TYPE_CHECKING = True  # the names of the shapes are imported for a checker only
    from bdlab import evaluation
    from bdlab.evaluation import counting
    typing.TYPE_CHECKING = False

import numpy as np
rng = np.random.default_rng(0)
ids, mask = np.arange(40) % 5, rng.random((8, 40)) < 0.2
draws = [np.arange(40), rng.permutation(40), np.arange(20)]
for kind in (np.float32, np.float64):
    for whole in (False, True):
        d = rng.integers(0, 9, (8, 40)).astype(kind) if whole else rng.random((8, 40)).astype(kind)
        for excluded in (None, mask):
            for unique in (False, True):
                evaluation.scores_of_draws(d, np.arange(8) % 5, ids, draws, excluded, unique)
        evaluation.topk(d, 3, mask)
a = evaluation.Embedded(rng.random((8, 4)), np.arange(8) % 5)
b = evaluation.Embedded(rng.random((40, 4)), ids)
evaluation.rank_large(a, b, k=3, chunk=7, unique_ids=True, rows=3)
try:
    counting.count_below(rng.random((3, 9)), rng.random((4, 2)))
except TypeCheckError:
    print("refused")
"""


def test_every_call_fits_and_a_wrong_one_is_refused():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["refused"], done.stderr[-2000:]
