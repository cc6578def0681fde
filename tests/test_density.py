"""The core is light: few syntax nodes a line, no comprehension in another, no overloaded
statement.
"""

import pytest

from .conftest import REPOSITORY
from .density import Measure, measure

#: Rooms held to it; others follow as they are lightened.
CORE = ("modality.py", "pixels.py", "losses.py", "network", "methods", "training")


@pytest.mark.parametrize("room", CORE)
def test_the_core_is_light(room):
    m = measure(REPOSITORY / "bdlab" / room)
    assert m.lines > 20
    assert m.density <= 10
    assert m.nested <= 0.5e-3 * m.lines
    assert m.heavy == 0
    assert m.wide == 0


def test_what_is_heavy_is_found():
    """The broken variant: one line that does all."""
    line = (
        "x = [[f(a, b, c) + g(a)[b] for a in s if a.b(c)] for s in {k: v for k, v in t.items()}]\n"
    )
    m = Measure()
    m.add('"""A docstring does not count."""\n\n# nor a comment\n' + line)
    assert m.lines == 1
    assert m.density > 10
    assert m.nested == 1
    m.add(line[:-2] + " + [q(r, s, t, u, v, w, x, y, z, r, s, t, u)]]\n")
    assert m.heavy >= 1
    assert m.wide == 1
