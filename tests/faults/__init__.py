"""Every promise of docs/faults.md, proven: with figures, and with a broken variant that is seen to
fail.
"""

import os

import numpy as np

#: Of every random choice of the suite. The moments of kills depend on the machine's clock too.
SEED = int(os.environ.get("BDLAB_FAULTS_SEED", "20260729"))


def random(*key):
    """A generator of its own for every test."""
    return np.random.default_rng([SEED, *map(ord, "".join(map(str, key)))])
